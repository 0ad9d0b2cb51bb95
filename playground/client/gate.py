"""A gate before the connection pool, so that a thousand watchers do not wait inside it.

httpcore's pool compares every waiting request with every connection whenever one comes or goes: measured with 400 watchers
behind 100 connections, that took three times the CPU of the requests themselves. Waiting out here costs nothing.
"""

import asyncio

import httpx

MOST_AT_ONCE = 32


class GatedTransport(httpx.AsyncBaseTransport):
    """At most `most` requests at once are with the transport it wraps; the others wait in the order in which they came."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, most: int = MOST_AT_ONCE) -> None:
        self._transport = transport
        self._turns = asyncio.Semaphore(most)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a turn, as long as the request's pool timeout says, and send. Raises httpx.PoolTimeout."""
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._turns.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("too many requests are on their way", request=request) from error
        try:
            return await self._transport.handle_async_request(request)
        finally:
            self._turns.release()

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._transport.aclose()
