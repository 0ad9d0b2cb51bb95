"""Pictures by formula, the same to the byte on every machine, on which the converted classifier is compared with its source.

`python -m tests.safety.pictures FOLDER` writes them as raw RGB bytes for reference.mjs, which asks TensorFlow.js.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE_PX = 224

Pixels = npt.NDArray[np.uint8]


def pictures() -> dict[str, Pixels]:
    """(224, 224, 3) each, by name."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    ring = (x - 112) ** 2 + (y - 112) ** 2
    made = {
        "black": np.zeros((SIDE_PX, SIDE_PX, 3)),
        "checks": np.where(((x // 28 + y // 28) % 2 == 0)[..., None], (20, 60, 200), (250, 240, 230)),
        "gradient": np.stack([x, y, 223 - x], axis=-1),
        "noise": scattered(7, SIDE_PX),
        "rings": np.stack([ring // 40 % 256, ring // 90 % 256, ring // 200 % 256], axis=-1),
        "sun": np.where((ring < 4900)[..., None], (250, 200, 40), (70, 150, 220)),
    }
    return {name: pixels.astype(np.uint8) for name, pixels in made.items()} | {"clay": clay()}


def clay() -> Pixels:
    """Soft folds in a brown tone. They show nothing at all, and the classifier takes them for something to withhold."""
    folds = scattered(13, 16)[..., :1].astype(np.int64) * 90 // 255 - 45
    large = folds.repeat(SIDE_PX // 16, axis=0).repeat(SIDE_PX // 16, axis=1)
    shade = (np.arange(SIDE_PX)[:, None, None] - SIDE_PX // 2) * 60 // SIDE_PX
    return smoothed(np.clip(np.array([110, 68, 45]) + large + shade, 0, 255), radius=4)


def smoothed(values: npt.NDArray[np.int64], *, radius: int, rounds: int = 3) -> Pixels:
    """Box means along both axes in whole numbers, so that no rounding differs between machines."""
    width = 2 * radius + 1
    for axis in (0, 1) * rounds:
        padded = np.pad(values, [(radius, radius) if each == axis else (0, 0) for each in range(3)], mode="edge")
        values = np.lib.stride_tricks.sliding_window_view(padded, width, axis).sum(-1) // width
    return values.astype(np.uint8)


def scattered(seed: int, side_px: int) -> Pixels:
    """(side, side, 3) of numbers without order: a multiplicative hash of the position."""
    at = np.arange(seed * 1_000_003, seed * 1_000_003 + side_px * side_px * 3, dtype=np.uint64)
    mixed = (at ^ (at >> np.uint64(7))) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(56)).astype(np.uint8).reshape(side_px, side_px, 3)


def picture(name: str) -> Image.Image:
    """One of them as Pillow sees it."""
    return Image.fromarray(pictures()[name])


if __name__ == "__main__":
    for each, pixels in pictures().items():
        (Path(sys.argv[1]) / f"{each}.rgb").write_bytes(pixels.tobytes())
