"""HistoryStore: paid predictions in SQLite, their pictures beside it by content hash. All disk work runs in threads."""

import asyncio
import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction
from playground.errors import Credits, StorageError
from playground.history.migrations import migrate

T = TypeVar("T")

_PREPARING_ATTEMPTS = 5


@dataclass(frozen=True)
class Record:
    """One remembered prediction."""

    job_id: str
    base_url: str
    model: str
    status: str
    input: dict[str, object]
    error: str | None
    outputs: tuple[Path, ...]


class HistoryStore:
    """A folder with `history.sqlite3` and `outputs/`. Every method may raise StorageError; generating goes on without it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outputs = folder / "outputs"
        self._preparing = threading.Lock()
        self._ready = False

    async def record_created(self, prediction: Prediction, request: PredictionInput, *, base_url: str) -> None:
        """Write down an accepted prediction; on disk when this returns."""
        row = (
            prediction.job_id,
            base_url,
            prediction.model or "",
            prediction.status.value,
            request.model_dump_json(exclude={"image"}),
        )
        await self.in_thread(
            lambda db: db.execute(
                "INSERT OR IGNORE INTO predictions (job_id, base_url, model, status, input) VALUES (?, ?, ?, ?, ?)", row
            )
        )

    async def record_ended(
        self, prediction: Prediction, *, base_url: str, outputs: Sequence[Path] = (), error: str | None = None
    ) -> None:
        """Write down how it ended, and where its pictures are."""
        names = json.dumps([path.relative_to(self.outputs).as_posix() for path in outputs])
        row = (prediction.status.value, error or prediction.error, names, base_url, prediction.job_id)
        await self.in_thread(
            lambda db: db.execute(
                "UPDATE predictions SET status = ?, error = ?, outputs = ?, ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
                " WHERE base_url = ? AND job_id = ?",
                row,
            )
        )

    async def find(self, job_id: str) -> Record | None:
        """The remembered prediction of that id."""
        query = "SELECT * FROM predictions WHERE job_id = ?"
        row = await self.in_thread(lambda db: db.execute(query, (job_id,)).fetchone())
        return None if row is None else self._record(row)

    async def find_by_picture(self, data: bytes) -> Record | None:
        """The latest remembered prediction that one of its kept pictures is, byte for byte."""
        query = (
            "SELECT predictions.* FROM predictions, json_each(predictions.outputs) AS output"
            " WHERE output.value LIKE ? ORDER BY predictions.rowid DESC LIMIT 1"
        )
        pattern = f"%{hashlib.sha256(data).hexdigest()}%"
        row = await self.in_thread(lambda db: db.execute(query, (pattern,)).fetchone())
        return None if row is None else self._record(row)

    def _record(self, row: sqlite3.Row) -> Record:
        return Record(
            job_id=row["job_id"],
            base_url=row["base_url"],
            model=row["model"],
            status=row["status"],
            input=json.loads(row["input"]),
            error=row["error"],
            outputs=tuple(self.outputs / name for name in json.loads(row["outputs"])),
        )

    async def keep(self, data: bytes, extension: str) -> Path:
        """Store a picture under its content hash; the same bytes are stored once."""
        return await asyncio.to_thread(write_by_hash, self.outputs, data, extension)

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
                advice="Note the job id, free some disk space, or set PLAYGROUND_DATA_DIR to another folder.",
            ) from error


def write_by_hash(folder: Path, data: bytes, extension: str) -> Path:
    """Write bytes to folder/ab/ab12….ext, whole or not at all. Raises StorageError."""
    digest = hashlib.sha256(data).hexdigest()
    path = folder / digest[:2] / f"{digest}.{extension}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
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
