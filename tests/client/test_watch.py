"""Watching yields what changed, ends at the end, outlives passing trouble, and keeps its pace."""

import time
from collections.abc import Callable
from itertools import chain, pairwise, repeat
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse, Response

from playground.client.api import Answered, PredictionClient
from playground.client.watch import Pace, hosted_pace, local_pace, watch
from playground.contract.prediction import Prediction
from playground.errors import (
    BadInputError,
    KeyRefusedError,
    NetworkError,
    NotFoundError,
    NotUnderstoodError,
    PlaygroundError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)

from .servers import ScriptedApi

pytestmark = pytest.mark.anyio

Seen = Prediction | PlaygroundError | Answered


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now_s += seconds


def snapshot(status: str, **more: Any) -> Prediction:
    return Prediction.model_validate({"job_id": "abc123", "status": status} | more)


PENDING, PROCESSING = snapshot("pending"), snapshot("processing")
COMPLETED = snapshot("completed", result="https://files.example/a.webp")
FINALS = [COMPLETED, snapshot("failed", error="Out of memory"), snapshot("cancelled")]


async def watched(
    *script: Seen, first: Prediction = PENDING, clock: Clock | None = None, pace: Pace | None = None, patience_s: float = 120.0
) -> list[Prediction]:
    """Every snapshot of a watch whose looks see the script, the last entry again and again."""
    clock = clock or Clock()
    coming = chain(script, repeat(script[-1]))

    async def look() -> Answered:
        seen = next(coming)
        if isinstance(seen, PlaygroundError):
            raise seen
        return seen if isinstance(seen, Answered) else Answered(seen, None)

    snapshots = watch(first, look=look, pace=pace or hosted_pace(), patience_s=patience_s, sleep=clock.sleep, clock=clock)
    return [seen async for seen in snapshots]


@pytest.mark.parametrize("last", FINALS, ids=lambda final: final.status)
async def test_watch_yields_changed_snapshots_and_ends_at_a_terminal_one(last: Prediction):
    clock = Clock()
    seen = await watched(PENDING, PENDING, PROCESSING, PROCESSING, last, PENDING, clock=clock)
    assert seen == [PENDING, PROCESSING, last]
    assert len(clock.naps) == 5


@pytest.mark.parametrize("first", FINALS, ids=lambda final: final.status)
async def test_watch_of_a_finished_prediction_yields_it_and_never_looks(first: Prediction):
    clock = Clock()
    assert await watched(ServerError("not to be seen"), first=first, clock=clock) == [first]
    assert clock.naps == []


async def test_watch_goes_on_through_an_unknown_status():
    odd = snapshot("warming up")
    assert await watched(odd, odd, COMPLETED) == [PENDING, odd, COMPLETED]


async def test_watch_yields_progress_within_one_status():
    steps = [snapshot("processing", progress={"step": step, "total": 3}) for step in (1, 2, 2, 3)]
    assert await watched(*steps, COMPLETED) == [PENDING, steps[0], steps[1], steps[3], COMPLETED]


PASSING = [NetworkError, TimedOutError, ServerError, RateLimitedError, NotUnderstoodError]


@pytest.mark.parametrize("kind", PASSING)
async def test_watch_tolerates_passing_errors_within_patience(kind: type[PlaygroundError]):
    assert await watched(*[kind("passing")] * 10, PROCESSING, kind("again"), COMPLETED) == [PENDING, PROCESSING, COMPLETED]


@pytest.mark.parametrize("kind", PASSING)
async def test_watch_raises_a_passing_error_that_outlasts_patience(kind: type[PlaygroundError]):
    clock = Clock()
    with pytest.raises(kind, match="no end"):
        await watched(kind("no end of trouble"), clock=clock, patience_s=30)
    assert 30 < clock.now_s - 1000 <= 30 + hosted_pace().longest_s


