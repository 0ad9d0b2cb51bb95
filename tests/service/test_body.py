"""The body limit around a small app that only counts."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from playground.service.body import BodyLimit

pytestmark = pytest.mark.anyio

MOST_BYTES = 1000


async def count(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


async def answers_a_lost_client(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await count(scope, receive, send)
    except ClientDisconnect:
        await PlainTextResponse("an answer that must not get out", status_code=400)(scope, receive, send)


async def fails(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("a fault of the app")


async def posted(app: object, content: object, **options: object) -> httpx.Response:
    transport = httpx.ASGITransport(BodyLimit(app, most_bytes=MOST_BYTES))
    async with httpx.AsyncClient(transport=transport, base_url="http://limited") as http:
        return await http.post("/", content=content, **options)


async def pieces(sizes: list[int]):
    for size in sizes:
        yield b"x" * size


@pytest.mark.parametrize(("size", "status"), [(0, 200), (MOST_BYTES, 200), (MOST_BYTES + 1, 413)])
async def test_a_declared_length_is_checked_to_the_byte(size: int, status: int) -> None:
    assert (await posted(count, b"x" * size)).status_code == status


@given(sizes=st.lists(st.integers(0, 400), max_size=8))
async def test_a_body_in_pieces_is_counted_to_the_byte(sizes: list[int]) -> None:
    response = await posted(count, pieces(sizes))

    assert response.status_code == (413 if sum(sizes) > MOST_BYTES else 200)
    assert sum(sizes) > MOST_BYTES or response.text == str(sum(sizes))


async def test_a_length_that_lies_is_found_out() -> None:
    response = await posted(count, pieces([900, 900]), headers={"content-length": "10"})

    assert response.status_code == 413


async def test_only_the_refusal_gets_out_when_the_app_answers_too() -> None:
    response = await posted(answers_a_lost_client, pieces([2000]))

    assert response.status_code == 413
    assert response.json() == {"detail": "The request is larger than 0 MB."}


async def test_a_fault_of_the_app_stays_a_fault() -> None:
    with pytest.raises(RuntimeError, match="a fault of the app"):
        await posted(fails, b"x")
