"""The 13 inputs are exactly the documented ones, and a refusal names the input that caused it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from playground.contract import inputs
from playground.contract.inputs import INPUTS, LARGEST_SEED, PredictionInput, explain

DEFAULTS: dict[str, Any] = {
    "prompt": None,
    "aspect_ratio": "1:1",
    "image": None,
    "prompt_strength": 0.8,
    "num_outputs": 1,
    "num_inference_steps": 28,
    "guidance": 3.0,
    "seed": None,
    "output_format": "webp",
    "output_quality": 80,
    "disable_safety_checker": False,
    "go_fast": True,
    "megapixels": "1",
}
BOUNDS: dict[str, tuple[float, float]] = {
    "prompt_strength": (0, 1),
    "num_outputs": (1, 4),
    "num_inference_steps": (1, 50),
    "guidance": (0, 10),
    "seed": (0, 2**53 - 1),
    "output_quality": (0, 100),
}
CHOICES = {
    "aspect_ratio": ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"),
    "output_format": ("webp", "jpg", "png"),
    "megapixels": ("1", "0.25"),
}
FRACTIONAL = ("prompt_strength", "guidance")

prompts = st.text(min_size=1).filter(lambda text: bool(text.strip()))
valid_inputs = st.builds(
    PredictionInput,
    prompt=prompts,
    aspect_ratio=st.sampled_from(CHOICES["aspect_ratio"]),
    image=st.none() | st.text(),
    prompt_strength=st.floats(0, 1),
    num_outputs=st.integers(1, 4),
    num_inference_steps=st.integers(1, 50),
    guidance=st.floats(0, 10),
    seed=st.none() | st.integers(0, LARGEST_SEED),
    output_format=st.sampled_from(CHOICES["output_format"]),
    output_quality=st.integers(0, 100),
    disable_safety_checker=st.booleans(),
    go_fast=st.booleans(),
    megapixels=st.sampled_from(CHOICES["megapixels"]),
)


def refusal(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        PredictionInput(**({"prompt": "a red fox"} | values))
    return explain(caught.value)


def out_of_bounds(name: str) -> st.SearchStrategy[float]:
    least, greatest = BOUNDS[name]
    if name in FRACTIONAL:
        return st.floats(max_value=least, exclude_max=True, allow_infinity=False) | st.floats(
            min_value=greatest, exclude_min=True, allow_infinity=False
        )
    return st.integers(max_value=int(least) - 1) | st.integers(min_value=int(greatest) + 1)


def test_inputs_are_the_thirteen_documented_ones():
    assert list(INPUTS) == list(DEFAULTS)
    assert len(INPUTS) == 13


@pytest.mark.parametrize("name", DEFAULTS)
def test_input_has_its_documented_default(name: str):
    assert inputs.default(name) == DEFAULTS[name]
    assert getattr(PredictionInput(prompt="a red fox"), name) == (DEFAULTS[name] if name != "prompt" else "a red fox")


@pytest.mark.parametrize("name", DEFAULTS)
def test_input_has_its_documented_bounds(name: str):
    if name in BOUNDS:
        assert inputs.bounds(name) == BOUNDS[name]
    else:
        with pytest.raises(KeyError):
            inputs.bounds(name)


@pytest.mark.parametrize("name", DEFAULTS)
def test_input_has_its_documented_choices(name: str):
    assert inputs.choices(name) == CHOICES.get(name, ())


@pytest.mark.parametrize("name", DEFAULTS)
def test_input_is_labelled_explained_and_grouped(name: str):
    assert inputs.label(name) not in ("", name)
    assert inputs.help_text(name).endswith((".", ")."))
    assert inputs.group(name) in ("what", "shape", "how", "file")


@pytest.mark.parametrize("name", BOUNDS)
def test_slider_step_is_whole_for_integers_and_finer_for_fractions(name: str):
    assert (inputs.slider_step(name) < 1) == (name in FRACTIONAL)
    assert inputs.slider_step(name) > 0


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("end", [0, 1])
def test_input_accepts_both_ends_of_its_bounds(name: str, end: int):
    value = BOUNDS[name][end]
    assert getattr(PredictionInput.model_validate({"prompt": "a red fox", name: value}), name) == value


@pytest.mark.parametrize("name", BOUNDS)
def test_input_out_of_bounds_is_refused_by_name(name: str):
    @given(value=out_of_bounds(name))
    def every_value_is_refused(value: float):
        message = refusal(**{name: value})
        assert message.startswith(f"{name}: ")
        least, most = BOUNDS[name]
        assert f"expected {least:g} to {most:g}, got " in message

    every_value_is_refused()


@pytest.mark.parametrize("name", FRACTIONAL)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_input_that_is_no_finite_number_is_refused_by_name(name: str, value: float):
    assert refusal(**{name: value}).startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["num_outputs", "num_inference_steps", "seed", "output_quality"])
def test_whole_number_input_refuses_a_fraction_by_name(name: str):
    assert refusal(**{name: 1.5}).startswith(f"{name}: ")


@pytest.mark.parametrize("name", CHOICES)
def test_input_outside_its_choices_is_refused_with_the_choices(name: str):
    message = refusal(**{name: "7:11"})
    assert message.startswith(f"{name}: ")
    assert all(choice in message for choice in CHOICES[name])
    assert "got '7:11'" in message


@pytest.mark.parametrize("prompt", ["", " ", "\n\t", "\u2003"])
def test_empty_prompt_is_refused_by_name(prompt: str):
    assert refusal(prompt=prompt).startswith("prompt: ")


def test_missing_prompt_is_refused_by_name():
    with pytest.raises(ValidationError) as caught:
        PredictionInput.model_validate({})
    assert explain(caught.value) == "prompt: required, nothing was given"


def test_unknown_input_is_refused_with_the_known_names():
    message = refusal(negative_prompt="blurry")
    assert message.startswith("negative_prompt: no such input")
    assert all(name in message for name in INPUTS)


def test_explanation_names_every_wrong_input_and_quotes_briefly():
    message = refusal(guidance=11, num_outputs="x" * 1000)
    assert "guidance: " in message
    assert "num_outputs: " in message
    assert len(message) < 250


def test_explanation_of_something_that_is_no_object_is_readable():
    with pytest.raises(ValidationError) as caught:
        PredictionInput.model_validate([1, 2])
    assert explain(caught.value).startswith("input: ")


def test_input_cannot_be_changed_in_place():
    with pytest.raises(ValidationError):
        PredictionInput(prompt="a red fox").guidance = 2.0  # pyright: ignore


@given(request=valid_inputs)
def test_every_valid_input_comes_back_from_json_unchanged(request: PredictionInput):
    assert PredictionInput.model_validate_json(request.model_dump_json()) == request
