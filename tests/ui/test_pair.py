"""Both forms as requests, and two real runs followed to their ends."""

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
from playground.ui.pair import OWN_INPUTS, Form, Pair, measure, read_both, updates_of
from tests.service.engines import INFO, InstantEngine
from tests.service.serving import running_service

REQUEST = PredictionInput(prompt="ghost", megapixels="0.25", num_inference_steps=3, seed=5)


def values(*, one_seed: bool, a: dict[str, Any] | None = None, b: dict[str, Any] | None = None) -> list[Any]:
    sides = [{name: default(name) for name in OWN_INPUTS} | {"prompt": "ghost"} | (side or {}) for side in (a, b)]
    return [*(side[name] for side in sides for name in OWN_INPUTS), None, one_seed]


def test_form_tells_its_sides_apart() -> None:
    form = Form.read(values(one_seed=False, a={"guidance": 1.0, "seed": 3}, b={"guidance": 7.0, "seed": 4}))
    assert [(side["guidance"], side["seed"], side["image"]) for side in form.sides] == [(1.0, 3, None), (7.0, 4, None)]


@pytest.mark.parametrize("seed", [None, 0, 81377])
def test_one_seed_counts_for_both_also_where_it_is_drawn(seed: int | None) -> None:
    (a, _, _), (b, _, _) = read_both(Form.read(values(one_seed=True, a={"seed": seed}, b={"seed": 4})))
    assert a.seed == b.seed
    assert a.seed == seed or not seed
    assert b.seed != 4


def test_seeds_of_their_own_are_drawn_apart() -> None:
    (a, _, _), (b, _, _) = read_both(Form.read(values(one_seed=False)))
    assert a.seed != b.seed


def test_a_wrong_side_is_named() -> None:
    with pytest.raises(BadInputError, match="guidance: expected 0 to 10"):
        read_both(Form.read(values(one_seed=True, b={"guidance": 11})))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncGenerator[Pair]:
    """Two runs that have just been started on a real service."""
    bench = Bench(HistoryStore(tmp_path))
    async with (
        running_service(InstantEngine()) as service,
        httpx.AsyncClient(transport=httpx.ASGITransport(create_api(service.runner))) as http,
    ):
        client = PredictionClient(service.base_url, http, local_pace(), model=INFO)
        small = REQUEST.model_copy(update={"aspect_ratio": "2:3"})
        yield Pair((bench.start(client, REQUEST), bench.start(client, small)), ((512, 512), (416, 608)))
        await bench.close()


@pytest.mark.anyio
async def test_updates_of_both_runs_come_until_both_are_over(pair: Pair) -> None:
    ends = [place async for place, update in updates_of(pair.runs) if update.is_over]
    assert sorted(ends) == [0, 1]
    assert pair.is_over


@pytest.mark.anyio
async def test_a_pair_is_measured_either_way_round(pair: Pair) -> None:
    async for _ in updates_of(pair.runs):
        pass
    there, back = measure(pair), measure(pair.swapped)
    for seen in (there, back):
        assert seen.slides is not None
        assert seen.slides[0].size == seen.slides[1].size
        assert seen.heat is not None
        assert "SSIM" in seen.words or "identical" in seen.words
    assert there.heat == back.heat
