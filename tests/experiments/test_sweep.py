"""Sweeps against the real service, slow and failing: no cell lost, none made twice, nothing left running."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from pydantic import SecretStr

from playground.client.api import ImageFile, PredictionClient
from playground.client.watch import local_pace
from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA
from playground.engine.base import Engine
from playground.errors import BadInputError, EngineError, StorageError
from playground.experiments.axis import image_axis, read_axis
from playground.experiments.bench import Bench
from playground.experiments.made import Snapshot, State
from playground.experiments.plan import Plan, make_plan
from playground.experiments.run import asked_of
from playground.experiments.sweep import Sweep
from playground.experiments.thumbnail import THUMBNAIL_SIDE_PX
from playground.history.budget import Budget
from playground.history.entry import Order
from playground.service.http import create_api
from tests.experiments.conftest import bench_of
from tests.experiments.test_run import HastyClient, Wire
from tests.service.engines import INFO, FailingEngine, GatedEngine, InstantEngine
from tests.service.serving import running_service, until

pytestmark = pytest.mark.anyio

BASE = PredictionInput(prompt="ghost", megapixels="0.25", num_inference_steps=2, seed=5, go_fast=False)


def seeds(count: int) -> Plan:
    return make_plan(BASE, read_axis("seed", f"1-{count}", BASE))


@asynccontextmanager
async def wired(engine: Engine, *, is_paid: bool = False) -> AsyncGenerator[tuple[PredictionClient, Wire]]:
    async with running_service(engine) as service:
        wire = Wire(httpx.ASGITransport(create_api(service.runner)))
        async with httpx.AsyncClient(transport=wire) as http:
            model = FLUX_KREA if is_paid else INFO
            yield HastyClient(service.base_url, http, local_pace(), model=model), wire


async def end_of(sweep: Sweep) -> Snapshot:
    async with asyncio.timeout(30):
        return [snapshot async for snapshot in sweep.updates(every_s=0.05)][-1]


def states(snapshot: Snapshot) -> Counter[State]:
    return Counter(made.state for made in snapshot.made.values())


@pytest.mark.parametrize("is_paid", [False, True])
async def test_a_sweep_makes_every_request_once_and_keeps_its_files(bench: Bench, is_paid: bool) -> None:
    engine = InstantEngine()
    async with wired(engine, is_paid=is_paid) as (client, _):
        sweep = Sweep(make_plan(BASE, read_axis("seed", "1-5, 1-3", BASE)), client, bench)
        sweep.start()
        last = await end_of(sweep)
    assert sorted(engine.seeds) == [1, 2, 3, 4, 5]
    assert states(last) == {State.DONE: 5}
    assert len(sweep.plan.cells) == 8
    for made in last.made.values():
        assert made.result is not None
        assert made.result.files[0].is_relative_to(bench.folders[0])
        assert made.result.thumbnail is not None
        with Image.open(made.result.thumbnail) as small:
            assert max(small.size) == THUMBNAIL_SIDE_PX


async def test_what_is_on_disk_is_not_made_again_also_after_a_restart_and_in_a_wider_plan(tmp_path: Path) -> None:
    engine = InstantEngine()
    async with wired(engine) as (client, wire):
        for plan, reused, done in ((seeds(4), 0, 4), (seeds(4), 4, 0), (seeds(6), 4, 2)):
            async with bench_of(tmp_path / "history") as bench:
                sweep = Sweep(plan, client, bench)
                sweep.start()
                last = await end_of(sweep)
                assert (last.count(State.REUSED), last.count(State.DONE)) == (reused, done)
    assert sorted(engine.seeds) == [1, 2, 3, 4, 5, 6]
    assert wire.methods.count("POST") == 6


async def test_a_picture_is_handed_to_nobody_but_whose_key_has_paid(bench: Bench) -> None:
    engine = InstantEngine()
    async with wired(engine, is_paid=True) as (client, wire):
        for key, posts in (("cdt_first_key", 2), ("cdt_first_key", 2), ("cdt_other_key", 4)):
            sweep = Sweep(seeds(2), client.as_visitor(api_key=SecretStr(key)), bench)
            sweep.start()
            await end_of(sweep)
            assert wire.methods.count("POST") == posts
    assert not [path for path in bench.folders[0].parent.rglob("*") if path.is_file() and b"cdt_" in path.read_bytes()]


def pictures(*colours: str) -> dict[str, ImageFile]:
    """Plain pictures by digest."""
    found: dict[str, ImageFile] = {}
    for colour in colours:
        buffer = BytesIO()
        Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
        image = ImageFile("image.png", buffer.getvalue(), "image/png")
        found[image.digest] = image
    return found


async def test_another_image_is_another_picture(bench: Bench) -> None:
    engine = InstantEngine()
    async with wired(engine) as (client, _):
        for colour in ("red", "red", "blue"):
            images = pictures(colour)
            base = BASE.model_copy(update={"image": next(iter(images))})
            sweep = Sweep(make_plan(base, read_axis("seed", "1-2", base)), client, bench, read_image=images.__getitem__)
            sweep.start()
            assert (await end_of(sweep)).count(State.DONE, State.REUSED) == 2
    assert sorted(engine.seeds) == [1, 1, 2, 2]


@pytest.mark.parametrize("is_paid", [False, True])
async def test_each_picture_of_an_axis_is_sent_once_and_none_for_none(bench: Bench, is_paid: bool) -> None:
    engine, images = InstantEngine(), pictures("red", "blue")
    names = dict(zip(images, ("red.png", "blue.png"), strict=True))
    async with wired(engine, is_paid=is_paid) as (client, wire):
        axis = image_axis(names, also_none=True)
        for plan in (make_plan(BASE, axis), make_plan(BASE, axis), make_plan(BASE, image_axis(names, also_none=False))):
            sweep = Sweep(plan, client, bench, read_image=images.__getitem__, at_once=1)
            sweep.start()
            last = await end_of(sweep)
            assert last.count(State.DONE, State.REUSED) == len(plan.cells)
            assert len({entry.job_id for entry in await bench.history.entries()}) == 3
    assert wire.methods.count("POST") == 3
    assert [image and image.getpixel((5, 5)) for image in engine.images] == [None, (255, 0, 0), (0, 0, 255)]


async def test_a_picture_that_is_gone_fails_its_cells_alone_and_nothing_is_sent_for_them(bench: Bench) -> None:
    images = pictures("red", "blue")
    red, blue = images
    plan = make_plan(BASE, image_axis({red: "red.png", blue: "blue.png"}, also_none=False))

    def read(digest: str) -> ImageFile:
        if digest == blue:
            raise BadInputError("blue.png: gone.")
        return images[digest]

    async with wired(InstantEngine(), is_paid=True) as (client, wire):
        sweep = Sweep(plan, client, bench, read_image=read)
        sweep.start()
        made = (await end_of(sweep)).made
        first, second = (made[request] for request in plan.requests)
        assert (first.state, second.state, second.needs_asking) == (State.DONE, State.FAILED, False)
        assert second.error.startswith("blue.png: gone.")
    assert wire.methods.count("POST") == 1


async def test_stop_now_while_a_picture_is_read_sends_nothing(bench: Bench) -> None:
    images, is_reading, may_go_on = pictures("red"), threading.Event(), threading.Event()

    def read(digest: str) -> ImageFile:
        is_reading.set()
        assert may_go_on.wait(timeout=30)
        return images[digest]

    async with wired(InstantEngine()) as (client, wire):
        sweep = Sweep(
            make_plan(BASE, image_axis(dict.fromkeys(images, "red.png"), also_none=False)), client, bench, read_image=read
        )
        sweep.start()
        await until(is_reading.is_set)
        sweep.stop_now()
        may_go_on.set()
        assert states(await end_of(sweep)) == {State.WAITING: 1}
    assert "POST" not in wire.methods


async def test_no_more_run_at_once_than_was_set(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine) as (client, wire):
        sweep = Sweep(seeds(6), client, bench, at_once=3)
        sweep.start()
        await until(lambda: wire.methods.count("POST") == 3)
        await asyncio.sleep(0.2)
        assert wire.methods.count("POST") == 3
        assert sweep.latest.count(State.RUNNING) == 3
        engine.allow(1000)
        assert states(await end_of(sweep)) == {State.DONE: 6}


async def test_stop_after_these_finishes_what_runs_and_resume_makes_the_rest_once(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine) as (client, _):
        sweep = Sweep(seeds(5), client, bench)
        sweep.start()
        await until(lambda: sweep.latest.count(State.RUNNING) == 2 and engine.seeds)
        sweep.stop()
        assert sweep.latest.is_stopping
        engine.allow(1000)
        last = await end_of(sweep)
        assert states(last) == {State.DONE: 2, State.WAITING: 3}
        sweep.start()
        assert states(await end_of(sweep)) == {State.DONE: 5}
    assert sorted(engine.seeds) == [1, 2, 3, 4, 5]


async def test_stop_now_leaves_nothing_running_and_keeps_what_is_done(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine) as (client, wire):
        sweep = Sweep(seeds(5), client, bench)
        sweep.start()
        await until(lambda: len(engine.seeds) == 1)
        engine.allow(2)
        await until(lambda: sweep.latest.count(State.DONE) == 1 and sweep.latest.count(State.RUNNING) == 2)
        sweep.stop_now()
        await until(lambda: wire.answered.count("DELETE") == 2)
        engine.allow(1)  # lets the step under way end, at which the engine notices
        last = await end_of(sweep)
        assert states(last) == {State.DONE: 1, State.WAITING: 4}
        await until(engine.was_stopped.is_set)
        asked = len(engine.seeds)
        engine.allow(1000)
        await asyncio.sleep(0.2)
        assert len(engine.seeds) == asked


@pytest.mark.parametrize(("is_paid", "done"), [(False, 0), (True, 4)])
async def test_a_page_that_goes_away_stops_what_is_free_and_finishes_what_is_paid(
    bench: Bench, is_paid: bool, done: int
) -> None:
    engine = GatedEngine()
    async with wired(engine, is_paid=is_paid) as (client, wire):
        sweep = Sweep(seeds(6), client, bench)
        sweep.start()
        await until(lambda: wire.methods.count("POST") == (4 if is_paid else 2) and engine.seeds)
        sweep.leave()
        await until(lambda: wire.answered.count("DELETE") == (0 if is_paid else 2))
        engine.allow(1000)
        assert states(await end_of(sweep))[State.DONE] == done


class SometimesFailing(FailingEngine):
    """Fails on even seeds until it is mended."""

    is_mended = threading.Event()

    def generate(self, request: PredictionInput, *, seed: int, **options: object) -> list[Image.Image]:  # type: ignore[override]
        if seed % 2 == 0 and not self.is_mended.is_set():
            self.seeds.append(seed)
            raise self.error
        return super().generate(request, seed=seed, **options)  # type: ignore[arg-type]


class GatedFailure(GatedEngine):
    """Fails at its first step."""

    def work(self) -> None:
        super().work()
        raise EngineError("out of paint")


@pytest.mark.parametrize("is_paid", [False, True])
async def test_failed_cells_are_named_and_tried_again_only_on_request(bench: Bench, is_paid: bool) -> None:
    engine = SometimesFailing(EngineError("out of paint"))
    engine.is_mended = threading.Event()
    async with wired(engine, is_paid=is_paid) as (client, _):
        sweep = Sweep(seeds(4), client, bench)
        sweep.start()
        last = await end_of(sweep)
        assert states(last) == {State.DONE: 2, State.FAILED: 2}
        assert {made.error for made in last.made.values() if made.state == State.FAILED} == {"out of paint"}
        sweep.start()
        assert states(await end_of(sweep)) == {State.DONE: 2, State.FAILED: 2}
        assert sorted(engine.seeds) == [1, 2, 3, 4]
        engine.is_mended.set()
        sweep.retry()
        assert states(await end_of(sweep)) == {State.DONE: 4}
    assert Counter(engine.seeds) == {1: 1, 2: 2, 3: 1, 4: 2}


async def test_a_paid_cell_whose_contact_was_lost_is_watched_again_and_never_sent_again(tmp_path: Path) -> None:
    engine = GatedEngine()
    async with wired(engine, is_paid=True) as (client, wire):
        async with bench_of(tmp_path / "history") as bench:
            sweep = Sweep(seeds(1), client, bench)
            sweep.start()
            await until(lambda: engine.seeds)
            wire.is_cut = True
            last = await end_of(sweep)
            (made,) = last.made.values()
            assert (made.state, made.is_uncertain) == (State.FAILED, False)
            assert "looks for it and sends nothing" in made.error
        wire.is_cut = False
        engine.allow(1000)
        async with bench_of(tmp_path / "history") as bench:  # another start of the playground
            again = Sweep(seeds(1), client, bench)
            again.start()
            assert states(await end_of(again)) == {State.DONE: 1}
    assert wire.methods.count("POST") == 1


async def test_a_paid_cell_of_unknown_outcome_is_sent_again_only_when_that_is_asked_for(bench: Bench) -> None:
    async with wired(InstantEngine(), is_paid=True) as (client, wire):
        plan = seeds(1)
        await bench.history.record_sent(Order(asked_of(client, plan.requests[0]), client.model))
        sweep = Sweep(plan, client, bench)
        sweep.start()
        (made,) = (await end_of(sweep)).made.values()
        assert (made.state, made.is_uncertain) == (State.FAILED, True)
        assert "may be paid for already" in made.error
        sweep.retry()
        assert states(await end_of(sweep)) == {State.FAILED: 1}
        assert wire.methods.count("POST") == 0
        sweep.retry(even_uncertain=True)
        assert states(await end_of(sweep)) == {State.DONE: 1}
    assert wire.methods.count("POST") == 1


async def test_a_sweep_of_a_hundred_cells_delays_another_visitor_by_at_most_two_pictures(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine) as (client, wire):
        sweep = Sweep(seeds(100), client.as_visitor(client_id="one"), bench)
        sweep.start()
        await until(lambda: wire.answered.count("POST") == 2 and engine.seeds)
        other = bench.start(client.as_visitor(client_id="two"), BASE.model_copy(update={"seed": 999}))
        await until(lambda: wire.answered.count("POST") == 3)
        begun = len(engine.seeds)
        engine.allow(10_000)
        async with asyncio.timeout(30):
            async for _ in other.updates():
                pass
        delayed_by = engine.seeds.index(999) - begun + 1  # the one that was under way counts
        sweep.stop_now()
        await end_of(sweep)
    assert other.latest.files
    assert delayed_by <= 2


class Refusing(httpx.AsyncBaseTransport):
    """Refuses every request to make something: out of credits."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(402, json={"error": {"code": "insufficient_credits", "message": "no credits"}}, request=request)


