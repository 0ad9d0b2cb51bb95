"""Finished pictures as files: the format asked for, what is written into them, how long they stay."""

import json
import threading
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from playground.contract.inputs import INPUTS, PredictionInput
from playground.errors import StorageError
from playground.service.outputs import PREVIEW_SIDE_PX, OutputFolder, encode, preview_uri

FORMATS = {"webp": "WEBP", "jpg": "JPEG", "png": "PNG"}


@pytest.fixture(scope="module")
def grainy() -> Image.Image:
    return Image.effect_noise((128, 96), 60).convert("RGB")


def encoded(picture: Image.Image, **inputs: object) -> bytes:
    return encode(picture, PredictionInput.model_validate({"prompt": "ghost"} | inputs), model_id="some/model", seed=77)


def made_from(data: bytes) -> dict[str, dict[str, object]]:
    with Image.open(BytesIO(data)) as picture:
        return json.loads(picture.getexif()[270])


@pytest.mark.parametrize(("output_format", "kind"), FORMATS.items())
def test_a_file_is_of_the_format_asked_for(grainy: Image.Image, output_format: str, kind: str) -> None:
    with Image.open(BytesIO(encoded(grainy, output_format=output_format))) as picture:
        assert (picture.format, picture.size, picture.mode) == (kind, (128, 96), "RGB")


@pytest.mark.parametrize("output_format", ["webp", "jpg"])
def test_quality_decides_the_size(grainy: Image.Image, output_format: str) -> None:
    sizes = [len(encoded(grainy, output_format=output_format, output_quality=quality)) for quality in (0, 30, 60, 80, 100)]

    assert sizes == sorted(set(sizes))
    assert sizes[-1] > 3 * sizes[0]


def test_png_is_lossless_at_any_quality(grainy: Image.Image) -> None:
    for quality in (0, 100):
        with Image.open(BytesIO(encoded(grainy, output_format="png", output_quality=quality))) as picture:
            assert picture.tobytes() == grainy.tobytes()


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_file_says_which_model_made_it_and_from_what(grainy: Image.Image, output_format: str) -> None:
    data = encoded(grainy, output_format=output_format, prompt="ghost “żółw” 🐢", guidance=2.5)

    found = made_from(data)

    assert found["model"] == "some/model"
    assert found["input"]["seed"] == 77
    assert found["input"]["prompt"] == "ghost “żółw” 🐢"
    assert found["input"]["guidance"] == 2.5
    with Image.open(BytesIO(data)) as picture:
        assert "some/model" in picture.getexif()[305]


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_file_never_holds_the_image_it_was_made_from(grainy: Image.Image, output_format: str) -> None:
    data = encoded(grainy, output_format=output_format, image="data:image/png;base64,U0VDUkVU")

    assert set(made_from(data)["input"]) == set(INPUTS) - {"image"}
    assert b"U0VDUkVU" not in data


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_prompt_of_any_length_fits(grainy: Image.Image, output_format: str) -> None:
    data = encoded(grainy, output_format=output_format, prompt="🐢" * 100_000)

    assert str(made_from(data)["input"]["prompt"]).startswith("🐢🐢🐢")


def test_a_preview_keeps_the_shape_and_is_small(grainy: Image.Image) -> None:
    uri = preview_uri(grainy.resize((1536, 640)))

    assert uri.startswith("data:image/webp;base64,")
    assert len(uri) < 40_000
    assert PREVIEW_SIDE_PX == 320


def test_outputs_live_as_long_as_was_said() -> None:
    now_s = [100.0]
    outputs = OutputFolder(lifetime_s=10, clock=lambda: now_s[0])
    outputs.write("a.webp", b"a")
    now_s[0] = 105
    outputs.write("b.webp", b"b")
    path = outputs.find("a.webp")
    assert path is not None

    now_s[0] = 110
    assert outputs.find("a.webp") == path
    now_s[0] = 110.5
    assert outputs.find("a.webp") is None
    assert not path.exists()
    assert outputs.find("b.webp") is not None
    outputs.close()


def test_a_file_that_somebody_removed_is_not_found() -> None:
    outputs = OutputFolder()
    outputs.write("a.webp", b"a")
    path = outputs.find("a.webp")
    assert path is not None

    path.unlink()

    assert outputs.find("a.webp") is None
    outputs.prune()
    outputs.close()


def test_closing_removes_the_folder_and_nothing_can_be_written_after() -> None:
    outputs = OutputFolder()
    outputs.write("a.webp", b"a")
    path = outputs.find("a.webp")
    assert path is not None

    outputs.close()

    assert not path.parent.exists()
    assert outputs.find("a.webp") is None
    with pytest.raises(StorageError, match="Free some disk space"):
        outputs.write("b.webp", b"b")


def test_files_may_be_written_while_others_expire() -> None:
    now_s = [0.0]
    outputs = OutputFolder(lifetime_s=0.5, clock=lambda: now_s[0])
    wrong: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for number in range(300):
                outputs.write(f"{name}-{number}", b"x")
        except BaseException as error:
            wrong.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        now_s[0] += 0.1
        outputs.prune()
    now_s[0] += 1
    outputs.prune()

    assert wrong == []
    assert not any(Path(outputs._folder.name).iterdir())
    outputs.close()
