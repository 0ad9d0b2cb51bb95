"""What a sweep shows in figures: each measured figure over the varied input, and how much of it seeds alone explain."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from playground.contract.inputs import PredictionInput, label
from playground.experiments.axis import Axis
from playground.experiments.made import Made
from playground.experiments.metrics import compare, picture_figures
from playground.experiments.plan import Cell, Plan
from playground.experiments.thumbnail import reread

_COMPARED_SIDE_PX = 256


@dataclass(frozen=True)
class Figure:
    """One thing that is measured of every picture."""

    name: str
    unit: str = ""


SHARPNESS, COLOURFULNESS = Figure("Sharpness"), Figure("Colourfulness")
SATURATION, CONTRAST = Figure("Saturation"), Figure("Contrast")
CHANGE = Figure("Difference from the first", "ΔE")
SIZE, TIME = Figure("File size", "kB"), Figure("Time", "s")
FIGURES = (CHANGE, SATURATION, COLOURFULNESS, CONTRAST, SHARPNESS, SIZE, TIME)

Measured = Mapping[PredictionInput, Mapping[Figure, float]]


@dataclass(frozen=True)
class Point:
    """One value of the varied input: the figure's mean over the seeds, and their standard deviation."""

    index: int
    mean: float
    deviation: float
    seeds: int


@dataclass(frozen=True)
class Curve:
    """A figure over the varied input; `label` tells the curves of one figure apart."""

    label: str
    points: tuple[Point, ...]

    @property
    def effect(self) -> float:
        """How far the means lie apart."""
        means = [point.mean for point in self.points]
        return max(means) - min(means)

    @property
    def luck(self) -> float | None:
        """The pooled standard deviation between seeds; None with one seed."""
        several = [point for point in self.points if point.seeds > 1]
        if not several:
            return None
        return statistics.fmean(point.deviation**2 for point in several) ** 0.5

    @property
    def is_more_than_luck(self) -> bool | None:
        """Whether the effect is wider than the band of one deviation to either side; None where luck is not known."""
        luck = self.luck
        return None if luck is None else self.effect > 2 * luck


def measure(plan: Plan, made: Mapping[PredictionInput, Made]) -> Measured:
    """All figures of all pictures that are there; of several outputs the first counts. Blocks. Raises StorageError."""
    measured: dict[PredictionInput, dict[Figure, float]] = {}
    for cell in plan.cells:
        result = made[cell.request].result if made[cell.request].has_picture else None
        if result is None or cell.request in measured:
            continue
        figures = measured[cell.request] = _of_file(result.files[0])
        figures[SIZE] = result.size_bytes / 1000
        if result.time_s is not None:
            figures[TIME] = result.time_s
        first = made[_first(plan, cell).request]
        if first.result is not None and first.has_picture:
            figures[CHANGE] = _change(first.result.files[0], result.files[0])
    return measured


def varied(plan: Plan) -> Axis:
    """The axis that the curves go along: the first that is not the seed."""
    return plan.y if plan.x.name == "seed" and plan.y is not None else plan.x


def curves(plan: Plan, measured: Measured) -> dict[Figure, tuple[Curve, ...]]:
    """For every figure a curve over the varied input, or one for each value of a second input that is not the seed."""
    return {figure: found for figure in FIGURES if (found := _curves(plan, measured, figure))}


def _curves(plan: Plan, measured: Measured, figure: Figure) -> tuple[Curve, ...]:
    other = plan.y if varied(plan) is plan.x else plan.x
    values: dict[str, dict[int, list[float]]] = {}
    for cell in plan.cells:
        index, line = (cell.column, cell.row) if varied(plan) is plan.x else (cell.row, cell.column)
        value = measured.get(cell.request, {}).get(figure)
        if value is not None:
            name = "" if other is None or other.name == "seed" else f"{label(other.name)} {other.labels[line]}"
            values.setdefault(name, {}).setdefault(index, []).append(value)
    return tuple(
        Curve(name, tuple(_point(index, found) for index, found in sorted(line.items()))) for name, line in values.items()
    )


def _point(index: int, values: list[float]) -> Point:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return Point(index, statistics.fmean(values), deviation, len(values))


def _first(plan: Plan, cell: Cell) -> Cell:
    return plan.cell(cell.row, 0) if varied(plan) is plan.x else plan.cell(0, cell.column)


def _of_file(path: Path) -> dict[Figure, float]:
    figures = picture_figures(reread(path))
    return {
        SHARPNESS: figures.sharpness,
        COLOURFULNESS: figures.colourfulness,
        SATURATION: figures.saturation,
        CONTRAST: figures.contrast,
    }


def _change(first: Path, path: Path) -> float:
    """Mean ΔE, on small copies: a sweep has hundreds of pairs, and the mean barely changes with the size."""
    if first == path:
        return 0.0
    pair = [reread(file) for file in (first, path)]
    for picture in pair:
        picture.thumbnail((_COMPARED_SIDE_PX, _COMPARED_SIDE_PX), Image.Resampling.BOX)
    return compare(pair[0], pair[1])[0].delta_e
