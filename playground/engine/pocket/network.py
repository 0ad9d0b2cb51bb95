"""The three ONNX graphs of the pocket model as plain functions on arrays, loaded once and checked against their checksums."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from playground.engine.pocket.text import TOKENS
from playground.weights import Array, open_session, run_session, verify

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WEIGHTS = Path(__file__).parent / "weights"
CHANNELS, STRIDE_PX, HEAD_DIM = 16, 16, 64


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

    def velocity(self, z: Array, sigma: float, tokens: npt.NDArray[np.int64]) -> Array:
        """Velocity from noise to picture (b, 16, rows, cols) at noise level sigma; z likewise, tokens (b, TOKENS)."""
        batch, _, rows, cols = z.shape
        cos, sin = rope(rows, cols)
        size = math.log2(rows * cols / 64)
        return run_session(
            self.flow,
            {
                "z": z,
                "t": np.full(batch, 1 - sigma, np.float32),
                "tokens": tokens,
                "rope_cos": cos,
                "rope_sin": sin,
                "log2_size": np.full(batch, size, np.float32),
            },
        )

    def decode(self, z: Array) -> Array:
        """Latents (b, 16, rows, cols) to pixels (b, 3, 16·rows, 16·cols) in −1…1."""
        return run_session(self.decoder, {"z": z})


def rope(rows: int, cols: int) -> tuple[Array, Array]:
    """cos and sin, each (rows·cols + TOKENS, HEAD_DIM / 2), of two-dimensional rotary positions.

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
    angles = np.concatenate([angles, np.zeros((TOKENS, HEAD_DIM // 2))]).astype(np.float32)
    return np.cos(angles), np.sin(angles)
