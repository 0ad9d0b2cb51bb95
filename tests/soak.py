"""`python -m tests.soak --count 2000 --kills 20`: the app as it is, a faulty API behind it, and kill -9 at random moments.

Asks for pictures through the app's endpoint, kills and restarts the app meanwhile, and holds the history against what the API
accepted: every accepted prediction must be there with its bytes, with a truthful error, as unfinished where it never
ends, or as unknown; and none may have been sent twice.
"""

import argparse
import asyncio
import hashlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.conftest import ROOT, free_port, start_app, stop_app
from tests.faults.plan import Fault
from tests.faults.server import KEY

_AT_ONCE = 16
_LAST_WAIT_S = 120.0


class Soak:
    """One app that is killed and started again, and those who ask it for pictures."""

    def __init__(self, folder: Path, api_url: str, *, count: int, kills: int, seed: int) -> None:
        self._folder = folder
        self._settings = {
            "PLAYGROUND_BASE_URL": api_url,
            "PLAYGROUND_API_KEY": KEY,
            "GRADIO_SERVER_PORT": str(free_port()),
        }
        self._count = count
        self._random = random.Random(seed)
        self._kills = sorted(self._random.sample(range(1, count), kills))
        self._asked = 0
        self._up = asyncio.Event()
        self._killing = asyncio.Lock()
        self.process, self.url = self._start()

    def _start(self) -> tuple[subprocess.Popen[bytes], str]:
        started = start_app(self._folder, **self._settings)
        self._up.set()
        return started

    async def run(self) -> None:
        """Ask for everything once, then wait until nothing is under way any more."""
        async with httpx.AsyncClient(timeout=httpx.Timeout(60, connect=5)) as http:
            await asyncio.gather(*(self._asker(http) for _ in range(_AT_ONCE)))
        await asyncio.to_thread(self._settle)

    async def _asker(self, http: httpx.AsyncClient) -> None:
        while self._asked < self._count:
            number, self._asked = self._asked, self._asked + 1
            await self._up.wait()
            if self._kills and number >= self._kills[0]:
                self._kills.pop(0)
                await self._kill()
            with suppress(httpx.TransportError):  # the app was killed meanwhile; nobody asks for this picture again
                await self._ask(http, f"fox number {number}")

    async def _ask(self, http: httpx.AsyncClient, prompt: str) -> None:
        values = [prompt, "1:1", None, 0.8, 1, 28, 3, None, "webp", 80, False, True, "1"]
        joined = await http.post(f"{self.url}/gradio_api/call/generate", json={"data": values})
        address = f"{self.url}/gradio_api/call/generate/{joined.raise_for_status().json()['event_id']}"
        closes_early = self._random.random() < 0.1  # a tab that is closed while it waits
        async with http.stream("GET", address) as lines:
            async for _ in lines.aiter_lines():
                if closes_early:
                    return

    async def _kill(self) -> None:
        async with self._killing:
            await asyncio.sleep(self._random.random())
            self._up.clear()
            self.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(self.process.wait, 10)
            self.process, self.url = await asyncio.to_thread(self._start)

    def _settle(self) -> None:
        """One more start, which picks up what the kills left; over when only endless ones are unfinished."""
        accepted = httpx.get(f"{self._settings['PLAYGROUND_BASE_URL'].removesuffix('/v1')}/counts").json()["accepted"]
        endless = {job_id for job_id, job in accepted.items() if job["fault"] == Fault.ENDLESS}
        stop_app(self.process)
        self.process, self.url = self._start()
        for _ in range(int(_LAST_WAIT_S * 2)):
            under_way = {row["job_id"] for row in rows(self._folder) if row["status"] in ("pending", "processing", "starting")}
            if under_way <= endless:
                break
            subprocess.run(["sleep", "0.5"], check=True)


def rows(folder: Path) -> list[dict[str, Any]]:
    """Everything in the history."""
    with closing(sqlite3.connect(folder / "history.sqlite3")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM history")]


def problems(folder: Path, counts: dict[str, Any], *, count: int) -> tuple[list[str], Counter[str]]:
    """What is wrong, which should be nothing; and how the accepted predictions ended."""
    by_id = {row["job_id"]: row for row in rows(folder) if row["job_id"]}
    unknown = {json.loads(row["input"])["prompt"] for row in rows(folder) if row["status"] == "sent"}
    accepted, wrong, ends = counts["accepted"], list[str](), Counter[str]()
    prompts = Counter(job["prompt"] for job in accepted.values())
    wrong += [f"{prompt}: accepted {times} times" for prompt, times in prompts.items() if times > 1]
    wrong += [f"{counts['posts']} requests for {count} pictures"] if counts["posts"] > count else []
    for job_id, job in accepted.items():
        end = _end(folder, by_id.get(job_id), job, is_unknown=job["prompt"] in unknown)
        ends[end] += 1
        if end in ("lost", "other bytes", "unfinished without reason"):
            wrong.append(f"{job_id} ({job['fault']}): {end}")
    return wrong, ends


def _end(folder: Path, row: dict[str, Any] | None, job: dict[str, Any], *, is_unknown: bool) -> str:
    if row is None:
        return "unknown, and said so" if is_unknown else "lost"
    if row["status"] not in ("completed", "failed", "cancelled"):
        is_explained = job["fault"] == Fault.ENDLESS or row["error"]
        return "unfinished, and can be fetched" if is_explained else "unfinished without reason"
    if row["error"]:
        return "ended with an error that is told"
    kept = [hashlib.sha256((folder / "outputs" / name).read_bytes()).hexdigest() for name in json.loads(row["outputs"])]
    return "with its bytes" if kept == job["sha256"] else "other bytes"


def soak(folder: Path, *, count: int, kills: int, seed: int, share: float = 0.5) -> tuple[list[str], Counter[str]]:
    """Run it all; returns the problems and how the accepted predictions ended."""
    command = [sys.executable, "-m", "tests.faults", "--seed", str(seed), "--share", str(share)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as api:
        assert api.stdout is not None
        url = api.stdout.readline().strip()
        run = Soak(folder, url, count=count, kills=kills, seed=seed)
        try:
            asyncio.run(run.run())
            counts = httpx.get(f"{url.removesuffix('/v1')}/counts", timeout=60).json()
        finally:
            stop_app(run.process)
            api.terminate()
    return problems(folder, counts, count=count)


def main() -> None:
    """Print how it went; exit 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong, ends = soak(Path(folder) / "kept", count=given.count, kills=given.kills, seed=given.seed)
    for end, times in ends.most_common():
        print(f"{times:6d}  {end}")
    print("\n".join(wrong) or f"nothing lost and nothing sent twice: {given.count} pictures asked for, {given.kills} kills")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
