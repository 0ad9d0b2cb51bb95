"""How the requests of a sweep stand, one by one and together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction

SENT_BEFORE = "It was sent before and its answer never came: it may be paid for already."


class State(StrEnum):
    """How a request of a sweep stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REUSED = "reused"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """The files of a request that was made."""

    files: tuple[Path, ...]
    thumbnail: Path | None = None
    size_bytes: int = 0
    time_s: float | None = None


@dataclass(frozen=True)
class Made:
    """One request of a sweep and what has become of it."""

    state: State = State.WAITING
    result: Result | None = None
    error: str = ""
    accepted: Prediction | None = None
    """Set where contact was lost: a retry watches it again and sends nothing."""
    is_uncertain: bool = False
    """A sending of it may have been accepted whose id is unknown: making it again may be paid for twice. Stays set, whatever
    becomes of another sending, until the picture is there."""
    was_cancelled: bool = False
    """It was stopped under way: to go on is to ask for it anew."""

    @property
    def needs_asking(self) -> bool:
        """Whether to try again is to send what may be paid for already; watching what was accepted sends nothing."""
        return self.is_uncertain and self.accepted is None

    @property
    def has_picture(self) -> bool:
        """Whether there is something to see."""
        return self.state in (State.DONE, State.REUSED)

    def still_uncertain(self) -> "Made":
        """This as the end of a later sending, which says nothing of the earlier one: it is never sent again by itself."""
        said = "It was stopped under way, which may have cost credits all the same." if self.was_cancelled else self.error
        return Made(State.FAILED, error=f"{said} Earlier: {SENT_BEFORE}", accepted=self.accepted, is_uncertain=True)


@dataclass(frozen=True)
class Snapshot:
    """A sweep as it stands; cells that ask for the same share one entry."""

    made: Mapping[PredictionInput, Made]
    is_stopping: bool = False
    is_over: bool = False
    warning: str = ""

    def count(self, *states: State) -> int:
        """How many requests are in one of these states."""
        return sum(made.state in states for made in self.made.values())

    @property
    def cancelled(self) -> int:
        """How many were stopped under way and are not made yet."""
        return sum(made.was_cancelled for made in self.made.values())
