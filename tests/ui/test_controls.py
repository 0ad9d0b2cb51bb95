import inspect

import gradio as gr
import pytest

from playground.contract.effects import PIXEL_SIZES
from playground.contract.inputs import INPUTS, bounds, choices, default, help_text, label
from playground.ui.controls import control
from playground.ui.generation import Generation
from playground.ui.layout import ratio_shapes

EXPECTED = {
    "prompt": gr.Textbox,
    "aspect_ratio": gr.Radio,
    "image": gr.Image,
    "prompt_strength": gr.Slider,
    "num_outputs": gr.Slider,
    "num_inference_steps": gr.Slider,
    "guidance": gr.Slider,
    "seed": gr.Number,
    "output_format": gr.Radio,
    "output_quality": gr.Slider,
    "disable_safety_checker": gr.Checkbox,
    "go_fast": gr.Checkbox,
    "megapixels": gr.Radio,
}


def test_every_input_has_a_control_of_the_right_kind() -> None:
    assert {name: type(control(name)) for name in INPUTS} == EXPECTED


@pytest.mark.parametrize("name", list(INPUTS))
def test_control_takes_label_help_and_default_from_the_contract(name: str) -> None:
    made = control(name)
    assert made.elem_id == name
    assert made.label == label(name)
    assert made.value == default(name)
    if name != "image":
        assert made.info == help_text(name)


@pytest.mark.parametrize("name", [name for name, kind in EXPECTED.items() if kind is gr.Slider])
def test_slider_takes_its_bounds_from_the_contract(name: str) -> None:
    slider = control(name)
    assert isinstance(slider, gr.Slider)
    assert (slider.minimum, slider.maximum) == bounds(name)


@pytest.mark.parametrize("name", [name for name, kind in EXPECTED.items() if kind is gr.Radio])
def test_radio_takes_its_choices_from_the_contract(name: str) -> None:
    radio = control(name)
    assert isinstance(radio, gr.Radio)
    assert [value for _, value in radio.choices] == list(choices(name))


def test_image_control_has_no_webcam() -> None:
    image = control("image")
    assert isinstance(image, gr.Image)
    assert image.sources == ["upload", "clipboard"]


def test_generate_takes_the_contract_s_inputs_in_the_contract_s_order() -> None:
    parameters = list(inspect.signature(Generation.generate).parameters)
    assert parameters[1 : 1 + len(INPUTS)] == list(INPUTS)


def test_drawn_ratios_follow_the_order_of_the_choices() -> None:
    assert list(PIXEL_SIZES) == list(choices("aspect_ratio"))
    assert ratio_shapes().count("::before") == len(PIXEL_SIZES)
