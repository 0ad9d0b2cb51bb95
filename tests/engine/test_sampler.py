"""The pocket model's sampler: which steps go_fast computes."""

from hypothesis import given
from hypothesis import strategies as st

from playground.engine.pocket.sampler import steps_computed


@given(st.integers(1, 50), st.integers(1, 5))
def test_skipping_begins_with_two_computed_steps_and_ends_with_one(steps: int, every: int) -> None:
    computed = steps_computed(steps, every=every)

    assert {0, min(1, steps - 1), steps - 1} <= computed <= set(range(steps))
    assert all({*range(k, k + every)} & computed for k in range(steps - every + 1))
    if every == 1:
        assert len(computed) == steps
