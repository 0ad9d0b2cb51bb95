"""The noise levels: their formula and its properties."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.contract.effects import PIXEL_SIZES
from playground.contract.schedule import image_tokens, intervals, shift, sigmas

STEPS = st.integers(1, 50)
TOKENS = st.integers(256, 8100)


@given(STEPS, TOKENS)
def test_levels_fall_from_noise_to_picture(steps: int, tokens: int) -> None:
    levels = sigmas(steps, tokens)

    assert len(levels) == steps + 1
    assert levels[0] == pytest.approx(1)
    assert levels[-1] == 0
    assert all(before > after for before, after in pairwise(levels))


@given(st.integers(2, 50), st.integers(256, 8100))
def test_a_larger_picture_spends_more_steps_at_high_noise(steps: int, tokens: int) -> None:
    small, large = sigmas(steps, tokens), sigmas(steps, tokens + 1)

    assert all(a < b for a, b in zip(small[1:-1], large[1:-1], strict=True))


@given(STEPS, TOKENS)
def test_levels_follow_the_formula(steps: int, tokens: int) -> None:
    s = math.exp(0.5 + (tokens - 256) * 0.65 / 3840)

    for k, level in enumerate(sigmas(steps, tokens)):
        linear = 1 - k / steps
        assert level == pytest.approx(s * linear / (1 + (s - 1) * linear), abs=1e-12)


def test_the_shift_is_that_of_flux_at_the_same_input() -> None:
    assert shift(image_tokens(*PIXEL_SIZES["1:1"])) == pytest.approx(math.exp(1.15))  # 4096 tokens
    assert shift(image_tokens(256, 256)) == pytest.approx(math.exp(0.5))


@given(STEPS, st.integers(0, 50))
def test_intervals_are_the_steps_from_the_start_on(steps: int, start: int) -> None:
    levels = sigmas(steps, 1024)

    found = intervals(levels, start)

    assert [k for k, _, _ in found] == list(range(min(start, steps), steps))
    assert all((before, after) == (levels[k], levels[k + 1]) for k, before, after in found)
