"""The real service for a test: in this process or behind a real socket, with the real client at the other end."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from uvicorn.server import ServerState

from playground.client.api import PredictionClient
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction
from playground.engine.base import Engine
from playground.service.http import create_api
from playground.service.runner import Runner
from tests.service.engines import GatedEngine

Way = Literal["in process", "over http"]
WAYS: tuple[Way, ...] = ("in process", "over http")


@dataclass(frozen=True)
class Service:
    """A running service: `client` is the project's own, `http` a plain one for what that would never send."""

    base_url: str
    runner: Runner
    client: PredictionClient
    http: httpx.AsyncClient

    async def post(self, body: Any = None, **options: Any) -> httpx.Response:
        """POST /predictions."""
        return await self.http.post("/predictions", json=body, **options)

    async def ended(self, prediction: Prediction) -> Prediction:
        """The prediction once it is final."""
        return await last(self.client, prediction)

    async def make(self, request: PredictionInput, **options: Any) -> Prediction:
        """Create and wait for the end."""
        return await self.ended(await self.client.create(request, **options))


@asynccontextmanager
async def running_service(
    engine: Engine, *, way: Way = "in process", api_key: str | None = None, **options: Any
) -> AsyncGenerator[Service]:
    """The service with this engine behind it; `options` are the runner's."""
    runner = Runner(engine, **options)
    api = create_api(runner, api_key=SecretStr(api_key) if api_key else None)
    await runner.start()
    try:
        if way == "in process":
            async with _connected("http://service/v1", runner, httpx.ASGITransport(api, raise_app_exceptions=False)) as service:
                yield service
        else:
            async with (
                _listening(api) as port,
                _connected(f"http://127.0.0.1:{port}/v1", runner, None) as service,
            ):
                yield service
    finally:
        if isinstance(engine, GatedEngine):
            engine.allow(1000)
        await runner.stop()


async def last(client: PredictionClient, prediction: Prediction) -> Prediction:
    """The final snapshot, as this client sees it."""
    async with asyncio.timeout(30):
        return [snapshot async for snapshot in client.watch(prediction)][-1]


async def until(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
    """Wait until the condition holds; fails after `within_s`."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def _listening(api: FastAPI) -> AsyncGenerator[int]:
    """uvicorn's HTTP on a free port of this event loop, without the pauses of its own start and stop."""
    config, state = uvicorn.Config(api, lifespan="off", log_level="critical"), ServerState()
    config.load()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for connection in list(state.connections):
            connection.shutdown()
        await until(lambda: not state.connections and not state.tasks)


@asynccontextmanager
async def _connected(base_url: str, runner: Runner, transport: httpx.AsyncBaseTransport | None) -> AsyncGenerator[Service]:
    client = PredictionClient.connect(base_url, model=runner.model, transport=transport)
    async with httpx.AsyncClient(base_url=base_url, transport=transport, timeout=30) as http:
        try:
            yield Service(base_url, runner, client, http)
        finally:
            await client.aclose()
