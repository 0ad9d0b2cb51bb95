"""The pictures and figures that ship with the lessons, made by the pocket model; remade whenever its weights are."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from PIL import Image

from playground.contract.inputs import PredictionInput
from playground.engine.base import Step
from playground.engine.pocket import PocketEngine
from playground.lessons.claims import Made, difference, figures
from playground.lessons.lesson import FIGURES_FILE, PICTURES, UPLOAD_FILE, Lesson, read_lessons
from playground.lessons.thumbnail import thumbnail
from playground.service.outputs import encode

SEEDS = (7, 11, 23)
_UPLOADED = PredictionInput(prompt="3d render of hamburger on white background", seed=7, go_fast=False, megapixels="0.25")
_QUALITY = 82


@dataclass(frozen=True)
class Measured:
    """What a lesson's values made with several seeds."""

    made: list[list[Made]]
    """(seeds, values)"""
    figures: list[list[float]]
    """(seeds, values)"""
    luck: float
    """Mean difference between the pictures of two seeds, of 255."""


def uploaded_picture(engine: PocketEngine) -> Image.Image:
    """The picture that the img2img lessons start from."""
    return engine.generate(_UPLOADED, seed=_UPLOADED.seed or 1, image=None, on_step=_unwatched)[0]


def measure(lesson: Lesson, engine: PocketEngine, uploaded: Image.Image) -> Measured:
    """Draw every value with every seed."""
    made = [[_made(lesson, place, seed, engine, uploaded) for place in range(len(lesson.values))] for seed in SEEDS]
    found = [figures(lesson.claim.figure, row, image=uploaded) for row in made]
    first, *others = (row[-1].pictures[0] for row in made)
    return Measured(made, found, mean(difference(other, first) for other in others))


def write(folder: Path = PICTURES) -> None:
    """Draw and measure all lessons; takes some minutes."""
    folder.mkdir(exist_ok=True)
    engine, found = PocketEngine(), {}
    uploaded = uploaded_picture(engine)
    uploaded.save(folder / UPLOAD_FILE, "WEBP", quality=90)
    for name, lesson in read_lessons().items():
        measured = measure(lesson, engine, uploaded)
        for place, made in enumerate(measured.made[0]):
            _thumbnail(lesson, made).save(folder / lesson.picture(place).name, "WEBP", quality=_QUALITY)
        columns = zip(*measured.figures, strict=True)
        found[name] = {"values": [round(mean(column), 4) for column in columns], "luck": round(measured.luck, 2)}
        print(name, found[name], flush=True)
    (folder / FIGURES_FILE).write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _made(lesson: Lesson, place: int, seed: int, engine: PocketEngine, uploaded: Image.Image) -> Made:
    request = lesson.request(place, seed=seed)
    image = uploaded if lesson.has_image(place) else None
    drawn = engine.generate(request, seed=request.seed or seed, image=image, on_step=_unwatched)
    file = encode(drawn[0], request, model_id=engine.info.id, seed=seed)
    return Made(tuple(drawn), file)


def _thumbnail(lesson: Lesson, made: Made) -> Image.Image:
    """Where the file is the point, the picture as it comes out of the file."""
    return thumbnail([made.decoded] if lesson.input in {"output_format", "output_quality"} else made.pictures)


def _unwatched(_: Step) -> None:
    """Nobody looks: no preview is decoded."""
