"""A hundred visitors at once: `python -m tests.benchmarks.load --sessions 100 --minutes 5`.

Each session asks the app for its own prompt and seed, again and again, and finds them in the settings that its picture carries:
none may be lost, none may be somebody else's. Memory and open files of the app are printed as it goes.
"""

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from playground.experiments.recover import recover
from tests.e2e.conftest import start_app, stop_app

_THINGS = ("fox", "castle", "penguin", "robot", "ghost")
_REPORT_EVERY_S = 60.0


@dataclass
class Load:
    """What was asked and what came of it."""

    made: int = 0
    problems: list[str] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)


async def visitor(http: httpx.AsyncClient, number: int, *, ends_s: float, load: Load) -> None:
    """One session: picture after picture until the time is over."""
    round_ = 0
    while time.monotonic() < ends_s:
        round_ += 1
        seed = 1000 * round_ + number
        prompt = f"flat {_THINGS[number % len(_THINGS)]} on teal background"
        started_s = time.monotonic()
        try:
            data = await picture(http, f"session-{number}", prompt, seed)
        except (httpx.HTTPError, LookupError, ValueError) as error:
            load.problems.append(f"session {number}, round {round_}: {type(error).__name__} {error}")
            continue
        found = recover(data)
        if (found.inputs["prompt"], found.seed) != (prompt, seed):
            load.problems.append(f"session {number}: asked for seed {seed}, got {found.seed}, {found.inputs['prompt']!r}")
        load.made += 1
        load.waited_s.append(time.monotonic() - started_s)


async def picture(http: httpx.AsyncClient, session: str, prompt: str, seed: int) -> bytes:
    """The file that the app makes for this request. Raises LookupError where there is none."""
    event = await generate_event(http)
    values = [prompt, "1:1", None, 0.8, 1, 4, 3, seed, "webp", 80, False, True, "0.25", None]
    body = {"fn_index": event, "session_hash": session, "data": values}
    (await http.post("/gradio_api/queue/join", json=body)).raise_for_status()
    async with http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as lines:
        last: dict[str, Any] = {}
        async for line in lines.aiter_lines():
            if line.startswith("data:") and "process_completed" in line:
                last = json.loads(line[5:])
                break
    gallery = last["output"]["data"][0]
    if not gallery:
        raise LookupError(str(last["output"]["data"][1])[:200])
    return (await http.get(gallery[0]["image"]["url"])).raise_for_status().content


_events: dict[str, int] = {}


async def generate_event(http: httpx.AsyncClient) -> int:
    """The number of the page's public event."""
    if "generate" not in _events:
        found = (await http.get("/config")).json()["dependencies"]
        _events["generate"] = next(number for number, event in enumerate(found) if event["api_name"] == "generate")
    return _events["generate"]


def weight(pid: int) -> tuple[float, int]:
    """(resident MB, open files) of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6, len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def run(url: str, pid: int, *, sessions: int, minutes: float) -> Load:
    """All sessions at once; a line a minute."""
    load, ends_s = Load(), time.monotonic() + 60 * minutes
    limits = httpx.Limits(max_connections=2 * sessions)
    async with httpx.AsyncClient(base_url=url, timeout=300, limits=limits) as http:
        await picture(http, "warm-up", "flat fox on teal background", 1)
        visitors = [asyncio.create_task(visitor(http, n, ends_s=ends_s, load=load)) for n in range(sessions)]
        while time.monotonic() < ends_s:
            await asyncio.sleep(min(_REPORT_EVERY_S, max(0.1, ends_s - time.monotonic())))
            megabytes, files = weight(pid)
            print(f"{load.made:6d} pictures, {len(load.problems)} problems, {megabytes:.0f} MB, {files} open files", flush=True)
        await asyncio.gather(*visitors)
    return load


def main() -> None:
    """Start the app, load it, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, url = start_app(Path(folder))
        try:
            load = asyncio.run(run(url, process.pid, sessions=given.sessions, minutes=given.minutes))
        finally:
            started_s = time.perf_counter()
            stop_app(process)
            stopped_s = time.perf_counter() - started_s
    waited_s = sorted(load.waited_s)
    middle, late = (waited_s[int(len(waited_s) * part)] for part in (0.5, 0.95))
    print(f"{load.made} pictures; waited {middle:.1f} s at the median, {late:.1f} s at the 95th percentile")
    print(f"stopped in {stopped_s:.1f} s")
    print("\n".join(load.problems[:20]) or "none lost, none of another session")


if __name__ == "__main__":
    main()
