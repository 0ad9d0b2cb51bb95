"""Plans and axes: what people type becomes the right cells, in order, each request once, within the caps."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.contract.inputs import INPUTS, PredictionInput
from playground.contract.model import FLUX_KREA
from playground.errors import BadInputError
from playground.experiments.axis import AXIS_NAMES, MOST_CELLS, Axis, expectation, image_axis, read_axis
from playground.experiments.plan import check_credits, left_to_make, make_plan, plan_remarks
from tests.service.engines import INFO

BASE = PredictionInput(prompt="3d fox on teal background", seed=7, go_fast=False)


def values(name: str, text: str, base: PredictionInput = BASE) -> tuple[Any, ...]:
    return read_axis(name, text, base).values


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("num_inference_steps", "10-50:10", (10, 20, 30, 40, 50)),
        ("num_inference_steps", "10-50:7", (10, 17, 24, 31, 38, 45)),
        ("num_inference_steps", "1-4", (1, 2, 3, 4)),
        ("num_inference_steps", "4, 8-10, 28", (4, 8, 9, 10, 28)),
        ("num_inference_steps", "9-3:3", (9, 6, 3)),
        ("guidance", "1-3:0.5", (1.0, 1.5, 2.0, 2.5, 3.0)),
        ("guidance", "1, 2, 3.5", (1.0, 2.0, 3.5)),
        ("prompt_strength", "0 - 0.3 : 0.1", (0.0, 0.1, 0.2, 0.3)),
        ("megapixels", "all", ("1", "0.25")),
        ("aspect_ratio", "1:1, 16:9", ("1:1", "16:9")),
        ("go_fast", "on/off", (True, False)),
        ("go_fast", "off", (False,)),
        ("seed", "3, 1-2", (3, 1, 2)),
        ("prompt", 'fox, castle, "big, red apple"', ("fox", "castle", "big, red apple")),
    ],
)
def test_axis_reads_what_people_type(name: str, text: str, expected: tuple[Any, ...]) -> None:
    found = values(name, text)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("guidance", "", "no values yet"),
        ("guidance", "1-5", "has no step"),
        ("guidance", "1-5:0", "step of 0"),
        ("guidance", "11", "expected 0 to 10"),
        ("guidance", "high", "'high' is neither a number nor a range"),
        ("guidance", "0-10:0.000001", "more than 300 values"),
        ("num_inference_steps", "2.5", "2.5 is not a whole number"),
        ("num_inference_steps", "0-3", "expected 1 to 50"),
        ("aspect_ratio", "1:2", "'1:2' is none of them"),
        ("go_fast", "maybe", "neither on nor off"),
        ("prompt", "fox", "only one word"),
        ("prompt", "wolf, castle", "does not contain “wolf”"),
        ("seed", "0, 1", "0 means a random seed"),
        ("seed", "301 seeds", "more than 300 values"),
        ("seed", "0 seeds", "more than 300 values"),
        ("image", "a.png", "pictures are dropped, not typed"),
        ("prompt", "x" * 5000, "longer than"),
    ],
)
def test_axis_refuses_by_name_and_says_what_is_expected(name: str, text: str, said: str) -> None:
    with pytest.raises(BadInputError, match=r"^Y axis") as refusal:
        read_axis(name, text, BASE, place="Y axis")
    assert said in str(refusal.value)
    assert refusal.value.advice


@given(name=st.sampled_from(AXIS_NAMES), text=st.text(max_size=60))
def test_axis_of_any_text_is_read_or_refused_in_words(name: str, text: str) -> None:
    try:
        axis = read_axis(name, text, BASE)
    except BadInputError as error:
        assert str(error)
    else:
        assert 1 <= len(axis.values) == len(axis.labels) <= MOST_CELLS


@given(first=st.integers(0, 100), last=st.integers(0, 100), step=st.integers(1, 30))
def test_range_has_exact_decimals_and_both_ends_where_the_step_meets_them(first: int, last: int, step: int) -> None:
    text = f"{Decimal(first) / 10}-{Decimal(last) / 10}:{Decimal(step) / 10}"
    direction = 1 if last >= first else -1
    expected = [value / 10 for value in range(first, last + direction, direction * step)]
    assert values("guidance", text) == tuple(expected)


@given(few=st.integers(1, 20), more=st.integers(0, 20), seed=st.integers(1, 2**53 - 1))
def test_drawn_seeds_are_different_start_with_the_base_and_are_kept_when_more_are_drawn(few: int, more: int, seed: int) -> None:
    base = BASE.model_copy(update={"seed": seed})
    some, all_of_them = values("seed", f"{few} seeds", base), values("seed", f"{few + more} seeds", base)
    assert some[0] == seed
    assert len(set(all_of_them)) == few + more
    assert all_of_them[:few] == some


@given(
    steps=st.lists(st.integers(1, 50), min_size=1, max_size=17),
    guidances=st.lists(st.integers(0, 10), min_size=1, max_size=17),
)
def test_plan_has_every_combination_row_by_row_and_each_request_once(steps: list[int], guidances: list[int]) -> None:
    x = read_axis("num_inference_steps", ", ".join(map(str, steps)), BASE)
    y = read_axis("guidance", ", ".join(map(str, guidances)), BASE)
    plan = make_plan(BASE, x, y)
    assert [(cell.row, cell.column) for cell in plan.cells] == [
        (row, column) for row in range(len(guidances)) for column in range(len(steps))
    ]
    for cell in plan.cells:
        assert plan.cell(cell.row, cell.column) is cell
        assert cell.request == BASE.model_copy(
            update={"num_inference_steps": steps[cell.column], "guidance": float(guidances[cell.row])}
        )
    assert len(plan.requests) == len(set(plan.requests)) == len(set(steps)) * len(set(guidances))
    assert {cell.request for cell in plan.cells} == set(plan.requests)
    made = plan.requests[::2]
    assert [*left_to_make(plan, made)] == list(plan.requests[1::2])


@given(columns=st.integers(1, 50), rows=st.integers(1, 50))
def test_plan_is_refused_exactly_above_the_most_cells(columns: int, rows: int) -> None:
    x = Axis("num_inference_steps", tuple(range(1, columns + 1)), tuple(map(str, range(1, columns + 1))))
    y = Axis("seed", tuple(range(1, rows + 1)), tuple(map(str, range(1, rows + 1))))
    if columns * rows > MOST_CELLS:
        with pytest.raises(BadInputError, match=f"make {columns * rows} pictures"):
            make_plan(BASE, x, y)
    else:
        assert len(make_plan(BASE, x, y).cells) == columns * rows


def test_prompt_axis_replaces_its_first_words_by_each() -> None:
    plan = make_plan(BASE, read_axis("prompt", "fox, castle", BASE), read_axis("prompt", "teal, pink", BASE))
    assert [cell.request.prompt for cell in plan.cells] == [
        "3d fox on teal background",
        "3d castle on teal background",
        "3d fox on pink background",
        "3d castle on pink background",
    ]
    assert plan.caption(plan.cells[3]) == "Prompt castle · Prompt pink"


def test_prompt_axis_is_refused_where_a_prompt_becomes_empty() -> None:
    base = PredictionInput(prompt="fox", seed=7)
    axis = Axis("prompt", ("fox", " "), ("fox", " "), place="X axis", searched="fox")
    with pytest.raises(BadInputError, match=r"X axis \(Prompt\): prompt: the prompt is empty"):
        make_plan(base, axis)


def test_plan_needs_one_seed_and_two_different_inputs() -> None:
    steps = read_axis("num_inference_steps", "1, 2", BASE)
    with pytest.raises(BadInputError, match="needs one seed"):
        make_plan(BASE.model_copy(update={"seed": 0}), steps)
    with pytest.raises(BadInputError, match="Both axes vary Steps"):
        make_plan(BASE, steps, steps)
    unseeded = BASE.model_copy(update={"seed": None})
    assert len(make_plan(unseeded, read_axis("seed", "3 seeds", unseeded)).requests) == 3


def test_credits_are_counted_and_capped() -> None:
    assert check_credits(INFO, 300) == 0
    assert check_credits(FLUX_KREA, 40) == 1800
    with pytest.raises(BadInputError, match="41 pictures cost 1845 credits"):
        check_credits(FLUX_KREA, 41)


def test_remarks_are_said_once_with_the_number_of_pictures() -> None:
    plan = make_plan(BASE, read_axis("prompt_strength", "0.8, 0.5, 0.2", BASE))
    assert plan_remarks(plan, FLUX_KREA) == ("Prompt strength: no effect without an image. (2 of 3 pictures)",)
    base = BASE.model_copy(update={"image": "ab", "prompt_strength": 0.5})
    assert plan_remarks(make_plan(base, read_axis("seed", "1-3", base)), FLUX_KREA) == ()
    some = make_plan(base, image_axis({"ab": "a.png", "cd": "b.png"}, also_none=True))
    assert plan_remarks(some, FLUX_KREA) == ("Prompt strength: no effect without an image. (1 of 3 pictures)",)


@given(
    names=st.dictionaries(st.text("0123456789abcdef", min_size=1), st.text(min_size=1, max_size=60), min_size=1, max_size=12),
    also_none=st.booleans(),
    seeds=st.integers(1, 9),
)
def test_pictures_are_told_apart_by_digest_and_labelled_each_otherwise(
    names: dict[str, str], also_none: bool, seeds: int
) -> None:
    axis = image_axis(names, also_none=also_none)
    assert list(axis.values) == [None] * also_none + list(names)
    assert len(set(axis.labels)) == len(axis.labels) == len(axis.values)
    assert all(len(text) <= 24 + len(" (12)") for text in axis.labels)
    assert not also_none or axis.labels[0] == "none"
    plan = make_plan(BASE, axis, read_axis("seed", f"1-{seeds}", BASE), image_names=names)
    assert [(cell.request.image, cell.request.seed) for cell in plan.cells] == [
        (value, seed) for seed in range(1, seeds + 1) for value in axis.values
    ]
    assert len(plan.requests) == len(plan.cells) == seeds * len(axis.values)
    assert {request.model_copy(update={"image": None, "seed": 7}) for request in plan.requests} == {BASE}


def test_picture_axis_needs_a_picture_and_shortens_names_in_the_middle() -> None:
    with pytest.raises(BadInputError, match=r"^Y axis \(Image\): no pictures yet"):
        image_axis({}, also_none=True, place="Y axis")
    axis = image_axis({"a": "holiday-photograph-of-2019-001.jpg", "b": "cat.png", "c": "cat.png"}, also_none=False)
    assert axis.labels == ("holiday-phot…019-001.jpg", "cat.png", "cat.png (2)")
    assert make_plan(BASE, axis).caption(make_plan(BASE, axis).cells[1]) == "Image cat.png"


def test_every_input_can_be_an_axis_and_says_what_it_expects() -> None:
    assert set(INPUTS) == set(AXIS_NAMES)
    assert all(expectation(name) for name in AXIS_NAMES)
    assert math.prod(len(values(name, "all")) for name in ("aspect_ratio", "output_format", "megapixels")) == 11 * 3 * 2
