"""The History tab: everything this visitor has made, newest first; an entry opens beside the list with what made it."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.history.shelf import LONGEST_SEARCH, Kind
from playground.ui.generate import GenerateTab
from playground.ui.recalled import CHOICES
from playground.ui.recalling import Recalling
from playground.ui.session import Backends

_MOST_FETCHES_AT_ONCE = 20


@dataclass(frozen=True)
class HistoryTab:
    """The tab's components."""

    search: gr.Textbox
    kind: gr.Radio
    tiles: gr.HTML
    more: gr.Button
    count: gr.State
    picked: gr.Textbox
    open: gr.Button
    opened: gr.State
    panel: gr.Column
    pictures: gr.Gallery
    facts: gr.HTML
    close: gr.Button
    restore: gr.Button
    remix: gr.Button
    favourite: gr.Button
    fetch: gr.Button
    delete: gr.Button
    really_delete: gr.Button
    note: gr.HTML
    offer_row: gr.Row
    offer: gr.HTML
    fetch_all: gr.Button
    export: gr.Button
    file: gr.File


def build_history_tab(
    backends: Backends, session: gr.State, *, generate: GenerateTab, tabs: gr.Tabs, this: gr.Tab, unload: Any
) -> HistoryTab:
    """Lay the tab out and wire its events; settings go to the Generate tab. `this` is the tab itself."""
    tab = _lay_out()
    events = Recalling(backends, tab)
    _wire_list(tab, events, session, this)
    _wire_entry(tab, events, session, generate, tabs)
    unload(events.leave)
    return tab


def _lay_out() -> HistoryTab:
    with gr.Row(elem_id="history_offer_row", visible=False) as offer_row:
        offer = gr.HTML(elem_id="history_offer")
        fetch_all = gr.Button("Fetch them", elem_id="history_fetch_all", size="sm", scale=0, min_width=110)
    with gr.Row(elem_id="history_find"):
        search = gr.Textbox(
            label="Search the prompts",
            placeholder="fox teal",
            elem_id="history_search",
            max_length=LONGEST_SEARCH,
            min_width=180,
        )
        choices = [(text, kind.value) for kind, text in CHOICES.items()]
        kind = gr.Radio(choices, value=Kind.ALL.value, label="Show", elem_id="history_kind", min_width=260)
    with gr.Row(elem_id="history", equal_height=False):
        with gr.Column(elem_id="history_list", scale=7, min_width=320):
            tiles = gr.HTML(elem_id="history_tiles")
            with gr.Row(elem_id="history_after"):
                more = gr.Button("Show more", elem_id="history_more", size="sm", visible=False, min_width=110)
                export = gr.Button("Export these as a zip", elem_id="history_export", size="sm", visible=False, min_width=160)
            file = gr.File(label="Archive", interactive=False, visible=False, elem_id="history_file")
        with gr.Column(elem_id="history_entry", scale=5, min_width=320, visible=False) as panel:
            pictures = gr.Gallery(
                label="Pictures", show_label=False, container=False, elem_id="history_pictures", columns=4, preview=True,
                object_fit="contain", interactive=False, buttons=["download", "fullscreen"], height=420,
            )  # fmt: skip
            with gr.Row(elem_id="history_verbs"):
                restore = gr.Button("Restore", elem_id="history_restore", size="sm", min_width=80)
                remix = gr.Button("Remix: all but the seed", elem_id="history_remix", size="sm", min_width=150)
                favourite = gr.Button("Favourite", elem_id="history_favourite", size="sm", min_width=100)
                fetch = gr.Button("Fetch it", elem_id="history_fetch", size="sm", min_width=80, visible=False)
                close = gr.Button("Close", elem_id="history_close", size="sm", min_width=70)
                delete = gr.Button("Delete", elem_id="history_delete", size="sm", min_width=70)
                really = gr.Button(
                    "Delete for good", elem_id="history_really", size="sm", variant="stop", visible=False, min_width=120
                )
            facts = gr.HTML(elem_id="history_facts")
    note = gr.HTML(elem_id="history_note")
    picked = gr.Textbox(elem_id="history_picked", elem_classes="sweep-hidden", show_label=False, max_length=40)
    open_it = gr.Button("Open", elem_id="history_open", elem_classes="sweep-hidden")
    return HistoryTab(
        search=search, kind=kind, tiles=tiles, more=more, count=gr.State(0), picked=picked, open=open_it,
        opened=gr.State(""), panel=panel, pictures=pictures, facts=facts,
        close=close, restore=restore, remix=remix, favourite=favourite, fetch=fetch, delete=delete,
        really_delete=really, note=note, offer_row=offer_row, offer=offer, fetch_all=fetch_all, export=export, file=file,
    )  # fmt: skip


