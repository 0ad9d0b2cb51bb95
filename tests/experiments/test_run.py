"""Runs against the real service: what is shown, kept, cancelled, left and taken up again."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from playground.client.api import ImageFile, PredictionClient
from playground.client.watch import local_pace
from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA, ModelInfo
from playground.contract.prediction import Prediction, Status
from playground.engine.base import Engine
from playground.errors import BadInputError, Credits, EngineError, NetworkError, OutputError
from playground.experiments.bench import Bench
from playground.experiments.resume import fetch_again
from playground.experiments.run import Run, RunUpdate
from playground.history.entry import Account, Order
from playground.history.store import HistoryStore
from playground.service.http import create_api
from playground.service.outputs import OutputFolder
from tests.experiments.conftest import bench_of
from tests.service.engines import INFO, FailingEngine, GatedEngine, InstantEngine
from tests.service.serving import Service, running_service, until

pytestmark = pytest.mark.anyio

REQUEST = PredictionInput(prompt="ghost", megapixels="0.25", num_inference_steps=3, seed=5, num_outputs=2)
MODELS = {"free": INFO, "paid": FLUX_KREA}


class Wire(httpx.AsyncBaseTransport):
    """The way to the service: counts what passes, and can be cut or held."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.methods: list[str] = []
        self.answered: list[str] = []
        self.is_cut = False
        self.loses_answers = False
        self.posts_may_pass = asyncio.Event()
        self.posts_may_pass.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut:
            raise httpx.ConnectError("cut")
        self.methods.append(request.method)
        if request.method == "POST":
            await self.posts_may_pass.wait()
        answer = await self._inner.handle_async_request(request)
        if self.loses_answers:
            raise httpx.ReadError("lost")
        self.answered.append(request.method)
        return answer


class HastyClient(PredictionClient):
    """Gives up on a silent server at once, where the real one waits two minutes."""

    def watch(self, first: Prediction, *, patience_s: float = 0.05) -> AsyncIterator[Prediction]:
        return super().watch(first, patience_s=patience_s)


class SpoilingFolder(OutputFolder):
    """Delivers something that is no picture."""

    def write(self, name: str, data: bytes) -> None:
        super().write(name, b"<html>gone</html>")


@asynccontextmanager
async def wired(engine: Engine, model: ModelInfo, **options: object) -> AsyncGenerator[tuple[Service, PredictionClient, Wire]]:
    """The service, a client of it that sees it as this model, and the wire between them."""
    async with running_service(engine, **options) as service:
        wire = Wire(httpx.ASGITransport(create_api(service.runner)))
        async with httpx.AsyncClient(transport=wire) as http:
            yield service, HastyClient(service.base_url, http, local_pace(), model=model), wire


async def all_updates(run: Run) -> list[RunUpdate]:
    async with asyncio.timeout(30):
        return [update async for update in run.updates(every_s=0.02)]


async def end_of(run: Run) -> RunUpdate:
    return (await all_updates(run))[-1]


async def accepted(run: Run) -> Prediction:
    await until(lambda: run.latest.prediction)
    assert run.latest.prediction is not None
    return run.latest.prediction


def rows(folder: Path) -> list[tuple[str, str, str | None]]:
    """(job_id, status, error) of everything in the history, past the store's own code."""
    if not (folder / "history.sqlite3").exists():
        return []
    with closing(sqlite3.connect(folder / "history.sqlite3")) as connection:
        return connection.execute("SELECT job_id, status, error FROM history").fetchall()


@pytest.mark.parametrize("price", MODELS)
async def test_a_run_ends_with_the_files_exactly_as_delivered(bench: Bench, tmp_path: Path, price: str) -> None:
    async with wired(InstantEngine(), MODELS[price]) as (_, client, _wire):
        updates = await all_updates(bench.start(client, REQUEST))
        last = updates[-1]
        assert last.prediction is not None
        delivered = [output.data for output in await client.download(last.prediction)]

    assert last.is_over
    assert (last.error, last.warning) == (None, None)
    assert last.prediction.status == Status.COMPLETED
    assert [path.read_bytes() for path in last.files] == delivered
    assert len(set(delivered)) == 2
    assert [update.is_over for update in updates] == [False] * (len(updates) - 1) + [True]
    kept = tmp_path / "history" / "outputs"
    assert [path.is_relative_to(kept) for path in last.files] == [price == "paid"] * 2


