"""One prediction from the click to the kept files: create, write the id down, watch, download, keep."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from playground.client.api import ImageFile, PredictionClient
from playground.client.download import Output
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction, Status
from playground.errors import Credits, OutputError, PlaygroundError, StorageError
from playground.experiments.thumbnail import thumbnail
from playground.history.budget import Budget
from playground.history.entry import Account, Asked, Ending, Order
from playground.history.store import HistoryStore

log = logging.getLogger(__name__)

_MOST_OUTPUTS = 16  # four is what can be asked for


@dataclass(frozen=True)
class RunUpdate:
    """How a run stands. `prediction` is None until the server has accepted it."""

    prediction: Prediction | None = None
    files: tuple[Path, ...] = ()
    thumbnail: Path | None = None
    """A small copy of the first; only where the run is kept in the history."""
    size_bytes: int = 0
    """Of all files together."""
    error: PlaygroundError | None = None
    warning: str | None = None
    """What went wrong beside the prediction: the history, a cancel that did not arrive."""
    is_cancelling: bool = False
    is_over: bool = False
    elapsed_s: float = 0.0


class Run:
    """One prediction on its way; `updates` may be iterated by one page."""

    def __init__(
        self,
        client: PredictionClient,
        request: PredictionInput,
        *,
        image: ImageFile | None,
        keep_for_now: Callable[[Output], Awaitable[Path]],
        history: HistoryStore,
        clock: Callable[[], float],
        account: Account,
        needs_history: bool = False,
        budget: Budget | None = None,
        accepted: Prediction | None = None,
    ) -> None:
        self.client = client
        self.request = request
        self._image = image
        self._keep_for_now = keep_for_now
        self._history = history
        self._account = account
        self._needs_history = needs_history
        self._budget = budget
        self._clock = clock
        self._started_s = clock()
        self._latest = RunUpdate(prediction=accepted)
        self._changed = asyncio.Event()
        self._size_bytes = 0
        self._lacking: list[str] = []
        self._missing = 0
        self._order: Order | None = None
        self._cancel_wanted = False
        self._cancelling: asyncio.Task[None] | None = None

    @property
    def latest(self) -> RunUpdate:
        """How the run stands now."""
        if self._latest.is_over:
            return self._latest
        return replace(self._latest, elapsed_s=self._clock() - self._started_s)

    @property
    def is_sending(self) -> bool:
        """Whether the request is on its way and its id still unknown."""
        return self._latest.prediction is None and not self._latest.is_over

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
            credits = Credits.NOT_AT_STAKE if self.client.model.is_free else Credits.MAYBE_SPENT
            await self._end_badly(
                PlaygroundError(
                    f"The playground itself failed ({type(error).__name__}).", advice="See its log.", credits=credits
                )
            )

    @property
    def _is_remembered(self) -> bool:
        return not self.client.model.is_free or bool(self._account.visitor) or self._needs_history

    async def _work(self) -> None:
        order = self._order = await self._ordered()
        first = self._latest.prediction or await self._send(order)
        self._image = None  # megabytes that a page which still shows the result need not hold
        if self._is_remembered:
            await self._remember(lambda: self._history.record_accepted(order, first), job_id=first.job_id)
        self._show(prediction=first)
        if self._cancel_wanted:
            self.cancel()
        async for prediction in self.client.watch(first):
            self._show(prediction=prediction)
        last = self._latest.prediction or first
        files: tuple[Path, ...] = ()
        if last.status == Status.COMPLETED:
            files = await self._fetch_and_keep(last)
        await self._end(last, files)

    async def _ordered(self) -> Order:
        """What will be written down of the request; its upload is kept first, where the disk lets us."""
        kept: list[Path] = []
        if self._image is not None and self._is_remembered:
            data = self._image.data

            async def keep() -> None:
                kept.append(await self._history.keep(data, "png"))

            await self._remember(keep)
        asked = asked_of(self.client, self.request, self._image)
        return Order(asked, self.client.model, self._account, image=kept[0] if kept else None)

    async def _send(self, order: Order) -> Prediction:
        """Create it; what is paid for is written down before it can be accepted, and stays so if nobody knows."""
        if self.client.model.is_free:
            return await self.client.create(self.request, image=self._image)
        try:
            await self._history.record_sent(order, self._budget)
        except StorageError as error:
            if self._needs_history or (self._budget is not None and self._account.key_of == "owner"):
                raise
            self._show(warning=str(error))
        try:
            if self._cancel_wanted:
                raise PlaygroundError("It was stopped before it was sent.", credits=Credits.NOT_SPENT)
            return await self.client.create(self.request, image=self._image)
        except PlaygroundError as error:
            text, was_refused = error.what, error.credits in (Credits.NOT_SPENT, Credits.NOT_AT_STAKE)
            history = self._history
            await self._remember(lambda: history.forget(order) if was_refused else history.record_problem(order, text))
            raise

    async def _end(self, last: Prediction, files: tuple[Path, ...] = (), error: PlaygroundError | None = None) -> None:
        """Write down what became of it, and say it."""
        kept = tuple(path for path in files if path.is_relative_to(self._history.outputs))
        small = await self._thumbnail(kept[0]) if kept else None
        time_s = last.run_time_s if last.run_time_s is not None else self.latest.elapsed_s
        reason = error.what if error else last.error or " ".join(self._lacking) or None
        ending = Ending(last.status, reason, kept, small, self._size_bytes, time_s if files else None, self._missing)
        if self._is_remembered and (order := self._order) is not None:
            await self._remember(lambda: self._history.record_ended(order, last.job_id, ending), job_id=last.job_id)
        self._show(files=files, thumbnail=small, error=error, is_over=True)

    async def _thumbnail(self, path: Path) -> Path | None:
        """None for a picture that cannot be read, and on a disk that takes no more."""
        try:
            return await self._history.keep(await asyncio.to_thread(thumbnail, path), "webp")
        except StorageError:
            return None

    async def _fetch_and_keep(self, prediction: Prediction) -> tuple[Path, ...]:
        """Every output that can be had, the damaged ones too; those that cannot are a warning as long as one could."""
        files: list[Path] = []
        lost: list[OutputError] = []
        for item in (prediction.result or ())[:_MOST_OUTPUTS]:
            try:
                output = await self.client.download_one(item)
            except OutputError as error:
                lost.append(error)
                continue
            files.append(await self._keep(output))
            self._size_bytes += len(output.data)
            if output.flaw:
                self._lacking.append(f"Picture {len(files)} cannot be read: {output.flaw}. It is kept as it was delivered.")
        if not files:
            raise lost[0] if lost else OutputError("The prediction is completed but names no picture.", credits=self._spent)
        self._missing = len(lost)
        if lost:
            self._lacking.insert(0, f"{len(lost)} of {len(lost) + len(files)} pictures are missing: {lost[0]}")
        self._show(warning=" ".join(self._lacking))
        return tuple(files)

    @property
    def _spent(self) -> Credits:
        return Credits.NOT_AT_STAKE if self.client.model.is_free else Credits.ALREADY_SPENT

    async def _end_badly(self, error: PlaygroundError) -> None:
        prediction = self._latest.prediction
        if prediction is None:
            return self._show(error=error, is_over=True)
        if not self.client.model.is_free:
            stands = "is over" if prediction.status.is_terminal else "was accepted: it may still finish"
            self._show(warning=f"Prediction {prediction.job_id} {stands}, and its credits may be spent.")
        await self._end(prediction, error=error)

    async def _remember(self, write: Callable[[], Awaitable[None]], *, job_id: str = "") -> None:
        """A disk that refuses is said, and does not stop the run."""
        try:
            await write()
        except StorageError as error:
            which = f" This prediction's id is {job_id}." if job_id and not self.client.model.is_free else ""
            self._show(warning=f"{error}{which}")

    async def _keep(self, output: Output) -> Path:
        if self._is_remembered:
            try:
                return await self._history.keep(output.data, output.extension)
            except StorageError as error:
                self._show(warning=f"{error} Download the picture now: it is kept only until the playground stops.")
        return await self._keep_for_now(output)

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
        thumbnail: Path | None = None,
        error: PlaygroundError | None = None,
        warning: str | None = None,
        is_cancelling: bool | None = None,
        is_over: bool = False,
    ) -> None:
        latest = self._latest
        self._latest = RunUpdate(
            prediction=prediction or latest.prediction,
            files=latest.files if files is None else files,
            thumbnail=thumbnail or latest.thumbnail,
            size_bytes=self._size_bytes,
            error=error or latest.error,
            warning=" ".join(dict.fromkeys(filter(None, (latest.warning, warning)))) or None,
            is_cancelling=latest.is_cancelling if is_cancelling is None else is_cancelling,
            is_over=is_over,
            elapsed_s=self._clock() - self._started_s,
        )
        self._changed.set()


def asked_of(client: PredictionClient, request: PredictionInput, image: ImageFile | None = None) -> Asked:
    """What tells this request from others, also from the same one on somebody else's account.

    Where there is no `image`, the request's own may hold its digest, as in the plans of sweeps.
    """
    key = client.api_key.get_secret_value() if client.api_key else ""
    payer = hashlib.sha256(key.encode()).hexdigest() if key else ""
    return Asked(client.base_url, client.model.id, request, image.digest if image else request.image or "", payer)
