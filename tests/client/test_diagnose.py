"""Every way a request can fail becomes the one error that tells its cause and what it means for the credits."""

import json
from typing import Any

import httpx
import pytest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from playground.client.api import PredictionClient
from playground.client.diagnose import Errand, from_exception
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

from .conftest import FOX, FREE_MODEL, KEY, OpenClient
from .servers import AT_ONCE, NEVER, ScriptedApi, free_port, raw_server

pytestmark = pytest.mark.anyio

NO, MAYBE = Credits.NOT_SPENT, Credits.MAYBE_SPENT
ANSWERS = [
    (400, {}, BadInputError, NO),
    (401, {}, KeyRefusedError, NO),
    (402, {}, NoCreditsError, NO),
    (403, {}, KeyRefusedError, NO),
    (404, {}, NotFoundError, NO),
    (409, {}, BadInputError, NO),
    (410, {}, NotFoundError, NO),
    (413, {}, BadInputError, NO),
    (415, {}, BadInputError, NO),
    (422, {}, BadInputError, NO),
    (429, {}, RateLimitedError, NO),
    (429, {"retry-after": "3"}, RateLimitedError, NO),
    (503, {"retry-after": "3"}, RateLimitedError, MAYBE),
    (500, {}, ServerError, MAYBE),
    (502, {}, ServerError, MAYBE),
    (503, {}, ServerError, MAYBE),
    (504, {}, ServerError, MAYBE),
    (307, {"location": "/elsewhere"}, NotUnderstoodError, MAYBE),
    (418, {}, NotUnderstoodError, MAYBE),
]
HALF_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"
CUT_OFFS: dict[str, Any] = {
    "before it read": AT_ONCE,
    "before its answer": b"",
    "in the status line": b"HTTP/1.",
    "in the headers": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "in the body": HALF_ANSWER,
    "in a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{",
}
NOT_PREDICTIONS: dict[str, Response] = {
    "html": HTMLResponse("<html><body>Welcome</body></html>"),
    "text": PlainTextResponse("It works!"),
    "nothing": Response(status_code=204),
    "broken json": Response('{"job_id": "a', media_type="application/json"),
    "a list": JSONResponse([1, 2]),
    "null": JSONResponse(None),
    "no job id": JSONResponse({"status": "pending"}),
    "no status": JSONResponse({"job_id": "abc"}),
    "not utf-8": Response(b'{"job_id": "\xff"}', media_type="application/json"),
    "nested without end": Response(b"[" * 100_000, media_type="application/json"),
}


async def create_error(client: PredictionClient) -> PlaygroundError:
    with pytest.raises(PlaygroundError) as caught:
        await client.create(FOX)
    return caught.value


def says_nothing_of_credits(error: PlaygroundError) -> bool:
    return error.credits is Credits.NOT_AT_STAKE and not any(
        word in str(error).lower() for word in ("credit", "charge", "spent", "account")
    )


@pytest.mark.parametrize(("status", "headers", "kind", "credits"), ANSWERS)
async def test_create_refused_with_a_status_says_why_and_what_it_cost(
    api: ScriptedApi,
    client: PredictionClient,
    naps: list[float],
    status: int,
    headers: dict[str, str],
    kind: type[PlaygroundError],
    credits: Credits,
):
    api.answers(JSONResponse({"detail": "because of reasons"}, status, headers=headers))
    error = await create_error(client)
    assert type(error) is kind
    assert error.credits is credits
    assert credits.value in str(error)
    assert "because of reasons." in str(error)
    assert error.advice in str(error) and error.advice
    assert len(api.received) == 1, "a POST that reached the server is sent once"
    assert naps == []


@pytest.mark.parametrize(("status", "headers", "kind", "credits"), ANSWERS)
async def test_free_model_refused_with_a_status_never_speaks_of_credits(
    api: ScriptedApi,
    open_client: OpenClient,
    status: int,
    headers: dict[str, str],
    kind: type[PlaygroundError],
    credits: Credits,
):
    api.answers(Response(status_code=status, headers=headers))
    error = await create_error(open_client(api.url, model=FREE_MODEL))
    assert type(error) is kind
    if status != 402:  # there the server itself asks for credits
        assert says_nothing_of_credits(error)


