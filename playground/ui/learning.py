"""The events of the Learn tab: opening a lesson, answering its question, running its sweep."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import gradio as gr
from gradio.blocks import Block
from PIL import Image

from playground.client.api import ImageFile
from playground.contract.effects import pixel_size
from playground.contract.inputs import PredictionInput, bounds
from playground.errors import BadInputError, PlaygroundError
from playground.experiments.run import Run, RunUpdate
from playground.history.entry import Account
from playground.lessons.claims import Made, figures
from playground.lessons.lesson import PICTURES, UPLOAD_FILE, Lesson, read_lessons
from playground.lessons.thumbnail import thumbnail
from playground.ui import format, lesson_view
from playground.ui.schedule_plot import schedule_plot
from playground.ui.session import Backends, Session

if TYPE_CHECKING:
    from playground.ui.learn import LearnTab

Updates = dict[Block, Any]


def plot(steps: float, megapixels: str, strength: float, from_image: bool) -> str:
    """The schedule of a square picture."""
    least, most = bounds("num_inference_steps")
    kept = max(least, min(most, int(steps or least)))
    size = megapixels if megapixels in ("1", "0.25") else "1"
    return schedule_plot(int(kept), pixel_size("1:1", size), max(0.0, min(1.0, float(strength or 0))) if from_image else None)


class Learning:
    """Handlers of one tab. Of a visitor they hold the run under way alone."""

    def __init__(self, backends: Backends, tab: "LearnTab") -> None:
        self._backends = backends
        self._tab = tab
        self._running: dict[str, Run] = {}

    def open(self, name: str) -> Updates:
        """Another lesson, with its question unanswered and its pictures unseen."""
        from playground.ui.learn import question_of

        tab, lesson = self._tab, _lesson(name)
        return {
            tab.head: lesson_view.head(lesson),
            tab.question: question_of(lesson),
            tab.show: gr.Button(visible=True),
            tab.seen: "",
            tab.depth: lesson_view.depth(lesson),
            tab.status: "",
            tab.own: "",
        }

    def answer(self, name: str, answer: int | None) -> Updates:
        """What the lesson says to the answer, and its pictures."""
        lesson = _lesson(name)
        shown = lesson_view.verdict(lesson, answer) + lesson_view.shipped_strip(lesson)
        return {self._tab.seen: shown, self._tab.show: gr.Button(visible=False)}

    async def run(self, name: str, seed: float | None, session: Session, page: gr.Request) -> AsyncIterator[Updates]:
        """The lesson's sweep on the pocket model, one value after the other, each shown as it is finished."""
        tab, lesson, visitor = self._tab, _lesson(name), page.session_hash or uuid4().hex
        try:
            requests = [_request(lesson, place, seed) for place in range(len(lesson.values))]
        except BadInputError as error:
            yield {tab.status: format.error_line(error)}
            return
        made: list[Made] = []
        yield {tab.run: gr.Button(interactive=False), tab.stop: gr.Button(interactive=True), tab.own: _strip(lesson, made)}
        ended = format.line("✓", f"{len(requests)} pictures by the pocket model · free", kind="good")
        for place, request in enumerate(requests):
            async for update in self._one(lesson, place, request, visitor, session):
                yield {tab.status: _progress(update, place, len(requests))}
            found = self._running.pop(visitor).latest
            if not found.files:
                ended = _failure(found)
                break
            made.append(await asyncio.to_thread(_read, found))
            yield {tab.own: await asyncio.to_thread(_strip, lesson, made)}
        yield {tab.status: ended, tab.run: gr.Button(interactive=True), tab.stop: gr.Button(interactive=False)}

    def take(self, name: str) -> Updates:
        """The lesson's settings in the Generate tab's form, which comes to the front; an image there stays."""
        lesson, tab = _lesson(name), self._tab
        request = lesson.request(len(lesson.values) - 1)
        values = {tab.inputs[key]: value for key, value in request.model_dump(exclude={"image"}).items()}
        return {**values, tab.tabs: gr.Tabs(selected="generate")}

    def last_run(self, page: gr.Request) -> str:
        """The steps of this visitor's last run on the Generate tab, as far as its page saw them."""
        shown = self._backends.shown.get(page.session_hash or "")
        if shown is None:
            return lesson_view.denoising({}, 0)
        progress = shown.run.latest.prediction.progress if shown.run.latest.prediction else None
        return lesson_view.denoising(shown.previews, progress.total if progress else 0)

    async def stop(self, page: gr.Request) -> Any:
        """Stop this visitor's sweep; what is finished stays."""
        if (run := self._running.get(page.session_hash or "")) is not None:
            run.cancel()
        return gr.Button(interactive=False)

    async def _one(
        self, lesson: Lesson, place: int, request: PredictionInput, visitor: str, session: Session
    ) -> AsyncIterator[RunUpdate]:
        image = None
        if lesson.has_image(place):
            data = await asyncio.to_thread((PICTURES / UPLOAD_FILE).read_bytes)
            image = ImageFile(UPLOAD_FILE, data, "image/webp")
        pocket, account = self._backends.pocket.as_visitor(client_id=session.visitor or visitor), Account(session.visitor)
        run = self._backends.bench.start(pocket, request, image=image, account=account)
        self._running[visitor] = run
        try:
            async for update in run.updates():
                yield update
        finally:
            if not run.latest.is_over:
                run.leave()


