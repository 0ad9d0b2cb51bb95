"""ResultStore: what requests have made, by a digest of the request, so that no picture is made or paid for twice."""

import hashlib
import json
import sqlite3
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from playground.contract.inputs import PredictionInput
from playground.history.store import HistoryStore

_TIMES_REMEMBERED = 30
_MOST_FREE_RESULTS = 5000


@dataclass(frozen=True)
class Asked:
    """A request as it is told apart: where it goes, to which model, its inputs with the seed, its upload, and who pays.

    A result made with `go_fast` counts like any other although the hosted API would not draw the same picture again:
    the one on disk is the one that was paid for.
    """

    base_url: str
    model: str
    request: PredictionInput
    image_digest: str = ""
    payer: str = field(default="", repr=False)
    """A digest of the key, "" where none is needed: a picture is handed to nobody but whose key has paid for it. Only
    the digest of everything together is written down."""

    @property
    def inputs(self) -> str:
        """The inputs as JSON, always in the same order, without the image."""
        return json.dumps(self.request.model_dump(exclude={"image"}), sort_keys=True)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        parts = json.dumps([self.base_url, self.model, self.inputs, self.image_digest, self.payer])
        return hashlib.sha256(parts.encode()).hexdigest()


@dataclass(frozen=True)
class Result:
    """What is known of a request that was asked before."""

    state: str
    """sent: it may have been accepted, and with a `job_id` another sending of it was; accepted: under way as `job_id`; made:
    the files are there."""
    job_id: str | None = None
    files: tuple[Path, ...] = ()
    thumbnail: Path | None = None
    size_bytes: int = 0
    time_s: float | None = None

    @property
    def is_uncertain(self) -> bool:
        """Whether a sending of it may have been accepted whose id is unknown."""
        return self.state == "sent"

    @property
    def is_made(self) -> bool:
        """Whether its files can be shown."""
        return self.state == "made"


class ResultStore:
    """The results in a HistoryStore's database; every method may raise StorageError."""

    def __init__(self, history: HistoryStore, *, most_free: int = _MOST_FREE_RESULTS) -> None:
        self._history = history
        self.most_free = most_free

    async def find(self, asked: Iterable[Asked]) -> dict[str, Result]:
        """What is known of these requests, by digest. A result whose files are gone counts as never made."""
        digests = [one.digest for one in asked]
        marks = ", ".join("?" * len(digests))
        query = f"SELECT * FROM results WHERE digest IN ({marks})"  # noqa: S608 - question marks only

        def look(rows: list[dict[str, object]]) -> dict[str, Result]:
            found = {str(row["digest"]): self._result(row) for row in rows}
            return {digest: result for digest, result in found.items() if not result.is_made or _is_whole(result)}

        return await self._history.in_thread(lambda db: look([dict(row) for row in db.execute(query, digests)]))

    async def record_sent(self, asked: Asked) -> None:
        """Write down, before it is sent, that a paid request is on its way; on disk when this returns."""
        await self._write(asked, Result("sent"))

    async def record_accepted(self, asked: Asked, job_id: str, *, is_uncertain: bool = False) -> None:
        """Write down the id under which a paid request is under way; `is_uncertain`: and that an earlier sending may be too."""
        await self._write(asked, Result("sent" if is_uncertain else "accepted", job_id))

    async def record_made(self, asked: Asked, result: Result, *, is_free: bool) -> None:
        """Write down the files. Of free results the oldest are forgotten, and their files deleted, beyond some thousands."""
        await self._write(asked, result)
        if is_free:
            await self._forget_oldest(asked.base_url)

    async def forget(self, asked: Asked) -> None:
        """Nothing came of it, and nothing will."""
        await self._history.in_thread(lambda db: db.execute("DELETE FROM results WHERE digest = ?", (asked.digest,)))

    async def keep(self, data: bytes, extension: str) -> Path:
        """Store a file under its content hash."""
        return await self._history.keep(data, extension)

    async def seconds_a_step(self, base_url: str, model: str) -> float | None:
        """The median over the latest results of this model; None where there are none."""
        query = (
            "SELECT time_s / max(1, json_extract(input, '$.num_inference_steps')) AS seconds FROM results"
            " WHERE base_url = ? AND model = ? AND time_s IS NOT NULL ORDER BY created_at DESC LIMIT ?"
        )
        rows = await self._history.in_thread(
            lambda db: db.execute(query, (base_url, model, _TIMES_REMEMBERED)).fetchall(),
        )
        return statistics.median(float(row["seconds"]) for row in rows) if rows else None

    async def _write(self, asked: Asked, result: Result) -> None:
        row = (
            asked.digest,
            asked.base_url,
            asked.model,
            asked.inputs,
            asked.image_digest,
            result.state,
            result.job_id,
            json.dumps([self._name(path) for path in result.files]),
            self._name(result.thumbnail) if result.thumbnail else None,
            result.size_bytes,
            result.time_s,
        )
        await self._history.in_thread(
            lambda db: db.execute(
                "INSERT OR REPLACE INTO results (digest, base_url, model, input, image_digest, state, job_id, outputs,"
                " thumbnail, size_bytes, time_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        )

    async def _forget_oldest(self, base_url: str) -> None:
        old = "SELECT * FROM results WHERE base_url = ? ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?"
        used = (
            "SELECT 1 FROM results WHERE outputs LIKE ? OR thumbnail = ? UNION SELECT 1 FROM predictions WHERE outputs LIKE ?"
        )

        def forget(db: sqlite3.Connection) -> None:
            for row in db.execute(old, (base_url, self.most_free)).fetchall():
                db.execute("DELETE FROM results WHERE digest = ?", (row["digest"],))
                for path in _files(self._result(dict(row))):
                    name = self._name(path)  # the same bytes may be another result's too
                    if db.execute(used, (f'%"{name}"%', name, f'%"{name}"%')).fetchone() is None:
                        path.unlink(missing_ok=True)

        await self._history.in_thread(forget)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._history.outputs).as_posix()

    def _result(self, row: dict[str, object]) -> Result:
        outputs = self._history.outputs
        thumbnail, time_s = row["thumbnail"], row["time_s"]
        return Result(
            state=str(row["state"]),
            job_id=None if row["job_id"] is None else str(row["job_id"]),
            files=tuple(outputs / name for name in json.loads(str(row["outputs"]))),
            thumbnail=None if thumbnail is None else outputs / str(thumbnail),
            size_bytes=int(str(row["size_bytes"])),
            time_s=None if time_s is None else float(str(time_s)),
        )


def _files(result: Result) -> list[Path]:
    return [*result.files, *([result.thumbnail] if result.thumbnail else [])]


def _is_whole(result: Result) -> bool:
    return bool(result.files) and all(path.is_file() for path in _files(result))
