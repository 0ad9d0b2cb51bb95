"""After a crash: what was paid for is fetched by its id and never sent again; what cannot be known is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA
from playground.contract.prediction import Prediction, Status
from playground.errors import BadInputError
from playground.experiments.bench import Bench
from playground.experiments.resume import fetch_again, resume
from playground.experiments.run import asked_of
from playground.history.entry import Account, Order
from tests.experiments.conftest import bench_of
from tests.experiments.test_run import REQUEST, accepted, end_of, wired
from tests.service.engines import INFO, GatedEngine, InstantEngine
from tests.service.serving import until

pytestmark = pytest.mark.anyio

OWNER, VISITOR = Account("somebody", "owner"), Account("somebody", "visitor")


@pytest.mark.parametrize(("account", "fetched"), [(OWNER, True), (VISITOR, False)])
async def test_the_owner_s_predictions_are_watched_on_and_a_visitor_s_wait_for_their_key(
    tmp_path: Path, account: Account, fetched: bool
) -> None:
    engine = GatedEngine()
    async with wired(engine, FLUX_KREA) as (_, client, wire):
        async with bench_of(tmp_path / "history") as first:
            await accepted(first.start(client, REQUEST, account=account))
        engine.allow(1000)
        async with bench_of(tmp_path / "history") as second:
            await resume(second, free=replace(client, base_url="http://elsewhere/v1", model=INFO), paid=client)
            (entry,) = await second.history.entries()
            assert (entry.status == "completed") == fetched
            assert len(entry.outputs) == (2 if fetched else 0)
            assert entry.can_be_fetched != fetched
            if not fetched:
                end = await end_of(fetch_again(second, entry, client))
                assert len(end.files) == 2
    assert wire.methods.count("POST") == 1


async def test_what_the_pocket_model_was_making_is_said_to_have_ended(tmp_path: Path) -> None:
    engine = GatedEngine()
    async with wired(engine, INFO) as (_, client, _wire):
        async with bench_of(tmp_path / "history") as first:
            await accepted(first.start(client, REQUEST, account=Account("somebody")))
        async with bench_of(tmp_path / "history") as second:
            await resume(second, free=client, paid=replace(client, base_url="http://elsewhere/v1"))
            (entry,) = await second.history.entries()
    assert (entry.status, entry.error) == ("failed", "The playground was stopped while it was made.")


async def test_a_prediction_that_is_followed_is_known(bench: Bench) -> None:
    engine = GatedEngine()
    async with wired(engine, FLUX_KREA) as (_, client, _wire):
        run = bench.start(client, REQUEST)
        prediction = await accepted(run)
        assert bench.is_watching(client.base_url, prediction.job_id)
        assert not bench.is_watching(client.base_url, "another")
        engine.allow(1000)
        await end_of(run)
        await until(lambda: not bench.is_watching(client.base_url, prediction.job_id))


async def test_what_cannot_be_fetched_is_refused_in_words(bench: Bench) -> None:
    async with wired(InstantEngine(), FLUX_KREA) as (_, client, wire):
        order = Order(asked_of(client, PredictionInput(prompt="ghost")), FLUX_KREA)
        await bench.history.record_sent(order)
        (unknown,) = await bench.history.entries()
        with pytest.raises(BadInputError, match="nothing to fetch"):
            fetch_again(bench, unknown, client)
        await bench.history.record_accepted(order, Prediction(job_id="job-1", status=Status.PENDING))
        (entry,) = await bench.history.entries()
        with pytest.raises(BadInputError, match="this playground now uses http://elsewhere/v1"):
            fetch_again(bench, entry, replace(client, base_url="http://elsewhere/v1"))
    assert wire.methods == []


async def test_a_history_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("in the way")
    async with wired(InstantEngine(), FLUX_KREA) as (_, client, wire), bench_of(tmp_path / "history") as bench:
        await resume(bench, free=replace(client, model=INFO), paid=client)
    assert wire.methods == []
