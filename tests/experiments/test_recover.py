"""From a picture back to its settings: round trips, other programs' text, and whatever else strangers put into files."""

import json
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from playground.contract.effects import PIXEL_SIZES
from playground.contract.inputs import INPUTS, LARGEST_SEED, PredictionInput, default
from playground.errors import BadInputError
from playground.experiments.parameters import read_parameters
from playground.experiments.recover import LARGEST_FILE_BYTES, recover, recovered
from playground.service.outputs import encode

FORMATS = {"webp": "WEBP", "jpg": "JPEG", "png": "PNG"}
PICTURE = Image.new("RGB", (8, 8), "teal")
TEXT = """a castle by the sea, (storm:1.2)
second line
Negative prompt: people, text
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 123, Size: 512x768, \
Model hash: abc123, Model: somebody's, Denoising strength: 0.6, Lora hashes: "one: a1, two: b2", Version: v1.10"""
REQUESTS = st.builds(
    PredictionInput,
    prompt=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=300).filter(lambda text: bool(text.strip())),
    aspect_ratio=st.sampled_from(list(PIXEL_SIZES)),
    prompt_strength=st.floats(0, 1),
    num_outputs=st.integers(1, 4),
    num_inference_steps=st.integers(1, 50),
    guidance=st.floats(0, 10),
    output_quality=st.integers(0, 100),
    disable_safety_checker=st.booleans(),
    go_fast=st.booleans(),
    megapixels=st.sampled_from(["1", "0.25"]),
)


def file_with(output_format: str, *, exif: Image.Exif | None = None, text: str | None = None) -> bytes:
    buffer, options = BytesIO(), dict[str, Any]()
    if exif is not None:
        options["exif"] = exif
    if text is not None:
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("parameters", text)
    PICTURE.save(buffer, FORMATS[output_format], **options)
    return buffer.getvalue()


def with_comment(comment: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    return exif


def with_description(text: str) -> Image.Exif:
    exif = Image.Exif()
    exif[270] = text
    return exif


@pytest.mark.parametrize("output_format", FORMATS)
@settings(max_examples=60, deadline=None)
@given(request=REQUESTS, seed=st.integers(1, LARGEST_SEED), from_image=st.booleans())
def test_every_setting_survives_the_way_into_a_file_and_back(
    output_format: str, request: PredictionInput, seed: int, from_image: bool
) -> None:
    request = request.model_copy(update={"output_format": output_format})

    found = recover(encode(PICTURE, request, model_id="some/model", seed=seed, from_image=from_image))

    assert found.inputs == request.model_dump(exclude={"image"}) | {"seed": seed}
    assert (found.model, found.source, found.seed) == ("some/model", "playground", seed)
    assert (found.from_image, found.remarks) == (from_image, ())


def test_a_prompt_that_was_cut_is_called_cut() -> None:
    found = recover(encode(PICTURE, PredictionInput(prompt="🐢" * 6000), model_id="some/model", seed=1))

    assert found.inputs["prompt"] == "🐢" * 5000
    assert found.remarks == ("The prompt was too long for the file: only its beginning is there.",)


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_file_written_without_settings_has_none(output_format: str) -> None:
    request = PredictionInput(prompt="ghost in a bottle", output_format=output_format)
    data = encode(PICTURE, request, model_id="some/model", seed=1, with_settings=False)

    with pytest.raises(BadInputError, match="No settings are in this file"):
        recover(data)
    assert b"bottle" not in data
    with Image.open(BytesIO(data)) as picture:
        assert "some/model" in picture.getexif()[305]


@pytest.mark.parametrize(
    "data",
    [
        file_with("png", text=TEXT),
        file_with("jpg", exif=with_comment(b"UNICODE\0" + TEXT.encode("utf-16-be"))),
        file_with("webp", exif=with_comment(b"UNICODE\0" + TEXT.encode("utf-16-le"))),
        file_with("jpg", exif=with_comment(b"UNICODE\0" + TEXT.encode())),
        file_with("webp", exif=with_comment(b"ASCII\0\0\0" + TEXT.encode())),
        file_with("jpg", exif=with_comment(b"\0" * 8 + TEXT.encode())),
    ],
    ids=["png", "jpg utf-16-be", "webp utf-16-le", "jpg utf-8", "webp ascii", "jpg undefined"],
)
def test_the_text_of_other_programs_is_read(data: bytes) -> None:
    found = recover(data)

    assert found.source == "parameters"
    assert found.model == "somebody's"
    assert found.from_image
    assert found.inputs == {name: default(name) for name in INPUTS if name != "image"} | {
        "prompt": "a castle by the sea, (storm:1.2)\nsecond line",
        "num_inference_steps": 20,
        "guidance": 7,
        "seed": 123,
        "aspect_ratio": "2:3",
        "megapixels": "0.25",
        "prompt_strength": 0.6,
    }
    assert found.remarks == (
        "Size: 512×768 became 416×608 (2:3), the nearest there is.",
        "Not taken over: negative prompt, Sampler, Schedule type, Model hash, Lora hashes, Version.",
    )


@pytest.mark.parametrize(
    ("settings_line", "inputs", "remark"),
    [
        ("Steps: 150, Seed: 5", {"num_inference_steps": 50, "seed": 5}, "Steps: 150 became 50"),
        ("Steps: 0", {"num_inference_steps": 1}, "Steps: 0 became 1"),
        ("Steps: 20, CFG scale: 30", {"num_inference_steps": 20, "guidance": 10}, "Guidance: 30 became 10"),
        ("Steps: 20, Distilled CFG Scale: 3.5, CFG scale: 1", {"num_inference_steps": 20, "guidance": 3.5}, None),
        ("Steps: 20, Seed: -1", {"num_inference_steps": 20}, "a random one is drawn"),
        ("Steps: 20, Seed: 99999999999999999999", {"num_inference_steps": 20}, "a random one is drawn"),
        ("Steps: 20, Seed: nan, CFG scale: inf", {"num_inference_steps": 20}, "a random one is drawn"),
        ("Steps: 20, Denoising strength: 0.3, Hires upscale: 2", {"num_inference_steps": 20}, "Not taken over: Hires upscale."),
        ("Steps: 20, Size: 1024x1024", {"num_inference_steps": 20, "aspect_ratio": "1:1", "megapixels": "1"}, None),
        ("Steps: 20, Size: 0x10", {"num_inference_steps": 20}, None),
    ],
)
def test_what_does_not_fit_is_brought_within_bounds_and_said(
    settings_line: str, inputs: dict[str, Any], remark: str | None
) -> None:
    found = read_parameters(f"ghost\n{settings_line}")

    assert found is not None
    assert found.inputs == {"prompt": "ghost"} | inputs
    assert (remark or "") in " ".join(found.remarks)
    assert bool(found.remarks) == (remark is not None)


def test_values_that_break_the_contract_are_named_and_their_defaults_stand() -> None:
    made_from = {"model": "m", "input": {"prompt": "ghost", "guidance": 99, "seed": "x", "api_key": "cdt", "image": "data:"}}

    found = recover(file_with("jpg", exif=with_description(json.dumps(made_from))))

    assert found.inputs == {name: default(name) for name in INPUTS if name != "image"} | {"prompt": "ghost"}
    assert "guidance: expected 0 to 10, got 99" in found.remarks[0]
    assert "api_key: no such input" in found.remarks[0]
    assert "image: settings carry no picture" in found.remarks[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a readable png, jpg or webp"),
        (b"GIF89a" + b"\0" * 50, "not a readable png, jpg or webp"),
        (file_with("png")[:30], "not a readable png, jpg or webp"),
        (bytes(LARGEST_FILE_BYTES + 1), "larger than 32 MB"),
        (file_with("png"), "No settings are in this file"),
        (file_with("jpg", exif=with_description("holiday 2024")), "It holds text, but no settings"),
        (file_with("png", text='{"nodes": []}'), "It holds text, but no settings"),
        (file_with("jpg", exif=with_description('{"model": 1, "input": []}')), "It holds text, but no settings"),
        (file_with("jpg", exif=with_description('{"model": "m", "input": {"prompt": " "}}')), "no usable prompt"),
        (file_with("png", text="\nSteps: 20"), "no usable prompt"),
        (file_with("jpg", exif=with_description("[" * 20_000)), "It holds text, but no settings"),
        (file_with("jpg", exif=with_description('{"a":' * 9_000)), "It holds text, but no settings"),
    ],
)
def test_what_was_found_instead_is_said(data: bytes, reason: str) -> None:
    with pytest.raises(BadInputError, match=reason):
        recover(data)