async def test_updates_show_time_passing_and_the_steps(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine, INFO) as (_, client, _wire):
        run = bench.start(client, REQUEST)
        seen: set[tuple[int, int]] = set()
        elapsed_s: list[float] = []
        async for update in run.updates(every_s=0.01):
            elapsed_s.append(update.elapsed_s)
            progress = update.prediction.progress if update.prediction else None
            if progress is None or update.is_over:
                continue
            if (progress.step, progress.total) not in seen:
                seen.add((progress.step, progress.total))
                engine.allow(1)

    assert {(1, 3), (2, 3)} <= seen
    assert elapsed_s == sorted(elapsed_s)


async def test_a_free_run_leaves_no_trace_in_the_history(bench: Bench, tmp_path: Path) -> None:
    async with wired(InstantEngine(), INFO) as (_, client, _wire):
        await end_of(bench.start(client, REQUEST))

    assert rows(tmp_path / "history") == []


async def test_a_paid_id_is_on_disk_before_it_is_shown(bench: Bench, tmp_path: Path) -> None:
    engine = GatedEngine()
    async with wired(engine, FLUX_KREA) as (_, client, _wire):
        run = bench.start(client, REQUEST)
        async for update in run.updates(every_s=0.001):
            if update.prediction is not None:
                found = rows(tmp_path / "history")
                break
        engine.allow(3)
        await end_of(run)

    assert found == [(update.prediction.job_id, "pending", None)]


async def test_a_paid_id_is_not_shown_while_the_disk_is_busy(tmp_path: Path) -> None:
    class SlowStore(HistoryStore):
        async def record_accepted(self, order: Order, prediction: Prediction) -> None:
            await disk.wait()
            await super().record_accepted(order, prediction)

    disk, engine = asyncio.Event(), InstantEngine()
    async with wired(engine, FLUX_KREA) as (_, client, _wire):
        bench = Bench(SlowStore(tmp_path))
        run = bench.start(client, REQUEST)
        await until(lambda: engine.seeds)
        await asyncio.sleep(0.02)
        shown = run.latest.prediction
        disk.set()
        last = await end_of(run)
        await bench.close()

    assert shown is None
    assert last.prediction is not None
    assert last.prediction.status == Status.COMPLETED


async def test_a_paid_run_is_recorded_to_its_end(bench: Bench, tmp_path: Path) -> None:
    async with wired(InstantEngine(), FLUX_KREA) as (_, client, _wire):
        last = await end_of(bench.start(client, REQUEST))

    assert last.prediction is not None
    (entry,) = await bench.history.entries()
    assert (entry.job_id, entry.status, entry.error) == (last.prediction.job_id, "completed", None)
    assert (entry.outputs, entry.thumbnail, entry.size_bytes) == (last.files, last.thumbnail, last.size_bytes)
    assert entry.thumbnail is not None
    assert entry.thumbnail.is_file()


async def test_a_visitor_s_free_run_is_kept_with_its_upload(bench: Bench) -> None:
    data = BytesIO()
    Image.new("RGB", (64, 64), "teal").save(data, "PNG")
    upload = ImageFile("mine.png", data.getvalue(), "image/png")
    async with wired(InstantEngine(), INFO) as (_, client, _wire):
        last = await end_of(bench.start(client, REQUEST, image=upload, account=Account("somebody")))
        await end_of(bench.start(client, REQUEST))  # of an API caller: nobody's page would show it

    (entry,) = await bench.history.entries()
    assert (entry.account.visitor, entry.status, entry.is_free, entry.outputs) == ("somebody", "completed", True, last.files)
    assert entry.image is not None
    assert entry.image.read_bytes() == upload.data


