"""How long what is kept: free pictures by age and room, paid ones as long as nobody deletes them or sets an age."""

import asyncio
import json
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from playground.history.entry import Entry
from playground.history.store import HistoryStore

_DAY_S = 24 * 3600
_FRESH_S = 120.0
"""A file that has been written or used again this recently may be about to be recorded."""
_STRAY_S = 3600.0
_AT_ONCE = 10


@dataclass(frozen=True)
class Retention:
    """What may go. Favourites and what is unfinished always stay."""

    free_days: float | None = None
    paid_days: float | None = None
    most_bytes: int | None = None
    """Of everything; only free entries make room."""


async def prune(store: HistoryStore, retention: Retention) -> int:
    """Delete what is too old, then the oldest free entries until the rest fits; returns how many. Raises StorageError."""
    gone = 0
    for days, whose in ((retention.free_days, "credits = 0"), (retention.paid_days, "credits > 0")):
        if days is not None:
            age = f"julianday('now') - julianday(created_at) > :days AND {whose}"
            gone += await _remove_all(store, age, {"days": days})
    await _remove_strays(store)
    if retention.most_bytes is None:
        return gone
    while await asyncio.to_thread(size_bytes, store.outputs) > retention.most_bytes:
        oldest = await _removable(store, "credits = 0", {}, limit=_AT_ONCE)
        if not oldest:
            break
        await remove(store, oldest)
        gone += len(oldest)
    return gone


async def remove(store: HistoryStore, entries: Sequence[Entry]) -> None:
    """Delete entries, and their files where no other entry needs them. Raises StorageError."""

    def work(db: sqlite3.Connection) -> None:
        db.executemany("DELETE FROM history WHERE id = ?", [(entry.id,) for entry in entries])
        for path in {path for entry in entries for path in entry.files}:
            if not _is_needed(db, store.name(path)) and _is_settled(path):
                path.unlink(missing_ok=True)

    await store.in_thread(work)


def size_bytes(folder: Path) -> int:
    """Of all files below a folder. Blocks."""
    return sum(size for _, size, _ in _files(folder))


async def _remove_all(store: HistoryStore, condition: str, values: dict[str, object]) -> int:
    gone = 0
    while found := await _removable(store, condition, values, limit=_AT_ONCE):
        await remove(store, found)
        gone += len(found)
    return gone


async def _removable(store: HistoryStore, condition: str, values: dict[str, object], *, limit: int) -> list[Entry]:
    """The oldest first."""
    ended = "NOT is_favourite AND ended_at IS NOT NULL"
    numbers = f"SELECT number FROM history WHERE {ended} AND {condition} ORDER BY number LIMIT {limit:d}"  # noqa: S608
    return await store.entries(f"number IN ({numbers})", values)


def _is_needed(db: sqlite3.Connection, name: str) -> bool:
    needed = "SELECT 1 FROM history WHERE thumbnail = :name OR image = :name OR outputs LIKE :pattern LIMIT 1"
    return db.execute(needed, {"name": name, "pattern": f'%"{name}"%'}).fetchone() is not None


def _is_settled(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _FRESH_S
    except FileNotFoundError:
        return True


_PAID_AND_OPEN = "SELECT 1 FROM history WHERE credits > 0 AND ended_at IS NULL AND job_id IS NOT NULL LIMIT 1"


async def _remove_strays(store: HistoryStore) -> None:
    """Files that no entry names: of a process that was killed in between, or too fresh when their entry went."""

    def work(db: sqlite3.Connection) -> None:
        needed: set[str] = set()
        for row in db.execute("SELECT outputs, thumbnail, image FROM history"):
            needed |= {*json.loads(row["outputs"]), row["thumbnail"], row["image"]}
        if db.execute(_PAID_AND_OPEN).fetchone() is not None:
            return  # a picture that was just kept for one of these may not be recorded yet
        for path, _, written_s in _files(store.outputs):
            if time.time() - written_s > _STRAY_S and store.name(path) not in needed:
                path.unlink(missing_ok=True)

    await store.in_thread(work)


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """(path, size in bytes, time of writing in s) of every file below a folder; one that vanishes meanwhile is left out."""
    for path in folder.rglob("*"):
        try:
            seen = path.stat()
        except FileNotFoundError:
            continue
        if stat.S_ISREG(seen.st_mode):
            yield path, seen.st_size, seen.st_mtime