async def uncertain_sweep(client: PredictionClient, bench: Bench) -> Sweep:
    """Over one paid request, which an earlier sweep has sent without ever hearing of it."""
    plan = seeds(1)
    await bench.history.record_sent(Order(asked_of(client, plan.requests[0]), client.model))
    sweep = Sweep(plan, client, bench)
    sweep.start()
    await end_of(sweep)
    return sweep


async def until_accepted(bench: Bench) -> None:
    """Wait until the id of a request is on disk."""
    async with asyncio.timeout(30):
        while not [entry for entry in await bench.history.entries() if entry.job_id]:  # noqa: ASYNC110 - the disk tells nobody
            await asyncio.sleep(0.01)


async def assert_still_uncertain(sweep: Sweep, client: PredictionClient, bench: Bench, wire: Wire) -> None:
    """Neither this sweep nor a later one sends it without being asked to."""
    sent = wire.methods.count("POST")
    for again in (sweep, Sweep(sweep.plan, client, bench)):
        again.start()
        await end_of(again)
        again.retry()
        (made,) = (await end_of(again)).made.values()
        assert (made.state, made.needs_asking) == (State.FAILED, True)
        assert "may be paid for already" in made.error
    assert wire.methods.count("POST") == sent


async def test_a_refusal_of_another_sending_forgets_no_earlier_one(bench: Bench) -> None:
    async with wired(InstantEngine(), is_paid=True) as (client, wire):
        sweep = await uncertain_sweep(client, bench)
        async with httpx.AsyncClient(transport=Refusing()) as refusing:
            sweep.client = replace(client, http=refusing)
            sweep.retry(even_uncertain=True)
            (made,) = (await end_of(sweep)).made.values()
            assert made.error.startswith("The account")
        sweep.client = client
        await assert_still_uncertain(sweep, client, bench, wire)
        sweep.retry(even_uncertain=True)
        assert states(await end_of(sweep)) == {State.DONE: 1}


