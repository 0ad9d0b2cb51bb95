"""A visitor's shelf: their own entries and nobody else's, found, marked and deleted."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Status
from playground.errors import NotFoundError
from playground.history.entry import Account, Ending, Entry
from playground.history.shelf import Kind, Shelf
from playground.history.store import HistoryStore
from tests.history.filling import FREE, fill, order, prediction

pytestmark = pytest.mark.anyio

MINE, THEIRS = Account("mine", "visitor"), Account("theirs", "visitor")


async def several(store: HistoryStore) -> None:
    """Five of mine (red fox, blue fox, 50%_fox, one failed, one open), one of theirs, one of nobody."""
    for number, prompt in enumerate(("a red fox", "a blue fox", "50%_fox"), start=1):
        await fill(store, order(PredictionInput(prompt=prompt), account=MINE), job_id=f"m{number}", data=prompt.encode())
    await fill(store, order(account=MINE, model=FREE), job_id="m4", data=None, status=Status.FAILED)
    await store.record_accepted(order(account=MINE), prediction("m5"))
    await fill(store, order(account=THEIRS), job_id="t1", data=b"theirs")
    await fill(store, order(), job_id="n1", data=b"nobody's")


def ids(entries: list[Entry]) -> list[str | None]:
    return [entry.job_id for entry in entries]


async def test_a_visitor_sees_their_own_newest_first(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await several(store)
    assert ids(await Shelf(store, "mine").entries()) == ["m5", "m4", "m3", "m2", "m1"]
    assert ids(await Shelf(store, "theirs").entries()) == ["t1"]
    assert await Shelf(store, "").entries() == []


async def test_pages_continue_where_the_last_one_ended(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await several(store)
    first = await Shelf(store, "mine").entries(limit=2)
    assert ids(await Shelf(store, "mine").entries(limit=2, before=first[-1].number)) == ["m3", "m2"]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("fox", ["m5", "m4", "m3", "m2", "m1"]),
        ("fox blue", ["m2"]),
        ("%_", ["m3"]),
        ("FOX RED", ["m5", "m4", "m1"]),
        ("dog", []),
    ],
)
async def test_every_word_is_looked_for_in_the_prompt_and_taken_literally(
    tmp_path: Path, search: str, expected: list[str]
) -> None:
    store = HistoryStore(tmp_path)
    await several(store)
    assert ids(await Shelf(store, "mine").entries(search=search)) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Kind.PAID, ["m5", "m3", "m2", "m1"]), (Kind.UNFINISHED, ["m5"]), (Kind.FAILED, ["m4"]), (Kind.FAVOURITES, ["m2"])],
)
async def test_kinds_narrow_the_list(tmp_path: Path, kind: Kind, expected: list[str]) -> None:
    store = HistoryStore(tmp_path)
    await several(store)
    shelf = Shelf(store, "mine")
    await shelf.set_favourite((await shelf.entries(search="blue"))[0].id, True)
    assert ids(await shelf.entries(kind=kind)) == expected


async def test_nothing_of_another_visitor_can_be_read_marked_or_deleted(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await several(store)
    (theirs,) = await Shelf(store, "theirs").entries()
    for visitor in ("mine", ""):
        shelf = Shelf(store, visitor)
        with pytest.raises(NotFoundError):
            await shelf.entry(theirs.id)
        with pytest.raises(NotFoundError):
            await shelf.delete(theirs.id)
        await shelf.set_favourite(theirs.id, True)
        assert await shelf.find_by_picture(b"theirs") is None
    assert await Shelf(store, "theirs").entries() == [theirs]


async def test_a_picture_finds_its_entry(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await several(store)
    found = await Shelf(store, "mine").find_by_picture(b"a blue fox")
    assert found is not None
    assert found.job_id == "m2"
    assert await Shelf(store, "mine").find_by_picture(b"another") is None


@settings(max_examples=25, deadline=None)
@given(search=st.text(max_size=300))
def test_any_search_is_answered(search: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    import anyio

    async def ask() -> None:
        store = HistoryStore(tmp_path_factory.mktemp("h"))
        await store.record_accepted(order(PredictionInput(prompt="fox"), account=MINE), prediction())
        await store.record_ended(order(), "job-1", Ending(Status.FAILED, "no"))
        found = await Shelf(store, "mine").entries(search=search)
        words = search[:200].split()[:12]
        assert bool(found) == all(word.lower() in "fox" for word in words if word.isascii()) or not search.isascii()

    anyio.run(ask)
