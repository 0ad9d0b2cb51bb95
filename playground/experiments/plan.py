"""Plans of sweeps: one or two inputs over values, everything else as it was, as an ordered list of requests. Pure.

In a plan's requests `image` holds the digest of the picture that will be sent, so that requests are told apart by it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from playground.contract.effects import effective_seed, remarks
from playground.contract.inputs import PredictionInput, explain, label
from playground.contract.model import ModelInfo
from playground.errors import BadInputError
from playground.experiments.axis import MOST_CELLS, Axis

MOST_CREDITS = 1800
"""What one click may spend: 40 pictures of 45 credits."""


@dataclass(frozen=True)
class Cell:
    """One place of the grid and the request that fills it."""

    row: int
    column: int
    request: PredictionInput


@dataclass(frozen=True)
class Plan:
    """The grid: `cells` row by row, `x` across and `y` down."""

    x: Axis
    y: Axis | None
    cells: tuple[Cell, ...]
    image_names: Mapping[str, str]
    """What the pictures to start from are called, by the digest that stands for them in the requests."""

    @cached_property
    def requests(self) -> tuple[PredictionInput, ...]:
        """The different requests in order: cells that ask for the same are made once."""
        return tuple(dict.fromkeys(cell.request for cell in self.cells))

    @property
    def axes(self) -> tuple[Axis, ...]:
        """One or two."""
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def rows(self) -> int:
        """How many there are; 1 without a Y axis."""
        return 1 if self.y is None else len(self.y.values)

    def cell(self, row: int, column: int) -> Cell:
        """The cell at this place. Raises BadInputError outside the grid."""
        if not (0 <= row < self.rows and 0 <= column < len(self.x.values)):
            raise BadInputError("There is no such cell in this sweep.", advice="Click one in the grid.")
        return self.cells[row * len(self.x.values) + column]

    def caption(self, cell: Cell) -> str:
        """The cell's values in words: "Guidance 3 · Steps 28"."""
        parts = [f"{label(self.x.name)} {self.x.labels[cell.column]}"]
        if self.y is not None:
            parts.append(f"{label(self.y.name)} {self.y.labels[cell.row]}")
        return " · ".join(parts)


def make_plan(
    base: PredictionInput, x: Axis, y: Axis | None = None, *, image_names: Mapping[str, str] = MappingProxyType({})
) -> Plan:
    """Every combination of the axes' values on the base settings. Raises BadInputError.

    All cells share the base's seed unless seed is an axis, so that what differs between two cells is what was varied.
    """
    axes = (x,) if y is None else (x, y)
    if y is not None and x.name == y.name and x.name != "prompt":
        raise BadInputError(f"Both axes vary {label(x.name)}.", advice="Vary another input in one of them.")
    if effective_seed(base) is None and "seed" not in [axis.name for axis in axes]:
        raise BadInputError("A sweep needs one seed for all its pictures.", advice="Enter a seed, or vary the seed.")
    count = len(x.values) * (1 if y is None else len(y.values))
    if count > MOST_CELLS:
        raise BadInputError(
            f"These axes make {count} pictures; one sweep makes at most {MOST_CELLS}.", advice="Name fewer values."
        )
    cells: list[Cell] = []
    for row in range(1 if y is None else len(y.values)):
        for column in range(len(x.values)):
            request = _varied(base, x, column)
            cells.append(Cell(row, column, request if y is None else _varied(request, y, row)))
    return Plan(x, y, tuple(cells), image_names)


def check_credits(model: ModelInfo, requests: int) -> int:
    """The credits that so many requests cost. Raises BadInputError where that is more than one click may spend."""
    credits = model.credits_per_request * requests
    if credits > MOST_CREDITS:
        raise BadInputError(
            f"These {requests} pictures cost {credits} credits; one sweep spends at most {MOST_CREDITS}.",
            advice="Name fewer values, or use the pocket model.",
        )
    return credits


def plan_remarks(plan: Plan, model: ModelInfo) -> tuple[str, ...]:
    """What has no effect or is not read, each said once, with the number of pictures where that is not all of them."""
    found: dict[str, int] = {}
    for request in plan.requests:
        for remark in remarks(request, model, has_image=request.image is not None):
            found[remark] = found.get(remark, 0) + 1
    total = len(plan.requests)
    return tuple(text if count == total else f"{text} ({count} of {total} pictures)" for text, count in found.items())


def left_to_make(plan: Plan, made: Collection[PredictionInput]) -> Sequence[PredictionInput]:
    """The plan's different requests that are not made yet, in order."""
    return [request for request in plan.requests if request not in made]


def _varied(request: PredictionInput, axis: Axis, index: int) -> PredictionInput:
    value: Any = axis.values[index]
    if axis.name == "prompt":
        value = request.prompt.replace(axis.searched, str(value))
    try:
        return PredictionInput.model_validate(request.model_dump() | {axis.name: value})
    except ValidationError as error:
        raise BadInputError(f"{axis.place} ({label(axis.name)}): {explain(error)}.", advice="Correct this axis.") from error
