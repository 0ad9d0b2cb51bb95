"""Scenes: what is drawn is what the caption says."""

import random
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.training import pictures
from playground.training.scenes import COLORS, Painter, Placed, Scene, grid, is_held_out, place, random_scene

SHAPES = st.sampled_from(["1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"])


@pytest.fixture(scope="module")
def painter(world: Path) -> Painter:
    return Painter(pictures.load(world))


@given(SHAPES, st.sampled_from([64, 256]), st.integers(0, 2**32))
def test_things_stay_in_the_picture(shape: str, tokens: int, seed: int) -> None:
    rows, cols = grid(shape, tokens)
    rng = random.Random(seed)
    scene = random_scene(rng, 4, rows, cols)
    short = min(rows, cols)

    for placed in place(rng, scene, rows, cols):
        assert abs(placed.x) + placed.side / 2 <= cols / short / 2 + 0.06
        assert abs(placed.y) + placed.side / 2 <= rows / short / 2 + 0.06


@given(st.integers(0, 2**32))
def test_held_out_combinations_are_never_shown(seed: int) -> None:
    scene = random_scene(random.Random(seed), 4, 8, 8)

    assert not any(is_held_out(thing, scene.style, scene.color) for thing in scene.things)


def test_one_combination_in_a_hundred_is_held_out() -> None:
    found = [is_held_out(thing, style, color) for thing in range(500) for style in ("3d", "flat") for color in COLORS]

    assert 0.008 < sum(found) / len(found) < 0.012


@pytest.mark.parametrize(("where", "column", "row"), [("left", 0, 1), ("right", 2, 1), ("top", 1, 0), ("bottom", 1, 2)])
def test_a_small_thing_stands_where_its_caption_says(painter: Painter, where: str, column: int, row: int) -> None:
    scene = Scene((0,), "flat", "white", small=True, place=where)

    picture = painter.draw([scene], 8, 8, random.Random(1))[0]

    ink = (picture - picture[:, :1, :1]).abs().sum(0)
    share = torch.nn.functional.adaptive_avg_pool2d(ink[None], 3)[0]
    assert divmod(int(share.argmax()), 3) == (row, column)


def test_two_things_stand_side_by_side_or_one_above_the_other(painter: Painter) -> None:
    rng = random.Random(1)

    beside, above = place(rng, Scene((0, 1), "flat", "white"), 8, 8), place(rng, Scene((0, 1), "flat", "white"), 14, 8)

    assert beside[0].x < -0.2 < 0.2 < beside[1].x
    assert above[0].y < -0.2 < 0.2 < above[1].y


def test_the_background_is_the_named_colour(painter: Painter) -> None:
    picture = painter.draw_placed([Scene((0,), "flat", "teal")], [[Placed(0.5, 0, 0)]], 8, 8)[0]

    assert ((picture[:, 0, 0] + 1) * 127.5).round().tolist() == list(COLORS["teal"])


def test_lines_are_light_on_dark_ground(painter: Painter) -> None:
    dark, light = painter.draw_placed(
        [Scene((0,), "line", "navy"), Scene((0,), "line", "cream")], [[Placed(0.9, 0, 0)]] * 2, 8, 8
    )

    assert dark.amax() > 0.8
    assert light.amin() < -0.6
