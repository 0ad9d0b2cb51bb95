"""Watching a prediction to its end: polling that learns how long such predictions take.

Sparse at first, dense around the time that earlier ones took, sparse again for a straggler; jittered so that many
watchers do not knock at once; and whatever the server asks for in `Retry-After` comes first.
"""

import asyncio
import random
import statistics
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from playground.contract.prediction import Prediction, Status
from playground.errors import (
    Credits,
    NetworkError,
    NotFoundError,
    NotUnderstoodError,
    PlaygroundError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)

LONGEST_WATCH_S = 3600.0
"""A picture takes seconds, and a full queue minutes; what is not over by then has been lost on the way."""
# What is not understood may be the page of a gateway that stands before the API for a moment.
_PASSING = (NetworkError, TimedOutError, ServerError, RateLimitedError, NotUnderstoodError)
_SETTLING_S = 10.0  # a new prediction may not be readable everywhere at once


class Answer(Protocol):
    """A snapshot and how long the server asks to wait before the next look."""

    @property
    def prediction(self) -> Prediction: ...
    @property
    def retry_after_s(self) -> float | None: ...


@dataclass
class Pace:
    """When to look again. Waits stay within [shortest_s, longest_s] before and after the jitter of ±25 %."""

    shortest_s: float
    longest_s: float
    _durations_s: deque[float] = field(default_factory=lambda: deque[float](maxlen=50))

    def learn(self, duration_s: float) -> None:
        """Remember how long a finished prediction took."""
        self._durations_s.append(duration_s)

    def next_wait_s(self, elapsed_s: float) -> float:
        """Seconds until the next look at a prediction that has been running for `elapsed_s`."""
        wait_s = self._planned_wait_s(elapsed_s) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        return min(self.longest_s, max(self.shortest_s, wait_s))

    def _planned_wait_s(self, elapsed_s: float) -> float:
        if not self._durations_s:
            return max(self.shortest_s, elapsed_s * 0.25)
        early_s, late_s = _range_s(self._durations_s)
        if elapsed_s < early_s:
            # Half the way there each time: the first looks still show queue and start, the last one lands near `early`.
            return (early_s - elapsed_s) / 2
        if elapsed_s < late_s:
            return (late_s - early_s) / 8
        return max((late_s - early_s) / 8, (elapsed_s - late_s) * 0.25)


def hosted_pace() -> Pace:
    """For an API on the internet: never more often than four times a second, never rarer than every five seconds."""
    return Pace(shortest_s=0.25, longest_s=5.0)


def local_pace() -> Pace:
    """For our own service in this process or on this machine, where a look is cheap."""
    return Pace(shortest_s=0.05, longest_s=0.1)


async def watch(
    first: Prediction,
    *,
    look: Callable[[], Awaitable[Answer]],
    pace: Pace,
    patience_s: float = 120.0,
    longest_s: float = LONGEST_WATCH_S,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Prediction]:
    """Yield `first` and then every changed snapshot; end after a terminal one.

    A look that fails for a passing reason is repeated until `patience_s` have gone by without an answer; then its
    error is raised. A wait that the server asks for is cut to `patience_s` too. After `longest_s` TimedOutError is
    raised, whatever the answers were. Stopping the iteration stops the looking and nothing else.
    """
    started_s = answered_s = clock()
    latest, wait_s, saw_it_run = first, None, not first.status.is_terminal
    yield first
    while not latest.status.is_terminal:
        await sleep(pace.next_wait_s(clock() - started_s) if wait_s is None else wait_s)
        try:
            answer = await look()
        except (*_PASSING, NotFoundError) as error:
            if _is_final(error, clock() - started_s) or clock() - answered_s > patience_s:
                raise
            asked_s = error.retry_after_s if isinstance(error, RateLimitedError) else None
        else:
            answered_s, asked_s = clock(), answer.retry_after_s
            if answer.prediction != latest:
                latest = answer.prediction
                yield latest
        if not latest.status.is_terminal and clock() - started_s > longest_s:
            raise _never_ending(latest, longest_s)
        wait_s = None if asked_s is None else min(max(pace.shortest_s, asked_s), patience_s)
    if saw_it_run and latest.status == Status.COMPLETED:
        pace.learn(clock() - started_s)


def _never_ending(latest: Prediction, longest_s: float) -> TimedOutError:
    return TimedOutError(
        f"The prediction is still {latest.status.value} after {longest_s / 60:.0f} minutes, which is as long as it is watched.",
        credits=Credits.NOT_AT_STAKE,
        advice=f"Look for {latest.job_id} again later, or ask the provider about it.",
    )


def _is_final(error: PlaygroundError, elapsed_s: float) -> bool:
    return isinstance(error, NotFoundError) and elapsed_s > _SETTLING_S


def _range_s(durations_s: deque[float]) -> tuple[float, float]:
    """(early, late): around which most predictions end; widened a little when few are known."""
    middle_s = statistics.median(durations_s)
    if len(durations_s) < 5:
        return min(durations_s) * 0.9, max(max(durations_s), middle_s) * 1.1
    tenths = statistics.quantiles(durations_s, n=10, method="inclusive")  # within what was seen, never before time zero
    return tenths[0], max(tenths[-1], tenths[0] * 1.05)
