"""Links on the page: what the address asks for when the page opens, what it locks, and a link to the form as it stands."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from playground.contract.inputs import INPUTS, label
from playground.errors import PlaygroundError
from playground.experiments.links import LOCKABLE, Link, read_link, write_link
from playground.experiments.presets import read_shelf
from playground.ui import format

_FILLED = tuple(name for name in INPUTS if name != "image")
_COPY = """async (query, note) => {
  if (query === null) return [query, note];
  const link = location.origin + location.pathname + query.replace(/^[^?]*/, "");
  try { await navigator.clipboard.writeText(link); return [link, note]; }
  catch { return [link, note.replace("The link is on the clipboard.", "Copy the link from the line above.")]; }
}"""


@dataclass(frozen=True)
class LinkBar:
    """The line on what the link that opened the page did, above the form."""

    note: gr.HTML
    unlock: gr.Button
    locked: gr.State


@dataclass(frozen=True)
class LinkButton:
    """A button that copies a link, the link in a line of its own, and a note on it."""

    copy: gr.Button
    link: gr.Textbox
    note: gr.HTML


@dataclass(frozen=True)
class LinkPanel:
    """A closed panel that makes a link to the form as it stands."""

    vary: gr.Dropdown
    button: LinkButton


def build_link_bar() -> LinkBar:
    """Nothing to see unless the page was opened by a link."""
    with gr.Row(elem_id="link_bar"):
        note = gr.HTML(elem_id="link_note")
        unlock = gr.Button("Unlock", size="sm", elem_id="unlock", visible=False, scale=0, min_width=90)
    return LinkBar(note, unlock, gr.State(()))


def build_link_panel() -> LinkPanel:
    """What others may change, the button, and the link in a line of its own."""
    with gr.Accordion("Link to these settings", open=False, elem_id="link_panel"):
        vary = gr.Dropdown(
            [(label(name), name) for name in LOCKABLE],
            value=[],
            multiselect=True,
            label="Let others change only",
            info="Leave it empty to let them change everything. Your image does not travel with a link.",
            elem_id="link_vary",
        )
        button = build_link_button("")
    return LinkPanel(vary, button)


def build_link_button(prefix: str) -> LinkButton:
    """`prefix` tells the ids of its parts from those of other such buttons."""
    copy = gr.Button("Copy link", size="sm", elem_id=f"{prefix}copy_link", min_width=100)
    link = gr.Textbox(label="The link", lines=1, max_lines=3, interactive=False, elem_id=f"{prefix}link", visible="hidden")
    return LinkButton(copy, link, gr.HTML(elem_id=f"{prefix}copy_note"))


def wire_link_button(button: LinkButton, write: Callable[..., str], inputs: list[Any]) -> None:
    """A click shows and copies the link whose query `write` returns; a PlaygroundError of it is said instead."""

    def written(*values: Any) -> tuple[Any, str]:
        try:
            query = write(*values)
        except PlaygroundError as error:
            refusal = format.line("✗", f"{error.what} {error.advice}", kind="bad")
            return gr.Textbox(value=None, visible="hidden"), refusal
        return gr.Textbox(value=query, visible=True), format.line("✓", "The link is on the clipboard.", kind="good")

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    shown = [button.link, button.note]
    button.copy.click(written, inputs=inputs, outputs=shown, **private).success(
        None, inputs=shown, outputs=shown, js=_COPY, api_visibility="private"
    )


def wire_links(
    bar: LinkBar,
    panel: LinkPanel,
    inputs: dict[str, Component],
    *,
    folder: Path,
    kept_still: Mapping[str, Iterable[Block]],
    load: Any,
) -> None:
    """Connect both with the form. `kept_still` names, by input, what else would change that input and is locked with it."""
    events = _Events(folder, bar, inputs, kept_still)
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    others = {component for components in kept_still.values() for component in components}
    load(events.open, outputs=[bar.note, bar.unlock, bar.locked, *inputs.values(), *others], **private)
    bar.unlock.click(events.unlock, outputs=[bar.note, bar.unlock, bar.locked, *inputs.values(), *others], **private)
    values = [inputs[name] for name in _FILLED]
    wire_link_button(panel.button, _write, [panel.vary, *values])


def link_of(page: gr.Request | None) -> Link:
    """The link that a page was opened by, whichever of its events asks."""
    if page is None:
        return Link()
    query: Any = page.query_params
    pairs = query.multi_items() if hasattr(query, "multi_items") else dict(query).items()
    return read_link(cast(Iterable[tuple[str, str]], pairs))


def tab_to_open(page: gr.Request) -> Any:
    """For the page's load event with the tabs as output: the tab that the link names."""
    tab = link_of(page).tab
    return gr.skip() if tab is None else gr.Tabs(selected=tab)


