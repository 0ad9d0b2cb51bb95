"""Every lesson's claim, put to the test on the pocket model; and the test itself, put to the test."""

import functools
from statistics import mean

import pytest
from PIL import Image

from playground.engine.base import Step
from playground.engine.pocket import PocketEngine
from playground.lessons.claims import Made, difference, figures, holds, saturation
from playground.lessons.lesson import Claim, Lesson, Trend, read_lessons
from playground.service.outputs import encode

SEEDS = (7, 11, 23)
UPLOADED = "3d render of hamburger on white background"


@functools.cache
def engine() -> PocketEngine:
    return PocketEngine()


@functools.cache
def uploaded() -> Image.Image:
    request = read_lessons()["image"].request(0).model_copy(update={"prompt": UPLOADED, "go_fast": False})
    return engine().generate(request, seed=7, image=None, on_step=unwatched)[0]


def unwatched(_: Step) -> None:
    """Nobody looks: no preview is decoded."""


@functools.cache
def made(lesson_input: str, place: int, seed: int) -> Made:
    lesson = read_lessons()[lesson_input]
    request = lesson.request(place, seed=seed)
    image = uploaded() if lesson.has_image(place) else None
    drawn = engine().generate(request, seed=request.seed or seed, image=image, on_step=unwatched)
    return Made(tuple(drawn), len(encode(drawn[0], request, model_id="test", seed=seed)))


@pytest.mark.parametrize("lesson", read_lessons().values(), ids=list(read_lessons()))
def test_the_pocket_model_does_what_the_lesson_claims(lesson: Lesson) -> None:
    runs = [[made(lesson.input, place, seed) for place in range(len(lesson.values))] for seed in SEEDS]
    luck = mean(difference(run[0].pictures[0], runs[0][0].pictures[0]) for run in runs[1:])

    assert holds(lesson.claim, [figures(lesson.claim.figure, run, image=uploaded()) for run in runs], luck=luck)


@pytest.mark.parametrize(
    ("trend", "values", "true"),
    [
        ("rises", [1, 2, 3, 2.9, 5], True),
        ("rises", [3, 2, 1], False),
        ("rises", [1, 5, 2, 0.5, 1.1], False),
        ("falls", [3, 2, 1], True),
        ("falls", [1, 2], False),
        ("stays", [100, 104, 98], True),
        ("stays", [100, 120], False),
        ("stays", [0, 0, 0], True),
        ("differs", [0, 9, 30], True),
        ("differs", [0, 9, 1], False),
        ("below_luck", [0, 2], True),
        ("below_luck", [0, 8], False),
    ],
)
def test_a_trend_is_told_from_its_opposite(trend: Trend, values: list[float], true: bool) -> None:
    claim = Claim(text="", figure="bytes", trend=trend)

    assert holds(claim, [values, values], luck=12.0) is true


def test_figures_are_those_of_the_pictures() -> None:
    red, gray = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (16, 16), "gray")
    pair = [Made((red,), 10), Made((gray, gray), 20)]

    assert figures("bytes", pair) == [10, 20]
    assert figures("count", pair) == [1, 2]
    assert figures("pixels", pair) == [64, 256]
    assert figures("saturation", pair) == [saturation(red), 0] == [1, 0]
    assert figures("from_first", pair)[0] == 0
    assert figures("from_last", pair)[1] == 0
    assert figures("from_image", pair, image=gray)[1] == 0
    assert difference(red, gray) == pytest.approx((127 + 128 + 128) / 3)
