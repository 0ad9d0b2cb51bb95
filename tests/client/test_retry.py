"""What is safe to repeat is repeated with growing waits; a POST that may have arrived never is."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse, Response

from playground.client.api import PredictionClient
from playground.client.retry import RetryTransport, retry_after_s
from playground.contract.prediction import Status
from playground.errors import NetworkError, PlaygroundError, RateLimitedError, ServerError, TimedOutError

from .conftest import FOX, TLS, OpenClient
from .servers import AT_ONCE, NEVER, ScriptedApi, free_port, raw_server

pytestmark = pytest.mark.anyio

PENDING = {"job_id": "abc123", "status": "pending"}


def answer(status: int = 200, **headers: str) -> Response:
    return JSONResponse(PENDING, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("method", ["get", "cancel"])
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_look_and_cancel_are_repeated_with_growing_waits(
    api: ScriptedApi, client: PredictionClient, naps: list[float], method: str, status: int
):
    api.answers(answer(status), answer(status), answer(status), answer())
    assert (await getattr(client, method)("abc123")).status is Status.PENDING
    assert len(api.received) == 4
    assert [planned * 0.75 <= nap <= planned * 1.25 for planned, nap in zip((0.5, 1, 2), naps, strict=True)] == [True] * 3


@pytest.mark.parametrize("method", ["get", "cancel"])
async def test_look_and_cancel_give_up_after_four_attempts(
    api: ScriptedApi, client: PredictionClient, naps: list[float], method: str
):
    api.answers(answer(502))
    with pytest.raises(ServerError):
        await getattr(client, method)("abc123")
    assert len(api.received) == 4
    assert len(naps) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 422, 501])
async def test_look_is_not_repeated_when_repeating_cannot_help(
    api: ScriptedApi, client: PredictionClient, naps: list[float], status: int
):
    api.answers(answer(status), answer())
    with pytest.raises(PlaygroundError):
        await client.get("abc123")
    assert len(api.received) == 1
    assert naps == []


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_in_seconds_is_obeyed(api: ScriptedApi, client: PredictionClient, naps: list[float], status: int):
    api.answers(answer(status, retry_after="7"), answer(status, retry_after="0"), answer())
    await client.get("abc123")
    assert naps == [7.0, 0.0]


async def test_retry_after_as_a_date_is_obeyed(api: ScriptedApi, client: PredictionClient, naps: list[float]):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    api.answers(answer(503, retry_after=date), answer())
    await client.get("abc123")
    assert len(naps) == 1
    assert 6 < naps[0] <= 9


async def test_retry_after_in_the_past_means_now(api: ScriptedApi, client: PredictionClient, naps: list[float]):
    api.answers(answer(503, retry_after="Sun, 06 Nov 1994 08:49:37 GMT"), answer())
    await client.get("abc123")
    assert naps == [0.0]


async def test_retry_after_that_is_too_long_is_left_to_the_caller(
    api: ScriptedApi, client: PredictionClient, naps: list[float]
):
    api.answers(answer(429, retry_after="21"), answer())
    with pytest.raises(RateLimitedError) as caught:
        await client.get("abc123")
    assert caught.value.retry_after_s == 21
    assert (len(api.received), naps) == (1, [])


@pytest.mark.parametrize("act", [AT_ONCE, b"", b"HTTP/1.1 200 OK\r\ncontent-ty"], ids=["at once", "no answer", "half headers"])
@pytest.mark.parametrize("method", ["get", "cancel"])
async def test_look_and_cancel_are_repeated_when_cut_off(open_client: OpenClient, naps: list[float], method: str, act: object):
    async with raw_server(act) as server:
        with pytest.raises(NetworkError):
            await getattr(open_client(server.url), method)("abc123")
        assert len(server.received) == 4
        assert len(naps) == 3


async def test_look_is_repeated_when_it_times_out(open_client: OpenClient, naps: list[float]):
    async with raw_server(NEVER) as server:
        with pytest.raises(TimedOutError):
            await open_client(server.url, timeout_s=0.1).get("abc123")
        assert len(server.received) == 4
        assert len(naps) == 3


@pytest.mark.parametrize("method", ["create", "get", "cancel"])
async def test_request_to_a_port_that_opens_late_arrives_once(open_client: OpenClient, method: str):
    port, naps = free_port(), list[float]()
    body = b'{"job_id": "abc123", "status": "pending"}'
    good = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    async with contextlib.AsyncExitStack() as stack:
        opened = []

        async def nap(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 2:
                opened.append(await stack.enter_async_context(raw_server(good, port=port)))

        client = open_client(f"http://127.0.0.1:{port}/v1", sleep=nap)
        prediction = await getattr(client, method)(FOX if method == "create" else "abc123")
        assert prediction.status is Status.PENDING
        assert len(naps) == 2
        assert len(opened[0].received) == 1


async def test_waits_without_retry_after_never_exceed_the_longest(api: ScriptedApi):
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    wire = RetryTransport(httpx.AsyncHTTPTransport(verify=TLS), attempts=12, longest_wait_s=2.0, sleep=nap)
    api.answers(answer(500))
    async with httpx.AsyncClient(transport=wire) as http:
        assert (await http.get(api.url)).status_code == 500
    assert len(naps) == 11
    assert max(naps) <= 2.0


async def test_answer_that_is_repeated_gives_its_connection_back(api: ScriptedApi):
    async def nap(_seconds: float) -> None:
        pass

    narrow = httpx.AsyncHTTPTransport(verify=TLS, limits=httpx.Limits(max_connections=1))
    api.answers(answer(500), answer(500), answer())
    async with httpx.AsyncClient(transport=RetryTransport(narrow, sleep=nap), timeout=httpx.Timeout(5, pool=0.2)) as http:
        assert (await http.get(api.url)).status_code == 200


async def test_cancelling_the_caller_stops_the_repeating(api: ScriptedApi, open_client: OpenClient):
    asleep = asyncio.Event()

    async def nap(_seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    api.answers(answer(500))
    task = asyncio.create_task(open_client(api.url, sleep=nap).get("abc123"))
    await asleep.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(api.received) == 1


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        (" 3 ", 3.0),
        ("-5", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_not_at_all(value: str, wait_s: float | None):
    assert retry_after_s(httpx.Response(429, headers={"retry-after": value})) == wait_s


def test_retry_after_is_none_without_the_header():
    assert retry_after_s(httpx.Response(429)) is None


@pytest.mark.parametrize(
    "value",
    [
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "Mon, 99 Jan 2024 00:00:00 GMT",
        "Mon, 01 Jan 2024 77:00:00 GMT",
    ],
)
def test_retry_after_with_an_impossible_date_is_left_out(value: str):
    assert retry_after_s(httpx.Response(429, headers={"retry-after": value})) is None


@given(value=st.text(st.characters(min_codepoint=32, max_codepoint=126)) | st.integers().map(str) | st.floats().map(str))
def test_retry_after_of_any_text_is_none_or_a_wait(value: str):
    wait_s = retry_after_s(httpx.Response(429, headers={"retry-after": value}))
    assert wait_s is None or 0 <= wait_s < float("inf")


@given(year=st.integers(0, 10**12), zone=st.integers(-(10**10), 10**10), day=st.integers(0, 99))
def test_retry_after_of_any_date_is_none_or_a_wait(year: int, zone: int, day: int):
    date = f"Mon, {day:02} Jan {year:04} 00:00:00 {zone:+05}"
    wait_s = retry_after_s(httpx.Response(429, headers={"retry-after": date}))
    assert wait_s is None or 0 <= wait_s < float("inf")


def test_retry_after_date_without_a_zone_is_read_as_gmt(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "UTC-9")
    time.tzset()
    try:
        date = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%a %b %d %H:%M:%S %Y")
        wait_s = retry_after_s(httpx.Response(429, headers={"retry-after": date}))
        assert wait_s is not None
        assert 55 < wait_s <= 60
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
