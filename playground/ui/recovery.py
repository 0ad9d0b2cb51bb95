"""Settings from a picture: a place to drop one, which fills the form with what the file says of how it was made."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.contract.inputs import INPUTS
from playground.errors import BadInputError, PlaygroundError
from playground.experiments.recover import LARGEST_FILE_BYTES, Recovered, recover, recovered
from playground.ui import format
from playground.ui.session import Backends, Session
from playground.ui.uploads import uploaded

FILLED = tuple(name for name in INPUTS if name != "image")
_WHAT_FOR = "Drop a picture that was made here, or by a program that writes `parameters`: the form fills with its settings."
_SOURCES = {"playground": "", "parameters": " · read from its parameters text", "history": " · known from your history"}


@dataclass(frozen=True)
class RecoveryPanel:
    """The panel's components. `inputs` holds what the last picture brought, for Remix."""

    panel: gr.Accordion
    picture: gr.File
    note: gr.HTML
    remix: gr.Button
    inputs: gr.State


def build_recovery_panel() -> RecoveryPanel:
    """A closed panel with a place to drop a picture."""
    with gr.Accordion("Settings from a picture", open=False, elem_id="recover_panel") as panel:
        gr.Markdown(_WHAT_FOR, elem_classes="help")
        picture = gr.File(
            show_label=False, file_types=[".png", ".jpg", ".jpeg", ".webp"], height=110, elem_id="recover_picture"
        )
        note = gr.HTML(elem_id="recover_note")
        remix = gr.Button("Remix: all but the seed", size="sm", elem_id="remix", visible=False)
    return RecoveryPanel(panel, picture, note, remix, gr.State(None))


def wire_recovery_panel(
    panel: RecoveryPanel, inputs: dict[str, Component], image_panel: gr.Accordion, backends: Backends, session: gr.State
) -> None:
    """Connect the panel with the form. The picture itself never becomes the image to start from."""
    events = _Events(backends)
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    controls = [inputs[name] for name in FILLED]
    panel.picture.upload(
        events.fill,
        inputs=[panel.picture, inputs["image"], session],
        outputs=[panel.picture, panel.note, panel.remix, panel.inputs, image_panel, inputs["image"], *controls],
        **private,
    )
    panel.remix.click(events.remix, inputs=panel.inputs, outputs=[panel.note, *controls], **private)


class _Events:
    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def fill(self, path: str | None, image: str | None, session: Session) -> list[Any]:
        """Everything the picture says into the form; the box is emptied for the next one."""
        if path is None:
            return [gr.skip() for _ in range(6 + len(FILLED))]
        try:
            found = await self._read(path, session)
        except PlaygroundError as error:
            refusal = format.line("✗", f"{error.what} {error.advice}", kind="bad")
            return [None, refusal, gr.Button(visible=False), None, *(gr.skip() for _ in range(2 + len(FILLED)))]
        return [
            None,
            recovered_line(found, had_image=image is not None),
            gr.Button(visible=True),
            dict(found.inputs),
            gr.Accordion(open=True) if found.from_image else gr.skip(),
            None if found.from_image is False else gr.skip(),
            *_values(found.inputs),
        ]

    def remix(self, inputs: Mapping[str, Any] | None) -> list[Any]:
        """The last picture's settings again, with a random seed."""
        if inputs is None:
            return [gr.skip() for _ in range(1 + len(FILLED))]
        done = format.line("✓", "All its settings but the seed: each run draws a new one.", kind="good")
        return [done, *_values({**inputs, "seed": None})]

    async def _read(self, path: str, session: Session) -> Recovered:
        data = await asyncio.to_thread(_bytes, uploaded(path))
        try:
            return await asyncio.to_thread(recover, data)
        except BadInputError:
            # Files of the hosted API are kept as they came, without settings; by their bytes their visitor's are known here.
            entry = await self._backends.shelf(session).find_by_picture(data)
            if entry is None:
                raise
            return recovered(entry.input, model=entry.model, source="history", from_image=entry.image is not None)


def recovered_line(found: Recovered, *, had_image: bool) -> str:
    """What was found, as HTML: model and seed, then a line for each thing to know. All of it is escaped."""
    model = found.model or "a model that it does not name"
    seed = "no seed" if found.seed is None else f"seed {found.seed}"
    remarks = list(found.remarks)
    if found.from_image:
        remarks.append("It was made from an image, which is not in the file: add that one below Start from an image.")
    elif found.from_image is None:
        remarks.append("Whether it was made from an image is not known; the one in the form, if any, stays.")
    elif had_image:
        remarks.append("The image in the form was taken out: this picture was made without one.")
    first = format.line("✓", f"Made by {model} · {seed}{_SOURCES[found.source]}", kind="good")
    return first + "".join(format.line("·", remark, kind="idle") for remark in remarks)


def _values(inputs: Mapping[str, Any]) -> list[Any]:
    return [inputs[name] for name in FILLED]


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_FILE_BYTES + 1)
