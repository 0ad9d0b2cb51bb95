"""Runs predictions: takes them from the fair queue, works on them in worker threads, stops them between two steps."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from PIL.Image import Image

from playground.contract.effects import effective_seed, remarks
from playground.contract.inputs import PredictionInput
from playground.contract.model import ModelInfo
from playground.contract.prediction import Prediction
from playground.engine.base import Engine, Step
from playground.errors import EngineCancelledError, NotFoundError, PlaygroundError
from playground.safety.base import SafetyChecker
from playground.service import inspection
from playground.service.outputs import OutputFolder, encode, preview_uri
from playground.service.queue import FairQueue
from playground.service.task import Task

log = logging.getLogger(__name__)

_KEPT_TASKS = 2000
_LARGEST_DRAWN_SEED = 2**32


class Runner:
    """The predictions of one process. All methods belong to one event loop, which `start` is called on."""

    def __init__(
        self,
        engine: Engine,
        *,
        safety: SafetyChecker | None = None,
        workers: int = 1,
        queue_capacity: int = 64,
        outputs: OutputFolder | None = None,
        writes_settings: bool = True,
        draw_seed: Callable[[], int] = lambda: 1 + secrets.randbelow(_LARGEST_DRAWN_SEED - 1),
    ) -> None:
        self._engine = engine
        self._safety = safety
        self._workers = workers
        self._queue: FairQueue[Task] = FairQueue(queue_capacity)
        self._tasks: dict[str, Task] = {}
        self.outputs = outputs or OutputFolder()
        self._writes_settings = writes_settings
        self._draw_seed = draw_seed
        self._arrived = asyncio.Condition()
        self._loops: list[asyncio.Task[None]] = []
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="engine")

    @cached_property
    def model(self) -> ModelInfo:
        """The model that the engine runs, and whether its pictures are checked here."""
        return inspection.described(self._engine.info, is_checked=self._safety is not None)

    async def start(self) -> None:
        """Start the workers on the running loop."""
        if not self._loops:
            self._loops = [asyncio.create_task(self._work(), name=f"worker-{number}") for number in range(self._workers)]

    async def stop(self) -> None:
        """Cancel what waits and what runs, wait for the threads, remove the outputs."""
        while (waiting := self._queue.get()) is not None:
            waiting.cancel()
        for task in self._tasks.values():
            task.ask_to_stop()
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._loops = []
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        self.outputs.close()

    async def submit(self, request: PredictionInput, *, client: str, image: Image | None = None) -> Prediction:
        """Put a prediction in the queue. Raises RateLimitedError when it is full."""
        task = Task(
            request=request,
            model_id=self.model.id,
            seed=effective_seed(request) or self._draw_seed(),
            image=image,
            notes=remarks(request, self.model, has_image=image is not None),
        )
        self._queue.put(task, client)
        self._tasks[task.job_id] = task
        self._forget_old()
        async with self._arrived:
            self._arrived.notify()
        return self._snapshot(task)

    def get(self, job_id: str) -> Prediction:
        """The prediction as it stands. Raises NotFoundError."""
        task = self._find(job_id)
        task.watched = True
        return self._snapshot(task)

    def cancel(self, job_id: str) -> Prediction:
        """Cancel: at once while it waits, before its next step while it runs, without effect when it has ended."""
        task = self._find(job_id)
        if self._queue.remove(task):
            task.cancel()
        elif not task.status.is_terminal:
            task.ask_to_stop()
        return self._snapshot(task)

    def _snapshot(self, task: Task) -> Prediction:
        return task.snapshot(self._queue.position(task))

    def _find(self, job_id: str) -> Task:
        if (task := self._tasks.get(job_id)) is None:
            raise NotFoundError(
                "There is no prediction with that id here.", advice="Ids are forgotten when the service restarts."
            )
        return task

    def _forget_old(self) -> None:
        ended = [task for task in self._tasks.values() if task.status.is_terminal]
        for task in ended[: max(0, len(self._tasks) - _KEPT_TASKS)]:
            del self._tasks[task.job_id]

    async def _work(self) -> None:
        while True:
            async with self._arrived:
                while (task := self._queue.get()) is None:
                    await self._arrived.wait()
            await self._run(task)

    async def _run(self, task: Task) -> None:
        task.start()
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._threads, self._make, task)
        except EngineCancelledError:
            task.cancel()
        except asyncio.CancelledError:
            task.cancel()
            raise
        except PlaygroundError as error:
            task.fail(" ".join(part for part in (error.what, error.advice) if part))
        except Exception:  # whatever an engine may throw, the job must end and the worker must live
            log.exception("prediction %s failed", task.job_id)
            task.fail("The model failed unexpectedly. Try other settings; the service's log has the details.")
        else:
            task.complete(result)
        self.outputs.prune()

    def _make(self, task: Task) -> tuple[str, ...]:
        """In a worker thread: pictures made, checked, encoded and stored; returns their file names."""
        checker = None if task.request.disable_safety_checker else self._safety

        def on_step(step: Step) -> None:
            if task.must_stop:
                raise EngineCancelledError("Cancelled.")
            preview = _preview(step, checker) if task.watched else None
            task.watched = False
            task.advance(step.number, step.total, preview)

        if task.must_stop:
            raise EngineCancelledError("Cancelled.")
        if checker is not None:
            checker.prepare()
            if task.image is not None:
                inspection.refuse_flagged(task.image, checker)
        pictures = self._engine.generate(task.request, seed=task.seed, image=task.image, on_step=on_step)
        if checker is not None:
            made, pictures = len(pictures), inspection.unflagged(pictures, checker)
            if len(pictures) < made:
                task.note(inspection.withheld_note(made - len(pictures), made=made))
        return self._stored(task, pictures)

    def _stored(self, task: Task, pictures: list[Image]) -> tuple[str, ...]:
        names: list[str] = []
        for number, picture in enumerate(pictures):
            data = encode(
                picture,
                task.request,
                model_id=task.model_id,
                seed=task.seed,
                from_image=task.image is not None,
                with_settings=self._writes_settings,
            )
            names.append(f"{task.job_id}-{number}.{task.request.output_format}")
            self.outputs.write(names[-1], data)
        return tuple(names)


def _preview(step: Step, checker: SafetyChecker | None) -> str | None:
    """The preview as a data URI; None for a flagged one, and the last that passed stays.

    A class sees previews as it sees pictures, and anybody can keep one, so they are checked likewise. That costs some 10 ms
    a look, and nothing where nobody looks. A flagged one does not end the prediction: the finished picture decides.
    """
    picture = step.preview()
    return None if checker is not None and checker.is_flagged(picture) else preview_uri(picture)