async def test_a_cancel_of_another_sending_forgets_no_earlier_one(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine, is_paid=True) as (client, wire):
        sweep = await uncertain_sweep(client, bench)
        sweep.retry(even_uncertain=True)
        await until(lambda: engine.seeds)
        sweep.stop_now()
        await until(lambda: wire.answered.count("DELETE") == 1)
        engine.allow(1)
        (made,) = (await end_of(sweep)).made.values()
        assert made.error.startswith("It was stopped under way")
        await assert_still_uncertain(sweep, client, bench, wire)


async def test_a_failure_of_another_sending_forgets_no_earlier_one_also_after_a_restart(tmp_path: Path) -> None:
    engine = GatedFailure()
    async with wired(engine, is_paid=True) as (client, wire):
        async with bench_of(tmp_path / "history") as bench:
            sweep = await uncertain_sweep(client, bench)
            sweep.retry(even_uncertain=True)
            await until_accepted(bench)
        engine.allow(1000)
        async with bench_of(tmp_path / "history") as bench:  # another start of the playground
            again = Sweep(seeds(1), client, bench)
            again.start()
            (made,) = (await end_of(again)).made.values()
            assert made.error.startswith("out of paint")
            await assert_still_uncertain(again, client, bench, wire)
    assert wire.methods.count("POST") == 1