async def test_watch_counts_patience_from_the_last_answer():
    clock = Clock()
    trouble: list[Seen] = [NetworkError("passing")] * 5
    script = [*trouble, PENDING] * 8
    assert await watched(*script, COMPLETED, clock=clock, patience_s=30) == [PENDING, COMPLETED]
    assert clock.now_s - 1000 > 60


@pytest.mark.parametrize("kind", [BadInputError, KeyRefusedError])
async def test_watch_raises_an_error_that_will_not_pass_at_once(kind: type[PlaygroundError]):
    clock = Clock()
    with pytest.raises(kind):
        await watched(kind("no"), clock=clock)
    assert len(clock.naps) == 1


async def test_watch_gives_up_on_a_prediction_that_never_ends():
    clock = Clock()
    with pytest.raises(TimedOutError, match="still processing after 60 minutes"):
        await watched(PROCESSING, *[RateLimitedError("busy"), PROCESSING] * 1000, clock=clock)
    assert 3600 < clock.now_s - 1000 <= 3600 + hosted_pace().longest_s


async def test_watch_tolerates_a_new_prediction_that_is_not_readable_yet():
    assert await watched(NotFoundError("not yet"), NotFoundError("not yet"), COMPLETED) == [PENDING, COMPLETED]


async def test_watch_raises_when_a_prediction_stays_unknown():
    clock = Clock()
    with pytest.raises(NotFoundError):
        await watched(NotFoundError("gone"), clock=clock)
    assert 10 < clock.now_s - 1000 <= 15


@given(wait_s=st.floats(0, 119))
def test_watch_waits_as_long_as_an_answer_asks(wait_s: float):
    clock = Clock()
    anyio.run(lambda: watched(Answered(PROCESSING, wait_s), COMPLETED, clock=clock))
    assert clock.naps[1] == max(0.25, wait_s)


@given(wait_s=st.floats(0, 119))
def test_watch_waits_as_long_as_a_rate_limit_asks(wait_s: float):
    clock = Clock()
    anyio.run(lambda: watched(RateLimitedError("full", retry_after_s=wait_s), COMPLETED, clock=clock))
    assert clock.naps[1] == max(0.25, wait_s)


@pytest.mark.parametrize(
    "seen", [Answered(PROCESSING, 1e9), RateLimitedError("full", retry_after_s=1e9)], ids=["answer", "error"]
)
async def test_watch_never_waits_longer_than_its_patience(seen: Seen):
    clock = Clock()
    await watched(seen, COMPLETED, clock=clock, patience_s=30)
    assert clock.naps[1] == 30


async def test_watch_returns_to_its_own_pace_after_a_wait_that_was_asked_for():
    clock = Clock()
    await watched(Answered(PENDING, 60), PENDING, COMPLETED, clock=clock)
    assert clock.naps[1] == 60
    assert clock.naps[2] <= 5


async def test_watch_learns_how_long_a_prediction_took():
    pace = hosted_pace()
    clock = Clock()
    await watched(*[PROCESSING] * 20, COMPLETED, clock=clock, pace=pace)
    assert clock.naps[0] < 0.5
    assert pace.next_wait_s(0) > 1, "the first look at the next one comes later"


async def test_watch_learns_nothing_from_a_prediction_that_was_already_finished():
    pace = hosted_pace()
    await watched(PENDING, first=COMPLETED, pace=pace)
    assert pace == hosted_pace()


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_watch_learns_nothing_from_a_prediction_that_came_to_nothing(end: str):
    pace = hosted_pace()
    await watched(*[PROCESSING] * 20, snapshot(end), pace=pace)
    assert pace == hosted_pace()


async def test_watch_that_is_left_stops_looking():
    clock = Clock()
    looks: list[int] = []

    async def look() -> Answered:
        looks.append(1)
        return Answered(snapshot("processing", progress={"step": len(looks)}), None)

    snapshots = watch(PENDING, look=look, pace=hosted_pace(), sleep=clock.sleep, clock=clock)
    async for seen in snapshots:
        if seen.progress and seen.progress.step == 3:
            break
    await snapshots.aclose()  # pyright: ignore
    assert len(looks) == 3


