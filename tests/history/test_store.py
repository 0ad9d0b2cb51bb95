"""The history: real SQLite, real files, and disks that refuse."""

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from playground.contract.inputs import PredictionInput
from playground.contract.prediction import Status
from playground.errors import Credits, StorageError
from playground.history import migrations
from playground.history.entry import Account, Ending
from playground.history.migrations import MIGRATIONS, migrate
from playground.history.store import HistoryStore, write_by_hash
from tests.history.filling import BASE_URL, REQUEST, fill, find, order, prediction

pytestmark = pytest.mark.anyio


async def test_an_entry_survives_reopening(tmp_path: Path) -> None:
    account = Account("visitor-digest", "owner")
    await HistoryStore(tmp_path / "new" / "folder").record_accepted(order(account=account), prediction())

    entry = await find(HistoryStore(tmp_path / "new" / "folder"), "job-1")

    assert (entry.base_url, entry.model, entry.label) == (BASE_URL, "black-forest-labs/flux-krea-dev", "FLUX.1 Krea [dev]")
    assert (entry.status, entry.credits, entry.account) == ("pending", 45, account)
    assert entry.input == REQUEST.model_dump(exclude={"image"})
    assert (entry.error, entry.outputs, entry.ended_at, entry.is_favourite) == (None, (), None, False)


