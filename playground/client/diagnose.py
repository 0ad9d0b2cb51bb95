"""Turns an unwanted answer, or none, into the one error of ours that says what it means for the user and the account."""

from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from playground.client.retry import retry_after_s
from playground.contract.prediction import readable
from playground.errors import (
    BadInputError,
    Credits,
    KeyRefusedError,
    NetworkError,
    NoCreditsError,
    NotFoundError,
    NotUnderstoodError,
    PlaygroundError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)
from playground.guard import RefusedAddressError

_CHECK_FIRST = "Check your account for a running prediction before you send it again."
_LONGEST_QUOTE = 300
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


@dataclass(frozen=True)
class Errand:
    """What a request was for; decides what its failure means for the account."""

    host: str
    creates: bool = False
    is_free: bool = False
    api_key: SecretStr | None = None

    def credits(self, *, sent: bool) -> Credits:
        """What to say of credits when this errand fails; `sent` if the server may have accepted it."""
        if self.is_free or not self.creates:
            return Credits.NOT_AT_STAKE
        return Credits.MAYBE_SPENT if sent else Credits.NOT_SPENT

    def without_key(self, text: str) -> str:
        """The text with the key taken out: servers repeat keys in their refusals, and messages are shown and logged."""
        key = self.api_key.get_secret_value() if self.api_key else ""
        return text.replace(key, "…") if key else text

    @property
    def next_move(self) -> str:
        """What to do when it is unknown whether the server accepted the request."""
        return _CHECK_FIRST if self.creates and not self.is_free else "Try again in a moment."


def from_exception(error: Exception, errand: Errand) -> PlaygroundError:
    """The error for a request that got no answer."""
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | RefusedAddressError):
        return NetworkError(
            f"The address of {errand.host} is not a usable http(s) address.",
            credits=errand.credits(sent=False),
            advice="Correct PLAYGROUND_BASE_URL.",
        )
    if isinstance(error, httpx.DecodingError | httpx.TooManyRedirects):
        return NotUnderstoodError(
            f"The answer from {errand.host} could not be read.",
            credits=errand.credits(sent=True),
            advice=errand.next_move,
        )
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return TimedOutError(
            f"{errand.host} did not accept a connection in time.",
            credits=errand.credits(sent=False),
            advice="Check the network, then try again.",
        )
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return TimedOutError(
            f"{errand.host} did not answer in time.", credits=errand.credits(sent=True), advice=errand.next_move
        )
    if isinstance(error, _NEVER_SENT):
        return NetworkError(
            f"{errand.host} could not be reached.",
            credits=errand.credits(sent=False),
            advice="Check the network, or switch to the pocket model under Connection.",
        )
    return NetworkError(
        f"The connection to {errand.host} broke before it had answered.",
        credits=errand.credits(sent=True),
        advice=errand.next_move,
    )


def from_response(response: httpx.Response, errand: Errand) -> PlaygroundError:
    """The error for an answer that is not a success."""
    status, said = response.status_code, quoted(response, errand)
    refused = errand.credits(sent=False)
    if status in (400, 409, 413, 415, 422):
        return BadInputError(
            f"{errand.host} refused the request: {said}", credits=refused, advice="Correct it and send it again."
        )
    if status in (401, 403):
        if errand.api_key is None:
            return KeyRefusedError(
                f"{errand.host} wants an API key and none was given.",
                credits=refused,
                advice="Enter one under Connection, or use the pocket model.",
            )
        return KeyRefusedError(
            f"{errand.host} refused the API key: {said}", credits=refused, advice="Check it under Connection."
        )
    if status == 402:
        return NoCreditsError(
            f"The account behind this key has too few credits: {said}",
            credits=refused,
            advice="Add credits at the provider, or use the pocket model.",
        )
    if status in (404, 410):
        return NotFoundError(
            f"{errand.host} does not have what was asked for: {said}",
            credits=refused,
            advice="Check the address, the model and the job id.",
        )
    wait_s = retry_after_s(response)
    if status == 429 or (status == 503 and wait_s is not None):
        when = "Wait a little" if wait_s is None else f"Wait {wait_s:.0f} s"
        # A 503 may come from a gateway that had already passed the request on.
        is_sent = status == 503
        return RateLimitedError(
            f"{errand.host} takes no more requests at the moment: {said}",
            credits=errand.credits(sent=is_sent),
            advice=f"{when}. {errand.next_move}" if is_sent else f"{when}, then try again.",
            retry_after_s=wait_s,
        )
    if status >= 500:
        return ServerError(
            f"{errand.host} failed with HTTP {status}: {said}", credits=errand.credits(sent=True), advice=errand.next_move
        )
    return NotUnderstoodError(
        f"{errand.host} answered HTTP {status}, which its contract does not have: {said}",
        credits=errand.credits(sent=True),
        advice=errand.next_move,
    )


def not_understood(response: httpx.Response, errand: Errand) -> NotUnderstoodError:
    """The error for a success whose body is not what the contract says."""
    return NotUnderstoodError(
        f"{errand.host} answered HTTP {response.status_code}, but not with a prediction: {quoted(response, errand)}",
        credits=errand.credits(sent=True),
        advice=errand.next_move,
    )


def quoted(response: httpx.Response, errand: Errand) -> str:
    """The server's own words, one line, not too long and without the key; HTML pages are only named."""
    start = response.text.lstrip()[:14].lower()
    if "html" in response.headers.get("content-type", "").lower() or start.startswith(("<!doctype html", "<html")):
        return f"an HTML page ({len(response.content)} bytes)."
    try:
        text = readable(response.json())
    except (ValueError, RecursionError):
        text = response.text
    whole = (text or "").encode("utf-8", "replace").decode()  # JSON can carry half a character, which no page can show
    line = " ".join(errand.without_key(whole).split()) or f"HTTP {response.status_code}, no explanation"
    line = line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 3] + "..."
    return line if line.endswith((".", "?", "!")) else line + "."
