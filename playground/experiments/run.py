"""One prediction from the click to the kept files: create, write the id down, watch, download, keep."""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from playground.client.api import ImageFile, PredictionClient
from playground.client.download import Output
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction, Status
from playground.errors import Credits, PlaygroundError, StorageError
from playground.history.store import HistoryStore, write_by_hash

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunUpdate:
    """How a run stands. `prediction` is None until the server has accepted it."""

    prediction: Prediction | None = None
    files: tuple[Path, ...] = ()
    error: PlaygroundError | None = None
    warning: str | None = None
    """What went wrong beside the prediction: the history, a cancel that did not arrive."""
    is_cancelling: bool = False
    is_over: bool = False
    elapsed_s: float = 0.0


class Bench:
    """Starts runs and holds on to them, so that one which is paid for goes on when its page is closed."""

    def __init__(self, history: HistoryStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._history = history
        self._clock = clock
        self._free_outputs = tempfile.TemporaryDirectory(prefix="playground-pictures-")
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def folders(self) -> tuple[Path, Path]:
        """Where pictures are kept: paid ones for good, free ones until the playground stops."""
        return self._history.outputs, Path(self._free_outputs.name)

    def start(
        self,
        client: PredictionClient,
        request: PredictionInput,
        *,
        image: ImageFile | None = None,
        accepted: Prediction | None = None,
    ) -> "Run":
        """Begin a run; it works on in the background. With `accepted` nothing is sent: that prediction is watched again."""
        run = Run(client, request, image=image, keep=self._keep, history=self._history, clock=self._clock, accepted=accepted)
        task = asyncio.create_task(run.work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    async def close(self) -> None:
        """Stop watching. Predictions that run elsewhere run on; their ids are in the history."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._free_outputs.cleanup()

    async def _keep(self, output: Output, is_free: bool) -> Path:
        kept, temporary = self.folders
        if not is_free:
            try:
                return await self._history.keep(output.data, output.extension)
            except StorageError:
                log.warning("a paid picture could not be kept in %s and goes to a temporary folder", kept)
        return await asyncio.to_thread(write_by_hash, temporary, output.data, output.extension)


class Run:
    """One prediction on its way; `updates` may be iterated by one page."""

    def __init__(
        self,
        client: PredictionClient,
        request: PredictionInput,
        *,
        image: ImageFile | None,
        keep: Callable[[Output, bool], Awaitable[Path]],
        history: HistoryStore,
        clock: Callable[[], float],
        accepted: Prediction | None = None,
    ) -> None:
        self.client = client
        self.request = request
        self.image = image
        self._keep = keep
        self._history = history
        self._clock = clock
        self._started_s = clock()
        self._latest = RunUpdate(prediction=accepted)
        self._changed = asyncio.Event()
        self._cancel_wanted = False
        self._cancelling: asyncio.Task[None] | None = None

    @property
    def latest(self) -> RunUpdate:
        """How the run stands now."""
        if self._latest.is_over:
            return self._latest
        return replace(self._latest, elapsed_s=self._clock() - self._started_s)

    async def updates(self, *, every_s: float = 0.5) -> AsyncIterator[RunUpdate]:
        """The latest state whenever it changes, and at least every `every_s` seconds; ends after the final one."""
        while True:
            self._changed.clear()
            update = self.latest
            yield update
            if update.is_over:
                return
            try:
                async with asyncio.timeout(every_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def cancel(self) -> None:
        """Ask the server to stop; safe to call again, before the id is known, and after the end."""
        if self._latest.is_over:
            return
        self._cancel_wanted = True
        self._show(is_cancelling=True)
        prediction = self._latest.prediction
        if prediction is not None and (self._cancelling is None or self._cancelling.done()):
            # A task of its own: the page's event may be interrupted, the request to stop must not be.
            self._cancelling = asyncio.create_task(self._send_cancel(prediction.job_id))

    def leave(self) -> None:
        """The page has gone. What is free is stopped to make room; what is paid for goes on and is kept."""
        if self.client.model.is_free:
            self.cancel()

    async def work(self) -> None:
        """The whole run; never raises but for its own cancellation."""
        try:
            await self._work()
        except asyncio.CancelledError:
            self._show(error=PlaygroundError("The playground was stopped.", credits=Credits.NOT_AT_STAKE), is_over=True)
            raise
        except PlaygroundError as error:
            await self._end_badly(error)
        except Exception as error:
            log.exception("a run failed unexpectedly")
            await self._end_badly(
                PlaygroundError(f"The playground itself failed ({type(error).__name__}).", advice="See its log.")
            )

    async def _work(self) -> None:
        first = self._latest.prediction or await self.client.create(self.request, image=self.image)
        await self._remember(lambda: self._history.record_created(first, self.request, base_url=self.client.base_url), first)
        self._show(prediction=first)
        if self._cancel_wanted:
            self.cancel()
        async for prediction in self.client.watch(first):
            self._show(prediction=prediction)
        last = self._latest.prediction or first
        files: tuple[Path, ...] = ()
        if last.status == Status.COMPLETED:
            outputs = await self.client.download(last)
            files = tuple([await self._keep(output, self.client.model.is_free) for output in outputs])
        kept = tuple(path for path in files if path.is_relative_to(self._history.outputs))
        await self._remember(lambda: self._history.record_ended(last, base_url=self.client.base_url, outputs=kept), last)
        self._show(files=files, is_over=True)

    async def _end_badly(self, error: PlaygroundError) -> None:
        prediction = self._latest.prediction
        if prediction is not None and not self.client.model.is_free:
            self._show(
                warning=f"Prediction {prediction.job_id} was accepted: it may still finish, and its credits may be spent."
            )
            await self._remember(
                lambda: self._history.record_ended(prediction, base_url=self.client.base_url, error=error.what), prediction
            )
        self._show(error=error, is_over=True)

    async def _remember(self, write: Callable[[], Awaitable[None]], prediction: Prediction) -> None:
        """Paid predictions only. A disk that refuses is said, and does not stop the run."""
        if self.client.model.is_free:
            return
        try:
            await write()
        except StorageError as error:
            self._show(warning=f"{error} This prediction's id is {prediction.job_id}.")

    async def _send_cancel(self, job_id: str) -> None:
        try:
            await self.client.cancel(job_id)
        except PlaygroundError as error:
            self._show(
                warning=f"The cancel did not arrive: {error.what} It may still finish and be charged.", is_cancelling=False
            )

    def _show(
        self,
        *,
        prediction: Prediction | None = None,
        files: tuple[Path, ...] | None = None,
        error: PlaygroundError | None = None,
        warning: str | None = None,
        is_cancelling: bool | None = None,
        is_over: bool = False,
    ) -> None:
        latest = self._latest
        self._latest = RunUpdate(
            prediction=prediction or latest.prediction,
            files=latest.files if files is None else files,
            error=error or latest.error,
            warning=warning or latest.warning,
            is_cancelling=latest.is_cancelling if is_cancelling is None else is_cancelling,
            is_over=is_over,
            elapsed_s=self._clock() - self._started_s,
        )
        self._changed.set()
