"""One prediction's state machine, with a clock that the test turns."""

import pytest

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Status
from playground.service.task import Task


@pytest.fixture
def now_s() -> list[float]:
    return [10.0]


@pytest.fixture
def task(now_s: list[float]) -> Task:
    return Task(request=PredictionInput(prompt="ghost"), model_id="some/model", seed=3, clock=lambda: now_s[0])


def test_a_task_measures_its_times(task: Task, now_s: list[float]) -> None:
    now_s[0] = 12
    task.start()
    now_s[0] = 15.5
    task.complete(("a.webp",))

    snapshot = task.snapshot()

    assert snapshot.status == Status.COMPLETED
    assert snapshot.result == ("a.webp",)
    assert snapshot.metrics == {"queue_time": 2.0, "run_time": 3.5, "total_time": 5.5}


def test_a_task_that_never_ran_spent_all_its_time_waiting(task: Task, now_s: list[float]) -> None:
    now_s[0] = 14
    task.cancel()

    assert task.snapshot().metrics == {"queue_time": 4.0, "run_time": 0.0, "total_time": 4.0}


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
@pytest.mark.parametrize("again", ["complete", "fail", "cancel"])
def test_an_ended_task_never_ends_again(task: Task, end: str, again: str) -> None:
    transitions = {
        "complete": lambda: task.complete(("a",)),
        "fail": lambda: task.fail("no paint"),
        "cancel": task.cancel,
    }
    task.start()
    transitions[end]()
    before = task.snapshot()

    with pytest.raises(RuntimeError, match="cannot become"):
        transitions[again]()

    assert task.snapshot() == before


def test_a_preview_stays_until_the_next_one(task: Task) -> None:
    task.advance(1, 3, "data:first")
    task.advance(2, 3, None)

    progress = task.snapshot().progress

    assert progress is not None
    assert (progress.step, progress.total, progress.preview) == (2, 3, "data:first")


def test_a_snapshot_does_not_change_with_its_task(task: Task) -> None:
    before = task.snapshot(4)

    task.start()
    task.advance(1, 3, None)

    assert before.status == Status.PENDING
    assert before.progress is not None
    assert (before.progress.queue_position, before.progress.step) == (4, 0)
