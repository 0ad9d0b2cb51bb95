"""Presets: the shipped ones, files that are broken in every way, and the way there and back."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.contract.inputs import INPUTS, LARGEST_SEED, PredictionInput, bounds, choices, default
from playground.errors import PresetError
from playground.experiments.presets import LARGEST_PRESET_BYTES, preset_json, read_preset, read_shelf

SHIPPED = Path(__file__).parents[2] / "presets"
GOOD = {"title": "Good", "inputs": {"prompt": "ghost"}}

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(str.strip)
FORMS = st.fixed_dictionaries(
    {
        "prompt": TEXT,
        "image": st.none() | st.just("data:image/png;base64,AAAA"),
        "seed": st.none() | st.integers(0, LARGEST_SEED),
        "disable_safety_checker": st.booleans(),
        "go_fast": st.booleans(),
        "guidance": st.floats(*bounds("guidance")),
        "prompt_strength": st.floats(*bounds("prompt_strength")),
    }
    | {name: st.sampled_from(choices(name)) for name in INPUTS if choices(name)}
    | {
        name: st.integers(*(int(end) for end in bounds(name)))
        for name in ("num_outputs", "num_inference_steps", "output_quality")
    }
)


def written(folder: Path, content: object, name: str = "a.json") -> Path:
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_preset_is_valid(path: Path) -> None:
    preset = read_preset(path)

    assert preset.title
    assert preset.description
    assert PredictionInput.model_validate(preset.inputs).prompt


def test_the_shipped_shelf_is_whole_in_order_and_without_twins() -> None:
    shelf = read_shelf(SHIPPED)

    assert shelf.broken == ()
    assert list(shelf.presets) == sorted(path.stem for path in SHIPPED.glob("*.json"))
    titles = [preset.title for preset in shelf.presets.values()]
    assert len(titles) == len(set(titles)) > 5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe\xfa", "not JSON"),
        ("[" * 100_00, "not JSON"),
        ("9" * 5000, "not JSON"),
        ("[]", "expected an object"),
        ("null", "expected an object"),
        ({}, "title: field required; inputs: field required"),
        ({"title": "", "inputs": {"prompt": "a"}}, "title: "),
        ({"title": "x" * 81, "inputs": {"prompt": "a"}}, "title: "),
        ({"title": 5, "inputs": {"prompt": "a"}}, "title: "),
        (GOOD | {"tags": ["a"] * 13}, "tags: "),
        (GOOD | {"author": "me"}, "author: "),
        (GOOD | {"inputs": []}, "inputs: "),
        (GOOD | {"inputs": {}}, r"inputs\.prompt: required"),
        (GOOD | {"inputs": {"prompt": " "}}, r"inputs\.prompt: "),
        (GOOD | {"inputs": {"prompt": "a", "image": "https://example.org/a.png"}}, r"inputs\.image: .*no picture"),
        (GOOD | {"inputs": {"prompt": "a", "colour": "red"}}, r"inputs\.colour: no such input"),
        (GOOD | {"inputs": {"prompt": "a", "guidance": 11}}, r"inputs\.guidance: .*got 11"),
        ('{"title": "a", "inputs": {"prompt": "a", "guidance": NaN}}', r"inputs\.guidance: "),
        ('{"title": "a", "inputs": {"prompt": "a", "seed": ' + "[" * 940 + "]" * 940 + "}}", "not a preset"),
    ],
)
def test_a_broken_file_is_named_with_its_reason_and_the_rest_is_read(tmp_path: Path, content: object, reason: str) -> None:
    written(tmp_path, GOOD, "1-good.json")
    written(tmp_path, content, "2-broken.json")
    written(tmp_path, GOOD, "3-good.json")

    shelf = read_shelf(tmp_path)

    assert list(shelf.presets) == ["1-good", "3-good"]
    (error,) = shelf.broken
    assert error.what.startswith("2-broken.json is not a preset: ")
    with pytest.raises(PresetError, match=reason):
        raise error


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    fitting = json.dumps(GOOD).ljust(LARGEST_PRESET_BYTES)

    assert read_preset(written(tmp_path, fitting)).title == "Good"
    with pytest.raises(PresetError, match="larger than 64 kB"):
        read_preset(written(tmp_path, fitting + " "))


def test_a_folder_that_is_named_like_a_preset_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()

    (error,) = read_shelf(tmp_path).broken

    assert "cannot be read" in error.what


def test_a_folder_that_does_not_exist_is_an_empty_shelf(tmp_path: Path) -> None:
    assert read_shelf(tmp_path / "nowhere").presets == {}


def test_other_files_are_no_presets(tmp_path: Path) -> None:
    written(tmp_path, "notes", "README.md")

    shelf = read_shelf(tmp_path)

    assert (shelf.presets, shelf.broken) == ({}, ())


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert read_preset(written(tmp_path, b"\xef\xbb\xbf" + json.dumps(GOOD).encode())).title == "Good"


def test_inputs_that_a_preset_does_not_name_stand_at_their_defaults(tmp_path: Path) -> None:
    preset = read_preset(written(tmp_path, GOOD | {"inputs": {"prompt": "ghost", "guidance": 2}}))

    assert {name: preset.value(name) for name in INPUTS if name != "prompt"} == {
        name: 2.0 if name == "guidance" else default(name) for name in INPUTS if name != "prompt"
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(form=FORMS, title=TEXT, description=st.text(st.characters(codec="utf-8"), max_size=80))
def test_a_form_comes_back_from_its_preset(tmp_path: Path, form: dict[str, Any], title: str, description: str) -> None:
    preset = read_preset(written(tmp_path, preset_json(title, description, form)))

    assert (preset.title, preset.description) == (title.strip(), description)
    assert {name: preset.value(name) for name in form if name != "image"} == {
        name: value for name, value in form.items() if name != "image"
    }
    assert all(value != default(name) for name, value in preset.inputs.items())


def test_a_preset_without_a_title_gets_one() -> None:
    assert json.loads(preset_json("  ", "", {"prompt": "ghost"}))["title"] == "My preset"


@pytest.mark.parametrize(
    ("title", "form", "reason"),
    [
        ("Good", {"prompt": ""}, "prompt"),
        ("Good", {}, "prompt: required"),
        ("Good", {"prompt": "a", "guidance": 11}, "guidance: .*got 11"),
        ("x" * 81, {"prompt": "a"}, "title"),
        ("Good", {"prompt": "żółw " * 20_000}, "64 kB"),
    ],
)
def test_a_form_that_is_no_preset_is_refused(title: str, form: dict[str, Any], reason: str) -> None:
    with pytest.raises(PresetError, match=reason) as refused:
        preset_json(title, "", form)

    assert "no preset yet" in refused.value.what
