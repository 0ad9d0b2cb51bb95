"""HistoryStore: predictions in SQLite, their pictures beside it by content hash. All disk work runs in threads."""

import asyncio
import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from playground.contract.prediction import Prediction
from playground.errors import Credits, StorageError
from playground.history.budget import Budget, give_back, spend
from playground.history.entry import SENT, Account, Ending, Entry, Order
from playground.history.migrations import migrate

T = TypeVar("T")

_PREPARING_ATTEMPTS = 5
_COLUMNS = "id, digest, visitor, key_of, base_url, model, label, credits, input, image, job_id, status"


class HistoryStore:
    """A folder with `history.sqlite3` and `outputs/`. Every method may raise StorageError; generating goes on without it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outputs = folder / "outputs"
        self._preparing = threading.Lock()
        self._ready = False

    async def record_sent(self, order: Order, budget: Budget | None = None) -> None:
        """Write down, before it is sent, that a paid request is on its way; on disk when this returns.

        Raises BudgetError, and writes nothing, where that goes beyond what may be spent.
        """

        def write(db: sqlite3.Connection) -> None:
            if budget is not None:
                db.execute("BEGIN IMMEDIATE")  # two at once must not both see the last credits
                spend(db, order, budget)
            self._insert(db, order, job_id=None, status=SENT)

        await self.in_thread(write)

    async def record_accepted(self, order: Order, prediction: Prediction) -> None:
        """Write down the id of an accepted prediction; on disk when this returns."""
        await self.in_thread(lambda db: self._accept(db, order, prediction.job_id, prediction.status.value))

    async def record_problem(self, order: Order, error: str) -> None:
        """Write down why nobody knows whether a request was accepted."""
        await self.in_thread(lambda db: db.execute("UPDATE history SET error = ? WHERE id = ?", (error, order.id)))

    async def record_ended(self, order: Order, job_id: str, ending: Ending) -> None:
        """Write down how a prediction ended and where its pictures are, also if its id could not be written down before."""
        which = (order.asked.base_url, job_id)

        def write(db: sqlite3.Connection) -> None:
            self._accept(db, order, job_id, ending.status.value)
            (before,) = db.execute("SELECT outputs FROM history WHERE base_url = ? AND job_id = ?", which).fetchone()
            had = json.loads(before)
            if had and not ending.outputs:
                return  # a second look that finds the links expired takes away no picture that the first has kept
            now = [self.name(path) for path in ending.outputs]
            still = [name for name in had if name not in now]
            missing = max(0, ending.missing - len(still))
            row = (
                ending.status.value,
                ending.error if missing or not ending.missing else None,
                json.dumps(now + still),
                self.name(ending.thumbnail) if ending.thumbnail else None,
                ending.size_bytes + sum(self._size_bytes(name) for name in still),
                ending.time_s,
                missing,
            )
            db.execute(
                "UPDATE history SET status = ?, error = ?, outputs = ?, thumbnail = ?, size_bytes = ?, time_s = ?, missing = ?,"
                " ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE base_url = ? AND job_id = ?",
                (*row, *which),
            )

        await self.in_thread(write)

    async def forget(self, order: Order) -> None:
        """It was refused: nothing came of it, and nothing will."""

        def write(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM history WHERE id = ?", (order.id,))
            give_back(db, order)

        await self.in_thread(write)

    async def close_unfinished(self, base_url: str, reason: str) -> None:
        """What was being made at this address will never be finished."""
        await self.in_thread(
            lambda db: db.execute(
                "UPDATE history SET status = 'failed', error = ?, ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
                " WHERE base_url = ? AND status NOT IN ('completed', 'failed', 'cancelled')",
                (reason, base_url),
            )
        )

    async def entries(self, condition: str = "1", values: Mapping[str, Any] | None = None, *, limit: int = -1) -> list[Entry]:
        """The entries for which an SQL condition holds, newest first."""
        query = f"SELECT * FROM history WHERE {condition} ORDER BY number DESC LIMIT :limit"  # noqa: S608 - ours alone
        given = {**(values or {}), "limit": limit}
        return await self.in_thread(lambda db: [self._entry(row) for row in db.execute(query, given)])

    async def keep(self, data: bytes, extension: str) -> Path:
        """Store a file under its content hash; the same bytes are stored once."""
        return await asyncio.to_thread(write_by_hash, self.outputs, data, extension)

    def name(self, path: Path) -> str:
        """A kept file's path below the outputs folder."""
        return path.relative_to(self.outputs).as_posix()

    def _size_bytes(self, name: str) -> int:
        path = self.outputs / name
        return path.stat().st_size if path.is_file() else 0

    def _accept(self, db: sqlite3.Connection, order: Order, job_id: str, status: str) -> None:
        db.execute("DELETE FROM history WHERE id = ? AND status = ?", (order.id, SENT))
        self._insert(db, order, job_id=job_id, status=status)

    def _insert(self, db: sqlite3.Connection, order: Order, *, job_id: str | None, status: str) -> None:
        row = (
            order.id,
            order.asked.digest,
            order.account.visitor,
            order.account.key_of,
            order.asked.base_url,
            order.asked.model,
            order.model.label,
            order.model.credits_per_request,
            order.asked.inputs,
            self.name(order.image) if order.image else None,
            job_id,
            status,
        )
        marks = ", ".join("?" * len(row))
        # Watching a known prediction again is no second one.
        db.execute(f"INSERT OR IGNORE INTO history ({_COLUMNS}) VALUES ({marks})", row)  # noqa: S608 - constants

    def _entry(self, row: sqlite3.Row) -> Entry:
        def path(name: str | None) -> Path | None:
            return None if name is None else self.outputs / name

        outputs = json.loads(row["outputs"])
        return Entry(
            number=row["number"],
            id=row["id"],
            digest=row["digest"],
            account=Account(row["visitor"], row["key_of"]),
            base_url=row["base_url"],
            model=row["model"],
            label=row["label"] or row["model"],
            credits=row["credits"],
            input=json.loads(row["input"]),
            image=path(row["image"]),
            job_id=row["job_id"],
            status=row["status"],
            created_at=row["created_at"],
            ended_at=row["ended_at"],
            error=row["error"],
            outputs=tuple(self.outputs / name for name in outputs),
            thumbnail=path(row["thumbnail"]),
            size_bytes=row["size_bytes"],
            time_s=row["time_s"],
            is_favourite=bool(row["is_favourite"]),
            missing=row["missing"],
        )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Once a store: write-ahead log and schema. SQLite does not wait for a lock when it changes the log."""
        with self._preparing:
            for attempt in range(_PREPARING_ATTEMPTS):
                if self._ready:
                    return
                try:
                    connection.execute("PRAGMA journal_mode = WAL")
                    migrate(connection)
                    self._ready = True
                except sqlite3.OperationalError:  # another process prepares the same file
                    if attempt == _PREPARING_ATTEMPTS - 1:
                        raise
                    time.sleep(0.1)

    async def in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` makes of the open database, in one transaction, in a worker thread. Raises StorageError."""
        return await asyncio.to_thread(self._with_connection, work)

    def _with_connection(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.folder / "history.sqlite3", timeout=10)) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA synchronous = FULL")
                self._prepare(connection)
                with connection:
                    return work(connection)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"The history in {self.folder} cannot be written or read ({error}).",
                credits=Credits.NOT_AT_STAKE,
                advice="Free some disk space, or set PLAYGROUND_DATA_DIR to another folder.",
            ) from error


def write_by_hash(folder: Path, data: bytes, extension: str) -> Path:
    """Write bytes to folder/ab/ab12….ext, whole or not at all. Raises StorageError."""
    digest = hashlib.sha256(data).hexdigest()
    path = folder / digest[:2] / f"{digest}.{extension}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            os.utime(path)  # used again: whoever clears up must not take it for an old one
        else:
            partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
            try:
                with partial.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"The picture could not be written to {folder} ({error.strerror}).",
            credits=Credits.NOT_AT_STAKE,
            advice="Free some disk space, or set PLAYGROUND_DATA_DIR to another folder.",
        ) from error
    return path
