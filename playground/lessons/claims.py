"""Whether a lesson's claim holds: its figure for each picture, and the trend from one value to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from statistics import mean

import numpy as np
import numpy.typing as npt
from PIL import Image

from playground.lessons.lesson import Claim, Figure, Trend

_CLEAR = 5.0
"""Mean difference, of 255, from which on two pictures are plainly not the same."""
_ABOUT = 1.07
_MONOTONE = 0.8


@dataclass(frozen=True)
class Made:
    """What one value of a lesson made: its pictures, and the first one's file."""

    pictures: tuple[Image.Image, ...]
    file: bytes = b""

    @property
    def decoded(self) -> Image.Image:
        """The first picture as it comes out of its file."""
        return Image.open(BytesIO(self.file)).convert("RGB")


def figures(figure: Figure, made: Sequence[Made], *, image: Image.Image | None = None) -> list[float]:
    """The figure of each value's (first) picture. Differences are mean absolute ones, of 255."""
    shown = [one.pictures[0] for one in made]
    match figure:
        case "bytes":
            return [float(len(one.file)) for one in made]
        case "count":
            return [float(len(one.pictures)) for one in made]
        case "pixels":
            return [float(picture.width * picture.height) for picture in shown]
        case "from_first":
            return [difference(picture, shown[0]) for picture in shown]
        case "from_last":
            return [difference(picture, shown[-1]) for picture in shown]
        case "from_image":
            if image is None:
                raise ValueError("the difference from the image needs the image")
            return [difference(picture, image) for picture in shown]


def holds(claim: Claim, runs: Sequence[Sequence[float]], *, luck: float) -> bool:
    """Whether the claim is true of the figures of several seeds, (seeds, values), on average.

    luck: the mean difference between two seeds' pictures, of 255.
    """
    return _follows(claim.trend, [mean(column) for column in zip(*runs, strict=True)], luck=luck)


def _follows(trend: Trend, values: Sequence[float], *, luck: float) -> bool:
    match trend:
        case "rises":
            return values[-1] > values[0] and _rank_correlation(values) >= _MONOTONE
        case "falls":
            return _follows("rises", [-value for value in values], luck=luck)
        case "stays":
            return max(values) <= _ABOUT * min(values)
        case "differs":
            return min(values[1:]) > _CLEAR
        case "below_luck":
            return max(values) < luck / 3


def _rank_correlation(values: Sequence[float]) -> float:
    """Spearman's correlation between the values and their places, −1…1."""
    ranks = np.argsort(np.argsort(np.asarray(values)))
    return float(np.corrcoef(ranks, np.arange(len(values)))[0, 1])


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two pictures of one size, of 255; the second is resized if it has another."""
    resized = other if other.size == one.size else other.resize(one.size, Image.Resampling.LANCZOS)
    return float(np.abs(_values(one) - _values(resized)).mean())


def _values(picture: Image.Image) -> npt.NDArray[np.float32]:
    return np.asarray(picture.convert("RGB"), np.float32)