@pytest.mark.parametrize(("status", "headers", "kind", "credits"), ANSWERS)
async def test_look_refused_with_a_status_never_speaks_of_credits(
    api: ScriptedApi,
    client: PredictionClient,
    status: int,
    headers: dict[str, str],
    kind: type[PlaygroundError],
    credits: Credits,
):
    api.answers(Response(status_code=status, headers=headers))
    with pytest.raises(PlaygroundError) as caught:
        await client.get("abc123")
    assert type(caught.value) is kind
    if status != 402:
        assert says_nothing_of_credits(caught.value)


async def test_key_error_tells_a_missing_key_from_a_refused_one(api: ScriptedApi, open_client: OpenClient):
    api.answers(JSONResponse({"error": "unauthorized"}, 401))
    assert "none was given" in str(await create_error(open_client(api.url, key=None)))
    with_key = str(await create_error(open_client(api.url)))
    assert "none was given" not in with_key
    assert "refused the API key: unauthorized." in with_key


@pytest.mark.parametrize(("status", "retry_after", "wait_s"), [(429, "7", 7.0), (429, None, None), (503, "7", 7.0)])
async def test_rate_limit_carries_the_wait_that_the_server_asks_for(
    api: ScriptedApi, client: PredictionClient, status: int, retry_after: str | None, wait_s: float | None
):
    api.answers(Response(status_code=status, headers={} if retry_after is None else {"retry-after": retry_after}))
    error = await create_error(client)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == wait_s
    assert ("Wait 7 s" if wait_s else "Wait a little") in str(error)


@pytest.mark.parametrize("name", NOT_PREDICTIONS)
async def test_success_that_is_no_prediction_may_have_cost_credits(api: ScriptedApi, client: PredictionClient, name: str):
    api.answers(NOT_PREDICTIONS[name])
    error = await create_error(client)
    assert type(error) is NotUnderstoodError
    assert error.credits is MAYBE
    assert "Check your account" in error.advice
    assert len(str(error)) < 800
    assert len(api.received) == 1


@pytest.mark.parametrize("name", NOT_PREDICTIONS)
async def test_free_success_that_is_no_prediction_never_speaks_of_credits(api: ScriptedApi, open_client: OpenClient, name: str):
    api.answers(NOT_PREDICTIONS[name])
    assert says_nothing_of_credits(await create_error(open_client(api.url, model=FREE_MODEL)))


async def test_create_at_a_closed_port_was_never_sent_and_cost_nothing(open_client: OpenClient, naps: list[float]):
    error = await create_error(open_client(f"http://127.0.0.1:{free_port()}/v1"))
    assert type(error) is NetworkError
    assert error.credits is NO
    assert "could not be reached" in str(error)
    assert len(naps) == 3


@pytest.mark.parametrize("name", CUT_OFFS)
async def test_create_cut_off_is_sent_once_and_may_have_cost_credits(open_client: OpenClient, naps: list[float], name: str):
    async with raw_server(CUT_OFFS[name]) as server:
        error = await create_error(open_client(server.url))
        assert type(error) is NetworkError
        assert error.credits is MAYBE
        assert "broke before it had answered" in str(error)
        assert "Check your account" in error.advice
        assert len(server.received) == 1
        assert naps == []


@pytest.mark.parametrize("act", [NEVER, AT_ONCE, b"", HALF_ANSWER], ids=["silence", "at once", "no answer", "half an answer"])
async def test_free_create_that_breaks_never_speaks_of_credits(open_client: OpenClient, act: Any):
    async with raw_server(act) as server:
        error = await create_error(open_client(server.url, model=FREE_MODEL, timeout_s=0.2))
    assert isinstance(error, NetworkError | TimedOutError)
    assert says_nothing_of_credits(error)


async def test_create_without_an_answer_is_sent_once_and_may_have_cost_credits(open_client: OpenClient, naps: list[float]):
    async with raw_server(NEVER) as server:
        error = await create_error(open_client(server.url, timeout_s=0.2))
        assert type(error) is TimedOutError
        assert error.credits is MAYBE
        assert len(server.received) == 1
        assert naps == []


async def test_answer_that_is_not_http_may_have_cost_credits(open_client: OpenClient):
    async with raw_server(b"220 mail.example ESMTP\r\n") as server:
        error = await create_error(open_client(server.url))
    assert isinstance(error, NetworkError)
    assert error.credits is MAYBE