def _wire_list(tab: HistoryTab, events: Recalling, session: gr.State, this: gr.Tab) -> None:
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shown = [tab.tiles, tab.more, tab.export, tab.count, tab.note]
    wanted = [tab.search, tab.kind, session]
    gr.on(
        [this.select, tab.search.change, tab.kind.change],  # pyright: ignore[reportAttributeAccessIssue]
        events.find,
        inputs=wanted,
        outputs=shown,
        trigger_mode="always_last",
        queue=False,
        **private,
    )
    gr.on(
        [tab.close.click, tab.search.input, tab.kind.input],  # pyright: ignore[reportAttributeAccessIssue]
        lambda: ("", gr.Column(visible=False)),
        outputs=[tab.opened, tab.panel],
        queue=False,
        **private,
    )
    tab.more.click(events.find_more, inputs=[*wanted, tab.count], outputs=shown, queue=False, **private)
    gr.on(
        [session.change, this.select],  # pyright: ignore[reportAttributeAccessIssue]
        events.offer,
        inputs=[session],
        outputs=[tab.offer_row, tab.offer, tab.fetch_all],
        queue=False,
        **private,
    )
    tab.fetch_all.click(
        events.fetch_all,
        inputs=wanted,
        outputs=[*shown, tab.offer_row, tab.offer, tab.fetch_all],
        concurrency_limit=_MOST_FETCHES_AT_ONCE,
        concurrency_id="fetches",
        **private,
    )
    tab.export.click(events.export, inputs=wanted, outputs=[tab.file, tab.note], concurrency_limit=2, **private)


def _wire_entry(tab: HistoryTab, events: Recalling, session: gr.State, generate: GenerateTab, tabs: gr.Tabs) -> None:
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    entry = [
        tab.opened, tab.panel, tab.pictures, tab.facts, tab.favourite, tab.fetch, tab.delete, tab.really_delete, tab.note,
    ]  # fmt: skip
    shown = [tab.tiles, tab.more, tab.export, tab.count, tab.note]
    wanted = [tab.search, tab.kind, session]
    tab.open.click(events.open, inputs=[tab.picked, session], outputs=entry, queue=False, **private)
    form = [tabs, generate.image_panel, *generate.inputs.values(), tab.note]
    tab.restore.click(events.restore, inputs=[tab.opened, session], outputs=form, queue=False, **private)
    tab.remix.click(events.remix, inputs=[tab.opened, session], outputs=form, queue=False, **private)
    tab.favourite.click(
        events.turn_favourite, inputs=[tab.opened, session], outputs=[tab.favourite, tab.note], queue=False, **private
    ).then(events.find, inputs=wanted, outputs=shown, queue=False, **private)
    tab.delete.click(
        lambda: (gr.Button(visible=False), gr.Button(visible=True)),
        outputs=[tab.delete, tab.really_delete],
        queue=False,
        **private,
    )
    tab.really_delete.click(
        events.delete, inputs=[tab.opened, session], outputs=[tab.opened, tab.panel, tab.note], queue=False, **private
    ).then(events.find, inputs=wanted, outputs=shown, queue=False, **private)
    tab.fetch.click(
        events.fetch,
        inputs=[tab.opened, session],
        outputs=entry,
        concurrency_limit=_MOST_FETCHES_AT_ONCE,
        concurrency_id="fetches",
        **private,
    ).then(events.find, inputs=wanted, outputs=shown, queue=False, **private)
