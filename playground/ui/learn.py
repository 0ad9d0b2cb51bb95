"""The Learn tab: a shelf of lessons; each asks, shows, explains, and runs its own sweep on the pocket model."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.contract.inputs import bounds, choices, default, label
from playground.lessons.lesson import Lesson, read_lessons
from playground.ui import lesson_view
from playground.ui.generate import GenerateTab
from playground.ui.learning import Learning, plot
from playground.ui.links import lesson_to_open
from playground.ui.session import Backends

_MOST_LESSONS_AT_ONCE = 100  # each is an idle coroutine; the worker is what they wait for


@dataclass(frozen=True)
class LearnTab:
    """The tab's components."""

    lesson: gr.Radio
    head: gr.HTML
    question: gr.Radio
    show: gr.Button
    seen: gr.HTML
    depth: gr.HTML
    seed: gr.Number
    run: gr.Button
    stop: gr.Button
    take: gr.Button
    status: gr.HTML
    own: gr.HTML
    steps: gr.HTML
    inputs: dict[str, Component]
    """The Generate tab's, to be filled from here."""
    tabs: gr.Tabs


def build_learn_tab(
    backends: Backends, session: gr.State, *, generate: GenerateTab, tabs: gr.Tabs, tab: gr.Tab, load: Any
) -> LearnTab:
    """Lay the tab out and wire its events. `generate` is the tab whose form a lesson can fill, `tab` this one itself."""
    lessons = read_lessons()
    first = next(iter(lessons.values()))
    with gr.Row(elem_id="learn", equal_height=False):
        with gr.Column(elem_id="learn_shelf", scale=2, min_width=200):
            names = [(label(name), name) for name in lessons]
            lesson = gr.Radio(names, value=first.input, label="Lessons", elem_id="lesson")
        with gr.Column(elem_id="learn_page", scale=8, min_width=320):
            head = gr.HTML(lesson_view.head(first), elem_id="lesson_head")
            question = question_of(first)
            show = gr.Button("Show the pictures", elem_id="lesson_show", size="sm")
            seen = gr.HTML(elem_id="lesson_seen")
            depth = gr.HTML(lesson_view.depth(first), elem_id="lesson_depth")
            gr.HTML("<h3>Try it</h3><p>The same settings, drawn here and now by the pocket model: free.</p>")
            with gr.Row(elem_id="lesson_bar"):
                seed = gr.Number(7, label="Seed", precision=0, elem_id="lesson_seed", scale=1, min_width=100)
                run = gr.Button("Run it here", variant="primary", elem_id="lesson_run", scale=2, min_width=120)
                stop = gr.Button("Stop", elem_id="lesson_stop", interactive=False, scale=1, min_width=80)
                take = gr.Button("Set it up in Generate", elem_id="lesson_take", scale=2, min_width=160)
            status = gr.HTML(elem_id="lesson_status")
            own = gr.HTML(elem_id="lesson_own")
            _build_schedule()
            gr.HTML("<h3>Your last run, step by step</h3><p>What the model saw while it drew your last picture.</p>")
            steps = gr.HTML(lesson_view.denoising({}, 0), elem_id="lesson_steps")
    made = LearnTab(lesson, head, question, show, seen, depth, seed, run, stop, take, status, own, steps, generate.inputs, tabs)
    events = Learning(backends, made)
    _wire(made, events, session)
    load(lesson_to_open, outputs=lesson, api_visibility="private", queue=False, show_progress="hidden")
    tab.select(events.last_run, outputs=steps, api_visibility="private", queue=False, show_progress="hidden")
    return made


def question_of(lesson: Lesson) -> gr.Radio:
    """The lesson's question, unanswered."""
    options = [(option, place) for place, option in enumerate(lesson.question.options)]
    return gr.Radio(options, value=None, label="Predict first", info=lesson.question.text, elem_id="lesson_question")


def _wire(tab: LearnTab, events: Learning, session: gr.State) -> None:
    tab.lesson.change(
        events.open,
        inputs=tab.lesson,
        outputs=[tab.head, tab.question, tab.show, tab.seen, tab.depth, tab.status, tab.own],
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
    tab.question.input(
        events.answer,
        inputs=[tab.lesson, tab.question],
        outputs=[tab.seen, tab.show],
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
    tab.show.click(
        lambda lesson: events.answer(lesson, None),
        inputs=tab.lesson,
        outputs=[tab.seen, tab.show],
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
    tab.run.click(
        events.run,
        inputs=[tab.lesson, tab.seed, session],
        outputs=[tab.own, tab.status, tab.run, tab.stop],
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=_MOST_LESSONS_AT_ONCE,
        concurrency_id="lessons",
    )
    tab.take.click(
        events.take,
        inputs=tab.lesson,
        outputs=[*tab.inputs.values(), tab.tabs],
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
    tab.stop.click(events.stop, outputs=[tab.stop], api_visibility="private", queue=False)


def _build_schedule() -> None:
    """The plot of the noise levels, with the three inputs that move it."""
    gr.HTML(
        "<h3>The sampling schedule</h3><p>How much noise is left before each step, and how size and strength change it.</p>"
    )
    with gr.Row(elem_classes="pair"):
        least, most = bounds("num_inference_steps")
        steps = gr.Slider(
            least, most, default("num_inference_steps"), step=1, label=label("num_inference_steps"), elem_id="plot_steps"
        )
        strength = gr.Slider(
            *bounds("prompt_strength"),
            default("prompt_strength"),
            step=0.01,
            label=label("prompt_strength"),
            elem_id="plot_strength",
        )
    with gr.Row(elem_classes="pair"):
        size = gr.Radio(
            list(choices("megapixels")), value=default("megapixels"), label=label("megapixels"), elem_id="plot_megapixels"
        )
        from_image = gr.Checkbox(label="Starts from an image", value=False, elem_id="plot_from_image")
    drawing = gr.HTML(
        plot(default("num_inference_steps"), default("megapixels"), default("prompt_strength"), False), elem_id="plot"
    )
    moved = [steps, size, strength, from_image]
    gr.on(
        [component.change for component in moved],  # pyright: ignore[reportAttributeAccessIssue]
        plot,
        inputs=moved,
        outputs=drawing,
        api_visibility="private",
        queue=False,
        trigger_mode="always_last",
        show_progress="hidden",
    )
