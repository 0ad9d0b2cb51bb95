"""The events of the History tab. Which entries a page may see is decided by its session alone, never by what it sends."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from playground.client.api import PredictionClient
from playground.contract.inputs import INPUTS, default
from playground.contract.partial import read_partial
from playground.errors import BadInputError, KeyRefusedError, PlaygroundError
from playground.experiments.resume import fetch_again
from playground.experiments.run import Run
from playground.history.archive import write_archive
from playground.history.entry import Entry
from playground.history.shelf import PAGE, Kind
from playground.ui import format, recalled
from playground.ui.session import Backends, Session

if TYPE_CHECKING:
    from playground.ui.history import HistoryTab

Updates = dict[Block, Any]

_MOST_SHOWN = 960
_MOST_EXPORTED = 2000


class Recalling:
    """Handlers of one tab; they hold nothing of a visitor but the folder of their last export."""

    def __init__(self, backends: Backends, tab: "HistoryTab") -> None:
        self._backends = backends
        self._tab = tab
        self._exports: dict[str, Path] = {}

    async def find(self, search: str | None, kind: str, session: Session) -> Updates:
        """The newest entries that are looked for."""
        return await self._listed(search, kind, session, PAGE)

    async def find_more(self, search: str | None, kind: str, session: Session, count: int) -> Updates:
        """More of them."""
        return await self._listed(search, kind, session, min(_MOST_SHOWN, count + PAGE))

    async def offer(self, session: Session) -> Updates:
        """What is unfinished, for a page that opens."""
        tab = self._tab
        try:
            entries = await self._unfinished(session)
        except PlaygroundError:
            return {tab.offer_row: gr.Row(visible=False)}  # the tab itself says that the history cannot be read
        words = recalled.offer(entries, has_key=session.api_key is not None)
        can_fetch = any(entry.can_be_fetched for entry in entries)
        return {tab.offer_row: gr.Row(visible=bool(words)), tab.offer: words, tab.fetch_all: gr.Button(visible=can_fetch)}

    async def fetch_all(self, search: str | None, kind: str, session: Session) -> AsyncGenerator[Updates]:
        """Watch everything that is unfinished and paid for to its end, one after the other."""
        tab = self._tab
        problems: list[str] = []
        fetched = 0
        try:
            entries = [entry for entry in await self._unfinished(session) if entry.can_be_fetched]
        except PlaygroundError as error:
            yield {tab.note: format.error_line(error)}
            return
        for place, entry in enumerate(entries, start=1):
            yield {tab.note: format.line("○", f"fetching {place} of {len(entries)}", kind="busy")}
            try:
                run = self._follow(entry, session)
                async for _ in run.updates():
                    pass
                fetched += bool(run.latest.files)
                if run.latest.error is not None:
                    problems.append(str(run.latest.error))
            except PlaygroundError as error:
                problems.append(str(error))
        words = f"{fetched} of {len(entries)} fetched."
        mark, mood = ("✗", "bad") if problems else ("✓", "good")
        note = format.line(mark, words, kind=mood, extra=" ".join(dict.fromkeys(problems)))
        yield await self.find(search, kind, session) | await self.offer(session) | {tab.note: note}

    async def open(self, picked: str, session: Session) -> Updates:
        """One entry beside the list."""
        try:
            return self._entry(await self._backends.shelf(session).entry(picked or ""))
        except PlaygroundError as error:
            return {self._tab.note: format.error_line(error)}

    async def restore(self, opened: str, session: Session) -> Any:
        """All inputs of the entry into the Generate tab, its image too."""
        return await self._to_form(opened, session, with_seed=True)

    async def remix(self, opened: str, session: Session) -> Any:
        """The same without the seed."""
        return await self._to_form(opened, session, with_seed=False)

    async def turn_favourite(self, opened: str, session: Session) -> Updates:
        """Mark the entry, or take the mark away."""
        tab, shelf = self._tab, self._backends.shelf(session)
        try:
            entry = await shelf.entry(opened)
            await shelf.set_favourite(opened, not entry.is_favourite)
        except PlaygroundError as error:
            return {tab.note: format.error_line(error)}
        return {tab.favourite: gr.Button(_star(not entry.is_favourite)), tab.note: ""}

    async def delete(self, opened: str, session: Session) -> Updates:
        """Remove the entry and its files."""
        tab = self._tab
        try:
            entry = await self._backends.shelf(session).entry(opened)
            if self._backends.bench.is_watching(entry.base_url, entry.job_id):
                raise BadInputError("It is being made or fetched just now.", advice="Delete it when it is over.")
            await self._backends.shelf(session).delete(opened)
        except PlaygroundError as error:
            return {tab.note: format.error_line(error)}
        return {tab.opened: "", tab.panel: gr.Column(visible=False), tab.note: format.line("✓", "Deleted.", kind="good")}

    async def fetch(self, opened: str, session: Session) -> AsyncGenerator[Updates]:
        """Watch the opened entry to its end and take its files."""
        tab, shelf = self._tab, self._backends.shelf(session)
        try:
            entry = await shelf.entry(opened)
            async for update in self._follow(entry, session).updates():
                yield {tab.note: format.run_line(update, self._backends.hosted.model, seed=entry.input.get("seed"))}
            yield self._entry(await shelf.entry(opened)) | {tab.note: gr.skip()}
        except PlaygroundError as error:
            yield {tab.note: format.error_line(error)}

    async def export(self, search: str | None, kind: str, session: Session, page: gr.Request) -> Updates:
        """The entries that are looked for as one zip."""
        tab = self._tab
        try:
            entries = await self._backends.shelf(session).entries(search=search or "", kind=Kind(kind), limit=_MOST_EXPORTED)
            folder = self._backends.bench.folders[1] / "exports" / secrets.token_hex(16)
            self.leave(page)
            self._exports[page.session_hash or ""] = folder
            path = folder / "history.zip"
            await asyncio.to_thread(write_archive, entries, path)
        except PlaygroundError as error:
            return {tab.note: format.error_line(error)}
        what = f"{len(entries)} entries and their manifest."
        return {tab.file: gr.File(value=str(path), visible=True), tab.note: format.line("✓", what, kind="good")}

    def leave(self, page: gr.Request) -> None:
        """The page has gone, or wants another export: the last one is deleted."""
        if (folder := self._exports.pop(page.session_hash or "", None)) is not None:
            shutil.rmtree(folder, ignore_errors=True)

    async def _listed(self, search: str | None, kind: str, session: Session, count: int) -> Updates:
        tab = self._tab
        try:
            wanted = Kind(kind)
            entries = await self._backends.shelf(session).entries(search=search or "", kind=wanted, limit=count + 1)
        except PlaygroundError as error:
            return {tab.note: format.error_line(error)}
        shown = entries[:count]
        return {
            tab.tiles: recalled.tiles(shown, kind=wanted, is_search=bool((search or "").strip())),
            tab.more: gr.Button(visible=len(entries) > count and count < _MOST_SHOWN),
            tab.export: gr.Button(visible=any(entry.outputs for entry in shown)),
            tab.count: count,
            tab.note: "",
        }

    async def _unfinished(self, session: Session) -> list[Entry]:
        """Those that no run of this process is following."""
        bench = self._backends.bench
        entries = await self._backends.shelf(session).entries(kind=Kind.UNFINISHED)
        return [entry for entry in entries if not bench.is_watching(entry.base_url, entry.job_id)]

    def _follow(self, entry: Entry, session: Session) -> Run:
        bench = self._backends.bench
        if bench.is_watching(entry.base_url, entry.job_id):
            raise BadInputError("It is being followed already.", advice="Open it again in a moment.")
        return fetch_again(bench, entry, self._client(entry, session))

    def _client(self, entry: Entry, session: Session) -> PredictionClient:
        """The hosted API with the key that the entry was paid with."""
        hosted = self._backends.hosted
        if entry.account.key_of != "visitor":
            return hosted.as_visitor(api_key=self._backends.owner_key)
        if session.api_key is None:
            raise KeyRefusedError("It was made with a key of yours.", advice="Enter that key under Connection, then fetch it.")
        return hosted.as_visitor(api_key=session.api_key)

    async def _to_form(self, opened: str, session: Session, *, with_seed: bool) -> Any:
        try:
            entry = await self._backends.shelf(session).entry(opened)
        except PlaygroundError as error:
            return {self._tab.note: format.error_line(error)}
        values = {name: default(name) for name in INPUTS} | dict(read_partial(entry.input).inputs)
        values["image"] = str(entry.image) if entry.image is not None and entry.image.is_file() else None
        if not with_seed:
            values["seed"] = None
        note = ""
        if entry.image is not None and values["image"] is None:
            note = format.line("·", "The image it started from is not here any more.", kind="idle")
        panel = gr.Accordion(open=True) if values["image"] else gr.skip()
        return [gr.Tabs(selected="generate"), panel, *(values[name] for name in INPUTS), note]

    def _entry(self, entry: Entry) -> Updates:
        tab = self._tab
        files = [str(path) for path in entry.outputs if path.is_file()]
        return {
            tab.opened: entry.id,
            tab.panel: gr.Column(visible=True),
            tab.pictures: gr.Gallery(value=files, visible=bool(files), selected_index=0 if files else None),
            tab.facts: recalled.facts(entry),
            tab.favourite: gr.Button(_star(entry.is_favourite)),
            tab.fetch: gr.Button(visible=entry.can_be_fetched),
            tab.delete: gr.Button(visible=True),
            tab.really_delete: gr.Button(visible=False),
            tab.note: "",
        }


def _star(is_favourite: bool) -> str:
    return "★ Favourite" if is_favourite else "☆ Favourite"
