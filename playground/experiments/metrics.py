"""Figures of a picture and of a pair of pictures, so that a difference can be measured and not only seen.

Pure functions on RGB pictures; channels run from 0 to 1.
"""

import importlib
import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Floats = npt.NDArray[np.float32]

LARGEST_DELTA_E = 50.0
"""The ΔE that the heat map draws brightest. About 2 is just noticeable, 100 lies between black and white."""
_HEAT = ((0.0, (0, 0, 0)), (0.25, (87, 16, 110)), (0.5, (188, 55, 84)), (0.75, (249, 142, 9)), (1.0, (252, 255, 164)))
_PALETTE_SIDE_PX = 128
_SSIM_WINDOW_PX = 7


@dataclass(frozen=True)
class Swatch:
    """A colour as #rrggbb and the share of the picture that it stands for, 0 to 1."""

    colour: str
    share: float


@dataclass(frozen=True)
class PictureFigures:
    """What is measured of one picture."""

    size_px: tuple[int, int]
    sharpness: float
    colourfulness: float
    saturation: float
    contrast: float
    colours: tuple[Swatch, ...]


@dataclass(frozen=True)
class PairFigures:
    """What is measured of two pictures, both brought to `size_px`."""

    size_px: tuple[int, int]
    is_resized: bool
    """Whether one was shrunk, or cut to the common shape, before it could be compared."""
    psnr_db: float
    ssim: float
    delta_e: float


def picture_figures(picture: Image.Image) -> PictureFigures:
    """All figures of one picture."""
    pixels = _pixels(picture)
    return PictureFigures(
        size_px=picture.size,
        sharpness=sharpness(pixels),
        colourfulness=colourfulness(pixels),
        saturation=saturation(pixels),
        contrast=contrast(pixels),
        colours=dominant_colours(picture),
    )


def compare(first: Image.Image, second: Image.Image) -> tuple[PairFigures, Image.Image]:
    """The figures of a pair, and its heat map of ΔE at the size of the comparison."""
    size_px = common_size(first, second)
    a, b = _pixels(fitted(first, size_px)), _pixels(fitted(second, size_px))
    delta = delta_e(a, b)
    figures = PairFigures(
        size_px=size_px,
        is_resized=first.size != second.size,
        psnr_db=psnr(a, b),
        ssim=ssim(a, b),
        delta_e=float(delta.mean()),
    )
    return figures, heat_map(delta)


def common_size(first: Image.Image, second: Image.Image) -> tuple[int, int]:
    """(width_px, height_px) that both pictures have at least."""
    return min(first.width, second.width), min(first.height, second.height)


def fitted(picture: Image.Image, size_px: tuple[int, int]) -> Image.Image:
    """The picture's middle in the shape of `size_px`, shrunk to it; itself where it has that size."""
    return picture if picture.size == size_px else ImageOps.fit(picture, size_px, Image.Resampling.LANCZOS)


def psnr(a: Floats, b: Floats) -> float:
    """Peak signal-to-noise ratio in dB, from 0 (black against white) upwards; infinite for equal pictures."""
    if np.array_equal(a, b):
        return math.inf
    return float(_skimage("metrics").peak_signal_noise_ratio(a, b, data_range=1.0))


def ssim(a: Floats, b: Floats) -> float:
    """Structural similarity of the luma: 1 for equal pictures, −1 at the least.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment" (2004), with scikit-image's window of 7×7.
    """
    side_px = min(_SSIM_WINDOW_PX, *a.shape[:2])
    window_px = side_px if side_px % 2 else side_px - 1
    made = _skimage("metrics").structural_similarity(_grey(a), _grey(b), data_range=1.0, win_size=window_px)
    return min(1.0, float(made))


def delta_e(a: Floats, b: Floats) -> Floats:
    """The distance of each pixel's two colours in CIELAB (ΔE of 1976), from 0; shape (height, width)."""
    color = _skimage("color")
    return np.asarray(color.deltaE_cie76(color.rgb2lab(a), color.rgb2lab(b)), dtype=np.float32)


def heat_map(delta: Floats) -> Image.Image:
    """ΔE as a picture: black at 0, then violet, red and orange to pale yellow at LARGEST_DELTA_E and above."""
    share = np.clip(delta / LARGEST_DELTA_E, 0, 1)
    stops = [stop for stop, _ in _HEAT]
    channels = [np.interp(share, stops, [colour[channel] for _, colour in _HEAT]) for channel in range(3)]
    return Image.fromarray(np.stack(channels, axis=-1).round().astype(np.uint8))


def sharpness(pixels: Floats) -> float:
    """1 − the blur effect of Crété-Roffet and others, "The blur effect" (2007): 0 is blurred throughout, 1 is crisp.

    It asks how much a picture changes when it is blurred once more, so noise and a plain ground hardly matter. A picture
    of one colour has nothing to blur and counts as 0.
    """
    if float(np.ptp(pixels.reshape(-1, 3), axis=0).max()) == 0:
        return 0.0
    return float(np.clip(1 - float(_skimage("measure").blur_effect(_grey(pixels))), 0, 1))


def colourfulness(pixels: Floats) -> float:
    """Hasler and Süsstrunk, "Measuring colourfulness in natural images" (2003): 0 is grey, above 109 extremely colourful."""
    red, green, blue = (255 * pixels[..., channel] for channel in range(3))
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = math.hypot(float(red_green.std()), float(yellow_blue.std()))
    return spread + 0.3 * math.hypot(float(red_green.mean()), float(yellow_blue.mean()))


def saturation(pixels: Floats) -> float:
    """The mean of HSV's saturation, (max − min) / max of a pixel's channels: 0 is grey, 1 pure colour."""
    most, least = pixels.max(axis=2), pixels.min(axis=2)
    return float(np.divide(most - least, most, out=np.zeros_like(most), where=most > 0).mean())


def contrast(pixels: Floats) -> float:
    """RMS contrast, the standard deviation of the luma (Peli, "Contrast in complex images", 1990): 0 to 0.5."""
    return float(_grey(pixels).std())


def dominant_colours(picture: Image.Image, *, count: int = 5) -> tuple[Swatch, ...]:
    """The largest of at most `count` colours by median cut, refined by k-means (both Pillow's), in order of their share."""
    small = picture.convert("RGB")
    small.thumbnail((_PALETTE_SIDE_PX, _PALETTE_SIDE_PX), reducing_gap=3.0)
    reduced = small.quantize(colors=count, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    palette, total = reduced.getpalette() or [], small.width * small.height
    found = cast(list[tuple[int, int]], reduced.getcolors() or [])
    shares: dict[str, int] = {}
    for pixels, place in found:
        name = "#" + bytes(palette[3 * place : 3 * place + 3]).hex()
        shares[name] = shares.get(name, 0) + pixels
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Swatch(name, pixels / total) for name, pixels in ordered)


def _pixels(picture: Image.Image) -> Floats:
    """(height, width, 3), 0 to 1."""
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / np.float32(255)


def _grey(pixels: Floats) -> Floats:
    """Luma after ITU-R BT.601, (height, width), 0 to 1."""
    return (pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)).astype(np.float32)


def _skimage(part: str) -> Any:
    """A part of scikit-image, loaded when it is first needed: it takes a second, which a starting page should not wait."""
    return importlib.import_module(f"skimage.{part}")
