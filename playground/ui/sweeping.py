"""The events of the Sweep tab: what is typed becomes a plan, a click a sweep, its changes updates of the page."""

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

from playground.client.api import ImageFile
from playground.contract.inputs import INPUTS, PredictionInput, choices
from playground.errors import BadInputError, PlaygroundError
from playground.experiments.axis import expectation, read_axis
from playground.experiments.curves import curves, measure, varied
from playground.experiments.plan import Plan, check_credits, left_to_make, make_plan, plan_remarks
from playground.experiments.sheet import export_files
from playground.experiments.sweep import Snapshot, State, Sweep, digest_of, find_results
from playground.ui import format, grid
from playground.ui.curve_plot import curve_plots
from playground.ui.form import read_form
from playground.ui.session import Backends, Session
from playground.ui.swept import plan_line, settings_line, sweep_line
from playground.ui.tab_links import sweep_to_open

if TYPE_CHECKING:
    from playground.ui.sweep import SweepTab

Updates = dict[Block, Any]

_MOST_KEPT = 200
_MOST_READ_AT_ONCE = 2
_SUGGESTED = {
    "guidance": "1, 3, 8",
    "num_inference_steps": "4, 8, 28",
    "prompt_strength": "0.2-0.8:0.2",
    "seed": "4 seeds",
    "num_outputs": "1, 2",
    "output_quality": "10, 50, 90",
}


@dataclass(frozen=True)
class OnPage:
    """A visitor's sweep, and the path of the upload it starts from."""

    sweep: Sweep
    image: str | None


class Sweeping:
    """Handlers of one tab; of a visitor they hold the sweep that the page shows."""

    def __init__(self, backends: Backends, tab: "SweepTab") -> None:
        self._backends = backends
        self._tab = tab
        self._reading = asyncio.Semaphore(_MOST_READ_AT_ONCE)
        self._sweeps: OrderedDict[str, OnPage] = OrderedDict()

    def take_over(self, *values: Any) -> tuple[dict[str, Any], str]:
        """The Generate tab's settings as they stand, and a line on them."""
        *fields, session = values
        base = dict(zip(INPUTS, fields, strict=True))
        return base, settings_line(base, self._backends.model(session))

    def first_take_over(self, base: dict[str, Any] | None, *values: Any) -> tuple[Any, Any]:
        """When the tab is opened for the first time there is nothing to lose."""
        return self.take_over(*values) if base is None else (gr.skip(), gr.skip())

    def open_link(self, session: Session, page: gr.Request) -> list[Any]:
        """When the page opens: the sweep that its link names, in the form."""
        model = self._backends.model(session)
        opened = sweep_to_open(page, example=model.example_prompt)
        if opened is None:
            return [gr.skip()] * (len(self._tab.values) + 1)
        x, x_values, y, y_values, seed, go_fast, base = opened
        across = gr.skip() if not x else gr.Textbox(value=x_values, placeholder=expectation(x))
        down = gr.Textbox(value=y_values, visible=bool(y), placeholder=expectation(y) if y else "")
        line = settings_line(base, model)
        return [x or gr.skip(), across, y, down, gr.skip() if seed is None else seed, go_fast, base, line]

    def suggest(self, name: str) -> Any:
        """Values to begin with for an input that was just chosen; what else can be written stands under the box."""
        if not name:
            return gr.Textbox(value="", visible=False)
        usual = "all" if choices(name) else "" if name == "prompt" else "on, off"
        return gr.Textbox(value=_SUGGESTED.get(name, usual), visible=True, placeholder=expectation(name))

    async def describe(self, *values: Any) -> str:
        """What a click would do with the form as it stands."""
        *form, session = values
        if form[-1] is None:
            return ""
        try:
            plan, picture = await self._read(form)
        except PlaygroundError as error:
            return format.error_line(error)
        return await self._safely_described(plan, picture, session)

    async def run(
        self,
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
            before = self._sweeps.get(visitor)
            if before is not None and not before.sweep.latest.is_over:
                raise BadInputError("A sweep is being made.", advice="Wait for it, or stop it first.")
            plan, picture = await self._read([x, x_values, y, y_values, seed, go_fast, base])
            client = self._backends.client(session, visitor)
            check_credits(client.model, len(await self._to_make(plan, picture, session)))
        except PlaygroundError as error:
            yield {tab.status: format.error_line(error)}
            return
        sweep = Sweep(plan, client, self._backends.bench, image=picture)
        self._remember(visitor, OnPage(sweep, base["image"] if base else None))
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
        values = cell.request.model_dump() | {"image": shown.image}
        return [gr.Tabs(selected="generate"), *(values[name] for name in INPUTS), gr.Accordion(open=shown.image is not None)]

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

    def _export_folder(self, visitor: str) -> Any:
        return self._backends.bench.folders[1] / "exports" / hashlib.sha256(visitor.encode()).hexdigest()[:32]

    async def _read(self, form: list[Any]) -> tuple[Plan, ImageFile | None]:
        """The plan that the form describes, and its image as it will be sent. Raises BadInputError."""
        x, x_values, y, y_values, seed, go_fast, base = form
        if base is None:
            raise BadInputError("The settings are missing.", advice="Take them over from Generate.")
        given = {name: base.get(name) for name in INPUTS} | {"seed": seed, "go_fast": bool(go_fast)}
        async with self._reading:
            request, picture, _ = await asyncio.to_thread(read_form, given)
        across = read_axis(x, x_values or "", request, place="First values")
        down = read_axis(y, y_values or "", request, place="Second values") if y else None
        return make_plan(request, across, down), picture

    def _remember(self, visitor: str, shown: OnPage) -> None:
        self._sweeps[visitor] = shown
        self._sweeps.move_to_end(visitor)
        finished = [name for name, other in self._sweeps.items() if other.sweep.latest.is_over and name != visitor]
        for name in finished[: max(0, len(self._sweeps) - _MOST_KEPT)]:
            del self._sweeps[name]

    async def _safely_described(self, plan: Plan, picture: ImageFile | None, session: Session) -> str:
        try:
            return await self._plan_line(plan, picture, session)
        except PlaygroundError as error:
            return format.error_line(error)

    async def _plan_line(self, plan: Plan, picture: ImageFile | None, session: Session) -> str:
        backends = self._backends
        client, model = backends.client(session, ""), backends.model(session)
        to_make = await self._to_make(plan, picture, session)
        check_credits(model, len(to_make))
        seconds = await backends.bench.results.seconds_a_step(client.base_url, model.id)
        steps = sum(request.num_inference_steps for request in to_make)
        return plan_line(
            model,
            requests=len(plan.requests),
            to_make=len(to_make),
            time_s=None if seconds is None else seconds * steps / (1 if model.is_free else 4),
            remarks=plan_remarks(plan, model, has_image=picture is not None),
        )

    async def _to_make(self, plan: Plan, picture: ImageFile | None, session: Session) -> list[PredictionInput]:
        client = self._backends.client(session, "")
        known = await find_results(self._backends.bench, client, plan.requests, image_digest=digest_of(picture))
        return list(left_to_make(plan, [request for request, result in known.items() if result.is_made]))

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
            plan = await self._safely_described(sweep.plan, sweep.image, session)
            last = {tab.grid: grid.table(sweep.plan, sweep.latest), tab.changes: "", tab.plan: plan}
            yield self._buttons(sweep.latest) | last
        finally:
            if not sweep.latest.is_over:
                sweep.leave()

    def _buttons(self, snapshot: Snapshot) -> Updates:
        tab, is_over = self._tab, snapshot.is_over
        uncertain = sum(made.is_uncertain for made in snapshot.made.values())
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
