"""The events of the Compare tab: both forms as requests, both runs at once, and what their pictures tell."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from playground.contract.effects import effective_seed, remarks, steps_run
from playground.contract.inputs import INPUTS, help_text
from playground.errors import BadInputError, PlaygroundError
from playground.experiments.comparison import differences
from playground.experiments.run import RunUpdate
from playground.ui import compared, format
from playground.ui.form import result_size, validated
from playground.ui.pair import OWN_INPUTS, Form, Pair, measure, read_both, updates_of
from playground.ui.session import Backends, Session

if TYPE_CHECKING:
    from playground.ui.compare import CompareTab

Updates = dict[Block, Any]

_MOST_KEPT = 1000
_MOST_PICTURES_READ_AT_ONCE = 2

log = logging.getLogger(__name__)


class Comparing:
    """Handlers of one tab; of a visitor they hold the pair that the page shows."""

    def __init__(self, backends: Backends, tab: "CompareTab") -> None:
        self._backends = backends
        self._tab = tab
        self._reading = asyncio.Semaphore(_MOST_PICTURES_READ_AT_ONCE)
        self._pairs: OrderedDict[str, Pair] = OrderedDict()

    def describe(self, *values: Any) -> list[Any]:
        """What differs and what a click would do; the controls that the image or the shared seed rules out."""
        form, session = Form.read(values[:-1]), values[-1]
        image, model = form.sides[0]["image"], self._backends.model(session)
        found = ""
        try:
            # The plan is for the whole form while a prompt is still being typed.
            requests = [validated(given | {"prompt": str(given["prompt"] or "").strip() or "…"}) for given in form.sides]
            apart = differences(requests, one_seed=form.one_seed)
            seeds_equal = len({effective_seed(request) for request in requests} - {None}) == 1
            found = compared.differences_line(apart, one_seed=form.one_seed, seeds_equal=seeds_equal)
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
        # A value of None empties the box: with one seed, what stands in B's would not count.
        locked: dict[str, Any] = {"value": None, "placeholder": "as A", "interactive": False}
        seed = gr.Number(**locked) if form.one_seed else gr.Number(placeholder="random", interactive=True)
        return [plan, found, ratio, strength, ratio, strength, seed]

    def fit_to_model(self, a: str, b: str, session: Session) -> list[Any]:
        """Both prompts: this model's hint, and its example where nobody has typed yet; what has no effect on it."""
        model = self._backends.model(session)
        examples = {"", *(client.model.example_prompt for client in (self._backends.pocket, self._backends.hosted))}
        hint, example = f"{help_text('prompt')} {model.prompt_hint}".strip(), model.example_prompt
        # A value only where it changes: one that was read before a link filled the form would undo the link.
        changed: list[dict[str, Any]] = [
            {"value": example} if example and prompt in examples and prompt != example else {} for prompt in (a, b)
        ]
        prompts = [gr.Textbox(info=hint, **change) for change in changed]
        return [*prompts, *(gr.Checkbox(info=format.help_line("disable_safety_checker", model)) for _ in prompts)]

    async def run_both(self, page: gr.Request, *values: Any) -> AsyncGenerator[Updates]:
        """Start A and B at once and follow both to their ends; what one comes to does not touch the other."""
        *fields, session = values
        visitor = page.session_hash or ""
        try:
            self._backends.check_connection(session, page)
            self._check_idle(visitor)
            form = Form.read(fields)
            if form.sides[0]["image"] is not None:
                yield {self._tab.problem: format.line("○", "reading your image", kind="busy")}
            async with self._reading:
                read = await asyncio.to_thread(read_both, form)
            client = self._backends.client(session, visitor)
            self._check_idle(visitor)
        except PlaygroundError as error:
            yield {self._tab.problem: format.error_line(error)}
            return
        (a, image_a, size_a), (b, image_b, size_b) = read
        start = partial(self._backends.bench.start, account=self._backends.account(session))
        pair = Pair((start(client, a, image=image_a), start(client, b, image=image_b)), (size_a, size_b))
        self._keep(visitor, pair)
        async with aclosing(self._follow(pair)) as following:
            async for updates in following:
                yield updates

    async def cancel(self, page: gr.Request) -> Any:
        """Ask the server to stop both."""
        if (pair := self._pairs.get(page.session_hash or "")) is not None:
            for run in pair.runs:
                run.cancel()
        return gr.Button(interactive=False)

    def leave(self, page: gr.Request) -> None:
        """The page has gone: forget its pair. One under way has noticed by itself."""
        if (pair := self._pairs.get(page.session_hash or "")) is not None and pair.is_over:
            del self._pairs[page.session_hash or ""]

    def swap_forms(self, *values: Any) -> list[Any]:
        """The inputs of B, then those of A; a shared seed stays where it is."""
        *fields, one_seed = values
        a, b = fields[: len(OWN_INPUTS)], fields[len(OWN_INPUTS) :]
        if one_seed:
            place = OWN_INPUTS.index("seed")
            a[place], b[place] = b[place], a[place]
        return [*b, *a]

    async def swap_results(self, page: gr.Request) -> Updates:
        """The pictures and figures that are shown follow their settings to the other side."""
        visitor = page.session_hash or ""
        pair = self._pairs.get(visitor)
        if pair is None or not pair.is_over:
            return {self._tab.view: gr.skip()}
        self._keep(visitor, pair.swapped)
        return await self._results(pair.swapped) | self._status_lines(pair.swapped, [run.latest for run in pair.swapped.runs])

    def from_generate(self, *values: Any) -> list[Any]:
        """The Generate tab's form as A, and as B too where B was a copy of A; Go fast stays as it is here."""
        given = dict(zip(INPUTS, values[: len(INPUTS)], strict=True))
        own = list(values[len(INPUTS) :])
        a, b = own[: len(OWN_INPUTS)], own[len(OWN_INPUTS) :]
        were_alike = all(x == y for name, x, y in zip(OWN_INPUTS, a, b, strict=True) if name != "seed")
        taken = [here if name == "go_fast" else given[name] for name, here in zip(OWN_INPUTS, a, strict=True)]
        return [*taken, *(taken if were_alike else b), given["image"]]

    def to_generate(self, *values: Any) -> list[Any]:
        """One side's settings in the Generate tab, with the shared seed where there is one, and that tab in front."""
        *own, shared_seed, one_seed, image = values
        given = dict(zip(OWN_INPUTS, own, strict=True)) | {"image": image} | ({"seed": shared_seed} if one_seed else {})
        panel = gr.Accordion(open=True) if image is not None else gr.skip()
        return [gr.Tabs(selected="generate"), panel, *(given[name] for name in INPUTS)]

    def _check_idle(self, visitor: str) -> None:
        """Raise where a pair of this visitor is under way: a second one would be made, and paid for, by accident."""
        pair = self._pairs.get(visitor)
        if pair is not None and not pair.is_over:
            raise BadInputError("A and B are already being made.", advice="Wait for them, or cancel them first.")

    def _keep(self, visitor: str, pair: Pair) -> None:
        self._pairs[visitor] = pair
        self._pairs.move_to_end(visitor)
        finished = [name for name, other in self._pairs.items() if other.is_over]
        for name in finished[: max(0, len(self._pairs) - _MOST_KEPT)]:
            del self._pairs[name]

    async def _follow(self, pair: Pair) -> AsyncGenerator[Updates]:
        tab = self._tab
        latest: list[RunUpdate] = [run.latest for run in pair.runs]
        try:
            yield {
                tab.problem: "",
                tab.run: gr.Button(interactive=False),
                tab.swap: gr.Button(interactive=False),
                tab.cancel: gr.Button(interactive=True),
            }
            async with aclosing(updates_of(pair.runs)) as updates:
                async for place, update in updates:
                    latest[place] = update
                    yield self._status_lines(pair, latest) | {tab.previews: compared.previews(latest, pair.sizes_px)}
            yield await self._results(pair) | self._status_lines(pair, latest) | {
                tab.run: gr.Button(interactive=True),
                tab.swap: gr.Button(interactive=True),
                tab.cancel: gr.Button(interactive=False),
            }  # fmt: skip
        finally:
            for run in pair.runs:
                if not run.latest.is_over:
                    run.leave()

    def _status_lines(self, pair: Pair, updates: Sequence[RunUpdate]) -> Updates:
        lines = [
            compared.status(side, update, run.client.model, run.request)
            for side, run, update in zip(compared.SIDES, pair.runs, updates, strict=True)
        ]
        return {self._tab.a.status: lines[0], self._tab.b.status: lines[1]}

    async def _results(self, pair: Pair) -> Updates:
        """The pictures in every view, and the figures of those that came to be."""
        tab = self._tab
        files = [run.latest.files[0] if run.latest.files else None for run in pair.runs]
        async with self._reading:
            seen = await asyncio.to_thread(measure, pair)
        are_both = all(files)
        return {
            tab.slider: seen.slides if are_both else None,
            tab.a.picture: str(files[0]) if files[0] else None,
            tab.b.picture: str(files[1]) if files[1] else None,
            tab.heat: seen.heat,
            tab.shown: compared.made_with([run.request for run in pair.runs]) if any(files) else "",
            tab.figures: seen.words,
            tab.view: gr.skip() if are_both else "Side by side",
            tab.previews: "" if any(files) else compared.EMPTY_STAGE,
        }
