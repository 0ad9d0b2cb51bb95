"""Repeats requests that are safe to repeat, and only those.

GET and DELETE change nothing when repeated, so they are retried on lost connections and on 429 and 5xx answers.
A POST creates something that costs credits: it is retried only when no connection was made, so that no byte of it
can have reached the server.
"""

import asyncio
import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC

import httpx

_SAFE_METHODS = frozenset({"GET", "HEAD", "DELETE"})
_PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BROKEN = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)


class RetryTransport(httpx.AsyncBaseTransport):
    """Wraps a transport; waits with exponential back-off and jitter, or as long as `Retry-After` says."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        attempts: int = 4,
        first_wait_s: float = 0.5,
        longest_wait_s: float = 20.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._attempts = attempts
        self._first_wait_s = first_wait_s
        self._longest_wait_s = longest_wait_s
        self._sleep = sleep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and send again where that is safe; the last answer or exception is passed on as it is."""
        for attempt in range(1, self._attempts):
            try:
                response = await self._transport.handle_async_request(request)
            except httpx.TransportError as error:
                if not _may_repeat(request, error):
                    raise
                wait_s = None
            else:
                if request.method not in _SAFE_METHODS or response.status_code not in _PASSING_STATUSES:
                    return response
                wait_s = retry_after_s(response)
                if wait_s is not None and wait_s > self._longest_wait_s:
                    return response
                await response.aclose()
            await self._sleep(self._backoff_s(attempt) if wait_s is None else wait_s)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._transport.aclose()

    def _backoff_s(self, attempt: int) -> float:
        wait_s = self._first_wait_s * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        return min(self._longest_wait_s, wait_s)


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds the server asks to wait (RFC 9110 `Retry-After`, as a number or a date); None if it does not say."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(value)
            # The oldest of the three forms of an HTTP date names no zone: all are GMT.
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if seconds < float("inf") else None


def _may_repeat(request: httpx.Request, error: httpx.TransportError) -> bool:
    if isinstance(error, _NEVER_SENT):
        return True
    return request.method in _SAFE_METHODS and isinstance(error, _BROKEN)
