"""Results by request: the same request finds its files, anything else does not, and files that are gone count as never made."""

from pathlib import Path

import pytest

from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA
from playground.contract.prediction import Status
from playground.history.entry import Account, Asked, Ending, Entry, Order
from playground.history.results import find_results, is_made, seconds_a_step
from playground.history.store import HistoryStore
from tests.history.filling import BASE_URL, FREE, fill, order, prediction

pytestmark = pytest.mark.anyio

REQUEST = PredictionInput(prompt="a red fox", guidance=2.5, seed=9, num_inference_steps=10)
ASKED = Asked(BASE_URL, FLUX_KREA.id, REQUEST)


async def found(store: HistoryStore, asked: Asked = ASKED) -> Entry | None:
    known = (await find_results(store, [asked])).get(asked.digest)
    return known.best if known else None


async def test_a_result_is_found_again_after_reopening(tmp_path: Path) -> None:
    entry = await fill(HistoryStore(tmp_path), order(REQUEST))
    assert await found(HistoryStore(tmp_path)) == entry
    assert is_made(entry)


@pytest.mark.parametrize(
    "other",
    [
        Asked("https://other.example.org/v1", FLUX_KREA.id, REQUEST),
        Asked(BASE_URL, "other/model", REQUEST),
        Asked(BASE_URL, FLUX_KREA.id, REQUEST.model_copy(update={"seed": 10})),
        Asked(BASE_URL, FLUX_KREA.id, REQUEST, image_digest="ab"),
        Asked(BASE_URL, FLUX_KREA.id, REQUEST, payer="cd"),
    ],
)
async def test_another_place_model_input_or_image_is_another_request(tmp_path: Path, other: Asked) -> None:
    store = HistoryStore(tmp_path)
    await fill(store, order(REQUEST))
    assert await found(store, other) is None


async def test_the_same_inputs_written_otherwise_are_the_same_request() -> None:
    written = PredictionInput.model_validate(
        {"num_inference_steps": 10, "seed": 9, "guidance": "2.50", "prompt": "a red fox", "image": "data:image/png;base64,AA=="}
    )
    assert Asked(BASE_URL, FLUX_KREA.id, written).digest == ASKED.digest


@pytest.mark.parametrize("lost", ["file", "thumbnail"])
async def test_a_result_whose_files_are_gone_counts_as_never_made(tmp_path: Path, lost: str) -> None:
    store = HistoryStore(tmp_path)
    entry = await fill(store, order(REQUEST))
    path = entry.outputs[0] if lost == "file" else entry.thumbnail
    assert path is not None
    path.unlink()
    assert await found(store) is None


async def test_a_made_one_comes_before_one_under_way_and_that_before_one_of_unknown_outcome(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await store.record_sent(order(REQUEST))
    assert [entry and entry.is_uncertain for entry in [await found(store)]] == [True]

    under_way = order(REQUEST)
    await store.record_accepted(under_way, prediction("job-7"))
    assert [entry and entry.job_id for entry in [await found(store)]] == ["job-7"]

    made = await fill(store, order(REQUEST), job_id="job-6")
    await store.record_sent(order(REQUEST))
    assert await found(store) == made
    assert (await find_results(store, [ASKED]))[ASKED.digest].is_uncertain


async def test_what_another_visitor_has_under_way_on_the_same_key_is_theirs_alone(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    theirs = order(REQUEST, account=Account("theirs", "owner"))
    for write in (store.record_sent(theirs), store.record_accepted(theirs, prediction())):
        await write
        assert await find_results(store, [ASKED], visitor="mine") == {}
        assert set(await find_results(store, [ASKED], visitor="theirs")) == {ASKED.digest}
    await fill(store, theirs)
    assert set(await find_results(store, [ASKED], visitor="mine")) == {ASKED.digest}


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
async def test_what_came_to_nothing_was_never_made(tmp_path: Path, status: Status) -> None:
    store = HistoryStore(tmp_path)
    await fill(store, order(REQUEST), data=None, status=status)
    assert await found(store) is None


async def test_a_free_one_under_way_is_somebody_else_s_to_wait_for(tmp_path: Path) -> None:
    store, one = HistoryStore(tmp_path), order(REQUEST, model=FREE)
    await store.record_accepted(one, prediction())
    assert await found(store, one.asked) is None


async def test_a_paid_one_that_lacks_its_pictures_can_still_be_fetched(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await store.record_accepted(order(REQUEST), prediction())
    await store.record_ended(order(REQUEST), "job-1", Ending(Status.COMPLETED, "the link had expired"))
    entry = await found(store)
    assert entry is not None
    assert entry.can_be_fetched
    assert not is_made(entry)


async def test_seconds_a_step_are_the_median_of_this_model_s_results(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    assert await seconds_a_step(store, BASE_URL, FLUX_KREA.id) is None
    for seed, time_s in enumerate((1.0, 2.0, 9.0), start=1):
        one = Order(Asked(BASE_URL, FLUX_KREA.id, REQUEST.model_copy(update={"seed": seed})), FLUX_KREA)
        await fill(store, one, job_id=str(seed), time_s=time_s)
    assert await seconds_a_step(store, BASE_URL, FLUX_KREA.id) == pytest.approx(0.2)
    assert await seconds_a_step(store, BASE_URL, "other/model") is None
