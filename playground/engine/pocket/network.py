"""The three ONNX graphs of the pocket model as plain functions on arrays, loaded once and checked against their checksums."""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from playground.weights import Array, open_session, run_session, verify

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Ids = npt.NDArray[np.int64]

WEIGHTS = Path(__file__).parent / "weights"
CHANNELS, STRIDE_PX, HEAD_DIM = 16, 16, 64
TEXT_TOKENS = 8
"""Four words of one token, two things of two."""


@dataclass(frozen=True)
class Network:
    """Encoder, flow and decoder. Thread-safe: ONNX sessions may be run from several threads."""

    encoder: "InferenceSession"
    flow: "InferenceSession"
    decoder: "InferenceSession"

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> Self:
        """Read and verify the weights. Raises EngineError if a file is missing or not the one that was published."""
        verify(folder, owner="The pocket model")
        return cls(*(open_session(folder / f"{name}.onnx") for name in ("encoder", "flow", "decoder")))

    def encode(self, pixels: Array) -> Array:
        """(b, 3, 16·rows, 16·cols) in −1…1 to latents (b, 16, rows, cols)."""
        return run_session(self.encoder, {"x": pixels})

    def velocity(self, z: Array, sigma: float, *, words: Ids, things: Ids, guidance: float) -> Array:
        """Velocity from noise to picture at noise level sigma: z (1, 16, rows, cols), words (4,), things (2,) ids."""
        _, _, rows, cols = z.shape
        cos, sin = rope(rows, cols)
        return run_session(
            self.flow,
            {
                "z": z,
                "t": np.array([1 - sigma], np.float32),
                "words": words[None],
                "things": things[None],
                "guidance": np.array([guidance], np.float32),
                "rope_cos": cos,
                "rope_sin": sin,
                "log2_size": np.array([math.log2(rows * cols / 64)], np.float32),
            },
        )

    def decode(self, z: Array) -> Array:
        """Latents (b, 16, rows, cols) to pixels (b, 3, 16·rows, 16·cols) in −1…1."""
        return run_session(self.decoder, {"z": z})


@lru_cache(maxsize=16)
def rope(rows: int, cols: int) -> tuple[Array, Array]:
    """cos and sin, each (rows·cols + TEXT_TOKENS, HEAD_DIM / 2), of two-dimensional rotary positions.

    Positions are scaled so that a picture of any size spans the same range; text sits at 0.
    """
    scale = 8 / math.sqrt(rows * cols)
    y = (np.arange(rows) + 0.5 - rows / 2) * scale
    x = (np.arange(cols) + 0.5 - cols / 2) * scale
    frequencies = np.exp(np.linspace(math.log(0.15), math.log(3.1), HEAD_DIM // 4))
    shape = (rows, cols, len(frequencies))
    angles = np.concatenate(
        [
            np.broadcast_to(y[:, None, None] * frequencies, shape),
            np.broadcast_to(x[None, :, None] * frequencies, shape),
        ],
        axis=-1,
    ).reshape(rows * cols, -1)
    angles = np.concatenate([angles, np.zeros((TEXT_TOKENS, HEAD_DIM // 2))]).astype(np.float32)
    return np.cos(angles), np.sin(angles)
