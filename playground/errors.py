"""Every exception this project raises on purpose, in one tree.

PlaygroundError
├── BadInputError          the request breaks the contract (HTTP 400, 409, 413, 422)
├── KeyRefusedError        the API key is missing or refused (401, 403)
├── NoCreditsError         the account behind the key has too few credits (402)
├── BudgetError            the page's owner lets visitors spend no more
├── NotFoundError          no such prediction, or its files have expired (404, 410)
├── RateLimitedError       too many requests, or the queue is full (429, 503 with Retry-After)
├── ServerError            the API failed on its side (5xx)
├── NetworkError           the API could not be reached, or the connection broke
├── TimedOutError          the API was reached but did not answer in time
├── NotUnderstoodError     the API answered something that is not in its contract
├── OutputError            a finished prediction's file is not a picture or cannot be had
├── EngineError            a model could not make or check the picture
│   └── EngineCancelledError   it was asked to stop between two steps
├── FlaggedError           the safety checker withholds the upload, or every output
├── StorageError           a file or the history could not be written or read
└── PresetError            a preset file is not a valid preset

Each says what happened, whether credits were spent, and what to do next.
"""

from enum import StrEnum


class Credits(StrEnum):
    """What an error means for the account; the value is the sentence shown to people."""

    NOT_SPENT = "Nothing was charged."
    MAYBE_SPENT = "Credits may have been spent."
    ALREADY_SPENT = "The credits for this request are already spent."
    NOT_AT_STAKE = ""


class PlaygroundError(Exception):
    """`what` happened, what it means for `credits`, and what to do (`advice`); str() joins the three."""

    usual_credits = Credits.NOT_SPENT

    def __init__(self, what: str, *, advice: str = "", credits: Credits | None = None) -> None:
        self.what = what
        self.advice = advice
        self.credits = self.usual_credits if credits is None else credits
        super().__init__(" ".join(part for part in (what, self.credits.value, advice) if part))


class BadInputError(PlaygroundError):
    """The request breaks the contract; correct it and send it again."""


class KeyRefusedError(PlaygroundError):
    """The API key is missing or was refused."""


class NoCreditsError(PlaygroundError):
    """The account behind the key has too few credits."""


class BudgetError(PlaygroundError):
    """The page's owner lets visitors spend no more of the owner's credits."""


class NotFoundError(PlaygroundError):
    """No such prediction, or its files have expired."""


class RateLimitedError(PlaygroundError):
    """Too many requests; `retry_after_s` is the server's own wish, None where it gave none."""

    def __init__(
        self, what: str, *, advice: str = "", credits: Credits | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(what, advice=advice, credits=credits)
        self.retry_after_s = retry_after_s


class ServerError(PlaygroundError):
    """The API failed on its side."""


class NetworkError(PlaygroundError):
    """The API could not be reached, or the connection broke."""


class TimedOutError(PlaygroundError):
    """The API was reached but did not answer in time."""


class NotUnderstoodError(PlaygroundError):
    """The API answered something that is not in its contract."""


class OutputError(PlaygroundError):
    """A finished prediction's file is not a picture or cannot be had."""


class EngineError(PlaygroundError):
    """A model could not make or check the picture."""

    usual_credits = Credits.NOT_AT_STAKE


class EngineCancelledError(EngineError):
    """The engine was asked to stop between two steps."""


class FlaggedError(PlaygroundError):
    """The safety checker withholds the upload, or every output."""

    usual_credits = Credits.NOT_AT_STAKE


class StorageError(PlaygroundError):
    """A file or the history could not be written or read."""

    usual_credits = Credits.NOT_AT_STAKE


class PresetError(PlaygroundError):
    """A preset file is not a valid preset."""

    usual_credits = Credits.NOT_AT_STAKE
