"""Contract field to component: each control's label, help, default, bounds and choices come from the contract."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.data_classes import ImageData

from playground.contract.inputs import INPUTS, bounds, choices, default, help_text, label, slider_step

EXAMPLE = Path(__file__).parent / "example.webp"

# HTML on this page is for eyes; endpoints return data. Gradio offers no option for this, and a subclass that overrides
# the property would make it write a stub file next to this one.
setattr(gr.HTML, "skip_api", True)  # noqa: B010


def control(name: str, **overrides: Any) -> Component:
    """The control of one input, with `elem_id` equal to its name."""
    options: dict[str, Any] = {"label": label(name), "info": help_text(name), "elem_id": name, "value": default(name)}
    kind, more = _kind(name)
    options.update(more)
    options.update(overrides)
    if kind is gr.Image:
        del options["info"]  # an image box has no room for it; the tab says it beside the box
        return _image(options)
    made = kind(**options)
    if kind in (gr.Slider, gr.Number):
        # Gradio would answer a number out of bounds with an error of its own; the contract says what it expects.
        setattr(made, "preprocess", lambda value: value)  # noqa: B010
    return made


def _image(options: dict[str, Any]) -> gr.Image:
    """An image box that hands on the uploaded file itself.

    Gradio's own preprocessing opens the picture and fails with an internal error where it is broken; ours is read
    later, by `pictures.read_picture`, which says what is wrong with it.
    """
    made = gr.Image(**options)
    decode = made.preprocess

    def uploaded_path(payload: ImageData | None) -> Any:
        return payload.path if payload is not None and payload.path else decode(payload)

    setattr(made, "preprocess", uploaded_path)  # noqa: B010
    return made


def _kind(name: str) -> tuple[type[Component], dict[str, Any]]:
    """The component that fits an input, and its own options."""
    if name == "prompt":
        return gr.Textbox, {"lines": 1, "max_lines": 6, "autofocus": True}
    if name == "image":
        return gr.Image, {"type": "filepath", "image_mode": None, "sources": ["upload", "clipboard"], "height": 220}
    if name == "seed":
        return gr.Number, {"placeholder": "random", "precision": 0}
    if choices(name):
        drawn = {"elem_classes": "ratios"} if name == "aspect_ratio" else {}
        return gr.Radio, {"choices": list(choices(name)), **drawn}
    if INPUTS[name].annotation is bool:
        return gr.Checkbox, {}
    least, most = bounds(name)
    return gr.Slider, {"minimum": least, "maximum": most, "step": slider_step(name)}
