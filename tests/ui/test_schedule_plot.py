"""The schedule's drawing: what it shows is what will run."""

import re

from hypothesis import given
from hypothesis import strategies as st

from playground.contract.effects import start_step
from playground.ui.schedule_plot import schedule_plot

STEPS = st.integers(1, 50)


@given(STEPS, st.floats(0, 1))
def test_every_level_has_a_dot_and_the_skipped_ones_are_marked(steps: int, strength: float) -> None:
    drawn = schedule_plot(steps, (1024, 1024), strength)
    skipped = start_step(steps, strength)

    assert drawn.count("<circle") == steps + 1
    assert drawn.count('class="skipped"') == skipped
    assert ("starts here" in drawn) is (skipped < steps)


@given(STEPS)
def test_without_an_image_every_step_runs(steps: int) -> None:
    drawn = schedule_plot(steps, (512, 512))

    assert 'class="skipped"' not in drawn
    assert f"{steps} steps at 512×512" in drawn


def test_a_larger_picture_spends_more_steps_at_high_noise() -> None:
    small, large = (
        int(re.findall(r": (\d+) of them", schedule_plot(28, size_px))[0]) for size_px in ((512, 512), (1024, 1024))
    )

    assert small < large
