"""What a sweep costs beside its pictures: `python -m tests.benchmarks.sweep`. Both halves of the ratio come from one run."""

import asyncio
import tempfile
import time
from pathlib import Path

import httpx

from playground.client.api import PredictionClient
from playground.contract.inputs import PredictionInput
from playground.engine.pocket import PocketEngine
from playground.experiments.axis import read_axis
from playground.experiments.bench import Bench
from playground.experiments.made import State
from playground.experiments.plan import make_plan
from playground.experiments.sweep import Sweep
from playground.history.store import HistoryStore
from playground.safety.classifier import PictureClassifier
from playground.service.http import create_api
from playground.service.runner import Runner

BASE = PredictionInput(prompt="3d fox on teal background", seed=7, go_fast=False)
CELLS = 12


async def measure(folder: Path) -> tuple[float, float]:
    """(seconds of the sweep, seconds that the engine worked on its pictures)."""
    runner = Runner(PocketEngine(), safety=PictureClassifier(), workers=1, queue_capacity=64)
    transport = httpx.ASGITransport(create_api(runner))
    client = PredictionClient.connect("http://pocket-model/v1", model=runner.model, transport=transport)
    bench = Bench(HistoryStore(folder))
    await runner.start()
    try:
        warm = Sweep(make_plan(BASE, read_axis("seed", "1000", BASE)), client, bench)
        sweep = Sweep(make_plan(BASE, read_axis("seed", f"1-{CELLS}", BASE)), client, bench)
        for one in (warm, sweep):
            started_s = time.perf_counter()
            one.start()
            snapshots = [snapshot async for snapshot in one.updates()]
            elapsed_s = time.perf_counter() - started_s
        assert snapshots[-1].count(State.DONE) == CELLS
        results = [made.result for made in snapshots[-1].made.values()]
        return elapsed_s, sum(result.time_s or 0 for result in results if result is not None)
    finally:
        await bench.close()
        await runner.stop()
        await client.aclose()


def main() -> None:
    """Print the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        sweep_s, engine_s = asyncio.run(measure(Path(folder)))
    print(f"{CELLS} cells: sweep {sweep_s:.2f} s, engine {engine_s:.2f} s, ratio {sweep_s / engine_s:.3f} (at most 1.1)")


if __name__ == "__main__":
    main()
