"""Fetching the picture that the `image` input names: a data URI, or an http(s) URL on the public internet."""

import asyncio
import base64
from urllib.parse import unquote_to_bytes

import httpx

from playground.errors import BadInputError
from playground.guard import GuardedTransport
from playground.pictures import LARGEST_UPLOAD_BYTES

_FETCH_TIMEOUT_S = 10.0


async def fetch(image: str) -> bytes:
    """The bytes behind the `image` input. Public addresses only. Raises BadInputError."""
    if image.startswith("data:"):
        return _from_data_uri(image)
    if not image.startswith(("http://", "https://")):
        raise BadInputError("image: expected an http(s) URL or a data URI.", advice="Give one of these, or upload the file.")
    try:
        async with asyncio.timeout(_FETCH_TIMEOUT_S):  # in all: httpx limits each read alone, and bytes may drip
            return await _from_url(image)
    except (ValueError, TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadInputError(
            "image: nothing could be fetched from that address.", advice="Use a public http(s) URL, or upload the file."
        ) from error


async def _from_url(url: str) -> bytes:
    client = httpx.AsyncClient(transport=GuardedTransport(), timeout=_FETCH_TIMEOUT_S)
    async with client as http, http.stream("GET", url) as response:
        response.raise_for_status()
        data = bytearray()
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > LARGEST_UPLOAD_BYTES:
                raise ValueError("too large")
        return bytes(data)


def _from_data_uri(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    try:
        return base64.b64decode(body, validate=True) if head.endswith(";base64") else unquote_to_bytes(body)
    except ValueError as error:  # binascii.Error, or a letter outside of ASCII
        raise BadInputError("image: the data URI is not valid base64.", advice="Encode the file again.") from error
