"""One real run a fault, against a real server that goes wrong: nothing accepted is lost, and nothing is sent twice."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from playground.client.api import PredictionClient
from playground.client.retry import RetryTransport
from playground.client.watch import local_pace
from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction
from playground.errors import (
    Credits,
    NetworkError,
    NotUnderstoodError,
    OutputError,
    PlaygroundError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)
from playground.experiments.axis import read_axis
from playground.experiments.plan import make_plan
from playground.experiments.run import Run, RunUpdate
from playground.experiments.sweep import Sweep
from playground.guard import GuardedTransport
from playground.history.entry import Entry
from playground.history.store import HistoryStore
from tests.experiments.conftest import bench_of
from tests.faults.plan import Fault, Plan
from tests.faults.server import KEY, FaultServer, Job, fault_server
from tests.history.filling import find

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent.parent
FOX = PredictionInput(prompt="a red fox", num_outputs=2)
REFUSED: dict[Fault, tuple[type[PlaygroundError], Credits]] = {
    Fault.SERVER_ERROR: (ServerError, Credits.MAYBE_SPENT),  # nobody outside can know that it was not accepted
    Fault.BUSY: (RateLimitedError, Credits.NOT_SPENT),
    Fault.BUSY_FOR_A_SECOND: (RateLimitedError, Credits.NOT_SPENT),
    Fault.RESET_UNREAD: (NetworkError, Credits.MAYBE_SPENT),
}
UNANSWERED: dict[Fault, type[PlaygroundError]] = {
    Fault.GATEWAY_ERROR: ServerError,
    Fault.RESET_ACCEPTED: NetworkError,
    Fault.ANSWER_NOT_JSON: NotUnderstoodError,
    Fault.ANSWER_OF_WRONG_TYPES: NotUnderstoodError,
}
NO_FILES = {
    Fault.FILE_403: "HTTP 403",
    Fault.FILE_404: "HTTP 404",
    Fault.FILE_410: "HTTP 410",
    Fault.FILE_LEADS_INSIDE: "169.254.169.254 is not on the public internet",
    Fault.NOT_AN_IMAGE: "not a webp, jpg or png picture",
    Fault.NAMES_NOTHING: "names no picture",
}
TOLD_OTHERWISE = {*REFUSED, *UNANSWERED, *NO_FILES, Fault.FAILS, Fault.ENDLESS, Fault.TRUNCATED}
PASSING = [fault for fault in Fault if fault not in TOLD_OTHERWISE]


@dataclass(frozen=True)
class HastyClient(PredictionClient):
    """Watches for seconds, where the real one does for an hour."""

    longest_s: float = 0.0

    def watch(self, first: Prediction, *, patience_s: float = 120.0, longest_s: float = 0.0) -> AsyncIterator[Prediction]:
        return super().watch(first, patience_s=patience_s, longest_s=longest_s or self.longest_s)


@asynccontextmanager
async def connected(url: str, *, longest_s: float = 60.0) -> AsyncGenerator[PredictionClient]:
    """The real client on a real connection; it only waits less between attempts, and less long in all."""
    guarded = GuardedTransport(httpx.AsyncHTTPTransport(), own_origins=(url,))
    async with httpx.AsyncClient(transport=RetryTransport(guarded, first_wait_s=0.01), timeout=20) as http:
        yield HastyClient(url, http, local_pace(), api_key=SecretStr(KEY), longest_s=longest_s)


async def last_update(run: Run) -> RunUpdate:
    async for _update in run.updates():
        pass
    return run.latest


async def run_with(fault: Fault, folder: Path, *, longest_s: float = 60.0) -> tuple[RunUpdate, FaultServer]:
    """How one run ends when this goes wrong. That it was sent once is seen to here."""
    async with (
        fault_server(Plan(always=fault)) as server,
        connected(server.url, longest_s=longest_s) as client,
        bench_of(folder) as bench,
    ):
        last = await last_update(bench.start(client, FOX))
    assert server.posts == 1
    assert len(server.jobs) == fault.is_accepted
    return last, server


async def only_record(folder: Path, server: FaultServer) -> tuple[Entry, Job]:
    (job,) = server.jobs.values()
    return await find(HistoryStore(folder), job.id), job


def read(record: Entry) -> list[bytes]:
    return [path.read_bytes() for path in record.outputs]


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_costs_no_picture(fault: Fault, tmp_path: Path) -> None:
    last, server = await run_with(fault, tmp_path)
    record, job = await only_record(tmp_path, server)
    assert (last.error, last.warning) == (None, None)
    assert (record.status, record.error, record.outputs) == ("completed", None, last.files)
    assert read(record) == job.pictures
    assert len(set(job.pictures)) == 2


@pytest.mark.parametrize("fault", REFUSED)
async def test_a_request_that_was_not_taken_is_not_repeated_and_the_doubt_is_told(fault: Fault, tmp_path: Path) -> None:
    last, _ = await run_with(fault, tmp_path)
    assert last.prediction is None
    assert last.error is not None
    assert (type(last.error), last.error.credits) == REFUSED[fault]


@pytest.mark.parametrize("fault", UNANSWERED)
async def test_a_request_taken_without_an_answer_is_not_repeated_and_may_be_spent(fault: Fault, tmp_path: Path) -> None:
    last, _ = await run_with(fault, tmp_path)
    assert last.prediction is None
    assert last.error is not None
    assert (type(last.error), last.error.credits) == (UNANSWERED[fault], Credits.MAYBE_SPENT)
    assert "before you send it again" in last.error.advice


@pytest.mark.parametrize("fault", NO_FILES)
async def test_files_that_cannot_be_had_are_told_with_the_reason_in_page_and_history(fault: Fault, tmp_path: Path) -> None:
    last, server = await run_with(fault, tmp_path)
    record, job = await only_record(tmp_path, server)
    assert isinstance(last.error, OutputError)
    assert NO_FILES[fault] in last.error.what
    assert last.error.credits is Credits.ALREADY_SPENT
    assert last.warning is not None
    assert f"{job.id} is over" in last.warning
    assert (record.status, record.error, record.outputs) == ("completed", last.error.what, ())


async def test_pictures_that_break_off_are_kept_as_they_came_and_told(tmp_path: Path) -> None:
    last, server = await run_with(Fault.TRUNCATED, tmp_path)
    record, job = await only_record(tmp_path, server)
    assert read(record) == [data[: len(data) // 2] for data in job.pictures]
    assert last.error is None
    assert last.warning is not None
    assert last.warning.count("its file is broken off or damaged") == 2
    assert (record.status, record.error) == ("completed", last.warning)


async def test_a_damaged_picture_stays_in_its_sweep_and_is_not_paid_for_again(tmp_path: Path) -> None:
    async with (
        fault_server(Plan(always=Fault.TRUNCATED)) as server,
        connected(server.url) as client,
        bench_of(tmp_path) as bench,
    ):
        plan = make_plan(FOX, read_axis("seed", "1-2", FOX))
        for _again in range(2):
            sweep = Sweep(plan, client, bench)
            sweep.start()
            made = [snapshot async for snapshot in sweep.updates()][-1].made.values()
            assert [one.result and len(one.result.files) for one in made] == [2, 2]
    assert server.posts == 2


async def test_a_failure_is_recorded_in_the_words_of_the_api(tmp_path: Path) -> None:
    last, server = await run_with(Fault.FAILS, tmp_path)
    record, _ = await only_record(tmp_path, server)
    assert last.files == ()
    assert (record.status, record.error) == ("failed", "the model ran out of paint")


async def test_a_prediction_that_never_ends_is_given_up_with_its_id(tmp_path: Path) -> None:
    last, server = await run_with(Fault.ENDLESS, tmp_path, longest_s=1)
    record, job = await only_record(tmp_path, server)
    assert isinstance(last.error, TimedOutError)
    assert job.id in last.error.advice
    assert last.warning is not None
    assert "it may still finish" in last.warning
    assert (record.status, record.error) == ("processing", last.error.what)


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_accepted_prediction_of_many_ends_in_the_history_and_none_is_sent_twice(tmp_path: Path, seed: int) -> None:
    requests = [PredictionInput(prompt=f"fox number {number}") for number in range(40)]
    async with (
        fault_server(Plan(seed, share=0.6)) as server,
        connected(server.url, longest_s=6) as client,
        bench_of(tmp_path) as bench,
    ):
        lasts = await asyncio.gather(*(last_update(bench.start(client, request)) for request in requests))
    told = {last.prediction.job_id for last in lasts if last.prediction}
    assert server.posts == len(requests)
    assert len({job.prompt for job in server.jobs.values()}) == len(server.jobs)
    assert told == {job.id for job in server.jobs.values() if job.fault.is_answered}
    for job_id in told:
        job, record = server.jobs[job_id], await find(HistoryStore(tmp_path), job_id)
        assert record.input["prompt"] == job.prompt
        assert (record.error is None) == (job.fault in PASSING)
        assert record.error or read(record) == job.pictures
    unknown = {entry.input["prompt"] for entry in await HistoryStore(tmp_path).entries() if entry.is_uncertain}
    assert unknown >= {job.prompt for job in server.jobs.values() if not job.fault.is_answered}
    assert not unknown & {server.jobs[job_id].prompt for job_id in told}


def test_a_plan_of_the_same_seed_goes_wrong_the_same_way_and_in_every_way() -> None:
    drawn = [[Plan(seed, share=0.5).fault(number) for number in range(1000)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) == set(Fault)
    assert 400 < drawn[0].count(Fault.NONE) < 600


async def test_the_server_runs_as_a_process_and_tells_what_it_accepted() -> None:
    command = (sys.executable, "-m", "tests.faults", "--seed", "3", "--always", Fault.DUPLICATED)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with connected(url) as client:
        first = await client.create(FOX)
        last = [seen async for seen in client.watch(first)][-1]
        assert len(await client.download(last)) == 2
        counts = json.loads((await client.http.get(url.removesuffix("/v1") + "/counts")).text)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert counts["posts"] == 1
    (accepted,) = counts["accepted"].values()
    assert (accepted["prompt"], accepted["fault"], len(accepted["sha256"])) == (FOX.prompt, "duplicated", 2)
