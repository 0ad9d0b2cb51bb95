"""Fixtures of the service's tests: the same test runs in process and over a socket."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from playground.contract.inputs import PredictionInput
from playground.engine.base import Engine
from tests.service.serving import WAYS, Service, Way, running_service

Serve = Callable[..., Awaitable[Service]]


@pytest.fixture
def request_of_three_steps() -> PredictionInput:
    return PredictionInput(prompt="ghost", megapixels="0.25", num_inference_steps=3, seed=5)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


@pytest.fixture
async def serve(way: Way) -> AsyncGenerator[Serve]:
    """Starts services with `await serve(engine, …)`; they stop when the test ends."""
    async with AsyncExitStack() as stack:

        async def start(engine: Engine, **options: Any) -> Service:
            return await stack.enter_async_context(running_service(engine, way=way, **options))

        yield start
