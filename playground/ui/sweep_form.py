"""The form of the Sweep tab: what is typed becomes a plan, and what a click would do is said beforehand."""

import asyncio
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.client.api import ImageFile
from playground.contract.inputs import INPUTS, PredictionInput, choices
from playground.errors import BadInputError, PlaygroundError
from playground.experiments.axis import expectation, read_axis
from playground.experiments.plan import Plan, check_credits, left_to_make, make_plan, plan_remarks
from playground.experiments.sweep import look_up
from playground.history.results import is_made, seconds_a_step
from playground.ui import format
from playground.ui.form import read_form
from playground.ui.session import Backends, Session
from playground.ui.swept import plan_line, settings_line
from playground.ui.tab_links import sweep_to_open

if TYPE_CHECKING:
    from playground.ui.sweep import SweepTab

_MOST_READ_AT_ONCE = 2
_SUGGESTED = {
    "guidance": "1, 3, 8",
    "num_inference_steps": "4, 8, 28",
    "prompt_strength": "0.2-0.8:0.2",
    "seed": "4 seeds",
    "num_outputs": "1, 2",
    "output_quality": "10, 50, 90",
}


class SweepForm:
    """Handlers of the tab's form."""

    def __init__(self, backends: Backends, tab: "SweepTab") -> None:
        self._backends = backends
        self._tab = tab
        self._reading = asyncio.Semaphore(_MOST_READ_AT_ONCE)

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
            plan, picture = await self.read(form)
        except PlaygroundError as error:
            return format.error_line(error)
        return await self.described(plan, picture, session)

    async def read(self, form: list[Any]) -> tuple[Plan, ImageFile | None]:
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

    async def described(self, plan: Plan, picture: ImageFile | None, session: Session) -> str:
        """What a click would do with this plan, as HTML."""
        try:
            return await self._plan_line(plan, picture, session)
        except PlaygroundError as error:
            return format.error_line(error)

    async def _plan_line(self, plan: Plan, picture: ImageFile | None, session: Session) -> str:
        backends = self._backends
        client, model = backends.client(session, ""), backends.model(session)
        to_make = await self.to_make(plan, picture, session)
        check_credits(model, len(to_make))
        seconds = await seconds_a_step(backends.bench.history, client.base_url, model.id)
        steps = sum(request.num_inference_steps for request in to_make)
        return plan_line(
            model,
            requests=len(plan.requests),
            to_make=len(to_make),
            time_s=None if seconds is None else seconds * steps / (1 if model.is_free else 4),
            remarks=plan_remarks(plan, model, has_image=picture is not None),
        )

    async def to_make(self, plan: Plan, picture: ImageFile | None, session: Session) -> list[PredictionInput]:
        """The plan's requests that are not on disk. Raises StorageError."""
        client = self._backends.client(session, "")
        known = await look_up(self._backends.bench, client, plan.requests, image=picture)
        return list(left_to_make(plan, [request for request, entry in known.items() if is_made(entry)]))
