from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.contract.inputs import INPUTS, PredictionInput
from playground.experiments.comparison import differences, summary

OTHER: dict[str, Any] = {
    "prompt": "flat castle",
    "aspect_ratio": "16:9",
    "image": "picture.png",
    "prompt_strength": 0.35,
    "num_outputs": 2,
    "num_inference_steps": 4,
    "guidance": 7.0,
    "seed": 5,
    "output_format": "png",
    "output_quality": 20,
    "disable_safety_checker": True,
    "go_fast": False,
    "megapixels": "0.25",
}


def settings(**inputs: Any) -> PredictionInput:
    return PredictionInput(**({"prompt": "3d fox"} | inputs))


def line(*sides: PredictionInput, one_seed: bool = True) -> str:
    return summary(differences(sides, one_seed=one_seed))


def test_every_input_of_the_contract_is_tried() -> None:
    assert list(OTHER) == list(INPUTS)


@given(st.sets(st.sampled_from(list(INPUTS))))
def test_exactly_the_inputs_that_differ_are_listed_in_the_contract_s_order(changed: set[str]) -> None:
    found = differences([settings(), settings(**{name: OTHER[name] for name in changed})], one_seed=False)
    assert [difference.name for difference in found] == [name for name in INPUTS if name in changed]


def test_differences_are_one_line_in_the_contract_s_words() -> None:
    assert line(settings(), settings(guidance=7)) == "differs in guidance: 3.0 → 7.0"
    assert line(settings(go_fast=True), settings(go_fast=False, prompt_strength=0.5)) == (
        "differs in prompt strength: 0.80 → 0.50; go fast: on → off"
    )
    assert line(settings(), settings()) == "no difference"


def test_three_settings_are_compared_as_two_are() -> None:
    assert line(settings(), settings(), settings(num_inference_steps=4)) == "differs in steps: 28 → 28 → 4"


def test_a_shared_seed_is_no_difference() -> None:
    assert line(settings(seed=1), settings(seed=2)) == "no difference"
    assert line(settings(seed=1), settings(seed=None), one_seed=False) == "differs in seed: 1 → random"
    assert line(settings(seed=0), settings(seed=None), one_seed=False) == "no difference"


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ("3d fox on teal", "3d castle on teal", "“fox” → “castle”"),
        ("3d fox", "3d red fox", "“” → “red”"),
        ("fox fox", "fox", "“fox” → “”"),
        ("ghost", "3d robot", "“ghost” → “3d robot”"),
        ("3d fox", "3d  fox", "“3d fox” → “3d  fox”"),
    ],
)
def test_prompts_are_shown_by_the_words_that_changed(first: str, second: str, shown: str) -> None:
    assert line(settings(prompt=first), settings(prompt=second)) == f"differs in prompt: {shown}"


def test_long_prompts_are_cut() -> None:
    assert len(line(settings(prompt="a" * 500), settings(prompt="b" * 500))) < 150
