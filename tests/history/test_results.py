"""Results by request: the same request finds its files, anything else does not, and files that are gone count as never made."""

from pathlib import Path

import pytest

from playground.contract.inputs import PredictionInput
from playground.history.results import Asked, Result, ResultStore
from playground.history.store import HistoryStore

pytestmark = pytest.mark.anyio

REQUEST = PredictionInput(prompt="a red fox", guidance=2.5, seed=9, num_inference_steps=10)
ASKED = Asked("https://api.example.org/v1", "some/model", REQUEST)


async def made(store: ResultStore, asked: Asked, data: bytes = b"picture", *, time_s: float = 2.0) -> Result:
    files = (await store.keep(data, "webp"),)
    result = Result("made", "job-1", files, await store.keep(data + b"small", "webp"), len(data), time_s)
    await store.record_made(asked, result, is_free=True)
    return result


async def test_a_result_is_found_again_after_reopening(tmp_path: Path) -> None:
    result = await made(ResultStore(HistoryStore(tmp_path)), ASKED)
    assert await ResultStore(HistoryStore(tmp_path)).find([ASKED]) == {ASKED.digest: result}


@pytest.mark.parametrize(
    "other",
    [
        Asked("https://other.example.org/v1", "some/model", REQUEST),
        Asked("https://api.example.org/v1", "other/model", REQUEST),
        Asked("https://api.example.org/v1", "some/model", REQUEST.model_copy(update={"seed": 10})),
        Asked("https://api.example.org/v1", "some/model", REQUEST, image_digest="ab"),
        Asked("https://api.example.org/v1", "some/model", REQUEST, payer="cd"),
    ],
)
async def test_another_place_model_input_or_image_is_another_request(tmp_path: Path, other: Asked) -> None:
    store = ResultStore(HistoryStore(tmp_path))
    await made(store, ASKED)
    assert await store.find([other]) == {}


async def test_the_same_inputs_written_otherwise_are_the_same_request() -> None:
    written = PredictionInput.model_validate(
        {"num_inference_steps": 10, "seed": 9, "guidance": "2.50", "prompt": "a red fox", "image": "data:image/png;base64,AA=="}
    )
    assert Asked("https://api.example.org/v1", "some/model", written).digest == ASKED.digest


@pytest.mark.parametrize("lost", ["file", "thumbnail"])
async def test_a_result_whose_files_are_gone_counts_as_never_made(tmp_path: Path, lost: str) -> None:
    store = ResultStore(HistoryStore(tmp_path))
    result = await made(store, ASKED)
    path = result.files[0] if lost == "file" else result.thumbnail
    assert path is not None
    path.unlink()
    assert await store.find([ASKED]) == {}


async def test_a_paid_request_is_known_from_before_it_is_sent(tmp_path: Path) -> None:
    store = ResultStore(HistoryStore(tmp_path))
    await store.record_sent(ASKED)
    assert await store.find([ASKED]) == {ASKED.digest: Result("sent")}
    await store.record_accepted(ASKED, "job-7")
    assert await store.find([ASKED]) == {ASKED.digest: Result("accepted", "job-7")}
    await store.forget(ASKED)
    assert await store.find([ASKED]) == {}


async def test_seconds_a_step_are_the_median_of_this_model_s_results(tmp_path: Path) -> None:
    store = ResultStore(HistoryStore(tmp_path))
    assert await store.seconds_a_step(ASKED.base_url, ASKED.model) is None
    for seed, time_s in enumerate((1.0, 2.0, 9.0), start=1):
        await made(store, Asked(ASKED.base_url, ASKED.model, REQUEST.model_copy(update={"seed": seed})), time_s=time_s)
    assert await store.seconds_a_step(ASKED.base_url, ASKED.model) == pytest.approx(0.2)
    assert await store.seconds_a_step(ASKED.base_url, "other/model") is None


async def test_of_free_results_the_oldest_are_forgotten_but_no_file_that_another_needs(tmp_path: Path) -> None:
    store = ResultStore(HistoryStore(tmp_path), most_free=2)
    asked = [Asked(ASKED.base_url, ASKED.model, REQUEST.model_copy(update={"seed": seed})) for seed in (1, 2, 3, 4)]
    kept = [await made(store, one, data) for one, data in zip(asked, (b"a", b"b", b"a", b"d"), strict=True)]
    assert set(await store.find(asked)) == {asked[2].digest, asked[3].digest}
    assert [result.files[0].exists() for result in kept] == [True, False, True, True]
