"""The events of the Generate tab: what a click does, and how a run becomes updates of the page."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import gradio as gr
from gradio.blocks import Block

from playground.contract.effects import remarks, steps_run
from playground.contract.inputs import INPUTS, help_text
from playground.errors import BadInputError, KeyRefusedError, PlaygroundError
from playground.experiments.run import Run, RunUpdate
from playground.ui import format
from playground.ui.controls import EXAMPLE
from playground.ui.form import read_form, result_size, validated
from playground.ui.links import link_of
from playground.ui.session import Backends, Session, Shown

if TYPE_CHECKING:
    from playground.ui.generate import GenerateTab

Updates = dict[Block, Any]

_MOST_PICTURES_READ_AT_ONCE = 2  # decoding a large upload takes hundreds of megabytes for a moment

log = logging.getLogger(__name__)


class Generation:
    """Handlers of one tab. They hold no state of a visitor but what their page shows, in `backends.shown`."""

    def __init__(self, backends: Backends, tab: "GenerateTab") -> None:
        self._backends = backends
        self._tab = tab
        self._reading = asyncio.Semaphore(_MOST_PICTURES_READ_AT_ONCE)

    async def generate(
        self,
        prompt: str,
        aspect_ratio: str | None = None,
        image: str | None = None,
        prompt_strength: float | None = None,
        num_outputs: int | None = None,
        num_inference_steps: int | None = None,
        guidance: float | None = None,
        seed: int | None = None,
        output_format: str | None = None,
        output_quality: int | None = None,
        disable_safety_checker: bool | None = None,
        go_fast: bool | None = None,
        megapixels: str | None = None,
        session: Session | None = None,
        page: gr.Request | None = None,
    ) -> AsyncIterator[Updates]:
        """Make pictures from a prompt and, if given, an image.

        Returns:
            The picture files as delivered; the answer with model, status, seed and times; the request as it was sent.
        """
        given = {name: value for name, value in locals().items() if name in INPUTS}
        session = session or self._backends.first_session
        visitor = (page.session_hash if page else None) or uuid4().hex
        try:
            self._backends.check_connection(session, page)
            if image is not None:  # a large one takes a second or two
                yield {self._tab.status: format.line("○", "reading your image", kind="busy")}
            async with self._reading:
                request, picture, size_px = await asyncio.to_thread(read_form, given)
            client = self._backends.client(session, visitor)
            self._check_idle(visitor)
        except PlaygroundError as error:
            yield {self._tab.status: format.error_line(error), self._tab.answer: _refusal(error)}
            return
        body = client.body(request)
        if picture is not None:
            body["file:image"] = f"{picture.name}, {len(picture.data)} bytes"
        before = self._backends.shown.get(visitor)
        run = self._backends.bench.start(client, request, image=picture, account=self._backends.account(session))
        shown = Shown(run, size_px, body, before=before.files if before else (EXAMPLE,))
        async for update in self._follow(shown, visitor):
            yield update

    async def check_again(self, session: Session, page: gr.Request) -> AsyncIterator[Updates]:
        """Watch the last prediction again after contact was lost; sends no new one."""
        visitor = page.session_hash or ""
        lost = self._backends.shown.get(visitor)
        if lost is None or (accepted := lost.run.latest.prediction) is None:
            yield {self._tab.check_again: gr.Button(visible=False)}
            return
        account = self._backends.account(session)
        run = self._backends.bench.start(lost.run.client, lost.run.request, account=account, accepted=accepted)
        async for update in self._follow(replace(lost, run=run), visitor):
            yield update

    async def cancel(self, page: gr.Request) -> Any:
        """Ask the server to stop this visitor's run."""
        if (shown := self._backends.shown.get(page.session_hash or "")) is not None:
            shown.run.cancel()
        return gr.Button(interactive=False)

    def leave(self, page: gr.Request) -> None:
        """The page has gone: forget its last run. One under way has noticed by itself."""
        shown = self._backends.shown.get(page.session_hash or "")
        if shown is not None and shown.run.latest.is_over:
            del self._backends.shown[page.session_hash or ""]

    def describe(self, *values: Any) -> Updates:
        """What a click would do with the form as it stands."""
        *fields, session, locked = values
        given = dict(zip(INPUTS, fields, strict=True))
        image, model = given["image"], self._backends.model(session)
        # The plan is for the whole form while its prompt is still being typed.
        typed = given | {"prompt": str(given["prompt"] or "").strip() or "…"}
        try:
            request = validated(typed)
            size_px = result_size(request, image)
        except BadInputError as error:
            plan = format.error_line(error)
        else:
            plan = format.plan_line(
                model,
                size_px=size_px,
                steps=steps_run(request, has_image=image is not None),
                pictures=request.num_outputs,
                remarks=remarks(request, model, has_image=image is not None),
            )
        ratio_help = help_text("aspect_ratio") if image is None else "Ignored: the result follows your image."
        return {
            self._tab.plan: plan,
            self._tab.inputs["aspect_ratio"]: gr.Radio(
                interactive=image is None and "aspect_ratio" not in locked, info=ratio_help
            ),
            self._tab.inputs["prompt_strength"]: gr.Slider(visible=image is not None),
        }

    def fit_to_model(self, prompt: str, session: Session, page: gr.Request) -> Updates:
        """The form for this visitor's model: its hint, its example where nobody has typed yet, what has no effect on it."""
        model = self._backends.model(session)
        examples = {"", *(client.model.example_prompt for client in (self._backends.pocket, self._backends.hosted))}
        # A prompt that is right is not sent back: it would overwrite what is typed, or filled by a link, in that moment.
        wanted = model.example_prompt if prompt in examples and not link_of(page).fills_form else ""
        value: dict[str, Any] = {"value": wanted} if wanted and wanted != prompt else {}
        hint = f"{help_text('prompt')} {model.prompt_hint}".strip()
        return {
            self._tab.inputs["prompt"]: gr.Textbox(**value, info=hint),
            self._tab.things: format.things_line(model),
            self._tab.inputs["disable_safety_checker"]: gr.Checkbox(info=format.help_line("disable_safety_checker", model)),
        }

    def pick(self, event: gr.SelectData) -> int:
        """Which picture of the gallery is looked at."""
        return event.index if isinstance(event.index, int) else 0

    def use_as_input(self, picked: int, page: gr.Request) -> Any:
        """The picture that is looked at, as the image to start from; the server's own list, not one that a request names."""
        shown = self._backends.shown.get(page.session_hash or "")
        files = shown.files if shown else (EXAMPLE,)
        if not files:
            return gr.skip(), gr.skip()
        return str(files[max(0, min(picked, len(files) - 1))]), gr.Accordion(open=True)

    def _check_idle(self, visitor: str) -> None:
        """Raise where a paid run of this visitor is under way: a second one would be paid for by accident."""
        shown = self._backends.shown.get(visitor)
        if shown is not None and not shown.run.client.model.is_free and not shown.run.latest.is_over:
            raise BadInputError("A paid picture is already being made.", advice="Wait for it, or cancel it first.")

    async def _follow(self, shown: Shown, visitor: str) -> AsyncIterator[Updates]:
        tab, run = self._tab, shown.run
        sent = json.dumps(shown.body, indent=2, ensure_ascii=False)
        self._backends.show(visitor, shown)
        is_cleared = False
        try:
            yield {
                tab.request: sent,
                tab.generate: gr.Button(interactive=False),
                tab.cancel: gr.Button(interactive=True),
                tab.check_again: gr.Button(visible=False),
            }
            async for update in run.updates():
                changes = self._changes(shown, update)
                if update.prediction is not None and not is_cleared:
                    changes[tab.gallery], is_cleared = [], True  # the last picture stays until a new one is on its way
                if update.is_over:
                    changes |= self._final(shown, update) | {tab.request: sent}  # an API call gets the last update alone
                yield changes
        finally:
            if not run.latest.is_over:
                run.leave()

    def _changes(self, shown: Shown, update: RunUpdate) -> Updates:
        """What every update changes. A page that cannot show one says so and goes on: the run may be paid for."""
        tab, run = self._tab, shown.run
        if update.prediction is not None and update.prediction.progress is not None:
            shown.keep_preview(update.prediction.progress.step, format.preview_uri(update))
        try:
            return {
                tab.status: format.run_line(
                    update, run.client.model, seed=_seed(update, run.request.seed), pictures=run.request.num_outputs
                ),
                tab.stage: format.preview(update, shown.size_px, pictures=run.request.num_outputs),
                tab.answer: _answer(run, update),
            }
        except Exception:
            log.exception("an update could not be shown")
            problem = "This update could not be shown; the server's log says why."
            return {tab.status: format.line("✗", problem, kind="bad")}

    def _final(self, shown: Shown, update: RunUpdate) -> Updates:
        tab, run = self._tab, shown.run
        was_lost = update.error is not None and update.prediction is not None
        final: Updates = {
            tab.generate: gr.Button(interactive=True),
            tab.cancel: gr.Button(interactive=False),
            tab.check_again: gr.Button(visible=was_lost),
        }
        # Where nothing came of it, the pictures from before are still the latest.
        final |= {tab.gallery: [str(path) for path in shown.files], tab.picked: 0}
        if update.files:
            final[tab.last_seed] = _seed(update, run.request.seed)
        return final


def _seed(update: RunUpdate, asked: int | None) -> int | None:
    return (update.prediction.seed if update.prediction else None) or asked


def _answer(run: Run, update: RunUpdate) -> dict[str, Any]:
    """The answer in the API's words, without what the page shows elsewhere."""
    if update.prediction is None:
        return _refusal(update.error) if update.error else {"status": "sending"}
    prediction, progress = update.prediction, update.prediction.progress
    answer: dict[str, Any] = {
        "model": prediction.model or run.client.model.id,
        "job_id": prediction.job_id,
        "status": prediction.status.value,
        "seed": _seed(update, run.request.seed),
        "credits": run.client.model.credits_per_request,
    }
    if progress and not prediction.status.is_terminal:
        answer |= progress.model_dump(exclude={"preview"}, exclude_none=True)
    answer |= {"metrics": prediction.metrics} if prediction.metrics else {}
    answer |= {"notes": list(prediction.notes)} if prediction.notes else {}
    problem = update.error or prediction.error
    return answer | ({"error": str(problem)} if problem else {})


def _refusal(error: PlaygroundError) -> dict[str, Any]:
    return {"status": "not sent" if isinstance(error, BadInputError | KeyRefusedError) else "failed", "error": str(error)}
