"""Work on predictions: progress, previews, cancelling, failing, stopping."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction, Progress, Status
from playground.errors import EngineError
from playground.service.outputs import OutputFolder
from playground.service.runner import Runner
from tests.service.conftest import Serve
from tests.service.engines import FailingEngine, GatedEngine, InstantEngine
from tests.service.serving import Service, running_service, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def request_of_many_steps(request_of_three_steps: PredictionInput) -> PredictionInput:
    return request_of_three_steps.model_copy(update={"num_inference_steps": 50})


async def reaching_step(service: Service, job_id: str, step: int) -> Progress:
    """The progress at that step, watched without pause."""
    while True:
        progress = (await service.client.get(job_id)).progress
        assert progress is not None
        if progress.step >= step:
            return progress


async def running(service: Service, prediction: Prediction) -> None:
    await until(lambda: service.runner.get(prediction.job_id).status == Status.PROCESSING)


async def test_progress_counts_the_steps(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = GatedEngine()
    service = await serve(engine)
    prediction = await service.client.create(request_of_three_steps)
    seen: list[tuple[int, int]] = []

    for step in (1, 2):
        engine.allow(1)
        progress = await reaching_step(service, prediction.job_id, step)
        seen.append((progress.step, progress.total))
    engine.allow(1)

    assert seen == [(1, 3), (2, 3)]
    assert (await service.ended(prediction)).status == Status.COMPLETED


async def test_a_watched_prediction_shows_a_small_preview(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = GatedEngine()
    service = await serve(engine)
    prediction = await service.client.create(request_of_three_steps)

    engine.allow(1)
    progress = await reaching_step(service, prediction.job_id, 1)

    assert progress.preview is not None
    head, _, data = progress.preview.partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(BytesIO(base64.b64decode(data))) as preview:
        assert preview.size == (320, 240)


async def test_previews_that_nobody_looks_at_are_not_made(request_of_many_steps: PredictionInput) -> None:
    engine = InstantEngine()
    async with running_service(engine) as service:
        first = await service.client.create(request_of_many_steps)
        # Asks for another prediction, so that nobody looks at the first until it has ended.
        await service.make(request_of_many_steps.model_copy(update={"num_inference_steps": 1}))

        assert (await service.client.get(first.job_id)).status == Status.COMPLETED
        assert engine.previews <= 2  # the first step of each


async def test_each_look_makes_one_preview(request_of_many_steps: PredictionInput) -> None:
    engine = GatedEngine()
    async with running_service(engine) as service:
        prediction = await service.client.create(request_of_many_steps)
        engine.allow(5)
        await until(lambda: service.runner._tasks[prediction.job_id].progress.step == 5)
        unseen = engine.previews
        service.runner.get(prediction.job_id)
        engine.allow(5)
        await until(lambda: service.runner._tasks[prediction.job_id].progress.step == 10)

        assert (unseen, engine.previews) == (1, 2)


async def test_a_finished_prediction_carries_no_preview(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())

    last = await service.make(request_of_three_steps)

    assert last.progress is not None
    assert (last.progress.step, last.progress.total, last.progress.preview) == (3, 3, None)


async def test_a_waiting_prediction_is_cancelled_at_once(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = GatedEngine()
    service = await serve(engine)
    first = await service.client.create(request_of_three_steps)
    await running(service, first)
    waiting = await service.client.create(request_of_three_steps.model_copy(update={"prompt": "waiting"}))
    behind = await service.client.create(request_of_three_steps)

    cancelled = await service.client.cancel(waiting.job_id)

    assert cancelled.status == Status.CANCELLED
    assert cancelled.metrics["run_time"] == 0
    moved_up = (await service.client.get(behind.job_id)).progress
    assert moved_up is not None
    assert moved_up.queue_position == 1
    engine.allow(100)
    assert (await service.ended(behind)).status == Status.COMPLETED
    assert "waiting" not in engine.prompts


async def test_a_running_prediction_is_cancelled_before_its_next_step(
    serve: Serve, request_of_many_steps: PredictionInput
) -> None:
    engine = GatedEngine()
    service = await serve(engine)
    prediction = await service.client.create(request_of_many_steps)
    engine.allow(2)
    await reaching_step(service, prediction.job_id, 2)

    asked = await service.client.cancel(prediction.job_id)
    engine.allow(1)  # the step under way
    last = await service.ended(prediction)

    assert asked.status == Status.PROCESSING
    assert last.status == Status.CANCELLED
    assert last.result is None
    assert last.error is None
    assert last.progress is not None
    assert last.progress.step == 2
    assert engine.was_stopped.is_set()


async def test_a_cancelled_prediction_makes_room_for_the_next(serve: Serve, request_of_many_steps: PredictionInput) -> None:
    engine = GatedEngine()
    service = await serve(engine)
    first = await service.client.create(request_of_many_steps)
    await running(service, first)
    await service.client.cancel(first.job_id)

    engine.allow(1 + 50)

    assert (await service.make(request_of_many_steps)).status == Status.COMPLETED


async def test_cancelling_after_the_end_changes_nothing(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(InstantEngine())
    last = await service.make(request_of_three_steps)

    assert await service.client.cancel(last.job_id) == last
    assert (await service.client.get(last.job_id)).status == Status.COMPLETED


async def test_cancelling_twice_is_cancelling_once(serve: Serve, request_of_many_steps: PredictionInput) -> None:
    engine = GatedEngine()
    service = await serve(engine)
    first = await service.client.create(request_of_many_steps)
    await running(service, first)
    waiting = await service.client.create(request_of_many_steps)

    for prediction in (first, first, waiting, waiting):
        await service.client.cancel(prediction.job_id)
    engine.allow(1)

    assert (await service.ended(first)).status == Status.CANCELLED
    assert (await service.ended(waiting)).status == Status.CANCELLED


async def test_a_failing_engine_is_told_in_its_own_words(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    service = await serve(FailingEngine(EngineError("The model is out of paint.", advice="Buy some.")))

    failed = await service.make(request_of_three_steps.model_copy(update={"prompt": "fail"}))

    assert failed.status == Status.FAILED
    assert failed.error == "The model is out of paint. Buy some."
    assert failed.result is None
    assert (await service.make(request_of_three_steps)).status == Status.COMPLETED


async def test_an_unexpected_exception_fails_the_prediction_and_stays_in_the_log(
    serve: Serve, request_of_three_steps: PredictionInput, caplog: pytest.LogCaptureFixture
) -> None:
    service = await serve(FailingEngine(ZeroDivisionError("secret inner words")))

    failed = await service.make(request_of_three_steps.model_copy(update={"prompt": "fail"}))

    assert failed.status == Status.FAILED
    assert failed.error is not None
    assert failed.error.startswith("The model failed unexpectedly.")
    assert "secret" not in failed.model_dump_json()
    assert "Traceback" not in failed.model_dump_json()
    assert "secret inner words" in caplog.text
    assert (await service.make(request_of_three_steps)).status == Status.COMPLETED


async def test_a_disk_that_refuses_fails_the_prediction_readably(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    outputs = OutputFolder()
    service = await serve(InstantEngine(), outputs=outputs)
    outputs.close()

    failed = await service.make(request_of_three_steps)

    assert failed.status == Status.FAILED
    assert failed.error is not None
    assert "could not be stored" in failed.error


async def test_two_workers_work_at_the_same_time(serve: Serve, request_of_three_steps: PredictionInput) -> None:
    engine = GatedEngine()
    service = await serve(engine, workers=2)

    both = [await service.client.create(request_of_three_steps) for _ in range(2)]
    for prediction in both:
        await running(service, prediction)
    engine.allow(6)

    assert [(await service.ended(prediction)).status for prediction in both] == [Status.COMPLETED, Status.COMPLETED]


async def test_stopping_cancels_what_waits_and_what_runs_and_removes_the_files(
    request_of_many_steps: PredictionInput,
) -> None:
    engine = GatedEngine()
    runner = Runner(engine)
    await runner.start()
    engine.allow(1)
    done = await runner.submit(request_of_many_steps.model_copy(update={"num_inference_steps": 1}), client="a")
    await until(lambda: runner.get(done.job_id).status == Status.COMPLETED)
    (name,) = runner.get(done.job_id).result or ()
    path = runner.outputs.find(name)
    assert path is not None
    first = await runner.submit(request_of_many_steps, client="a")
    waiting = await runner.submit(request_of_many_steps, client="a")
    await until(lambda: runner.get(first.job_id).status == Status.PROCESSING)
    engine.allow(3)
    await until(lambda: runner.get(first.job_id).progress == Progress(step=3, total=50, preview=seen_preview(runner, first)))

    engine.allow(1)
    await runner.stop()

    assert runner.get(first.job_id).status == Status.CANCELLED
    assert runner.get(waiting.job_id).status == Status.CANCELLED
    assert engine.was_stopped.is_set()
    assert len(engine.prompts) == 2
    assert not path.parent.exists()
    assert runner.outputs.find(name) is None


def seen_preview(runner: Runner, prediction: Prediction) -> str | None:
    progress = runner.get(prediction.job_id).progress
    return progress.preview if progress else None


async def test_starting_twice_starts_once(request_of_three_steps: PredictionInput) -> None:
    engine = GatedEngine()
    async with running_service(engine) as service:
        await service.runner.start()
        first, second = [await service.client.create(request_of_three_steps) for _ in range(2)]
        await running(service, first)

        assert (await service.client.get(second.job_id)).status == Status.PENDING


async def test_only_ended_predictions_are_forgotten(
    request_of_three_steps: PredictionInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.service.runner._KEPT_TASKS", 2)
    engine = GatedEngine()
    async with running_service(engine) as service:
        ended = await service.client.create(request_of_three_steps)
        engine.allow(3)
        await service.ended(ended)
        others = [await service.client.create(request_of_three_steps) for _ in range(3)]

        assert set(service.runner._tasks) == {prediction.job_id for prediction in others}
