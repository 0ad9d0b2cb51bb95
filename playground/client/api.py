"""PredictionClient: create, get, watch, cancel and download predictions over one connection pool."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from pydantic import SecretStr, ValidationError

from playground.client import diagnose
from playground.client.download import Output, fetch
from playground.client.gate import GatedTransport
from playground.client.retry import RetryTransport, retry_after_s
from playground.client.watch import LONGEST_WATCH_S, Pace, hosted_pace, local_pace, watch
from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA, ModelInfo
from playground.contract.prediction import Prediction
from playground.errors import BadInputError, KeyRefusedError, NotFoundError, NotUnderstoodError
from playground.guard import GuardedTransport, RefusedAddressError, proxy_for

TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=10.0)
LONGEST_ANSWER_S = 300.0
"""For one request, repetitions included: `TIMEOUT` limits each read alone, and an answer may drip. An upload takes a minute."""
LARGEST_ANSWER_BYTES = 128 * 1024 * 1024
"""Decompressed. Four pictures inside an answer, as base64, are far smaller."""
KEY_HEADER = "X-API-Key"
CLIENT_HEADER = "X-Client-Id"
_OF_THE_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_LONGEST_KEY = 512
_NEAR_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class ImageFile:
    """A picture to start from, as it will be sent."""

    name: str
    data: bytes
    media_type: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the data: what tells one upload from another."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Answered:
    """A snapshot together with how long the server asks to wait before the next look."""

    prediction: Prediction
    retry_after_s: float | None


@dataclass(frozen=True)
class PredictionClient:
    """One API at one base URL, used with one key (or none). Views made by `as_visitor` share the pool and the pace."""

    base_url: str
    http: httpx.AsyncClient
    pace: Pace
    model: ModelInfo = FLUX_KREA
    api_key: SecretStr | None = None
    name: str = ""
    """What messages call it; its host where nothing else is given."""
    client_id: str | None = None
    """Sent only where it is set: lets our own service share its queue fairly."""

    @classmethod
    def connect(
        cls,
        base_url: str,
        *,
        model: ModelInfo = FLUX_KREA,
        name: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> Self:
        """A client of the API at `base_url` (which ends in `/v1`). `transport` replaces the network, for an app in process."""
        base_url = base_url.rstrip("/")
        wire = transport or GatedTransport(
            httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=100, keepalive_expiry=4.0), proxy=_proxy(base_url))
        )
        is_near = transport is not None or urlsplit(base_url).hostname in _NEAR_HOSTS
        # Visitors share the pool; a cookie set for one must not travel with another's requests.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        guarded = GuardedTransport(wire, own_origins=(base_url,))
        http = httpx.AsyncClient(transport=RetryTransport(guarded), timeout=timeout, cookies=no_cookies)
        pace = local_pace() if is_near else hosted_pace()
        return cls(base_url=base_url, http=http, pace=pace, model=model, name=name)

    def as_visitor(self, *, api_key: SecretStr | None = None, client_id: str | None = None) -> Self:
        """The same API seen by one visitor: same pool, same pace, their own key. Raises KeyRefusedError for a malformed key."""
        if api_key is not None:
            _check_form(api_key)
        return replace(self, api_key=api_key, client_id=client_id)

    @property
    def host(self) -> str:
        """The API's host, for messages."""
        return urlsplit(self.base_url).netloc or self.base_url

    async def aclose(self) -> None:
        """Close the pool, for every view of it."""
        await self.http.aclose()

    async def create(self, request: PredictionInput, *, image: ImageFile | None = None) -> Prediction:
        """Send one request. Sent once: repeated by itself only if no byte of it can have reached the server."""
        errand = self._errand(creates=True)
        if image is None:
            response = await self._send("POST", "/predictions", errand, json=self.body(request))
        else:
            fields = {"model": self.model.id, "input": json.dumps(self.body(request)["input"])}
            files = {"file:image": (image.name, image.data, image.media_type)}
            response = await self._send("POST", "/predictions/upload", errand, data=fields, files=files)
        return _prediction(response, errand)

    def body(self, request: PredictionInput) -> dict[str, Any]:
        """The JSON body that `create` sends; inputs that are not set are left out."""
        return {"model": self.model.id, "input": request.model_dump(exclude_none=True)}

    async def get(self, job_id: str) -> Prediction:
        """The prediction as it stands."""
        return (await self._look(job_id)).prediction

    async def cancel(self, job_id: str) -> Prediction:
        """Ask the server to stop; returns the prediction as it stands after that (a finished one stays finished)."""
        errand = self._errand()
        response = await self._send("DELETE", _path(job_id), errand, accept=(409,))
        try:
            return _prediction(response, errand)
        except NotUnderstoodError:
            return await self.get(job_id)  # some servers answer a DELETE with nothing, or with a sentence

    def watch(
        self, first: Prediction, *, patience_s: float = 120.0, longest_s: float = LONGEST_WATCH_S
    ) -> AsyncIterator[Prediction]:
        """Changed snapshots until a terminal one, starting with `first`; draining it is waiting."""
        look = partial(self._look, first.job_id)
        return watch(first, look=look, pace=self.pace, patience_s=patience_s, longest_s=longest_s)

    async def download(self, prediction: Prediction) -> list[Output]:
        """The bytes of every output, in order. Raises OutputError if one cannot be had."""
        return [await self.download_one(item) for item in prediction.result or ()]

    async def download_one(self, item: str) -> Output:
        """The bytes of one item of a prediction's result. Raises OutputError."""
        return await fetch(item, http=self.http, own_origin=self.base_url, headers=self._headers(), is_free=self.model.is_free)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models the API describes; empty where it describes none (the hosted one does not)."""
        try:
            response = await self._send("GET", "/models", self._errand())
            return tuple(ModelInfo.model_validate(item) for item in response.json())
        except (NotFoundError, ValueError, TypeError, RecursionError):
            return ()

    async def check_key(self) -> None:
        """Raise if the key is refused or the API unreachable. Looks up a prediction that cannot exist: costs nothing."""
        try:
            await self._look("00000000-0000-0000-0000-000000000000")
        except (NotFoundError, BadInputError):  # some servers find such an id malformed; they have read the key by then
            return

    async def _look(self, job_id: str) -> Answered:
        errand = self._errand()
        response = await self._send("GET", _path(job_id), errand)
        return Answered(_prediction(response, errand), retry_after_s(response))

    async def _send(
        self, method: str, path: str, errand: diagnose.Errand, *, accept: tuple[int, ...] = (), **content: Any
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(LONGEST_ANSWER_S):
                url = self.base_url + path
                async with self.http.stream(method, url, headers=self._headers(), **content) as answer:
                    response = await _read(answer)
        except (httpx.HTTPError, httpx.InvalidURL, RefusedAddressError, TimeoutError) as error:
            raise diagnose.from_exception(error, errand) from error
        if not response.is_success and response.status_code not in accept:
            raise diagnose.from_response(response, errand)
        return response

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        if self.api_key is not None:
            headers[KEY_HEADER] = self.api_key.get_secret_value()
        if self.client_id is not None:
            headers[CLIENT_HEADER] = self.client_id
        return headers

    def _errand(self, *, creates: bool = False) -> diagnose.Errand:
        return diagnose.Errand(host=self.name or self.host, creates=creates, is_free=self.model.is_free, api_key=self.api_key)


async def _read(answer: httpx.Response) -> httpx.Response:
    """The answer with its whole body. Raises httpx.DecodingError where that is too large, however small it was packed."""
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise httpx.DecodingError("too large", request=answer.request)
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_THE_TRANSFER]
    return httpx.Response(answer.status_code, headers=headers, content=bytes(body), request=answer.request)


def _prediction(response: httpx.Response, errand: diagnose.Errand) -> Prediction:
    try:
        return Prediction.model_validate(json.loads(errand.without_key(response.text)))
    except (ValueError, ValidationError, RecursionError) as error:
        raise diagnose.not_understood(response, errand) from error


def _proxy(base_url: str) -> str | None:
    """The environment's proxy, where the API is not on this machine."""
    return None if urlsplit(base_url).hostname in _NEAR_HOSTS else proxy_for(httpx.URL(base_url))


def _path(job_id: str) -> str:
    return "/predictions/" + quote(job_id, safe="")


def _check_form(api_key: SecretStr) -> None:
    """A key that cannot be an HTTP header value must not get as far as an exception that would quote it."""
    value = api_key.get_secret_value()
    if not value or len(value) > _LONGEST_KEY or not all(33 <= ord(character) <= 126 for character in value):
        raise KeyRefusedError(
            "That is not an API key: a key is one word of plain letters, digits and signs.",
            advice="Copy it again, without spaces or line breaks.",
        )
