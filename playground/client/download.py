"""Fetching the bytes of an output: an http(s) URL, a data URI, or bare base64, as the API may give any of them."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

import httpx

from playground.errors import Credits, OutputError
from playground.guard import RefusedAddressError, origin
from playground.pictures import flaw

LARGEST_OUTPUT_BYTES = 64 * 1024 * 1024
LONGEST_FETCH_S = 300.0
"""For one output, redirects and repetitions included: the largest one over a line of 2 Mbit/s."""
FEWEST_BYTES = 16 * 1024
SLOWEST_S = 20.0
"""So many bytes must arrive within so long, again and again: at less, not even 240 kB would come in the whole time."""
_MOST_REDIRECTS = 4
_WAITS_S = (0.2, 1.0)


@dataclass(frozen=True)
class Output:
    """One picture file as delivered: its bytes are never re-encoded."""

    data: bytes
    media_type: str
    extension: str
    flaw: str = ""
    """Why it cannot be decoded, in a few words. It was paid for, and a viewer may still show a part of it."""


async def fetch(
    item: str, *, http: httpx.AsyncClient, own_origin: str, headers: Mapping[str, str], is_free: bool = False
) -> Output:
    """One output's bytes. `headers` (the key) go to `own_origin` alone. Raises OutputError."""
    credits = Credits.NOT_AT_STAKE if is_free else Credits.ALREADY_SPENT
    try:
        start = item[:8].lower()
        if start.startswith(("http://", "https://")):
            async with asyncio.timeout(LONGEST_FETCH_S):
                data = await _patiently(lambda: _from_url(item, http=http, own_origin=own_origin, headers=headers))
        elif start.startswith("data:"):
            data = _from_data_uri(item)
        else:
            data = _from_base64(item)
    except (ValueError, TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise OutputError(
            f"A finished picture could not be fetched ({_reason(error)}).",
            credits=credits,
            advice="Check again soon: links to results expire, usually within the hour.",
        ) from error
    if (kind := picture_type(data)) is None:
        raise OutputError(
            f"The API delivered {len(data)} bytes that are not a webp, jpg or png picture.",
            credits=credits,
            advice="Report the job id to the provider.",
        )
    return Output(data, *kind, flaw=await asyncio.to_thread(flaw, data))


def picture_type(data: bytes) -> tuple[str, str] | None:
    """(media type, file extension) told from the file's first bytes; None if it is none of the API's formats."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", "jpg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", "webp"
    return None


class _UnusableError(ValueError):
    pass


class _TooSlowError(httpx.ReadTimeout):
    pass


def _reason(error: Exception) -> str:
    if isinstance(error, _UnusableError):
        return str(error)
    if isinstance(error, RefusedAddressError):
        return f"its link is refused: {error}"
    if isinstance(error, _TooSlowError):
        return f"less than {FEWEST_BYTES // 1024} kB arrived in {SLOWEST_S:.0f} s"
    if isinstance(error, TimeoutError):
        return f"it had not arrived after {LONGEST_FETCH_S:.0f} s"
    return type(error).__name__


async def _patiently(read: Callable[[], Awaitable[bytes]]) -> bytes:
    """The transport repeats requests that get no answer; here an answer that breaks off in its body is asked for again."""
    for wait_s in _WAITS_S:
        try:
            return await read()
        except httpx.TransportError:
            await asyncio.sleep(wait_s)
    return await read()


async def _from_url(url: str, *, http: httpx.AsyncClient, own_origin: str, headers: Mapping[str, str]) -> bytes:
    """Redirects are followed by hand, so that the key never travels to another origin."""
    target, home = httpx.URL(url), origin(httpx.URL(own_origin))
    for _ in range(_MOST_REDIRECTS + 1):
        own = dict(headers) if origin(target) == home else {}
        async with http.stream("GET", target, headers=own, follow_redirects=False) as response:
            if response.next_request is not None:
                target = response.next_request.url
                if target.scheme not in ("http", "https"):
                    raise _UnusableError(f"it redirects to a {target.scheme} address")
                continue
            if not response.is_success:
                raise _UnusableError(f"HTTP {response.status_code}")
            return await _read_capped(response)
    raise _UnusableError("too many redirects")


async def _read_capped(response: httpx.Response) -> bytes:
    """The whole body, unless it grows too large or comes too slowly."""
    data, in_time_bytes, now_s = bytearray(), 0, asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(SLOWEST_S) as patience:
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > LARGEST_OUTPUT_BYTES:
                    raise _UnusableError(f"larger than {LARGEST_OUTPUT_BYTES // 2**20} MB")
                if len(data) - in_time_bytes >= FEWEST_BYTES:
                    in_time_bytes = len(data)
                    patience.reschedule(now_s() + SLOWEST_S)
    except TimeoutError as error:
        raise _TooSlowError("too slow", request=response.request) from error
    return bytes(data)


def _from_data_uri(uri: str) -> bytes:
    head, comma, body = uri.partition(",")
    if not comma:
        raise _UnusableError("a data URI without data")
    return _from_base64(unquote(body)) if head.lower().endswith(";base64") else unquote_to_bytes(body)


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise _UnusableError("neither a link nor base64") from None
