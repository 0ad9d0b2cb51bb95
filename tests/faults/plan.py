"""What goes wrong with which prediction: one fault each, drawn from a seed, so that every run can be repeated."""

import random
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """One thing that goes wrong with one prediction."""

    NONE = "none"
    # The request is not accepted.
    SERVER_ERROR = "server error"
    BUSY = "busy"
    BUSY_FOR_A_SECOND = "busy for a second"
    RESET_UNREAD = "reset unread"
    # The request is accepted, and its answer does not say so.
    GATEWAY_ERROR = "gateway error"
    RESET_ACCEPTED = "reset accepted"
    ANSWER_NOT_JSON = "answer not json"
    ANSWER_OF_WRONG_TYPES = "answer of wrong types"
    # The first looks at it go wrong.
    LOOK_SERVER_ERROR = "look server error"
    LOOK_BUSY = "look busy"
    LOOK_BUSY_FOR_A_SECOND = "look busy for a second"
    LOOK_RESET = "look reset"
    LOOK_SLOW = "look slow"
    LOOK_NOT_JSON = "look not json"
    LOOK_OF_WRONG_TYPES = "look of wrong types"
    # Its statuses are odd.
    UNKNOWN_STATUS = "unknown status"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    FAILS = "fails"
    NAMES_NOTHING = "names nothing"
    ENDLESS = "endless"
    # Its files are slow to come, the first time or for good.
    FILE_SERVER_ERROR = "file server error"
    FILE_RESET = "file reset"
    FILE_BROKEN_OFF = "file broken off"
    FILE_SLOW = "file slow"
    # Its files cannot be had.
    FILE_403 = "file 403"
    FILE_404 = "file 404"
    FILE_410 = "file 410"
    FILE_LEADS_INSIDE = "file leads inside"
    # Its files are not what they should be.
    TRUNCATED = "truncated"
    NOT_AN_IMAGE = "not an image"

    @property
    def is_accepted(self) -> bool:
        """Whether the server takes the request, and the prediction costs credits."""
        return self not in _REFUSED

    @property
    def is_answered(self) -> bool:
        """Whether the one who asked is told the prediction's id."""
        return self.is_accepted and self not in _UNANSWERED


_REFUSED = (Fault.SERVER_ERROR, Fault.BUSY, Fault.BUSY_FOR_A_SECOND, Fault.RESET_UNREAD)
_UNANSWERED = (Fault.GATEWAY_ERROR, Fault.RESET_ACCEPTED, Fault.ANSWER_NOT_JSON, Fault.ANSWER_OF_WRONG_TYPES)


@dataclass(frozen=True)
class Plan:
    """`always` one fault, or to a `share` of the predictions one drawn by `seed` and the request's number."""

    seed: int = 0
    share: float = 0.0
    always: Fault | None = None

    def fault(self, number: int) -> Fault:
        """What goes wrong with the request of that number."""
        if self.always is not None:
            return self.always
        draw = random.Random(f"{self.seed}:{number}")
        return draw.choice(list(Fault)[1:]) if draw.random() < self.share else Fault.NONE
