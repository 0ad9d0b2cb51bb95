"""1,000 predictions watched at once by one client: `python -m tests.benchmarks.watching`.

A local server finishes simulated predictions at times drawn like those of a hosted model (a log-normal around 12 s) and counts
every request. Beside our own watching, the same predictions are watched by a loop that looks every half second. Printed for
each: the client's share of one core, the delay between a prediction's end and its detection, and the requests made.
"""

import argparse
import asyncio
import multiprocessing
import random
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from playground.client.api import PredictionClient
from playground.client.watch import hosted_pace
from playground.contract.prediction import Prediction, Status
from tests.e2e.conftest import free_port

_MIDDLE_S, _SPREAD = 12.0, 0.25
_FIXED_S = 0.5


def serve(port: int, to_parent: Connection, seed: int) -> None:
    """The server, in a process of its own."""
    api, source = FastAPI(), random.Random(seed)
    ends_s: dict[str, float] = {}
    counts = {"looks": 0}

    @api.post("/start/{count}")
    async def start(count: int) -> dict[str, Any]:
        counts["looks"] = 0
        ends_s.clear()
        ends_s.update({f"job-{n}": time.time() + source.lognormvariate(0, _SPREAD) * _MIDDLE_S for n in range(count)})
        return {"ends_s": ends_s}

    @api.get("/v1/predictions/{job_id}")
    async def look(job_id: str) -> dict[str, Any]:
        counts["looks"] += 1
        is_over = time.time() >= ends_s[job_id]
        return {"job_id": job_id, "status": "completed" if is_over else "processing", "result": ["x"] if is_over else None}

    @api.get("/counts")
    async def looks() -> dict[str, int]:
        return counts

    to_parent.send("up")
    uvicorn.run(api, host="127.0.0.1", port=port, log_level="error")


async def ours(client: PredictionClient, job_id: str) -> float:
    """Watch as the page does; the time of detection."""
    async for _ in client.watch(Prediction(job_id=job_id, status=Status.PENDING)):
        pass
    return time.time()


async def fixed(client: PredictionClient, job_id: str) -> float:
    """Look every half second; the time of detection."""
    while not (await client.get(job_id)).status.is_terminal:  # noqa: ASYNC110 - that is what is compared with
        await asyncio.sleep(_FIXED_S)
    return time.time()


async def measure(
    url: str, count: int, way: Callable[[PredictionClient, str], Awaitable[float]], client: PredictionClient
) -> tuple[float, float, float, int]:
    """(share of a core, median delay in s, 95th percentile in s, requests)."""
    async with httpx.AsyncClient(timeout=60) as http:
        ends_s: dict[str, float] = (await http.post(f"{url}/start/{count}")).json()["ends_s"]
        started_s, cpu_s = time.perf_counter(), _cpu_s()
        seen_s = await asyncio.gather(*(way(client, job_id) for job_id in ends_s))
        share = (_cpu_s() - cpu_s) / (time.perf_counter() - started_s)
        looks = (await http.get(f"{url}/counts")).json()["looks"]
    delays_s = [seen - end for seen, end in zip(seen_s, ends_s.values(), strict=True)]
    return share, statistics.median(delays_s), statistics.quantiles(delays_s, n=20)[-1], looks


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def compare(url: str, count: int) -> None:
    """Print a line for each way; ours first learns how long predictions take, as it does in use."""
    client = PredictionClient.connect(f"{url}/v1")
    client = PredictionClient(client.base_url, client.http, hosted_pace())
    try:
        await measure(url, 20, ours, client)
        for name, way in (("ours", ours), (f"every {_FIXED_S} s", fixed)):
            share, median_s, late_s, looks = await measure(url, count, way, client)
            delays = f"delay {median_s:.2f} s at the median, {late_s:.2f} s at the 95th percentile"
            print(f"{name:>12}: {share:.0%} of a core, {delays}, {looks} requests ({looks / count:.1f} each)", flush=True)
    finally:
        await client.aclose()


def main() -> None:
    """Start the server, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    count, port = parser.parse_args().count, free_port()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port, there, 1), daemon=True)
    server.start()
    here.recv()
    time.sleep(1)
    asyncio.run(compare(f"http://127.0.0.1:{port}", count))
    server.terminate()


if __name__ == "__main__":
    main()