def _lesson(name: str) -> Lesson:
    lessons = read_lessons()
    return lessons.get(name) or next(iter(lessons.values()))


def _request(lesson: Lesson, place: int, seed: float | None) -> PredictionInput:
    least, most = bounds("seed")
    if seed is None or not max(1, least) <= seed <= most or seed != int(seed):
        raise BadInputError("Seed: a lesson needs one, so that luck stays the same.", advice="Enter a whole number from 1 on.")
    return lesson.request(place, seed=int(seed))


def _progress(update: RunUpdate, place: int, count: int) -> str:
    progress = update.prediction.progress if update.prediction else None
    share = (place + (progress.step / progress.total if progress and progress.total else 0)) / count
    return format.line("●", f"pocket model · picture {place + 1} of {count}", kind="busy", bar=share)


def _failure(update: RunUpdate) -> str:
    if update.error is not None:
        return format.error_line(update.error)
    if update.is_cancelling:
        return format.line("■", "stopped · free", kind="idle")
    reason = (update.prediction.error if update.prediction else None) or "no picture came back."
    return format.error_line(PlaygroundError(f"The lesson stopped: {reason}", advice="Run it again."))


def _read(update: RunUpdate) -> Made:
    """The pictures as they come out of their files. Blocks: use a thread."""
    pictures: list[Image.Image] = []
    for path in update.files:
        with Image.open(path) as opened:
            pictures.append(opened.convert("RGB"))
    return Made(tuple(pictures), update.files[0].read_bytes())


def _strip(lesson: Lesson, made: list[Made]) -> str:
    """The finished pictures, and the claim's figure as far as it is known: differences need the picture they are from."""
    count = len(lesson.values)
    waiting = [None] * (count - len(made))
    known: list[float | None] = []
    if made and (lesson.claim.figure != "from_last" or not waiting):
        with Image.open(PICTURES / UPLOAD_FILE) as uploaded:
            known = list(figures(lesson.claim.figure, made, image=uploaded.convert("RGB")))
    values = known + [None] * (count - len(known))
    return lesson_view.strip(lesson, [*(_thumbnail(one) for one in made), *waiting], values)


def _thumbnail(made: Made) -> str:
    buffer = BytesIO()
    thumbnail(made.pictures).save(buffer, "WEBP", quality=80)
    return lesson_view.data_uri(buffer.getvalue())