async def test_answer_that_cannot_be_decompressed_may_have_cost_credits(api: ScriptedApi, client: PredictionClient):
    api.answers(Response(b"no gzip", headers={"content-encoding": "gzip"}))
    error = await create_error(client)
    assert type(error) is NotUnderstoodError
    assert error.credits is MAYBE


@pytest.mark.parametrize("base_url", ["ftp://example/v1", "example.com/v1", "http://:99999/v1"])
async def test_unusable_address_is_named_as_such_and_cost_nothing(open_client: OpenClient, base_url: str):
    error = await create_error(open_client(base_url))
    assert type(error) is NetworkError
    assert error.credits is NO
    assert "PLAYGROUND_BASE_URL" in error.advice


@pytest.mark.parametrize(
    ("cause", "kind", "credits"),
    [
        (httpx.ConnectTimeout, TimedOutError, NO),
        (httpx.PoolTimeout, TimedOutError, NO),
        (httpx.ReadTimeout, TimedOutError, MAYBE),
        (httpx.WriteTimeout, TimedOutError, MAYBE),
        (httpx.ConnectError, NetworkError, NO),
        (httpx.ProxyError, NetworkError, NO),
        (httpx.ReadError, NetworkError, MAYBE),
        (httpx.WriteError, NetworkError, MAYBE),
        (httpx.RemoteProtocolError, NetworkError, MAYBE),
        (httpx.TooManyRedirects, NotUnderstoodError, MAYBE),
    ],
)
def test_exception_of_the_wire_says_credits_are_safe_only_if_nothing_was_sent(
    cause: type[httpx.RequestError], kind: type[PlaygroundError], credits: Credits
):
    error = from_exception(cause("inner words"), Errand(host="api.example", creates=True))
    assert type(error) is kind
    assert error.credits is credits
    assert "api.example" in str(error)
    assert "inner words" not in str(error)
    assert says_nothing_of_credits(from_exception(cause(""), Errand(host="x", creates=True, is_free=True)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "too long"}, "too long."),
        ({"error": {"message": "too long!"}}, "too long!"),
        ({"detail": [{"loc": ["body", "input", "guidance"], "msg": "too big"}, {"msg": "odd"}]}, "guidance: too big; odd."),
        (["one", "two"], "one; two."),
        ({"message": "two\n  lines"}, "two lines."),
        ({}, "HTTP 422, no explanation."),
        (None, "HTTP 422, no explanation."),
    ],
)
async def test_error_quotes_the_server_in_one_line(api: ScriptedApi, client: PredictionClient, body: Any, said: str):
    api.answers(JSONResponse(body, 422))
    assert said in str(await create_error(client))


async def test_error_names_an_html_page_instead_of_quoting_it(api: ScriptedApi, client: PredictionClient):
    api.answers(HTMLResponse("<html><h1>Bad Gateway</h1></html>", 502))
    message = str(await create_error(client))
    assert "HTTP 502: an HTML page (33 bytes)." in message
    assert "<" not in message


async def test_error_names_an_html_page_that_is_not_labelled(api: ScriptedApi, client: PredictionClient):
    api.answers(Response(b"\n <!DOCTYPE html><h1>Bad Gateway</h1>", 502))
    assert "<" not in str(await create_error(client))


@pytest.mark.parametrize("body", [b"x" * 100_000, json.dumps({"detail": "word " * 20_000}).encode(), b"[" * 100_000])
async def test_error_quotes_briefly(api: ScriptedApi, client: PredictionClient, body: bytes):
    api.answers(Response(body, 400))
    assert len(str(await create_error(client))) < 500


async def test_error_with_half_a_character_can_be_shown(api: ScriptedApi, client: PredictionClient):
    api.answers(Response(b'{"detail": "sad \\ud83d"}', 400))
    assert "sad ?" in str(await create_error(client))


@pytest.mark.parametrize("status", [400, 401, 403, 418, 429, 500])
async def test_error_hides_a_key_that_the_server_repeats(api: ScriptedApi, client: PredictionClient, status: int):
    api.answers(JSONResponse({"detail": f"no such key {KEY}, sorry"}, status))
    error = await create_error(client)
    assert "sorry" in str(error)
    assert KEY not in str(error) + repr(error) + error.what


async def test_error_hides_a_key_in_a_success_that_is_no_prediction(api: ScriptedApi, client: PredictionClient):
    api.answers(JSONResponse({"message": f"hello {KEY}"}))
    error = await create_error(client)
    assert "hello" in str(error)
    assert KEY not in str(error) + repr(error)
