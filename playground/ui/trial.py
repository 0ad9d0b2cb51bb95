"""A trial of two or three runs: read from as many forms, followed to all their ends, and measured."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageOps

from playground.client.api import ImageFile
from playground.contract.inputs import INPUTS, PredictionInput
from playground.errors import OutputError
from playground.experiments.metrics import compare, picture_figures
from playground.experiments.run import Run, RunUpdate
from playground.ui import compared, format
from playground.ui.compared import SIDES
from playground.ui.form import read_form

OWN_INPUTS = tuple(name for name in INPUTS if name != "image")
"""The inputs that each side has for itself; the image is shared."""
PAIRS = ("A|B", "A|C", "B|C")
"""What is slid over each other and measured against each other."""


@dataclass(frozen=True)
class Trial:
    """The two or three runs that are compared, A first, and the sizes of their pictures."""

    runs: tuple[Run, ...]
    sizes_px: tuple[tuple[int, int], ...]

    @property
    def is_over(self) -> bool:
        return all(run.latest.is_over for run in self.runs)

    @property
    def files(self) -> tuple[Path | None, ...]:
        """The first picture of each side, None where none came to be (and of a third side that is not compared)."""
        made = [run.latest.files[0] if run.latest.files else None for run in self.runs]
        return (*made, *[None] * (len(SIDES) - len(made)))

    @property
    def swapped(self) -> "Trial":
        """A and B in each other's place."""
        (run_a, run_b, *runs), (size_a, size_b, *sizes_px) = self.runs, self.sizes_px
        return Trial((run_b, run_a, *runs), (size_b, size_a, *sizes_px))

    def pairs(self) -> list[str]:
        """Those of which both pictures came to be."""
        return [pair for pair in PAIRS if all(self.files[place] for place in _places(pair))]


Read = tuple[PredictionInput, ImageFile | None, tuple[int, int]]


class Form(NamedTuple):
    """The tab's values: the inputs of each side that is compared by name, the image among them, and if one seed is shared."""

    sides: tuple[dict[str, Any], ...]
    one_seed: bool

    @classmethod
    def read(cls, values: Sequence[Any]) -> "Form":
        """From values in the order of `CompareTab.values`."""
        *own, image, one_seed, has_third = values
        sides = [dict(zip(OWN_INPUTS, each, strict=True)) | {"image": image} for each in by_side(own)]
        seed = {"seed": sides[0]["seed"]} if one_seed else {}
        return cls(tuple(side | seed for side in sides[: 3 if has_third else 2]), bool(one_seed))


def by_side(values: Sequence[Any]) -> list[list[Any]]:
    """The values of all forms in a row as a list for each side."""
    count = len(OWN_INPUTS)
    return [list(values[start : start + count]) for start in range(0, len(values), count)]


class Seen(NamedTuple):
    """What a pair shows: two slides of one size, the heat map, and how far they are apart as HTML."""

    slides: tuple[Any, Any] | None
    heat: Image.Image | None
    words: str


def look(trial: Trial, pair: str) -> Seen:
    """What can be seen and measured of one pair of `trial.pairs()`. Blocks: use a thread."""
    files = [trial.files[place] for place in _places(pair)]
    try:
        a, b = (_opened(path) for path in files if path)
    except OutputError as error:
        return Seen(None, None, format.error_line(error))
    figures, heat = compare(a, b)
    size_px = max(a.width, b.width), max(a.height, b.height)
    return Seen(_slides(a, b, files, size_px), heat, compared.pair_lines(pair, figures) + compared.slide_shape(size_px))


def figures_of(trial: Trial) -> str:
    """The table of what is measured of each picture, as HTML. Blocks: use a thread."""
    measured: list[compared.Measured | None] = []
    for run, path in zip(trial.runs, trial.files, strict=False):
        try:
            measured.append(compared.Measured(run.latest, picture_figures(_opened(path))) if path else None)
        except OutputError:
            measured.append(None)
    return compared.table(measured)


def _places(pair: str) -> list[int]:
    return [SIDES.index(letter.lower()) for letter in pair.split("|")]


def _slides(a: Image.Image, b: Image.Image, files: Sequence[Path | None], size_px: tuple[int, int]) -> tuple[Any, Any]:
    """The files themselves where they have one size; else copies laid into the size that holds both."""
    if a.size == b.size:
        return str(files[0]), str(files[1])
    return ImageOps.pad(a, size_px, Image.Resampling.LANCZOS), ImageOps.pad(b, size_px, Image.Resampling.LANCZOS)


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as opened:
            return opened.convert("RGB")
    except Exception as error:  # Pillow raises whatever it stumbles over
        raise OutputError("A finished picture cannot be read, so nothing can be measured.") from error


def read_sides(form: Form) -> list[Read]:
    """All requests, each with its image file and size; one seed for all where that is wanted. Blocks: use a thread."""
    first = read_form(form.sides[0])
    seed = {"seed": first[0].seed} if form.one_seed else {}
    return [first, *(read_form(side | seed) for side in form.sides[1:])]


async def updates_of(runs: Sequence[Run]) -> AsyncGenerator[tuple[int, RunUpdate]]:
    """The updates of all runs as they come, each with its run's place; ends when all are over."""
    queue: asyncio.Queue[tuple[int, RunUpdate]] = asyncio.Queue(maxsize=1)

    async def pump(place: int, run: Run) -> None:
        async for update in run.updates():
            await queue.put((place, update))

    pumps = [asyncio.create_task(pump(place, run)) for place, run in enumerate(runs)]
    under_way = len(runs)
    try:
        while under_way:
            place, update = await queue.get()
            under_way -= update.is_over
            yield place, update
    finally:
        for task in pumps:
            task.cancel()