def lesson_to_open(page: gr.Request) -> Any:
    """For the page's load event with the choice of lessons as output: the lesson that the link names."""
    lesson = link_of(page).lesson
    return gr.skip() if lesson is None else lesson


def link_line(link: Link) -> str:
    """What the link did, as HTML; empty where nothing needs saying."""
    lines: list[str] = []
    if link.locked and not link.vary:
        lines.append(format.line("◆", "This link shows its settings locked: generate, and see.", kind="idle"))
    elif link.locked:
        names = " and ".join(", ".join(label(name).lower() for name in link.vary).rsplit(", ", 1))
        lines.append(format.line("◆", f"This link lets you change only {names}.", kind="idle"))
    if link.problems:
        lines.append(format.line("✗", f"Of the link, this was ignored: {'; '.join(link.problems)}.", kind="bad"))
    return "".join(lines)


def _write(vary: list[str] | None, *values: Any) -> str:
    known = [name for name in vary or () if name in LOCKABLE]
    return write_link(dict(zip(_FILLED, values, strict=True)), vary=known)


class _Events:
    def __init__(
        self, folder: Path, bar: LinkBar, inputs: dict[str, Component], kept_still: Mapping[str, Iterable[Block]]
    ) -> None:
        self._folder, self._bar, self._inputs, self._kept_still = folder, bar, inputs, kept_still

    def open(self, page: gr.Request) -> dict[Block, Any]:
        """Fill and lock the form as the link says."""
        link, values = self._filled(link_of(page))
        # Without a link too: Gradio's number box shows 0 for a value of None until an event clears it.
        changes: dict[Block, Any] = {self._inputs["seed"]: values.get("seed")}
        if link == Link():
            return changes
        changes |= {self._inputs[name]: value for name, value in values.items()}
        if link.locked:
            changes |= self._locking(link.locked, is_locked=True, values=changes)
        return changes | {self._bar.note: link_line(link)}

    def unlock(self, page: gr.Request) -> dict[Block, Any]:
        """Give every control back; the settings stay."""
        return self._locking(LOCKABLE, is_locked=False, values={}) | {self._bar.note: ""}

    def _filled(self, link: Link) -> tuple[Link, dict[str, Any]]:
        """The link and what it writes into the form: its preset first, then its own values."""
        if link.preset is None:
            return link, dict(link.inputs)
        preset = read_shelf(self._folder).presets.get(link.preset)
        if preset is None:
            unknown = f"preset: there is none called {link.preset}"
            return replace(link, preset=None, problems=(*link.problems, unknown)), dict(link.inputs)
        return link, {name: preset.value(name) for name in _FILLED} | dict(link.inputs)

    def _locking(self, names: Iterable[str], *, is_locked: bool, values: Mapping[Block, Any]) -> dict[Block, Any]:
        changes: dict[Block, Any] = {
            self._bar.unlock: gr.Button(visible=is_locked),
            self._bar.locked: tuple(names) if is_locked else (),
        }
        for name in names:
            control = self._inputs[name]
            value = {"value": values[control]} if control in values else {}
            changes[control] = gr.update(interactive=not is_locked, **value)
            changes |= {other: _still(other, is_locked) for other in self._kept_still.get(name, ())}
        return changes


def _still(other: Block, is_locked: bool) -> Any:
    """A control that cannot be used now; a whole panel is hidden instead."""
    return gr.update(visible=not is_locked) if isinstance(other, gr.Accordion) else gr.update(interactive=not is_locked)