async def test_a_paid_cell_whose_id_could_not_be_written_down_at_once_is_delivered_and_known_at_its_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StorageError("The disk is full.")

    async with wired(InstantEngine(), is_paid=True) as (client, wire):
        sweep = Sweep(seeds(1), client, bench)
        with monkeypatch.context() as patched:
            patched.setattr(bench.history, "record_accepted", full)
            sweep.start()
            assert states(await end_of(sweep)) == {State.DONE: 1}
        again = Sweep(seeds(1), client, bench)
        again.start()
        assert states(await end_of(again)) == {State.REUSED: 1}
    assert wire.methods.count("POST") == 1


async def test_a_stop_while_it_is_written_down_sends_nothing_and_forgets_no_earlier_sending(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wired(InstantEngine(), is_paid=True) as (client, wire):
        plan = seeds(2)
        await bench.history.record_sent(Order(asked_of(client, plan.requests[0]), client.model))
        sweep = Sweep(plan, client, bench)
        record_sent = bench.history.record_sent

        async def stopped_meanwhile(order: Order, budget: Budget | None) -> None:
            await record_sent(order, budget)
            sweep.stop_now()

        monkeypatch.setattr(bench.history, "record_sent", stopped_meanwhile)
        sweep.start()  # of the second: the first is known to have been sent
        assert states(await end_of(sweep)) == {State.FAILED: 1, State.WAITING: 1}
        sweep.retry(even_uncertain=True)
        assert states(await end_of(sweep)) == {State.FAILED: 1, State.WAITING: 1}
        assert wire.methods.count("POST") == 0
        (entry,) = await bench.history.entries()
        assert entry.is_uncertain


async def test_nothing_paid_is_sent_where_it_cannot_be_written_down(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("a file where the folder should be")
    async with wired(InstantEngine(), is_paid=True) as (client, wire), bench_of(tmp_path / "history") as bench:
        sweep = Sweep(seeds(2), client, bench)
        sweep.start()
        last = await end_of(sweep)
    assert wire.methods.count("POST") == 0
    assert "cannot be written or read" in last.warning
    assert replace(last, warning="").count(State.DONE) == 0


async def test_closing_the_bench_ends_a_sweep(tmp_path: Path) -> None:
    engine = GatedEngine()
    async with wired(engine) as (client, wire):
        async with bench_of(tmp_path / "history") as bench:
            sweep = Sweep(seeds(5), client, bench)
            sweep.start()
            await until(lambda: engine.seeds)
        assert sweep.latest.is_over
        sent = wire.methods.count("POST")
        engine.allow(1000)
        await asyncio.sleep(0.2)
        assert wire.methods.count("POST") == sent
