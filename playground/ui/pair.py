"""A pair of runs: read from the two forms, followed to both their ends, and measured."""

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
from playground.ui.form import read_form

OWN_INPUTS = tuple(name for name in INPUTS if name != "image")
"""The inputs that each side has for itself; the image is shared."""


@dataclass(frozen=True)
class Pair:
    """Two runs that are compared, A first, and the sizes of their pictures."""

    runs: tuple[Run, Run]
    sizes_px: tuple[tuple[int, int], tuple[int, int]]

    @property
    def is_over(self) -> bool:
        return all(run.latest.is_over for run in self.runs)

    @property
    def swapped(self) -> "Pair":
        (run_a, run_b), (size_a, size_b) = self.runs, self.sizes_px
        return Pair((run_b, run_a), (size_b, size_a))


Read = tuple[PredictionInput, ImageFile | None, tuple[int, int]]


class Form(NamedTuple):
    """The tab's values: the inputs of A and of B by name, the image among them, and whether one seed is shared."""

    sides: tuple[dict[str, Any], dict[str, Any]]
    one_seed: bool

    @classmethod
    def read(cls, values: Sequence[Any]) -> "Form":
        """From values in the order of `CompareTab.values`."""
        count = len(OWN_INPUTS)
        *_, image, one_seed = values
        a, b = (
            {**dict(zip(OWN_INPUTS, own, strict=True)), "image": image} for own in (values[:count], values[count : 2 * count])
        )
        return cls((a, b | {"seed": a["seed"]} if one_seed else b), bool(one_seed))


class Seen(NamedTuple):
    """What a pair shows: two slides of one size, the heat map, and the figures as HTML."""

    slides: tuple[Any, Any] | None
    heat: Image.Image | None
    words: str


def measure(pair: Pair) -> Seen:
    """What can be seen and measured of the pictures that came to be. Blocks: use a thread."""
    files = [run.latest.files[0] if run.latest.files else None for run in pair.runs]
    try:
        pictures = [_opened(path) if path else None for path in files]
    except OutputError as error:
        return Seen(None, None, format.error_line(error))
    measured = [
        compared.Measured(run.latest, picture_figures(picture)) if picture else None
        for run, picture in zip(pair.runs, pictures, strict=True)
    ]
    a, b = pictures
    if a is None or b is None:
        return Seen(None, None, compared.table(measured))
    figures, heat = compare(a, b)
    size_px = max(a.width, b.width), max(a.height, b.height)
    words = compared.pair_lines(figures) + compared.table(measured) + compared.slide_shape(size_px)
    return Seen(_slides(a, b, files, size_px), heat, words)


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


def read_both(form: Form) -> tuple[Read, Read]:
    """Both requests, each with its image file and size; one seed for both where that is wanted. Blocks: use a thread."""
    first = read_form(form.sides[0])
    seed = {"seed": first[0].seed} if form.one_seed else {}
    return first, read_form(form.sides[1] | seed)


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
