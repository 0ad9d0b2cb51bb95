"""The forms as requests, and real runs followed to their ends."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from playground.client.api import PredictionClient
from playground.client.watch import local_pace
from playground.contract.inputs import PredictionInput, default
from playground.errors import BadInputError
from playground.experiments.bench import Bench
from playground.history.store import HistoryStore
from playground.service.http import create_api
from playground.ui.trial import OWN_INPUTS, Form, Trial, figures_of, look, read_sides, updates_of
from tests.service.engines import INFO, InstantEngine
from tests.service.serving import running_service

REQUEST = PredictionInput(prompt="ghost", megapixels="0.25", num_inference_steps=3, seed=5)


def form(*given: dict[str, Any], one_seed: bool) -> Form:
    """The form with what is given for A, B and C; C is compared where there is something for it."""
    has_third = len(given) == 3
    sides = [{name: default(name) for name in OWN_INPUTS} | {"prompt": "ghost"} | side for side in (*given, {}, {}, {})[:3]]
    return Form.read([*(side[name] for side in sides for name in OWN_INPUTS), None, one_seed, has_third])


def test_form_tells_its_sides_apart() -> None:
    given: list[dict[str, Any]] = [{"guidance": number, "seed": number} for number in (1, 2, 3)]
    for sides in (given[:2], given):
        read = form(*sides, one_seed=False).sides
        assert [{name: side[name] for name in ("guidance", "seed")} for side in read] == sides
        assert all(side["image"] is None for side in read)


@pytest.mark.parametrize("seed", [None, 0, 81377])
def test_one_seed_counts_for_all_also_where_it_is_drawn(seed: int | None) -> None:
    (a, *_), (b, *_), (c, *_) = read_sides(form({"seed": seed}, {"seed": 4}, {"seed": 6}, one_seed=True))
    assert a.seed == b.seed == c.seed
    assert a.seed == seed or not seed
    assert b.seed not in (4, 6)


def test_seeds_of_their_own_are_drawn_apart() -> None:
    seeds = {request.seed for request, *_ in read_sides(form({}, {}, {}, one_seed=False))}
    assert len(seeds) == 3


def test_a_wrong_side_is_named() -> None:
    with pytest.raises(BadInputError, match="guidance: expected 0 to 10"):
        read_sides(form({}, {}, {"guidance": 11}, one_seed=True))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncGenerator[Trial]:
    """Three runs that have just been started on a real service; B's picture has a shape of its own."""
    bench = Bench(HistoryStore(tmp_path))
    async with (
        running_service(InstantEngine()) as service,
        httpx.AsyncClient(transport=httpx.ASGITransport(create_api(service.runner))) as http,
    ):
        client = PredictionClient(service.base_url, http, local_pace(), model=INFO)
        requests = [REQUEST, REQUEST.model_copy(update={"aspect_ratio": "2:3"}), REQUEST]
        runs = tuple(bench.start(client, request) for request in requests)
        yield Trial(runs, ((512, 512), (416, 608), (512, 512)))
        await bench.close()


async def finished(trial: Trial) -> Trial:
    async for _ in updates_of(trial.runs):
        pass
    return trial


@pytest.mark.anyio
async def test_updates_of_all_runs_come_until_all_are_over(trial: Trial) -> None:
    assert trial.pairs() == []
    ends = [place async for place, update in updates_of(trial.runs) if update.is_over]
    assert sorted(ends) == [0, 1, 2]
    assert trial.is_over
    assert trial.pairs() == ["A|B", "A|C", "B|C"]


@pytest.mark.anyio
async def test_a_trial_of_two_has_one_pair_and_two_columns(trial: Trial) -> None:
    two = Trial((await finished(trial)).runs[:2], trial.sizes_px[:2])
    assert two.pairs() == ["A|B"]
    assert two.files[2] is None
    assert [figures_of(each).count('<th scope="col">') for each in (two, trial)] == [3, 4]


@pytest.mark.anyio
async def test_a_pair_is_measured_either_way_round(trial: Trial) -> None:
    there, back = look(await finished(trial), "A|B"), look(trial.swapped, "A|B")
    for seen in (there, back):
        assert seen.slides is not None
        assert seen.slides[0].size == seen.slides[1].size
        assert seen.heat is not None
        assert "SSIM" in seen.words or "identical" in seen.words
    assert there.heat == back.heat


@pytest.mark.anyio
async def test_a_swap_leaves_c_in_its_place_and_each_pair_shows_its_own_pictures(trial: Trial) -> None:
    swapped = (await finished(trial)).swapped
    assert swapped.files == (trial.files[1], trial.files[0], trial.files[2])
    assert look(trial, "A|C").slides == (str(trial.files[0]), str(trial.files[2]))
    assert "A and C are identical" in look(trial, "A|C").words
    assert look(swapped, "B|C").slides == (str(trial.files[0]), str(trial.files[2]))
