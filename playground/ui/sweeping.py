"""The runs of the Sweep tab: a click becomes a sweep, its changes updates of the page."""

import asyncio
import hashlib
import shutil
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from playground.contract.inputs import INPUTS, PredictionInput
from playground.errors import BadInputError, PlaygroundError
from playground.experiments.curves import curves, measure, varied
from playground.experiments.made import Snapshot, State
from playground.experiments.plan import check_credits
from playground.experiments.sheet import export_files
from playground.experiments.sweep import Sweep
from playground.ui import format, grid
from playground.ui.curve_plot import curve_plots
from playground.ui.session import Backends, Session
from playground.ui.sweep_form import SweepForm
from playground.ui.sweep_images import SweepImages
from playground.ui.swept import sweep_line

if TYPE_CHECKING:
    from playground.ui.sweep import SweepTab

Updates = dict[Block, Any]

_MOST_KEPT = 200


@dataclass(frozen=True)
class OnPage:
    """A visitor's sweep, and the uploads it starts from."""

    sweep: Sweep
    images: SweepImages


class Sweeping:
    """Handlers of one tab; of a visitor they hold the sweep that the page shows."""

    def __init__(self, backends: Backends, tab: "SweepTab", form: SweepForm) -> None:
        self._backends = backends
        self._tab = tab
        self._form = form
        self._sweeps: OrderedDict[str, OnPage] = OrderedDict()

    async def run(
        self,
        dropped: list[str] | None,
        also_none: bool,
        x: str,
        x_values: str,
        y: str,
        y_values: str,
        seed: int | None,
        go_fast: bool,
        base: dict[str, Any] | None,
        session: Session,
        page: gr.Request,
    ) -> AsyncGenerator[Updates]:
        """Make the grid's pictures, but for those on disk."""
        visitor, tab = page.session_hash or "", self._tab
        try:
            self._backends.check_connection(session, page)
            self._check_idle(visitor)
            plan, images = await self._form.read([dropped, also_none, x, x_values, y, y_values, seed, go_fast, base])
            client = self._backends.client(session, visitor)
            check_credits(client.model, len(await self._form.to_make(plan, session)))
            self._check_idle(visitor)  # the form has taken its time
        except PlaygroundError as error:
            yield {tab.status: format.error_line(error)}
            return
        account = self._backends.account(session)
        sweep = Sweep(plan, client, self._backends.bench, read_image=images.read, account=account)
        self._remember(visitor, OnPage(sweep, images))
        if not seed:  # the one that was drawn: the same sweep can be run again
            yield {tab.seed: plan.requests[0].seed}
        sweep.start()
        async with aclosing(self._follow(sweep, session)) as updates:
            async for update in updates:
                yield update

    async def resume(self, session: Session, page: gr.Request) -> AsyncGenerator[Updates]:
        """Go on with what was stopped."""
        async for update in self._again(session, page, lambda sweep: sweep.start()):
            yield update

    async def retry(self, even_uncertain: bool, session: Session, page: gr.Request) -> AsyncGenerator[Updates]:
        """Try again what failed."""
        async for update in self._again(session, page, lambda sweep: sweep.retry(even_uncertain=bool(even_uncertain))):
            yield update

    async def stop(self, page: gr.Request) -> Any:
        """Begin no new picture."""
        if (shown := self._sweeps.get(page.session_hash or "")) is not None:
            shown.sweep.stop()
        return gr.Button(interactive=False)

    async def stop_now(self, page: gr.Request) -> Any:
        """Begin no new picture and cancel those under way."""
        if (shown := self._sweeps.get(page.session_hash or "")) is not None:
            shown.sweep.stop_now()
        return gr.Button(interactive=False), gr.Button(interactive=False)

    def load_settings(self, picked: str, page: gr.Request) -> Any:
        """The settings of a cell, in the Generate tab."""
        shown = self._sweeps.get(page.session_hash or "")
        try:
            if shown is None:
                raise BadInputError("There is no sweep here any more.")
            row, _, column = str(picked or "").partition("-")
            cell = shown.sweep.plan.cell(int(row), int(column))
        except (ValueError, BadInputError):
            return [gr.skip()] * (len(INPUTS) + 2)
        image = shown.images.path(cell.request.image)
        values = cell.request.model_dump() | {"image": image}
        return [gr.Tabs(selected="generate"), *(values[name] for name in INPUTS), gr.Accordion(open=image is not None)]

    async def plot(self, page: gr.Request) -> Updates:
        """Measure every picture and draw the figures over the varied input."""
        if (shown := self._sweeps.get(page.session_hash or "")) is None:
            return {self._tab.status: format.line("✗", "There is no sweep to plot.", kind="bad")}
        plan = shown.sweep.plan
        try:
            measured = await asyncio.to_thread(measure, plan, shown.sweep.latest.made)
        except PlaygroundError as error:
            return {self._tab.status: format.error_line(error)}
        return {self._tab.curves: curve_plots(curves(plan, measured), varied(plan))}

    async def export(self, page: gr.Request) -> Updates:
        """The sweep as files: a labelled sheet, a page of its own, and tables of all inputs."""
        visitor = page.session_hash or ""
        if (shown := self._sweeps.get(visitor)) is None:
            return {self._tab.status: format.line("✗", "There is no sweep to export.", kind="bad")}
        sweep = shown.sweep
        folder = self._export_folder(visitor)
        try:
            files = await asyncio.to_thread(export_files, sweep.plan, sweep.latest.made, folder, model=sweep.client.model.label)
        except PlaygroundError as error:
            return {self._tab.status: format.error_line(error)}
        return {self._tab.files: gr.File(value=[str(path) for path in files], visible=True)}

    def leave(self, page: gr.Request) -> None:
        """The page has gone: forget its sweep, which stops or finishes by itself."""
        visitor = page.session_hash or ""
        self._sweeps.pop(visitor, None)
        shutil.rmtree(self._export_folder(visitor), ignore_errors=True)

    def _check_idle(self, visitor: str) -> None:
        """Raise where a sweep of this page is under way: a second one would be made, and paid for, by accident."""
        shown = self._sweeps.get(visitor)
        if shown is not None and not shown.sweep.latest.is_over:
            raise BadInputError("A sweep is being made.", advice="Wait for it, or stop it first.")

    def _export_folder(self, visitor: str) -> Any:
        return self._backends.bench.folders[1] / "exports" / hashlib.sha256(visitor.encode()).hexdigest()[:32]

    def _remember(self, visitor: str, shown: OnPage) -> None:
        self._sweeps[visitor] = shown
        self._sweeps.move_to_end(visitor)
        finished = [name for name, other in self._sweeps.items() if other.sweep.latest.is_over and name != visitor]
        for name in finished[: max(0, len(self._sweeps) - _MOST_KEPT)]:
            del self._sweeps[name]

    async def _again(self, session: Session, page: gr.Request, begin: Any) -> AsyncGenerator[Updates]:
        try:
            self._backends.check_connection(session, page)
            shown = self._sweeps.get(page.session_hash or "")
            if shown is None:
                raise BadInputError("There is no sweep here any more.", advice="Run it again: what is made is on disk.")
        except PlaygroundError as error:
            yield {self._tab.status: format.error_line(error)}
            return
        begin(shown.sweep)
        async with aclosing(self._follow(shown.sweep, session)) as updates:
            async for update in updates:
                yield update

    async def _follow(self, sweep: Sweep, session: Session) -> AsyncGenerator[Updates]:
        tab, before = self._tab, sweep.latest
        try:
            yield self._buttons(sweep.latest) | {tab.grid: grid.table(sweep.plan, before), tab.changes: ""}
            recent: list[PredictionInput] = []
            sent = ""
            async for snapshot in sweep.updates():
                changed = [request for request, made in snapshot.made.items() if made is not before.made[request]]
                if changed:
                    # The round before once more: a page that is busy may draw only the latest of two.
                    sent = grid.changes(sweep.plan, snapshot, changed + recent)
                    recent, before = changed, snapshot
                yield {tab.status: sweep_line(snapshot, sweep.client.model), tab.changes: sent}
            plan = await self._form.described(sweep.plan, session)
            last = {tab.grid: grid.table(sweep.plan, sweep.latest), tab.changes: "", tab.plan: plan}
            yield self._buttons(sweep.latest) | last
        finally:
            if not sweep.latest.is_over:
                sweep.leave()

    def _buttons(self, snapshot: Snapshot) -> Updates:
        tab, is_over = self._tab, snapshot.is_over
        uncertain = sum(made.needs_asking for made in snapshot.made.values())
        failed, waiting = snapshot.count(State.FAILED), snapshot.count(State.WAITING)
        return {
            tab.run: gr.Button(interactive=is_over),
            tab.stop: gr.Button(interactive=not is_over),
            tab.stop_now: gr.Button(interactive=not is_over),
            tab.resume: gr.Button(f"Resume ({waiting})", visible=is_over and waiting > 0),
            tab.retry: gr.Button(f"Retry failed ({failed})", visible=is_over and failed > 0),
            tab.even_uncertain: gr.Checkbox(value=False, visible=is_over and uncertain > 0),
            tab.plot: gr.Button(visible=is_over and snapshot.count(State.DONE, State.REUSED) > 1),
            tab.curves: "",
            tab.export: gr.Button(visible=is_over and any(made.has_picture for made in snapshot.made.values())),
            tab.files: gr.File(value=None, visible=False),
        }
