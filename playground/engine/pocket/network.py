"""The three ONNX graphs of the pocket model as plain functions on arrays, loaded once and checked against their checksums."""

import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt

from playground.engine.pocket.text import TOKENS
from playground.errors import EngineError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Array = npt.NDArray[np.floating[Any]]

WEIGHTS = Path(__file__).parent / "weights"
CHANNELS, STRIDE_PX, HEAD_DIM = 16, 16, 64
_MOST_THREADS = 8


@dataclass(frozen=True)
class Network:
    """Encoder, flow and decoder. Thread-safe: ONNX sessions may be run from several threads."""

    encoder: "InferenceSession"
    flow: "InferenceSession"
    decoder: "InferenceSession"

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> Self:
        """Read and verify the weights. Raises EngineError if a file is missing or not the one that was published."""
        _verify(folder)
        return cls(*(_session(folder / f"{name}.onnx") for name in ("encoder", "flow", "decoder")))

    def encode(self, pixels: Array) -> Array:
        """(b, 3, 16·rows, 16·cols) in −1…1 to latents (b, 16, rows, cols)."""
        return _run(self.encoder, {"x": pixels})

    def velocity(self, z: Array, sigma: float, tokens: npt.NDArray[np.int64]) -> Array:
        """Velocity from noise to picture (b, 16, rows, cols) at noise level sigma; z likewise, tokens (b, TOKENS)."""
        batch, _, rows, cols = z.shape
        cos, sin = rope(rows, cols)
        size = math.log2(rows * cols / 64)
        return _run(
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
        return _run(self.decoder, {"z": z})


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


def _session(path: Path) -> "InferenceSession":
    import onnxruntime  # a page that only talks to the hosted API never needs it

    cast(Any, onnxruntime).disable_telemetry_events()
    options = cast(Any, onnxruntime).SessionOptions()
    options.intra_op_num_threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)
    # Spinning threads gain 8 % here and take the cores away from the page between two steps.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _run(session: "InferenceSession", feed: dict[str, Any]) -> Array:
    return cast(Any, session).run(None, feed)[0]


def _verify(folder: Path) -> None:
    advice = "Install the playground again."
    try:
        for line in (folder / "SHA256SUMS").read_text().splitlines():
            expected, name = line.split()
            with (folder / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                    raise EngineError(f"The pocket model's file {name} is damaged.", advice=advice)
    except OSError as error:
        name = Path(str(error.filename)).name
        raise EngineError(f"The pocket model's file {name} is missing or unreadable.", advice=advice) from error
    except ValueError as error:
        raise EngineError("The pocket model's file SHA256SUMS is damaged.", advice=advice) from error
