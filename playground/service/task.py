"""One prediction's state machine: a method for each transition, and the snapshot that the API shows."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from PIL.Image import Image

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction, Progress, Status

PROVIDER = "playground"


@dataclass(eq=False)
class Task:
    """A prediction on its way. The event loop calls transitions, the worker thread `advance`, `note` and `must_stop`."""

    request: PredictionInput
    model_id: str
    seed: int
    image: Image | None = None
    notes: tuple[str, ...] = ()
    clock: Callable[[], float] = time.monotonic
    job_id: str = field(default_factory=lambda: uuid4().hex)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: Status = Status.PENDING
    result: tuple[str, ...] | None = None
    error: str | None = None
    progress: Progress = field(default_factory=Progress)
    watched: bool = True
    """Whether somebody has looked since the last preview; a preview that nobody would see is not made."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _created_s: float = field(init=False)
    _started_s: float | None = None
    ended_s: float | None = None

    def __post_init__(self) -> None:
        self._created_s = self.clock()

    def start(self) -> None:
        """pending → processing."""
        self.status, self._started_s = Status.PROCESSING, self.clock()

    def advance(self, step: int, total: int, preview: str | None) -> None:
        """One denoising step is done; without a new preview the last one stays."""
        self.progress = Progress(step=step, total=total, preview=preview or self.progress.preview)

    def note(self, sentence: str) -> None:
        """Something to know about the result that only came out on the way."""
        self.notes = (*self.notes, sentence)

    def complete(self, result: tuple[str, ...]) -> None:
        """processing → completed."""
        self._end(Status.COMPLETED)
        self.result = result

    def fail(self, error: str) -> None:
        """pending or processing → failed."""
        self._end(Status.FAILED)
        self.error = error

    def cancel(self) -> None:
        """pending or processing → cancelled."""
        self._end(Status.CANCELLED)

    def ask_to_stop(self) -> None:
        """Have the worker stop before its next step."""
        self._stop.set()

    @property
    def must_stop(self) -> bool:
        """Whether the worker was asked to stop."""
        return self._stop.is_set()

    def snapshot(self, queue_position: int | None = None) -> Prediction:
        """The prediction as the API shows it now."""
        return Prediction(
            job_id=self.job_id,
            status=self.status,
            provider=PROVIDER,
            model=self.model_id,
            created_at=self.created_at.isoformat().replace("+00:00", "Z"),
            result=self.result,
            error=self.error,
            progress=self.progress.model_copy(update={"queue_position": queue_position}),
            seed=self.seed,
            notes=self.notes,
            metrics=self._metrics(),
        )

    def _end(self, status: Status) -> None:
        if self.status.is_terminal:
            raise RuntimeError(f"a {self.status} prediction cannot become {status}")
        self.status, self.ended_s = status, self.clock()
        self.image = None
        self.progress = self.progress.model_copy(update={"preview": None})

    def _metrics(self) -> dict[str, float]:
        if self.ended_s is None:
            return {}
        started_s = self.ended_s if self._started_s is None else self._started_s
        return {
            "queue_time": round(started_s - self._created_s, 3),
            "run_time": round(self.ended_s - started_s, 3),
            "total_time": round(self.ended_s - self._created_s, 3),
        }
