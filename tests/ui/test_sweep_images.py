"""The pictures of a sweep: known by what will be sent of them, refused by name."""

from pathlib import Path

import pytest
from PIL import Image

from playground.errors import BadInputError
from playground.experiments.axis import MOST_IMAGES
from playground.ui import sweep_images
from playground.ui.form import read_upload
from playground.ui.sweep_images import read_images


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def upload(folder: Path, name: str, colour: str | tuple[int, int, int]) -> str:
    path = folder / str(colour) / name
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (64, 48), colour).save(path)
    return str(path)


def test_pictures_keep_their_order_their_names_and_what_the_generate_tab_would_send(uploads: Path) -> None:
    paths = [upload(uploads, "b.png", "red"), upload(uploads, "a.jpg", "blue")]
    images = read_images(paths)
    assert list(images.paths.values()) == paths
    assert list(images.names.values()) == ["b.png", "a.jpg"]
    for digest, path in images.paths.items():
        assert images.read(digest) == read_upload(path)[0]
        assert digest == images.read(digest).digest
        assert images.path(digest) == path
    assert images.path(None) is None


def test_what_is_no_picture_or_no_upload_is_refused_by_its_file_name(uploads: Path) -> None:
    (uploads / "broken.png").write_bytes(b"no picture")
    (uploads.parent / "outside.png").write_bytes(b"secret")
    good = upload(uploads, "good.png", "red")
    for name, said in (("broken.png", "not a readable picture"), ("../outside.png", "was not uploaded here")):
        with pytest.raises(BadInputError, match=rf"^{Path(name).name}: .*{said}"):
            read_images([good, str(uploads / name)])


def test_the_same_picture_twice_and_too_many_are_refused(uploads: Path) -> None:
    twice = [upload(uploads, "a.png", "red"), upload(uploads, "b.png", "red")]
    with pytest.raises(BadInputError, match=r"b\.png is the same picture as a\.png"):
        read_images(twice)
    many = [upload(uploads, f"{number}.png", (number, 0, 0)) for number in range(MOST_IMAGES + 1)]
    assert len(read_images(many[:-1]).paths) == MOST_IMAGES
    with pytest.raises(BadInputError, match="13 pictures"):
        read_images(many)


def test_a_picture_that_is_no_longer_kept_is_neither_sent_nor_loaded(uploads: Path) -> None:
    path = upload(uploads, "gone.png", "green")
    images = read_images([path])
    Path(path).unlink()
    (digest,) = images.paths
    assert images.path(digest) is None
    with pytest.raises(BadInputError, match=r"^gone\.png: "):
        images.read(digest)


def test_each_picture_is_read_once_to_be_known(uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(sweep_images, "read_upload", lambda path: read.append(path) or read_upload(path))  # pyright: ignore[reportUnknownLambdaType]
    paths = [upload(uploads, f"{number}.png", (0, 0, number)) for number in range(30)]
    for _ in range(3):
        for place in range(0, 30, 10):
            read_images(paths[place : place + 10])
    assert len(read) == 30
