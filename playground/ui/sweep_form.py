"""The form of the Sweep tab: what is typed becomes a plan, and what a click would do is said beforehand."""

import asyncio
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.contract.inputs import INPUTS, PredictionInput, choices
from playground.errors import BadInputError, PlaygroundError, StorageError
from playground.experiments.axis import Axis, expectation, image_axis, read_axis
from playground.experiments.plan import Plan, check_credits, left_to_make, make_plan, plan_remarks
from playground.experiments.sweep import look_up
from playground.history.results import is_made, seconds_a_step
from playground.ui import format
from playground.ui.form import read_form
from playground.ui.session import Backends, Session
from playground.ui.sweep_images import SweepImages, read_images
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
            return [gr.skip()] * 9
        x, x_values, y, y_values, seed, go_fast, base = opened
        across = _box(x, x_values) if x else gr.skip()
        seed = gr.skip() if seed is None else seed
        line = settings_line(base, model)
        return [x or gr.skip(), across, y, _box(y, y_values), seed, go_fast, base, line, self.place_pictures(x, y)]

    def suggest(self, name: str) -> Any:
        """Values to begin with for an input that was just chosen; what else can be written stands under the box."""
        usual = "all" if name and choices(name) else "" if name == "prompt" else "on, off"
        return _box(name, _SUGGESTED.get(name, usual))

    def place_pictures(self, x: str, y: str) -> Any:
        """The place to drop pictures, where one of the axes is the image."""
        return gr.Column(visible="image" in (x, y))

    async def describe(self, *values: Any) -> str:
        """What a click would do with the form as it stands."""
        *form, session = values
        if form[-1] is None:
            return ""
        try:
            plan, _ = await self.read(form)
        except PlaygroundError as error:
            return format.error_line(error)
        return await self.described(plan, session)

    async def read(self, form: list[Any]) -> tuple[Plan, SweepImages]:
        """The plan that the form describes, and the pictures it starts from. Raises BadInputError."""
        dropped, also_none, x, x_values, y, y_values, seed, go_fast, base = form
        if base is None:
            raise BadInputError("The settings are missing.", advice="Take them over from Generate.")
        given = {name: base.get(name) for name in INPUTS} | {"seed": seed, "go_fast": bool(go_fast), "image": None}
        request, _, _ = read_form(given)
        varies_image = "image" in (x, y)
        paths = (dropped or []) if varies_image else [base["image"]] if base.get("image") else []
        async with self._reading:
            images = await asyncio.to_thread(read_images, paths)
        if paths and not varies_image:
            request = request.model_copy(update={"image": next(iter(images.paths))})

        def axis(name: str, text: str | None, place: str) -> Axis:
            if name == "image":
                return image_axis(images.names, also_none=bool(also_none), place=place)
            return read_axis(name, text or "", request, place=place)

        across = axis(x, x_values, "First values")
        down = axis(y, y_values, "Second values") if y else None
        plan = make_plan(request, across, down, image_names=images.names)
        if len(plan.cells) > self._backends.most_cells:
            raise BadInputError(
                f"These axes make {len(plan.cells)} pictures; here one sweep makes at most {self._backends.most_cells}.",
                advice="Name fewer values.",
            )
        return plan, images

    async def described(self, plan: Plan, session: Session) -> str:
        """What a click would do with this plan, as HTML."""
        try:
            return await self._plan_line(plan, session)
        except PlaygroundError as error:
            return format.error_line(error)

    async def _plan_line(self, plan: Plan, session: Session) -> str:
        backends = self._backends
        client, model = backends.client(session, ""), backends.model(session)
        to_make = await self.to_make(plan, session)
        check_credits(model, len(to_make))
        seconds = await seconds_a_step(backends.bench.history, client.base_url, model.id)
        steps = sum(request.num_inference_steps for request in to_make)
        return plan_line(
            model,
            requests=len(plan.requests),
            to_make=len(to_make),
            time_s=None if seconds is None else seconds * steps / (1 if model.is_free else 4),
            remarks=plan_remarks(plan, model),
        )

    async def to_make(self, plan: Plan, session: Session) -> list[PredictionInput]:
        """The plan's requests that are not on disk. Raises StorageError."""
        client = self._backends.client(session, "")
        try:
            account = self._backends.account(session)
            known = await look_up(self._backends.bench, client, plan.requests, account=account)
        except StorageError:
            if not client.model.is_free:
                raise
            return list(plan.requests)  # the sweep itself says that nothing can be kept
        return list(left_to_make(plan, [request for request, one in known.items() if is_made(one.best)]))


def _box(name: str, values: str) -> Any:
    """The text box of an axis over this input: gone where there is no axis, or pictures take its place."""
    if not name or name == "image":
        return gr.Textbox(value="", visible=False)
    return gr.Textbox(value=values, visible=True, placeholder=expectation(name))
