"""A sweep on its way: a plan's requests made a few at a time, nothing made twice, nothing lost when it is stopped."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import replace
from types import MappingProxyType

from playground.client.api import ImageFile, PredictionClient
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction, Status
from playground.errors import BadInputError, Credits, PlaygroundError, StorageError
from playground.experiments.bench import Bench
from playground.experiments.made import SENT_BEFORE, Made, Result, Snapshot, State
from playground.experiments.plan import Plan
from playground.experiments.run import Run, RunUpdate, asked_of
from playground.history.entry import NOBODY, Account
from playground.history.results import Known, find_results, is_made

log = logging.getLogger(__name__)

AT_ONCE_FREE, AT_ONCE_PAID = 2, 4
"""The pocket model always has the next request waiting; the hosted API has four at a time, which no rate limit minds."""

ReadImage = Callable[[str], ImageFile]
"""The picture with this digest, as it will be sent. Blocks. Raises BadInputError where it cannot be had any more."""


def _no_image(digest: str) -> ImageFile:
    raise BadInputError("The picture to start from is missing.", advice="Upload it again.")


class Sweep:
    """Makes a plan's requests. Each `start` makes what is not made yet; what failed is tried again only by `retry`.

    Pictures to start from are read when their turn comes, so that a sweep over many holds few of them.
    """

    def __init__(
        self,
        plan: Plan,
        client: PredictionClient,
        bench: Bench,
        *,
        read_image: ReadImage = _no_image,
        account: Account = NOBODY,
        at_once: int | None = None,
    ) -> None:
        self.plan = plan
        self.client = client
        self._bench = bench
        self._read_image = read_image
        self._account = account
        self._at_once = at_once or (AT_ONCE_FREE if client.model.is_free else AT_ONCE_PAID)
        self._made: dict[PredictionInput, Made] = dict.fromkeys(plan.requests, Made())
        self._todo: deque[PredictionInput] = deque()
        self._runs: dict[PredictionInput, Run] = {}
        self._is_stopping = False
        self._is_over = True
        self._warning = ""
        self._changed = asyncio.Event()

    @property
    def latest(self) -> Snapshot:
        """How the sweep stands now."""
        return Snapshot(MappingProxyType(dict(self._made)), self._is_stopping, self._is_over, self._warning)

    def start(self) -> None:
        """Begin, or go on where it was stopped. Does nothing while it runs."""
        self._begin(request for request, made in self._made.items() if made.state == State.WAITING)

    def retry(self, *, even_uncertain: bool = False) -> None:
        """Try again what failed, one after the other. What may already be paid for only where that is asked for."""
        again = [
            request
            for request, made in self._made.items()
            if made.state == State.FAILED and (even_uncertain or not made.needs_asking)
        ]
        self._begin(again, at_once=1)

    def stop(self) -> None:
        """Begin no new picture; those under way are finished and kept."""
        self._todo.clear()
        self._is_stopping = not self._is_over
        self._changed.set()

    def stop_now(self) -> None:
        """Begin no new picture and cancel those under way."""
        self.stop()
        for run in self._runs.values():
            run.cancel()

    def leave(self) -> None:
        """The page has gone: what is free is stopped; what is paid for is finished and kept, and nothing new is paid for."""
        if self.client.model.is_free:
            self.stop_now()
        else:
            self.stop()

    async def updates(self, *, every_s: float = 0.5) -> AsyncGenerator[Snapshot]:
        """The latest state whenever it changes, but not more often than ten times a second; ends with the sweep."""
        while True:
            self._changed.clear()
            snapshot = self.latest
            yield snapshot
            if snapshot.is_over:
                return
            try:
                async with asyncio.timeout(every_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(0.1)

    def _begin(self, requests: Iterable[PredictionInput], *, at_once: int | None = None) -> None:
        if not self._is_over:
            return
        self._todo = deque(requests)
        self._is_over, self._is_stopping, self._warning = False, False, ""
        self._bench.look_after(self._work(at_once or self._at_once))

    async def _work(self, at_once: int) -> None:
        try:
            await self._look_up()
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(self._take_turns())
        except StorageError as error:
            self._warning = str(error)
        except Exception:
            log.exception("a sweep failed unexpectedly")
            self._warning = "The playground itself failed. See its log."
        finally:
            self._is_over, self._is_stopping = True, False
            self._changed.set()

    async def _look_up(self) -> None:
        """Serve what was made before; what may be under way since an earlier sweep is never sent again by itself."""
        waiting = [request for request in self._todo if self._made[request].state == State.WAITING]
        try:
            known = await look_up(self._bench, self.client, waiting, account=self._account)
        except StorageError as error:
            if not self.client.model.is_free:
                raise
            known, self._warning = {}, str(error)
        for request, one in known.items():
            entry = one.best
            if is_made(entry):
                self._todo.remove(request)
                self._made[request] = Made(State.REUSED, Result(entry.outputs, entry.thumbnail, entry.size_bytes, entry.time_s))
            elif entry.job_id is None:
                self._todo.remove(request)
                self._made[request] = Made(State.FAILED, error=SENT_BEFORE, is_uncertain=True)
            else:
                accepted = Prediction(job_id=entry.job_id, status=Status.PENDING)
                self._made[request] = Made(State.WAITING, accepted=accepted, is_uncertain=one.is_uncertain)
        self._changed.set()

    async def _take_turns(self) -> None:
        while self._todo:
            await self._make(self._todo.popleft())

    async def _make(self, request: PredictionInput) -> None:
        before = self._made[request]
        self._end(request, replace(before, state=State.RUNNING, error=""))
        try:
            image = await self._image_of(request) if before.accepted is None else None
        except BadInputError as error:
            return self._end(request, replace(before, state=State.FAILED, error=str(error)))
        if self._is_stopping:  # meanwhile
            return self._end(request, before)
        run = self._bench.start(
            self.client,
            request.model_copy(update={"image": None}),  # the picture itself travels beside it
            image=image,
            account=self._account,
            needs_history=True,  # what cannot be found again would be paid for twice
            accepted=before.accepted,
        )
        self._runs[request] = run
        try:
            async for _ in run.updates():
                pass  # the page shows a picture when it is there
        finally:
            del self._runs[request]
        self._end(request, _ended(run.latest, before))

    async def _image_of(self, request: PredictionInput) -> ImageFile | None:
        return None if request.image is None else await asyncio.to_thread(self._read_image, request.image)

    def _end(self, request: PredictionInput, made: Made) -> None:
        self._made[request] = made
        self._changed.set()


async def look_up(
    bench: Bench, client: PredictionClient, requests: Iterable[PredictionInput], *, account: Account = NOBODY
) -> dict[PredictionInput, Known]:
    """What is known of these requests from before. Raises StorageError."""
    asked = {request: asked_of(client, request) for request in requests}
    known = await find_results(bench.history, asked.values(), visitor=account.visitor)
    return {request: known[one.digest] for request, one in asked.items() if one.digest in known}


def _ended(update: RunUpdate, before: Made) -> Made:
    if update.files:
        prediction = update.prediction
        time_s = prediction.run_time_s if prediction and prediction.run_time_s is not None else update.elapsed_s
        return Made(State.DONE, Result(update.files, update.thumbnail, update.size_bytes, time_s))
    made = _outcome(update)
    if update.prediction is None and update.is_cancelling and not made.is_uncertain:
        return before  # stopped before it was sent
    # An earlier sending of which nobody knows stays possible, whatever became of this one.
    return made.still_uncertain() if before.is_uncertain else made


def _outcome(update: RunUpdate) -> Made:
    prediction, error = update.prediction, update.error
    if prediction is not None and prediction.status == Status.CANCELLED:
        return Made(was_cancelled=True)
    if error is None:
        reason = (prediction.error if prediction else None) or "The API gave no reason."
        return Made(State.FAILED, error=reason)
    if prediction is not None and (not prediction.status.is_terminal or prediction.status == Status.COMPLETED):
        again = Prediction(job_id=prediction.job_id, status=Status.PENDING)  # asked anew, it may name new links to its files
        return Made(State.FAILED, error=f"{error} Trying again looks for it and sends nothing.", accepted=again)
    return Made(State.FAILED, error=str(error), is_uncertain=_may_be_spent(error))


def _may_be_spent(error: PlaygroundError) -> bool:
    return error.credits in (Credits.MAYBE_SPENT, Credits.ALREADY_SPENT)
