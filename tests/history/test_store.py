"""The history: real SQLite, real files, and disks that refuse."""

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Prediction, Status
from playground.errors import Credits, StorageError
from playground.history import migrations
from playground.history.migrations import MIGRATIONS, migrate
from playground.history.store import HistoryStore, write_by_hash

pytestmark = pytest.mark.anyio

BASE_URL = "https://api.example.org/v1"
REQUEST = PredictionInput(prompt="a red fox", guidance=2.5, seed=9, image="data:image/png;base64,U0VDUkVU")


def prediction(job_id: str = "job-1", status: Status = Status.PENDING, error: str | None = None) -> Prediction:
    return Prediction(job_id=job_id, status=status, model="some/model", error=error)


async def test_a_record_survives_reopening(tmp_path: Path) -> None:
    await HistoryStore(tmp_path / "new" / "folder").record_created(prediction(), REQUEST, base_url=BASE_URL)

    record = await HistoryStore(tmp_path / "new" / "folder").find("job-1")

    assert record is not None
    assert (record.job_id, record.base_url, record.model, record.status) == ("job-1", BASE_URL, "some/model", "pending")
    assert record.input == REQUEST.model_dump(exclude={"image"})
    assert (record.error, record.outputs) == (None, ())


async def test_an_end_and_its_pictures_are_recorded(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await store.record_created(prediction(), REQUEST, base_url=BASE_URL)
    paths = [await store.keep(data, "webp") for data in (b"one", b"two")]

    await store.record_ended(prediction(status=Status.COMPLETED), base_url=BASE_URL, outputs=paths)

    record = await HistoryStore(tmp_path).find("job-1")
    assert record is not None
    assert record.status == "completed"
    assert record.outputs == tuple(paths)
    assert [path.read_bytes() for path in record.outputs] == [b"one", b"two"]


async def test_a_prediction_is_found_by_its_picture_and_by_no_other(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    for job_id, data in (("job-1", b"one"), ("job-2", b"two")):
        await store.record_created(prediction(job_id), REQUEST, base_url=BASE_URL)
        done = prediction(job_id, Status.COMPLETED)
        await store.record_ended(done, base_url=BASE_URL, outputs=[await store.keep(data, "webp")])

    found = await store.find_by_picture(b"two")

    assert found is not None
    assert found.job_id == "job-2"
    assert await store.find_by_picture(b"three") is None


async def test_a_failure_is_recorded_with_its_reason(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    for job_id in ("job-1", "job-2"):
        await store.record_created(prediction(job_id), REQUEST, base_url=BASE_URL)

    await store.record_ended(prediction("job-1", Status.FAILED, error="no paint"), base_url=BASE_URL)
    await store.record_ended(prediction("job-2", Status.PROCESSING), base_url=BASE_URL, error="contact lost")

    failed, lost = await store.find("job-1"), await store.find("job-2")
    assert failed is not None and lost is not None
    assert (failed.status, failed.error) == ("failed", "no paint")
    assert (lost.status, lost.error) == ("processing", "contact lost")


async def test_recording_the_same_prediction_again_changes_nothing(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await store.record_created(prediction(), REQUEST, base_url=BASE_URL)
    await store.record_ended(prediction(status=Status.COMPLETED), base_url=BASE_URL)

    await store.record_created(prediction(), PredictionInput(prompt="another"), base_url=BASE_URL)

    record = await store.find("job-1")
    assert record is not None
    assert (record.status, record.input["prompt"]) == ("completed", "a red fox")


async def test_what_was_never_recorded_is_not_found(tmp_path: Path) -> None:
    assert await HistoryStore(tmp_path).find("unknown") is None


async def test_many_first_records_at_once_are_all_kept(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)

    await asyncio.gather(*(store.record_created(prediction(str(n)), REQUEST, base_url=BASE_URL) for n in range(12)))

    assert [record.job_id for n in range(12) if (record := await store.find(str(n)))] == [str(n) for n in range(12)]


async def test_the_history_holds_no_key_and_no_image(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await store.record_created(prediction(), REQUEST, base_url=BASE_URL)

    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {row[1] for table in tables for row in connection.execute(f"PRAGMA table_info({table})")}

    assert tables == ["predictions", "results"]
    predictions = {"job_id", "base_url", "model", "status", "input", "created_at", "ended_at", "error", "outputs"}
    assert columns == predictions | {"digest", "image_digest", "state", "thumbnail", "size_bytes", "time_s"}
    assert b"U0VDUkVU" not in everything_in(tmp_path)


async def test_an_empty_database_of_version_0_is_upgraded(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite3").touch()

    await HistoryStore(tmp_path).record_created(prediction(), REQUEST, base_url=BASE_URL)

    assert await HistoryStore(tmp_path).find("job-1") is not None


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def test_migrations_run_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection)
        assert version(connection) == len(MIGRATIONS)

        later = ("CREATE TABLE later (word TEXT)", "INSERT INTO later VALUES ('once')")
        monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS + later)
        migrate(connection)
        migrate(connection)

        assert version(connection) == len(MIGRATIONS) + 2
        assert connection.execute("SELECT word FROM later").fetchall() == [("once",)]


def test_a_migration_that_fails_leaves_the_database_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE later (word TEXT)", "nonsense"))
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection)

        assert version(connection) == 0
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        monkeypatch.undo()
        migrate(connection)
        assert version(connection) == len(MIGRATIONS)


async def test_a_database_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    await HistoryStore(tmp_path).record_created(prediction(), REQUEST, base_url=BASE_URL)
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")

    assert await HistoryStore(tmp_path).find("job-1") is not None
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as connection:
        assert version(connection) == 99


@pytest.mark.parametrize("obstacle", ["file for folder", "folder for database", "no database"])
async def test_an_unusable_folder_is_said_with_advice(tmp_path: Path, obstacle: str) -> None:
    folder = tmp_path / "history"
    if obstacle == "file for folder":
        folder.write_text("in the way")
    elif obstacle == "folder for database":
        (folder / "history.sqlite3").mkdir(parents=True)
    else:
        folder.mkdir()
        (folder / "history.sqlite3").write_bytes(b"this is no database, only a text of some length" * 100)

    with pytest.raises(StorageError) as refused:
        await HistoryStore(folder).record_created(prediction(), REQUEST, base_url=BASE_URL)

    assert str(folder) in refused.value.what
    assert "PLAYGROUND_DATA_DIR" in refused.value.advice
    assert refused.value.credits == Credits.NOT_AT_STAKE


async def test_a_store_works_again_once_its_folder_does(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    folder.write_text("in the way")
    store = HistoryStore(folder)
    with pytest.raises(StorageError):
        await store.find("job-1")

    folder.unlink()

    await store.record_created(prediction(), REQUEST, base_url=BASE_URL)
    assert await store.find("job-1") is not None


async def test_a_picture_is_kept_under_its_hash(tmp_path: Path) -> None:
    path = await HistoryStore(tmp_path).keep(b"picture", "png")

    digest = hashlib.sha256(b"picture").hexdigest()
    assert path == tmp_path / "outputs" / digest[:2] / f"{digest}.png"
    assert path.read_bytes() == b"picture"


async def test_the_same_picture_is_kept_once(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    first = await store.keep(b"picture", "png")
    written_ns = first.stat().st_mtime_ns

    again = await asyncio.gather(*(store.keep(b"picture", "png") for _ in range(5)))

    assert set(again) == {first}
    assert first.stat().st_mtime_ns == written_ns
    assert [path for path in (tmp_path / "outputs").rglob("*") if path.is_file()] == [first]


def test_a_picture_that_cannot_be_kept_is_said_with_advice(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("in the way")

    with pytest.raises(StorageError, match="could not be written") as refused:
        write_by_hash(tmp_path / "outputs", b"picture", "png")

    assert "PLAYGROUND_DATA_DIR" in refused.value.advice
