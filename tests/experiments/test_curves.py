"""Curves over a sweep: the right mean at the right value, and luck told from cause."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from playground.contract.inputs import PredictionInput
from playground.errors import StorageError
from playground.experiments.axis import read_axis
from playground.experiments.curves import CHANGE, SATURATION, SIZE, TIME, Curve, Point, curves, measure, varied
from playground.experiments.made import Made, Result, State
from playground.experiments.plan import Plan, make_plan

BASE = PredictionInput(prompt="fox", seed=7)


def plan(x: tuple[str, str], y: tuple[str, str] | None = None) -> Plan:
    return make_plan(BASE, read_axis(*x, BASE), read_axis(*y, BASE) if y else None)


def test_seeds_become_the_band_whichever_axis_they_are_on() -> None:
    for x, y in ((("guidance", "1, 3"), ("seed", "5, 6, 7")), (("seed", "5, 6, 7"), ("guidance", "1, 3"))):
        made = plan(x, y)
        measured = {request: {TIME: 10 * request.guidance + (request.seed or 0)} for request in made.requests}
        (curve,) = curves(made, measured)[TIME]
        assert varied(made).name == "guidance"
        assert [(point.mean, point.seeds) for point in curve.points] == [(16, 3), (36, 3)]
        assert curve.luck == pytest.approx(1.0)
        assert curve.effect == 20
        assert curve.is_more_than_luck


def test_a_second_input_gives_a_curve_for_each_of_its_values_and_no_luck() -> None:
    made = plan(("guidance", "1, 3"), ("num_inference_steps", "4, 8"))
    measured = {request: {TIME: request.guidance * request.num_inference_steps} for request in made.requests}
    found = curves(made, measured)[TIME]
    assert [(curve.label, [point.mean for point in curve.points]) for curve in found] == [
        ("Steps 4", [4, 12]),
        ("Steps 8", [8, 24]),
    ]
    assert [curve.is_more_than_luck for curve in found] == [None, None]


def test_what_is_not_made_is_left_out() -> None:
    made = plan(("guidance", "1, 3, 5"))
    (curve,) = curves(made, {made.requests[2]: {TIME: 4.0}})[TIME]
    assert curve.points == (Point(2, 4.0, 0.0, 1),)
    assert curves(made, {}) == {}


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0, 100)), min_size=1, max_size=9))
def test_an_effect_inside_the_band_is_luck(points: list[tuple[float, float]]) -> None:
    curve = Curve("", tuple(Point(index, mean, deviation, 3) for index, (mean, deviation) in enumerate(points)))
    assert curve.luck is not None
    assert curve.is_more_than_luck == (curve.effect > 2 * curve.luck)
    assert min(point.deviation for point in curve.points) <= curve.luck + 1e-9
    assert curve.luck <= max(point.deviation for point in curve.points) + 1e-9


def result(path: Path, colour: str, time_s: float | None = 1.5) -> Made:
    Image.new("RGB", (300, 200), colour).save(path)
    return Made(State.DONE, Result((path,), None, 2000, time_s))


def test_pictures_are_measured_against_the_first_of_their_row(tmp_path: Path) -> None:
    made = plan(("guidance", "1, 3, 5"))
    states = [result(tmp_path / "0.png", "gray"), result(tmp_path / "1.png", "red", None), Made(State.FAILED, error="no")]
    measured = measure(made, dict(zip(made.requests, states, strict=True)))
    gray, red = measured[made.requests[0]], measured[made.requests[1]]
    assert (gray[CHANGE], gray[SATURATION], gray[SIZE], gray[TIME]) == (0, 0, 2, 1.5)
    assert red[SATURATION] == pytest.approx(1)
    assert red[CHANGE] > 50
    assert TIME not in red
    assert made.requests[2] not in measured


def test_a_picture_that_is_gone_is_said_in_words(tmp_path: Path) -> None:
    made = plan(("guidance", "1, 3"))
    state = result(tmp_path / "0.png", "gray")
    (tmp_path / "0.png").unlink()
    with pytest.raises(StorageError, match=r"0\.png cannot be read again"):
        measure(made, dict.fromkeys(made.requests, state))
