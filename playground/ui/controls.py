"""Contract field to component: each control's label, help, default, bounds and choices come from the contract."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.data_classes import FileData, ImageData, ListFiles

from playground.contract.inputs import INPUTS, bounds, choices, default, help_text, label, slider_step
from playground.ui.uploads import is_upload

EXAMPLE = Path(__file__).parent / "example.webp"

# HTML on this page is for eyes; endpoints return data. Gradio offers no option for this, and a subclass that overrides
# the property would make it write a stub file next to this one.
setattr(gr.HTML, "skip_api", True)  # noqa: B010


_decoded = gr.Image.preprocess


def _uploaded_path(self: gr.Image, payload: ImageData | None) -> Any:
    """The uploaded file itself; `pictures.read_picture` reads it later and says what is wrong with a broken one.

    No other file passes, since some events hand a picture on to another box, and what they hand on is served.
    """
    if payload is None or not payload.path:
        return _decoded(self, payload)
    if not is_upload(payload.path):
        raise gr.Error("That file was not uploaded here. Upload it again.", print_exception=False)
    return payload.path


def _uploaded_paths(self: gr.File, payload: ListFiles | FileData | None) -> Any:
    """The uploaded files themselves; Gradio's own reading leaves an empty file behind, and fails with an error of its own."""
    if payload is None:
        return None
    paths = [file.path for file in (payload if isinstance(payload, ListFiles) else [payload])]
    if not all(is_upload(path) for path in paths):
        raise gr.Error("That file was not uploaded here. Upload it again.", print_exception=False)
    return paths if isinstance(payload, ListFiles) else paths[0]


def _as_it_came(_: Component, value: Any) -> Any:
    """The number as it is; the contract says what it expects of one out of bounds."""
    return value


# Gradio itself would answer a broken picture and a number out of bounds with internal errors of its own. On the classes,
# because it makes a new instance of a component for every visitor whose page has changed one of its properties.
setattr(gr.Image, "preprocess", _uploaded_path)  # noqa: B010
setattr(gr.File, "preprocess", _uploaded_paths)  # noqa: B010
setattr(gr.Slider, "preprocess", _as_it_came)  # noqa: B010
setattr(gr.Number, "preprocess", _as_it_came)  # noqa: B010


def control(name: str, **overrides: Any) -> Component:
    """The control of one input, with `elem_id` equal to its name."""
    options: dict[str, Any] = {"label": label(name), "info": help_text(name), "elem_id": name, "value": default(name)}
    kind, more = _kind(name)
    options.update(more)
    options.update(overrides)
    if kind is gr.Image:
        del options["info"]  # an image box has no room for it; the tab says it beside the box
    return kind(**options)


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