async def test_a_paid_request_that_is_refused_leaves_no_trace(bench: Bench) -> None:
    async with wired(InstantEngine(), FLUX_KREA) as (_, client, _wire):
        last = await end_of(bench.start(client, REQUEST.model_copy(update={"image": "nonsense"})))

    assert isinstance(last.error, BadInputError)
    assert await bench.history.entries() == []


async def test_a_paid_request_whose_answer_never_came_stays_as_unknown(bench: Bench) -> None:
    async with wired(InstantEngine(), FLUX_KREA) as (_, client, wire):
        wire.loses_answers = True
        last = await end_of(bench.start(client, REQUEST))

    assert last.error is not None
    assert last.error.credits is Credits.MAYBE_SPENT
    (entry,) = await bench.history.entries()
    assert (entry.is_uncertain, entry.job_id, entry.error) == (True, None, last.error.what)


async def test_a_paid_run_that_is_cancelled_while_it_is_written_down_is_never_sent(bench: Bench) -> None:
    async with wired(InstantEngine(), FLUX_KREA) as (_, client, wire):
        run = bench.start(client, REQUEST)
        run.cancel()
        last = await end_of(run)

    assert wire.methods == []
    assert last.error is not None
    assert last.error.credits is Credits.NOT_SPENT
    assert await bench.history.entries() == []


async def test_a_refused_request_ends_the_run_with_its_error(bench: Bench) -> None:
    async with wired(InstantEngine(), INFO) as (_, client, _wire):
        last = await end_of(bench.start(client, REQUEST.model_copy(update={"image": "nonsense"})))

    assert isinstance(last.error, BadInputError)
    assert (last.prediction, last.files, last.is_over) == (None, (), True)


async def test_a_failed_prediction_ends_the_run_with_its_words(bench: Bench, tmp_path: Path) -> None:
    async with wired(FailingEngine(EngineError("no paint")), FLUX_KREA) as (_, client, _wire):
        last = await end_of(bench.start(client, REQUEST.model_copy(update={"prompt": "fail"})))

    assert last.prediction is not None
    assert (last.prediction.status, last.prediction.error, last.files) == (Status.FAILED, "no paint", ())
    assert rows(tmp_path / "history") == [(last.prediction.job_id, "failed", "no paint")]