async def test_an_end_and_its_pictures_are_recorded(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await store.record_accepted(order(), prediction())
    paths = tuple([await store.keep(data, "webp") for data in (b"one", b"two")])

    await store.record_ended(order(), "job-1", Ending(Status.COMPLETED, None, paths, paths[0], 6, 1.5))

    entry = await find(HistoryStore(tmp_path), "job-1")
    assert (entry.status, entry.outputs, entry.thumbnail) == ("completed", paths, paths[0])
    assert (entry.size_bytes, entry.time_s) == (6, 1.5)
    assert entry.ended_at is not None
    assert [path.read_bytes() for path in entry.outputs] == [b"one", b"two"]


async def test_a_failure_is_recorded_with_its_reason(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    for job_id in ("job-1", "job-2"):
        await store.record_accepted(order(), prediction(job_id))

    await store.record_ended(order(), "job-1", Ending(Status.FAILED, "no paint"))
    await store.record_ended(order(), "job-2", Ending(Status.PROCESSING, "contact lost"))

    failed, lost = await find(store, "job-1"), await find(store, "job-2")
    assert (failed.status, failed.error, failed.can_be_fetched) == ("failed", "no paint", False)
    assert (lost.status, lost.error, lost.can_be_fetched) == ("processing", "contact lost", True)


async def test_a_second_look_that_finds_nothing_takes_no_kept_picture_away(tmp_path: Path) -> None:
    store, one = HistoryStore(tmp_path), order()
    kept = await fill(store, one)
    await store.record_ended(one, "job-1", Ending(Status.PROCESSING, "contact lost"))
    await store.record_ended(one, "job-1", Ending(Status.COMPLETED, "the link has expired"))
    assert await find(store, "job-1") == kept


async def test_later_looks_add_the_pictures_that_were_missing(tmp_path: Path) -> None:
    store, one = HistoryStore(tmp_path), order()
    await store.record_accepted(one, prediction())
    first, second, third = [await store.keep(data, "webp") for data in (b"one", b"three", b"eleven")]

    await store.record_ended(one, "job-1", Ending(Status.COMPLETED, "2 are missing", (first,), first, 3, 1.5, missing=2))
    lacking = await find(store, "job-1")
    await store.record_ended(one, "job-1", Ending(Status.COMPLETED, "2 are missing", (second,), second, 5, 1.5, missing=2))
    nearly = await find(store, "job-1")
    await store.record_ended(one, "job-1", Ending(Status.COMPLETED, "1 is missing", (first, third), first, 9, 1.5, missing=1))
    whole = await find(store, "job-1")

    assert (lacking.outputs, lacking.missing, lacking.can_be_fetched) == ((first,), 2, True)
    assert (nearly.outputs, nearly.missing, nearly.size_bytes) == ((second, first), 1, 8)
    assert (whole.outputs, whole.missing, whole.size_bytes) == ((first, third, second), 0, 14)
    assert (whole.error, whole.can_be_fetched) == (None, False)


async def test_recording_the_same_prediction_again_changes_nothing(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await fill(store, order())

    await store.record_accepted(order(PredictionInput(prompt="another")), prediction())

    entry = await find(store, "job-1")
    assert (entry.status, entry.input["prompt"]) == ("completed", "a red fox")


async def test_a_paid_request_is_known_before_it_is_sent_and_until_it_is_refused(tmp_path: Path) -> None:
    store, first, second = HistoryStore(tmp_path), order(), order()
    for one in (first, second):
        await store.record_sent(one)
    await store.record_problem(second, "the connection broke")
    assert [(e.is_uncertain, e.job_id, e.error) for e in await store.entries()] == [
        (True, None, "the connection broke"),
        (True, None, None),
    ]

    await store.record_accepted(first, prediction())
    await store.forget(second)

    (entry,) = await store.entries()
    assert (entry.id, entry.job_id, entry.is_uncertain) == (first.id, "job-1", False)


async def test_many_first_records_at_once_are_all_kept(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)

    await asyncio.gather(*(store.record_accepted(order(), prediction(str(n))) for n in range(12)))

    assert sorted(entry.job_id or "" for entry in await store.entries()) == sorted(str(n) for n in range(12))


async def test_the_history_holds_no_key_and_no_image(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await fill(store, order())

    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {row[1] for row in connection.execute("PRAGMA table_info(history)")}

    assert tables == ["history", "spending"]
    asked = {"number", "id", "digest", "visitor", "key_of", "base_url", "model", "label", "credits", "input", "image"}
    became = {"job_id", "status", "created_at", "ended_at", "error", "outputs", "thumbnail", "size_bytes", "time_s"}
    assert columns == asked | became | {"is_favourite", "missing"}
    assert b"U0VDUkVU" not in everything_in(tmp_path)


async def test_an_empty_database_of_version_0_is_upgraded(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite3").touch()

    await HistoryStore(tmp_path).record_accepted(order(), prediction())

    await find(HistoryStore(tmp_path), "job-1")


async def test_paid_predictions_of_the_first_schema_are_kept(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as connection, connection:
        for statement in MIGRATIONS[:2]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 2")
        connection.execute(
            "INSERT INTO predictions (job_id, base_url, model, status, input, outputs)"
            " VALUES ('old', ?, 'some/model', 'completed', '{\"prompt\": \"ghost\"}', '[\"ab/abcd.webp\"]')",
            (BASE_URL,),
        )
        connection.execute(
            "INSERT INTO results (digest, base_url, model, input, state, job_id, thumbnail, size_bytes, time_s)"
            " VALUES ('d1', ?, 'some/model', '{}', 'made', 'old', 'ab/small.webp', 9, 1.5)",
            (BASE_URL,),
        )

    entry = await find(HistoryStore(tmp_path), "old")

    assert (entry.status, entry.credits, entry.digest, entry.time_s) == ("completed", 45, "d1", 1.5)
    assert entry.input == {"prompt": "ghost"}
    assert entry.outputs == (tmp_path / "outputs" / "ab" / "abcd.webp",)
    assert entry.thumbnail == tmp_path / "outputs" / "ab" / "small.webp"


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
    await HistoryStore(tmp_path).record_accepted(order(), prediction())
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")

    await find(HistoryStore(tmp_path), "job-1")
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
        await HistoryStore(folder).record_accepted(order(), prediction())

    assert str(folder) in refused.value.what
    assert "PLAYGROUND_DATA_DIR" in refused.value.advice
    assert refused.value.credits == Credits.NOT_AT_STAKE


async def test_a_store_works_again_once_its_folder_does(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    folder.write_text("in the way")
    store = HistoryStore(folder)
    with pytest.raises(StorageError):
        await store.entries()

    folder.unlink()

    await store.record_accepted(order(), prediction())
    await find(store, "job-1")


async def test_a_picture_is_kept_under_its_hash(tmp_path: Path) -> None:
    path = await HistoryStore(tmp_path).keep(b"picture", "png")

    digest = hashlib.sha256(b"picture").hexdigest()
    assert path == tmp_path / "outputs" / digest[:2] / f"{digest}.png"
    assert path.read_bytes() == b"picture"


async def test_the_same_picture_is_kept_once(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    first = await store.keep(b"picture", "png")
    written = first.stat().st_ino

    again = await asyncio.gather(*(store.keep(b"picture", "png") for _ in range(5)))

    assert set(again) == {first}
    assert first.stat().st_ino == written
    assert [path for path in (tmp_path / "outputs").rglob("*") if path.is_file()] == [first]


def test_a_picture_that_cannot_be_kept_is_said_with_advice(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("in the way")

    with pytest.raises(StorageError, match="could not be written") as refused:
        write_by_hash(tmp_path / "outputs", b"picture", "png")

    assert "PLAYGROUND_DATA_DIR" in refused.value.advice
