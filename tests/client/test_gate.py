"""The gate before the pool: so many at once, the others in turn, and none waits longer than it says."""

import asyncio

import httpx
import pytest

from playground.client.gate import GatedTransport

pytestmark = pytest.mark.anyio


class Slow(httpx.AsyncBaseTransport):
    """Answers when it is told to, and counts."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.now = self.most = 0
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.now += 1
        self.most = max(self.most, self.now)
        self.paths.append(request.url.path)
        try:
            await self.may_answer.wait()
        finally:
            self.now -= 1
        return httpx.Response(200, request=request)


async def test_so_many_go_at_once_and_the_others_in_their_order() -> None:
    slow = Slow()
    async with httpx.AsyncClient(transport=GatedTransport(slow, most=3)) as http:
        asked = [asyncio.create_task(http.get(f"http://example.org/{number}")) for number in range(10)]
        await asyncio.sleep(0.01)
        assert slow.now == 3
        slow.may_answer.set()
        await asyncio.gather(*asked)
    assert slow.most == 3
    assert slow.paths == [f"/{number}" for number in range(10)]


async def test_nobody_waits_for_a_turn_longer_than_the_pool_timeout() -> None:
    slow = Slow()
    timeout = httpx.Timeout(30, pool=0.05)
    async with httpx.AsyncClient(transport=GatedTransport(slow, most=1), timeout=timeout) as http:
        first = asyncio.create_task(http.get("http://example.org/first"))
        await asyncio.sleep(0.01)
        with pytest.raises(httpx.PoolTimeout):
            await http.get("http://example.org/second")
        slow.may_answer.set()
        await first
        assert (await http.get("http://example.org/third")).is_success
    assert slow.paths == ["/first", "/third"]


async def test_a_request_that_is_given_up_frees_its_place() -> None:
    slow = Slow()
    async with httpx.AsyncClient(transport=GatedTransport(slow, most=1)) as http:
        first = asyncio.create_task(http.get("http://example.org/first"))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        slow.may_answer.set()
        assert (await http.get("http://example.org/second")).is_success
