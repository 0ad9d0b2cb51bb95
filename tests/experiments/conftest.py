"""A bench with a history on disk, for runs and sweeps."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from playground.experiments.bench import Bench
from playground.history.store import HistoryStore


@asynccontextmanager
async def bench_of(folder: Path) -> AsyncGenerator[Bench]:
    bench = Bench(HistoryStore(folder))
    try:
        yield bench
    finally:
        await bench.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with bench_of(tmp_path / "history") as bench:
        yield bench
