"""The history as a zip: pictures as they were delivered, a manifest without anything private."""

import json
import zipfile
from pathlib import Path

import pytest

from playground.contract.prediction import Status
from playground.errors import StorageError
from playground.history.archive import write_archive
from playground.history.entry import Account
from playground.history.store import HistoryStore
from tests.history.filling import fill, order

pytestmark = pytest.mark.anyio

SECRET_VISITOR = Account("digest-of-a-visitor", "visitor")


async def test_pictures_and_manifest_belong_together(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path / "h")
    image = await store.keep(b"upload", "png")
    await fill(store, order(account=SECRET_VISITOR, image=image), data=b"one", job_id="job-1")
    await fill(store, order(account=SECRET_VISITOR), data=None, job_id="job-2", status=Status.FAILED)
    write_archive(await store.entries(), tmp_path / "out" / "history.zip")

    with zipfile.ZipFile(tmp_path / "out" / "history.zip") as archive:
        text = archive.read("manifest.json").decode()
        failed, made = json.loads(text)["predictions"]
        assert [archive.read(name) for name in made["files"]] == [b"one"]
        assert archive.read(made["input"]["image"]) == b"upload"
    assert (made["job_id"], made["status"], made["credits"], made["input"]["prompt"]) == ("job-1", "completed", 45, "a red fox")
    assert (failed["status"], failed["files"]) == ("failed", [])
    assert "digest-of-a-visitor" not in text
    assert str(tmp_path) not in text


async def test_a_picture_that_is_gone_is_said_in_the_manifest(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path / "h")
    entry = await fill(store, order())
    entry.outputs[0].unlink()
    write_archive(await store.entries(), tmp_path / "history.zip")
    with zipfile.ZipFile(tmp_path / "history.zip") as archive:
        (line,) = json.loads(archive.read("manifest.json"))["predictions"]
    assert (line["files"], line["missing_files"]) == ([], 1)


async def test_a_disk_that_refuses_is_said_and_leaves_no_half_archive(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(StorageError, match="could not be exported"):
        write_archive([], tmp_path / "out" / "history.zip")
