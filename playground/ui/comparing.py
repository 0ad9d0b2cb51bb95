"""The events of the Compare tab: its forms as requests, their runs at once, and what the pictures tell."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from playground.contract.effects import remarks, steps_run
from playground.contract.inputs import INPUTS, help_text
from playground.errors import BadInputError, PlaygroundError
from playground.experiments.run import RunUpdate
from playground.ui import compared, format
from playground.ui.form import result_size, validated
from playground.ui.session import Backends
from playground.ui.trial import OWN_INPUTS, PAIRS, Form, Trial, by_side, figures_of, look, read_sides, updates_of

if TYPE_CHECKING:
    from playground.ui.compare import CompareTab

Updates = dict[Block, Any]

_MOST_KEPT = 1000
_MOST_PICTURES_READ_AT_ONCE = 2

log = logging.getLogger(__name__)


class Comparing:
    """Handlers of one tab; of a visitor they hold the trial that the page shows."""

    def __init__(self, backends: Backends, tab: "CompareTab") -> None:
        self._backends = backends
        self._tab = tab
        self._reading = asyncio.Semaphore(_MOST_PICTURES_READ_AT_ONCE)
        self._trials: OrderedDict[str, Trial] = OrderedDict()

    def describe(self, *values: Any) -> list[Any]:
        """What differs and what a click would do; the controls that the image or the shared seed rules out."""
        form, session = Form.read(values[:-1]), values[-1]
        image, model = form.sides[0]["image"], self._backends.model(session)
        found = ""
        try:
            # The plan is for the whole form while a prompt is still being typed.
            requests = [validated(given | {"prompt": str(given["prompt"] or "").strip() or "…"}) for given in form.sides]
            found = compared.differences_line(requests, one_seed=form.one_seed)
            has_image = image is not None
            plan = compared.plan(
                model,
                requests,
                sizes_px=[result_size(request, image) for request in requests],
                steps=[steps_run(request, has_image=has_image) for request in requests],
            ) + compared.remarks_list([remarks(request, model, has_image=has_image) for request in requests])
        except BadInputError as error:
            plan = format.error_line(error)
        ratio_help = help_text("aspect_ratio") if image is None else "Ignored: the result follows your image."
        ratio, strength = gr.Radio(interactive=image is None, info=ratio_help), gr.Slider(visible=image is not None)
        # A value of None empties the box: with one seed, what stands in B's or C's would not count.
        locked: dict[str, Any] = {"value": None, "placeholder": "as A", "interactive": False}
        seed = gr.Number(**locked) if form.one_seed else gr.Number(placeholder="random", interactive=True)
        count = len(self._tab.sides)
        return [plan, found, *[ratio, strength] * count, *[seed] * (count - 1)]

    def fit_to_model(self, *values: Any) -> list[Any]:
        """Each prompt: this model's hint, and its example where nobody has typed yet; what has no effect on it."""
        *given, session = values
        model = self._backends.model(session)
        examples = {"", *(client.model.example_prompt for client in (self._backends.pocket, self._backends.hosted))}
        hint, example = f"{help_text('prompt')} {model.prompt_hint}".strip(), model.example_prompt
        # A value only where it changes: one that was read before a link filled the form would undo the link.
        changed: list[dict[str, Any]] = [
            {"value": example} if example and prompt in examples and prompt != example else {} for prompt in given
        ]
        prompts = [gr.Textbox(info=hint, **change) for change in changed]
        return [*prompts, *(gr.Checkbox(info=format.help_line("disable_safety_checker", model)) for _ in prompts)]

    async def run(self, page: gr.Request, *values: Any) -> AsyncGenerator[Updates]:
        """Start all sides at once and follow them to their ends; what one comes to does not touch the others."""
        *fields, pair, session = values
        visitor = page.session_hash or ""
        try:
            self._backends.check_connection(session, page)
            self._check_idle(visitor)
            form = Form.read(fields)
            if form.sides[0]["image"] is not None:
                yield {self._tab.problem: format.line("○", "reading your image", kind="busy")}
            async with self._reading:
                read = await asyncio.to_thread(read_sides, form)
            client = self._backends.client(session, visitor)
            self._check_idle(visitor)
        except PlaygroundError as error:
            yield {self._tab.problem: format.error_line(error)}
            return
        start = partial(self._backends.bench.start, client, account=self._backends.account(session))
        runs = tuple(start(request, image=image) for request, image, _ in read)
        trial = Trial(runs, tuple(size_px for *_, size_px in read))
        self._keep(visitor, trial)
        async with aclosing(self._follow(trial, pair)) as following:
            async for updates in following:
                yield updates

    async def cancel(self, page: gr.Request) -> Any:
        """Ask the server to stop them all."""
        if (trial := self._trials.get(page.session_hash or "")) is not None:
            for run in trial.runs:
                run.cancel()
        return gr.Button(interactive=False)

    def leave(self, page: gr.Request) -> None:
        """The page has gone: forget its trial. One under way has noticed by itself."""
        if (trial := self._trials.get(page.session_hash or "")) is not None and trial.is_over:
            del self._trials[page.session_hash or ""]

    def swap_forms(self, *values: Any) -> list[Any]:
        """The inputs of B, then those of A; a shared seed stays where it is."""
        *own, one_seed = values
        a, b = by_side(own)
        if one_seed:
            place = OWN_INPUTS.index("seed")
            a[place], b[place] = b[place], a[place]
        return [*b, *a]

    async def swap_results(self, pair: str, page: gr.Request) -> Updates:
        """The pictures and figures that are shown follow their settings to the other side."""
        visitor = page.session_hash or ""
        trial = self._trials.get(visitor)
        if trial is None or not trial.is_over:
            return {self._tab.view: gr.skip()}
        trial = trial.swapped
        self._keep(visitor, trial)
        return await self._results(trial, pair) | self._status_lines(trial, [run.latest for run in trial.runs])

    async def choose_pair(self, pair: str, page: gr.Request) -> Updates:
        """Another pair of the pictures that are shown, under the slider and measured."""
        trial = self._trials.get(page.session_hash or "")
        if trial is None or not trial.is_over:
            return {self._tab.apart: gr.skip()}
        return await self._pair(trial, pair)

    def from_generate(self, *values: Any) -> list[Any]:
        """The Generate tab's form as A, and as every other side that was a copy of A; Go fast stays as it is here."""
        given = dict(zip(INPUTS, values[: len(INPUTS)], strict=True))
        sides = by_side(values[len(INPUTS) :])
        taken = [here if name == "go_fast" else given[name] for name, here in zip(OWN_INPUTS, sides[0], strict=True)]
        filled = [taken if self._are_alike(sides[0], side) else side for side in sides]
        return [*(value for side in filled for value in side), given["image"]]

    def copy_to_third(self, has_third: bool, *a: Any) -> list[Any]:
        """C as a copy of A when somebody asks for it."""
        return list(a) if has_third else [gr.skip() for _ in a]

    def to_generate(self, *values: Any) -> list[Any]:
        """One side's settings in the Generate tab, with the shared seed where there is one, and that tab in front."""
        *own, shared_seed, one_seed, image = values
        given = dict(zip(OWN_INPUTS, own, strict=True)) | {"image": image} | ({"seed": shared_seed} if one_seed else {})
        panel = gr.Accordion(open=True) if image is not None else gr.skip()
        return [gr.Tabs(selected="generate"), panel, *(given[name] for name in INPUTS)]

    @staticmethod
    def _are_alike(a: Sequence[Any], other: Sequence[Any]) -> bool:
        """Whether two forms are the same but for their seeds."""
        return all(x == y for name, x, y in zip(OWN_INPUTS, a, other, strict=True) if name != "seed")

    def _check_idle(self, visitor: str) -> None:
        """Raise where a trial of this visitor is under way: a second one would be made, and paid for, by accident."""
        trial = self._trials.get(visitor)
        if trial is not None and not trial.is_over:
            raise BadInputError("These pictures are already being made.", advice="Wait for them, or cancel them first.")

    def _keep(self, visitor: str, trial: Trial) -> None:
        self._trials[visitor] = trial
        self._trials.move_to_end(visitor)
        finished = [name for name, other in self._trials.items() if other.is_over]
        for name in finished[: max(0, len(self._trials) - _MOST_KEPT)]:
            del self._trials[name]

    async def _follow(self, trial: Trial, pair: str) -> AsyncGenerator[Updates]:
        tab = self._tab
        latest: list[RunUpdate] = [run.latest for run in trial.runs]
        try:
            yield {
                tab.problem: "",
                tab.run: gr.Button(interactive=False),
                tab.swap: gr.Button(interactive=False),
                tab.pair: gr.Radio(interactive=False),
                tab.cancel: gr.Button(interactive=True),
            }
            async with aclosing(updates_of(trial.runs)) as updates:
                async for place, update in updates:
                    latest[place] = update
                    yield self._status_lines(trial, latest) | {tab.previews: compared.previews(latest, trial.sizes_px)}
            yield await self._results(trial, pair) | self._status_lines(trial, latest) | {
                tab.run: gr.Button(interactive=True),
                tab.swap: gr.Button(interactive=True),
                tab.cancel: gr.Button(interactive=False),
            }  # fmt: skip
        finally:
            for run in trial.runs:
                if not run.latest.is_over:
                    run.leave()

    def _status_lines(self, trial: Trial, updates: Sequence[RunUpdate]) -> Updates:
        lines: Updates = {side.status: "" for side in self._tab.sides}
        for side, run, update in zip(self._tab.sides, trial.runs, updates, strict=False):
            lines[side.status] = compared.status(side.name, update, run.client.model, run.request)
        return lines

    async def _results(self, trial: Trial, pair: str) -> Updates:
        """The pictures in every view, and the figures of those that came to be; of another pair where `pair` is not whole."""
        tab, pairs = self._tab, trial.pairs()
        is_any = any(trial.files)
        pair = pair if pair in pairs else next(iter(pairs), PAIRS[0])
        async with self._reading:
            figures = await asyncio.to_thread(figures_of, trial)
        return await self._pair(trial, pair) | {
            **{side.picture: str(path) if path else None for side, path in zip(tab.sides, trial.files, strict=True)},
            tab.pair: gr.Radio(value=pair, interactive=True, visible=True if len(pairs) > 1 else "hidden"),
            tab.shown: compared.made_with([run.request for run in trial.runs]) if is_any else "",
            tab.figures: figures,
            tab.view: gr.skip() if pairs else "Side by side",
            tab.previews: "" if is_any else compared.EMPTY_STAGE,
        }

    async def _pair(self, trial: Trial, pair: str) -> Updates:
        """One pair's slides, heat map, and how far its pictures are apart; nothing where one of them is missing."""
        tab = self._tab
        if pair not in trial.pairs():
            return {tab.slider: None, tab.heat: None, tab.apart: ""}
        async with self._reading:
            seen = await asyncio.to_thread(look, trial, pair)
        return {tab.slider: seen.slides, tab.heat: seen.heat, tab.apart: seen.words}
