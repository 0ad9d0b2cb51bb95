from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from playground.contract.inputs import INPUTS, default
from playground.errors import BadInputError
from playground.ui.form import read_form, result_size, validated

EMPTY = dict.fromkeys(INPUTS) | {"prompt": "ghost"}


@pytest.fixture
def upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = tmp_path / "upload.png"
    Image.new("RGBA", (2000, 1000), (255, 0, 0, 0)).save(path)
    return str(path)


def test_emptied_controls_stand_at_their_defaults() -> None:
    request = validated(EMPTY)
    assert {name: getattr(request, name) for name in INPUTS if name != "prompt"} == {
        name: default(name) for name in INPUTS if name != "prompt"
    }


@pytest.mark.parametrize("seed", [None, 0])
def test_a_seed_is_drawn_where_none_is_given(seed: int | None) -> None:
    drawn = {read_form(EMPTY | {"seed": seed})[0].seed for _ in range(5)}
    assert len(drawn) == 5
    assert all(drawn)


def test_a_given_seed_is_kept() -> None:
    assert read_form(EMPTY | {"seed": 81377})[0].seed == 81377


def test_upload_is_flattened_shrunk_and_sized(upload: str) -> None:
    request, file, size_px = read_form(EMPTY | {"image": upload})
    assert request.image is None
    assert size_px == (1440, 720) == result_size(request, upload)
    assert file is not None
    with Image.open(BytesIO(file.data)) as sent:
        assert (sent.format, sent.mode, sent.size) == ("PNG", "RGB", (1440, 720))
        assert sent.getpixel((5, 5)) == (255, 255, 255)


def test_wrong_values_are_named() -> None:
    with pytest.raises(
        BadInputError, match=r"guidance: expected 0 to 10, got 11; num_outputs|num_outputs: .*; guidance: expected 0 to 10"
    ):
        validated(EMPTY | {"guidance": 11, "num_outputs": 0})