durations = st.lists(st.floats(0, 1e4), max_size=60)


@pytest.mark.parametrize("make", [hosted_pace, local_pace, lambda: Pace(shortest_s=1, longest_s=1)])
def test_pace_never_waits_under_its_shortest_or_over_its_longest(make: Callable[[], Pace]):
    @given(known_s=durations, elapsed_s=st.floats(0, 1e6), _random=st.random_module())
    def every_wait_is_within(known_s: list[float], elapsed_s: float, _random: object):
        pace = make()
        for duration_s in known_s:
            pace.learn(duration_s)
        assert pace.shortest_s <= pace.next_wait_s(elapsed_s) <= pace.longest_s

    every_wait_is_within()


@given(known_s=st.lists(st.floats(9.5, 10.5), min_size=1, max_size=60), _random=st.random_module())
def test_pace_that_knows_ten_second_jobs_looks_rarely_early_and_often_around_ten(known_s: list[float], _random: object):
    pace = hosted_pace()
    for duration_s in known_s:
        pace.learn(duration_s)
    looks_s = [0.0]
    while looks_s[-1] < 13:
        looks_s.append(looks_s[-1] + pace.next_wait_s(looks_s[-1]))
    early = [look for look in looks_s[1:] if look < 5]
    gaps = [later - look for look, later in pairwise(looks_s) if 9.5 <= look <= 10.5]
    assert len(early) <= 2
    assert max(gaps) <= 0.5


def test_pace_that_knows_nothing_looks_ever_more_rarely():
    pace = hosted_pace()
    assert 0.25 <= pace.next_wait_s(0) < 0.5
    assert pace.next_wait_s(10) > 1.8
    assert pace.next_wait_s(1000) == 5


def test_pace_forgets_what_is_long_past():
    pace = hosted_pace()
    for duration_s in chain(repeat(1000.0, 50), repeat(1.0, 50)):
        pace.learn(duration_s)
    assert pace.next_wait_s(0.9) < 0.5


def test_pace_is_jittered():
    pace = hosted_pace()
    assert len({pace.next_wait_s(10) for _ in range(20)}) > 1


def test_pace_plans_within_the_durations_it_has_seen():
    pace = Pace(shortest_s=0.01, longest_s=100)
    for duration_s in (0.1, 10, 10, 10, 10):
        pace.learn(duration_s)
    assert max(pace.next_wait_s(10.1) for _ in range(100)) <= 1.25 * (10 - 0.1) / 8


async def test_client_watches_over_http_to_the_end(api: ScriptedApi, client: PredictionClient):
    pending, processing = {"job_id": "abc123", "status": "pending"}, {"id": "abc123", "status": "processing"}
    completed = {"id": "abc123", "status": "succeeded", "output": ["https://files.example/a.webp"]}
    api.answers(*(JSONResponse(body) for body in (pending, processing, processing, completed)))
    statuses = [seen.status.value async for seen in client.watch(PENDING)]
    assert statuses == ["pending", "processing", "completed"]
    assert [(one.method, one.path) for one in api.received] == [("GET", "/v1/predictions/abc123")] * 4


async def test_client_watching_obeys_retry_after_of_an_answer(api: ScriptedApi, client: PredictionClient):
    api.answers(
        JSONResponse({"job_id": "abc123", "status": "processing"}, headers={"retry-after": "0.4"}),
        JSONResponse({"job_id": "abc123", "status": "failed"}),
    )
    started_s = time.monotonic()
    assert [seen.status.value async for seen in client.watch(PENDING)] == ["pending", "processing", "failed"]
    assert time.monotonic() - started_s >= 0.4


async def test_client_watching_raises_when_its_key_is_refused(api: ScriptedApi, client: PredictionClient):
    api.answers(Response(status_code=401))
    with pytest.raises(KeyRefusedError):
        async for _seen in client.watch(PENDING):
            pass