@pytest.mark.parametrize("price", MODELS)
async def test_a_fault_of_our_own_ends_the_run_and_is_logged(
    bench: Bench, price: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("inner words")

    async with wired(InstantEngine(), MODELS[price]) as (_, client, _wire):
        run = bench.start(client, REQUEST)
        run._keep = broken  # type: ignore[assignment]
        last = await end_of(run)

    assert last.error is not None
    assert "ZeroDivisionError" in str(last.error)
    assert "inner words" not in str(last.error)
    assert "inner words" in caplog.text
    assert (price == "paid") == (last.warning is not None)


async def test_a_cancel_before_the_id_is_known_is_sent_once_it_is(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine, INFO) as (_, client, wire):
        wire.posts_may_pass.clear()
        run = bench.start(client, REQUEST)
        await until(lambda: wire.methods == ["POST"])

        run.cancel()
        was_cancelling = run.latest.is_cancelling
        wire.posts_may_pass.set()
        await until(lambda: "DELETE" in wire.answered)
        engine.allow(1)
        last = await end_of(run)

    assert was_cancelling
    assert last.prediction is not None
    assert last.prediction.status == Status.CANCELLED
    assert last.error is None


async def test_a_running_prediction_is_cancelled(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine, INFO) as (_, client, wire):
        run = bench.start(client, REQUEST)
        await accepted(run)
        await until(lambda: engine.prompts)

        run.cancel()
        await until(lambda: "DELETE" in wire.answered)
        engine.allow(1)
        last = await end_of(run)

    assert last.prediction is not None
    assert last.prediction.status == Status.CANCELLED
    assert last.files == ()
    assert engine.was_stopped.is_set()


async def test_cancelling_twice_and_after_the_end_does_no_harm(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine, INFO) as (_, client, wire):
        run = bench.start(client, REQUEST)
        await accepted(run)
        for _ in range(2):
            run.cancel()
        await until(lambda: "DELETE" in wire.answered)
        engine.allow(1)
        last = await end_of(run)
        deletes = wire.methods.count("DELETE")
        run.cancel()
        await asyncio.sleep(0.01)

        assert wire.methods.count("DELETE") == deletes == 1
        assert run.latest == last


async def test_a_cancel_that_does_not_arrive_is_said(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine, FLUX_KREA) as (_, client, wire):
        run = bench.start(client, REQUEST)
        await accepted(run)
        wire.is_cut = True
        run.cancel()
        await until(lambda: run.latest.warning)
        said, is_cancelling = run.latest.warning, run.latest.is_cancelling
        wire.is_cut = False
        engine.allow(3)
        await end_of(run)

    assert said is not None
    assert "The cancel did not arrive" in said
    assert not is_cancelling


async def test_leaving_a_free_run_cancels_it(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine, INFO) as (_, client, wire):
        run = bench.start(client, REQUEST)
        await accepted(run)

        run.leave()
        await until(lambda: "DELETE" in wire.answered)
        engine.allow(1)
        last = await end_of(run)

    assert last.prediction is not None
    assert last.prediction.status == Status.CANCELLED


async def test_a_paid_run_that_was_left_goes_on_and_is_kept(bench: Bench, tmp_path: Path) -> None:
    engine = GatedEngine()
    async with wired(engine, FLUX_KREA) as (_, client, wire):
        run = bench.start(client, REQUEST)
        prediction = await accepted(run)

        run.leave()
        engine.allow(3)
        await until(lambda: run.latest.is_over)

    assert "DELETE" not in wire.methods
    (entry,) = await bench.history.entries()
    assert (entry.job_id, entry.status) == (prediction.job_id, "completed")
    assert [path.is_file() for path in entry.outputs] == [True, True]


async def test_a_history_that_cannot_be_written_is_said_and_the_picture_delivered(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("in the way")
    async with bench_of(tmp_path / "history") as bench, wired(InstantEngine(), FLUX_KREA) as (_, client, _wire):
        last = await end_of(bench.start(client, REQUEST))
        assert last.prediction is not None
        delivered = [output.data for output in await client.download(last.prediction)]

        assert [path.read_bytes() for path in last.files] == delivered
        assert last.error is None
        assert last.warning is not None
        assert "cannot be written" in last.warning
        assert last.prediction.job_id in last.warning


async def test_lost_contact_is_said_with_the_id_and_taken_up_again_without_a_second_post(bench: Bench, tmp_path: Path) -> None:
    engine = GatedEngine()
    async with wired(engine, FLUX_KREA) as (_, client, wire):
        run = bench.start(client, REQUEST)
        prediction = await accepted(run)
        await until(lambda: engine.prompts)
        wire.is_cut = True
        lost = await end_of(run)
        recorded = rows(tmp_path / "history")

        engine.allow(3)
        wire.is_cut = False
        assert lost.prediction is not None
        again = await end_of(bench.start(client, REQUEST, accepted=lost.prediction))

    assert isinstance(lost.error, NetworkError)
    assert lost.warning is not None
    assert prediction.job_id in lost.warning
    assert [(job_id, bool(error)) for job_id, _, error in recorded] == [(prediction.job_id, True)]
    assert again.prediction is not None
    assert (again.prediction.job_id, again.prediction.status) == (prediction.job_id, Status.COMPLETED)
    assert (again.error, len(again.files)) == (None, 2)
    assert wire.methods.count("POST") == 1
    assert rows(tmp_path / "history") == [(prediction.job_id, "completed", None)]


async def test_a_finished_prediction_can_be_taken_up_for_its_files(bench: Bench) -> None:
    async with wired(InstantEngine(), INFO) as (_, client, wire):
        first = await end_of(bench.start(client, REQUEST))
        again = await end_of(bench.start(client, REQUEST, accepted=first.prediction))

    assert [path.read_bytes() for path in again.files] == [path.read_bytes() for path in first.files]
    assert wire.methods.count("POST") == 1


@pytest.mark.parametrize("price", MODELS)
async def test_an_output_that_is_no_picture_is_an_error(bench: Bench, price: str) -> None:
    async with wired(InstantEngine(), MODELS[price], outputs=SpoilingFolder()) as (_, client, _wire):
        last = await end_of(bench.start(client, REQUEST))

    assert isinstance(last.error, OutputError)
    assert "not a webp, jpg or png" in last.error.what
    assert last.files == ()
    assert last.prediction is not None
    assert ("credits" in str(last.error)) == (price == "paid")


async def test_closing_ends_what_is_watched_and_removes_free_pictures(tmp_path: Path) -> None:
    engine = GatedEngine()
    bench = Bench(HistoryStore(tmp_path))
    async with wired(engine, INFO) as (_, client, _wire):
        engine.allow(3)
        done = await end_of(bench.start(client, REQUEST))
        run = bench.start(client, REQUEST)
        watching = asyncio.create_task(end_of(run))
        await accepted(run)

        await bench.close()
        last = await watching

    assert last.is_over
    assert "stopped" in str(last.error)
    assert [path.exists() for path in done.files] == [False, False]


async def test_runs_at_the_same_time_keep_to_themselves(bench: Bench) -> None:
    async with wired(InstantEngine(), INFO) as (_, client, _wire):
        requests = [REQUEST.model_copy(update={"seed": seed, "num_outputs": 1}) for seed in range(1, 6)]
        runs = [bench.start(replace(client, client_id=str(request.seed)), request) for request in requests]
        ends = await asyncio.gather(*(end_of(run) for run in runs))

    assert [end.prediction and end.prediction.seed for end in ends] == [1, 2, 3, 4, 5]
    assert len({end.files for end in ends}) == 5


class SpoilingSecondFolder(OutputFolder):
    """Delivers the first picture well and spoils the second."""

    def __init__(self) -> None:
        super().__init__()
        self.spoilt: list[tuple[str, bytes]] = []

    def write(self, name: str, data: bytes) -> None:
        if "-1." in name:
            self.spoilt.append((name, data))
            data = b"<html>gone</html>"
        super().write(name, data)

    def mend(self) -> None:
        for name, data in self.spoilt:
            super().write(name, data)


async def test_one_lost_output_does_not_take_the_others_with_it_and_can_be_fetched_later(bench: Bench) -> None:
    outputs = SpoilingSecondFolder()
    async with wired(InstantEngine(), FLUX_KREA, outputs=outputs) as (_, client, wire):
        end = await end_of(bench.start(client, REQUEST))
        (entry,) = await bench.history.entries()
        outputs.mend()
        again = await end_of(fetch_again(bench, entry, client))
        (mended,) = await bench.history.entries()
    assert end.error is None
    assert len(end.files) == 1
    assert end.warning is not None
    assert "1 of 2 pictures are missing" in end.warning
    assert entry.outputs == end.files
    assert entry.error is not None
    assert "1 of 2 pictures are missing" in entry.error
    assert mended.outputs == again.files
    assert len(mended.outputs) == 2
    assert (mended.error, mended.can_be_fetched) == (None, False)
    assert wire.methods.count("POST") == 1


async def test_a_paid_picture_that_cannot_be_kept_is_delivered_with_a_warning(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "outputs").write_text("a file where the folder should be")
    async with wired(InstantEngine(), FLUX_KREA) as (_, client, _wire):
        end = await end_of(bench.start(client, REQUEST))
    assert len(end.files) == 2
    assert all(path.is_file() for path in end.files)
    assert end.warning is not None
    assert "Download the picture now" in end.warning


async def test_closing_waits_for_the_answer_to_a_request_on_its_way(tmp_path: Path) -> None:
    async with wired(GatedEngine(), FLUX_KREA) as (_, client, wire):
        bench = Bench(HistoryStore(tmp_path))
        wire.posts_may_pass.clear()
        bench.start(client, REQUEST)
        await until(lambda: wire.methods)
        closing_down = asyncio.create_task(bench.close())
        await asyncio.sleep(0)
        wire.posts_may_pass.set()
        await closing_down
    assert len(rows(tmp_path)) == 1
