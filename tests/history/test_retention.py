"""What goes and what stays: age, room, favourites, shared files, strays."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA, ModelInfo
from playground.history.entry import Account, Entry
from playground.history.retention import Retention, prune, remove, size_bytes
from playground.history.shelf import Shelf
from playground.history.store import HistoryStore
from tests.history.filling import FREE, fill, order, prediction

pytestmark = pytest.mark.anyio

MINE = Account("mine")


async def kept(
    store: HistoryStore, job_id: str, *, model: ModelInfo = FREE, days_old: float = 0.0, data: bytes | None = None
) -> Entry:
    """A finished entry of that age, its files no longer fresh."""
    entry = await fill(
        store, order(PredictionInput(prompt=job_id), model=model, account=MINE), job_id=job_id, data=data or job_id.encode()
    )
    with closing(sqlite3.connect(store.folder / "history.sqlite3")) as connection, connection:
        connection.execute(
            "UPDATE history SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?) WHERE job_id = ?",
            (f"-{days_old} days", job_id),
        )
    settle(store)
    return entry


def settle(store: HistoryStore, age_s: float = 600.0) -> None:
    for path in store.outputs.rglob("*"):
        os.utime(path, (time.time() - age_s,) * 2)


async def left(store: HistoryStore) -> list[str | None]:
    return [entry.job_id for entry in await store.entries()]


async def test_free_and_paid_entries_have_ages_of_their_own(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    for job_id, model in (("free", FREE), ("paid", FLUX_KREA)):
        for days in (1, 40):
            await kept(store, f"{job_id}-{days}", model=model, days_old=days)
    assert await prune(store, Retention(free_days=30)) == 1
    assert await left(store) == ["paid-40", "paid-1", "free-1"]
    assert await prune(store, Retention(free_days=30, paid_days=30)) == 1
    assert await left(store) == ["paid-1", "free-1"]


async def test_favourites_and_what_is_unfinished_stay(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    entry = await kept(store, "favourite", days_old=400)
    await Shelf(store, "mine").set_favourite(entry.id, True)
    await store.record_accepted(order(model=FREE), prediction("open"))
    await store.record_sent(order())
    assert await prune(store, Retention(free_days=0, paid_days=0, most_bytes=0)) == 0
    assert len(await store.entries()) == 3
    assert entry.outputs[0].is_file()


async def test_the_oldest_free_pictures_make_room_and_paid_ones_never_do(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await kept(store, "paid", model=FLUX_KREA, data=b"p" * 5000)
    for number in range(150):
        await kept(store, f"free-{number}", data=bytes([number]) * 1000)
    before = size_bytes(store.outputs)
    await prune(store, Retention(most_bytes=before - 1))
    assert len(await left(store)) == 141  # ten go at once
    assert "free-149" in await left(store)
    await prune(store, Retention(most_bytes=1))
    assert await left(store) == ["paid"]


async def test_a_file_that_another_entry_needs_stays(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    first, second = await kept(store, "one", data=b"same"), await kept(store, "two", data=b"same")
    await remove(store, [first])
    assert second.outputs[0].is_file()
    await remove(store, [second])
    assert not second.outputs[0].exists()
    assert second.thumbnail is not None
    assert not second.thumbnail.exists()


async def test_a_fresh_file_stays_for_whoever_may_just_be_recording_it(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    entry = await kept(store, "one")
    await store.keep(b"one", "webp")  # the same bytes once more, for an entry to come
    await remove(store, [entry])
    assert entry.outputs[0].is_file()


async def test_strays_go_when_they_are_old(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    entry = await kept(store, "one")
    stray = await store.keep(b"stray", "webp")
    await prune(store, Retention())
    assert stray.is_file()
    settle(store, age_s=2 * 3600)
    await prune(store, Retention())
    assert not stray.exists()
    assert all(path.is_file() for path in entry.files)


async def test_deleting_removes_the_entry_with_its_files(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    entry = await kept(store, "one")
    await Shelf(store, "mine").delete(entry.id)
    assert await store.entries() == []
    assert not any(path.exists() for path in entry.files)
