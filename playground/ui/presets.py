"""The preset row: fill the form from a preset, save the form as one, load one from a file."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.contract.inputs import INPUTS
from playground.errors import BadInputError, PlaygroundError, PresetError
from playground.experiments.presets import Preset, preset_json, read_preset, read_shelf
from playground.ui import format
from playground.ui.uploads import uploaded

_NO_PRESET = "Fills the form; your image stays."
_FILLED = tuple(name for name in INPUTS if name != "image")
_PRESS_DOWNLOAD = "() => document.querySelector('#preset_file a, a#preset_file, button#preset_file')?.click()"


@dataclass(frozen=True)
class PresetRow:
    """The row's components, the folder that its presets come from, and one for those that are saved, until the app ends."""

    folder: Path
    saved: tempfile.TemporaryDirectory[str]
    choice: gr.Dropdown
    note: gr.HTML
    title: gr.Textbox
    save: gr.Button
    file: gr.DownloadButton
    load: gr.UploadButton


def build_preset_row(folder: Path) -> PresetRow:
    """The dropdown, its note, and the closed panel for saving and loading."""
    shelf = read_shelf(folder)
    names = [(_named(preset), name) for name, preset in shelf.presets.items()]
    broken = "".join(format.line("✗", str(error), kind="bad") for error in shelf.broken)
    choice = gr.Dropdown(names, label="Preset", value=None, elem_id="preset", info=_NO_PRESET)
    note = gr.HTML(broken, elem_id="preset_note")
    with gr.Accordion("Save or load a preset", open=False, elem_id="preset_panel"):
        title = gr.Textbox(label="Title", placeholder="My preset", max_length=80, elem_id="preset_title")
        with gr.Row():
            save = gr.Button("Save this form", size="sm", elem_id="preset_save", min_width=120)
            load = gr.UploadButton("Load a file", size="sm", file_types=[".json"], elem_id="preset_load", min_width=120)
        file = gr.DownloadButton("The file", visible="hidden", elem_id="preset_file")
    saved = tempfile.TemporaryDirectory(prefix="playground-presets-")
    return PresetRow(folder, saved, choice, note, title, save, file, load)


def wire_preset_row(row: PresetRow, inputs: dict[str, Component], image_panel: gr.Accordion) -> None:
    """Connect the row with the form."""
    controls = [inputs[name] for name in _FILLED]
    filled = [row.note, row.choice, image_panel, *controls]

    def fill(name: str | None, preset: Preset) -> list[Any]:
        choice = gr.Dropdown(value=name, info=preset.description or _NO_PRESET)
        panel = gr.Accordion(open=True) if "prompt_strength" in preset.inputs else gr.skip()
        return ["", choice, panel, *(preset.value(name) for name in _FILLED)]

    def refuse(error: PlaygroundError) -> list[Any]:
        return [format.error_line(error), *(gr.skip() for _ in filled[1:])]

    def choose(name: str | None) -> list[Any]:
        preset = read_shelf(row.folder).presets.get(name or "")
        return [gr.skip() for _ in filled] if preset is None else fill(name, preset)

    def load(path: str) -> list[Any]:
        try:
            preset = read_preset(uploaded(path))
            filling = fill(None, preset)
            filling[0] = format.line("✓", f"Loaded: {preset.title}", kind="good")
            return filling
        except (PresetError, BadInputError) as error:
            return refuse(error)

    def save(title: str, *values: Any) -> tuple[Any, Any]:
        try:
            text = preset_json(title, "", dict(zip(_FILLED, values, strict=True)))
        except PresetError as error:
            return gr.skip(), format.error_line(error)
        stem = "".join(character if character.isalnum() else "-" for character in title.lower()).strip("-") or "my-preset"
        path = Path(tempfile.mkdtemp(dir=row.saved.name)) / f"{stem}.json"
        path.write_text(text, encoding="utf-8")
        return str(path), format.line("✓", f"Saved as {path.name}", kind="good")

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    row.choice.input(choose, inputs=row.choice, outputs=filled, **private)
    row.load.upload(load, inputs=row.load, outputs=filled, **private)
    row.save.click(save, inputs=[row.title, *controls], outputs=[row.file, row.note], **private).success(
        None, js=_PRESS_DOWNLOAD, api_visibility="private"
    )


def _named(preset: Preset) -> str:
    """A preset's title in the list; those that ask for more than the pocket model knows say so."""
    return f"{preset.title} · hosted" if "hosted" in preset.tags else preset.title