def test_half_characters_and_nests_are_no_settings() -> None:
    given: dict[str, Any] = {"prompt": "ghost", "output_format": "\ud83d", "guidance": [[1]], "seed": {"a": 1}}

    found = recovered(given, model="m\n<b>" * 30, source="playground")

    assert found.inputs["output_format"] == "webp"
    assert len(found.model) <= 40
    assert "\n" not in found.model
    with pytest.raises(BadInputError):
        recovered({"prompt": "\ud83d"}, model="m", source="playground")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"RIFF\0\0\0\0WEBP"]))
def test_any_bytes_give_settings_or_a_clear_refusal(data: bytes, start: bytes) -> None:
    with pytest.raises(BadInputError):
        recover(start + data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_of_ours_gives_settings_or_a_clear_refusal(output_format: str, place: int, damage: bytes) -> None:
    data = encode(PICTURE, PredictionInput(prompt="ghost", output_format=output_format), model_id="m", seed=1)
    place %= len(data)
    try:
        found = recover(data[:place] + damage + data[place + len(damage) :])
    except BadInputError:
        return
    PredictionInput.model_validate(found.inputs)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.text(max_size=400), st.sampled_from(["png", "jpg", "webp"]))
def test_any_text_gives_settings_or_a_clear_refusal(text: str, line: str, output_format: str) -> None:
    text = f"{text}\nSteps: {line}"
    exif = with_comment(b"UNICODE\0" + text.encode("utf-16-be", "replace"))
    try:
        found = recover(file_with("png", text=text) if output_format == "png" else file_with(output_format, exif=exif))
    except BadInputError:
        return
    PredictionInput.model_validate(found.inputs)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*INPUTS, "x"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)
        ),
    )
)
def test_any_json_gives_settings_or_a_clear_refusal(values: dict[str, Any]) -> None:
    exif = with_description(json.dumps({"model": "m", "input": values}))
    try:
        found = recover(file_with("webp", exif=exif))
    except BadInputError:
        return
    PredictionInput.model_validate(found.inputs)


def test_a_long_hostile_line_is_read_in_a_moment() -> None:
    for filling in ("a" * 100_000, "a:" * 50_000, '"' * 100_000, "Steps: " * 10_000, 'a: "' + "\\" * 90_000):
        read_parameters(f"ghost\nSteps: 1, {filling}")


def test_a_huge_picture_is_not_decoded() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(BadInputError, match="not a readable"):
        recover(data)
