from pathlib import Path

import pytest

from playground.errors import BadInputError
from playground.ui.uploads import uploaded


@pytest.fixture
def upload_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_uploaded_file_is_found(upload_folder: Path) -> None:
    file = upload_folder / "abc" / "picture.png"
    file.parent.mkdir()
    file.write_bytes(b"x")
    assert uploaded(str(file)) == file.resolve()


@pytest.mark.parametrize("forged", ["{outside}", "{folder}/../outside.txt", "{folder}/link", "{folder}/missing", "{folder}"])
def test_any_other_path_is_refused(upload_folder: Path, forged: str) -> None:
    outside = upload_folder.parent / "outside.txt"
    outside.write_text("secret")
    (upload_folder / "link").symlink_to(outside)
    with pytest.raises(BadInputError, match="not uploaded here"):
        uploaded(forged.format(outside=outside, folder=upload_folder))
