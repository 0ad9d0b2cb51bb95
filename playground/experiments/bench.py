"""The bench: where runs are started and held on to, and where their pictures lie."""

import asyncio
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from playground.client.api import ImageFile, PredictionClient
from playground.client.download import Output
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction
from playground.experiments.run import Run
from playground.history.budget import Budget
from playground.history.entry import NOBODY, Account
from playground.history.store import HistoryStore, write_by_hash

_MOST_FREE_PICTURES = 1000  # the page has its own copy of what it shows
_LAST_ANSWERS_S = 3.0


class Bench:
    """Starts runs and holds on to them, so that one which is paid for goes on when its page is closed."""

    def __init__(
        self, history: HistoryStore, *, budget: Budget | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.history = history
        self._budget = budget
        self._clock = clock
        self._free_outputs = tempfile.TemporaryDirectory(prefix="playground-pictures-")
        self._free_paths: OrderedDict[Path, None] = OrderedDict()
        self._runs: dict[asyncio.Task[None], Run] = {}
        self._works: set[asyncio.Task[None]] = set()

    @property
    def folders(self) -> tuple[Path, Path]:
        """Where pictures are kept: those of the history, and the latest others until the playground stops."""
        return self.history.outputs, Path(self._free_outputs.name)

    def start(
        self,
        client: PredictionClient,
        request: PredictionInput,
        *,
        image: ImageFile | None = None,
        account: Account = NOBODY,
        needs_history: bool = False,
        accepted: Prediction | None = None,
    ) -> Run:
        """Begin a run; it works on in the background. With `accepted` nothing is sent: that prediction is watched again.

        `needs_history`: nothing paid is sent that cannot be written down first.
        """
        run = Run(
            client,
            request,
            image=image,
            keep_for_now=self._keep_for_now,
            history=self.history,
            clock=self._clock,
            account=account,
            needs_history=needs_history,
            budget=self._budget,
            accepted=accepted,
        )
        task = asyncio.create_task(run.work())
        self._runs[task] = run
        task.add_done_callback(self._runs.pop)
        return run

    def is_watching(self, base_url: str, job_id: str | None) -> bool:
        """Whether a run is following this prediction now."""
        return any(
            run.client.base_url == base_url and run.latest.prediction is not None and run.latest.prediction.job_id == job_id
            for run in self._runs.values()
        )

    def look_after(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work that starts runs go on when the page that began it is closed; it ends with the playground."""
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    async def close(self) -> None:
        """Stop watching. Predictions that run elsewhere run on; their ids are in the history."""
        works = list(self._works)
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        # A request on its way may be accepted any moment: its answer brings the id that must not be lost.
        if sending := [task for task, run in self._runs.items() if run.is_sending]:
            await asyncio.wait(sending, timeout=_LAST_ANSWERS_S)
        tasks = list(self._runs)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._free_outputs.cleanup()

    async def _keep_for_now(self, output: Output) -> Path:
        path = await asyncio.to_thread(write_by_hash, self.folders[1], output.data, output.extension)
        self._free_paths[path] = None
        self._free_paths.move_to_end(path)
        while len(self._free_paths) > _MOST_FREE_PICTURES:
            self._free_paths.popitem(last=False)[0].unlink(missing_ok=True)
        return path
