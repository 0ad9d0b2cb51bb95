"""The Compare tab: two or three full settings side by side, run at once on one seed, and measured against each other."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.contract.inputs import help_text
from playground.ui.compared import EMPTY_STAGE, FOLDED, GO_FAST_REASON, SIDES
from playground.ui.comparing import Comparing
from playground.ui.controls import control
from playground.ui.generate import GenerateTab
from playground.ui.links import LinkButton, build_link_button, wire_link_button
from playground.ui.session import Backends
from playground.ui.tab_links import comparison_query, comparison_to_open
from playground.ui.trial import OWN_INPUTS, PAIRS

VIEWS = ("Slider", "Flip", "Side by side", "Difference")
FOLLOWING_IMAGE = ("aspect_ratio", "prompt_strength")
"""The controls that depend on whether there is an image."""
_SHOW_VIEW = "(view) => { document.getElementById('compare_stage').dataset.view = view; }"
_SHOW_FIRST = "(pair) => { document.getElementById('compare_stage').dataset.front = pair[0]; }"
_MOST_RUNS_AT_ONCE = 100


@dataclass(frozen=True)
class Side:
    """One side's controls, its status line and its picture."""

    name: str
    inputs: dict[str, Component]
    send: gr.Button
    status: gr.HTML
    picture: gr.Image


@dataclass(frozen=True)
class CompareTab:
    """The tab's components."""

    sides: tuple[Side, ...]
    """A, B and C."""
    image: Component
    one_seed: gr.Checkbox
    third: gr.Checkbox
    from_generate: gr.Button
    copy: gr.Button
    swap: gr.Button
    run: gr.Button
    cancel: gr.Button
    plan: gr.HTML
    differs: gr.HTML
    problem: gr.HTML
    view: gr.Radio
    pair: gr.Radio
    slider: gr.ImageSlider
    heat: gr.Image
    previews: gr.HTML
    shown: gr.HTML
    apart: gr.HTML
    figures: gr.HTML
    link: LinkButton

    @property
    def values(self) -> list[Component]:
        """What every handler of the form reads, in this order."""
        return [*self.forms, self.image, self.one_seed, self.third]

    @property
    def forms(self) -> list[Component]:
        """The controls of all sides, A's first."""
        return [component for side in self.sides for component in side.inputs.values()]


def build_compare_tab(
    backends: Backends, session: gr.State, *, generate: GenerateTab, tabs: gr.Tabs, load: Any, unload: Any
) -> CompareTab:
    """Lay the tab out and wire its events; settings travel to and from the Generate tab."""
    tab = _lay_out(backends)
    events = Comparing(backends, tab)
    _wire_form(tab, events, session, load)
    _wire_run(tab, events, session)
    _wire_travel(tab, events, generate, tabs)
    unload(events.leave)
    return tab


def _lay_out(backends: Backends) -> CompareTab:
    prompt = backends.pocket.model.example_prompt
    with gr.Row(elem_id="compare_verbs"):
        from_generate = gr.Button("A from Generate", elem_id="a_from_generate", size="sm", min_width=130)
        copy = gr.Button("Copy A to B", elem_id="copy_a_to_b", size="sm", min_width=110)
        swap = gr.Button("Swap A and B (S)", elem_id="compare_swap", size="sm", min_width=140)
        one_seed = gr.Checkbox(True, label="One seed for all", elem_id="one_seed", container=False, min_width=150)
        third = gr.Checkbox(False, label="Third: C", elem_id="third", container=False, min_width=90)
    with gr.Row(elem_id="compare_sides", equal_height=False):
        forms = [_side_controls(side, prompt) for side in SIDES]
    gr.Markdown(GO_FAST_REASON, elem_id="go_fast_reason", elem_classes="help")
    with gr.Accordion("Start all from an image", open=False, elem_id="compare_image_panel"):
        gr.Markdown(help_text("image"), elem_classes="help")
        image = control("image", elem_id="compare_image")
    differs = gr.HTML(elem_id="differs")
    with gr.Row(elem_id="compare_bar"):
        run = gr.Button("Run", variant="primary", elem_id="compare_run", scale=3, min_width=120)
        cancel = gr.Button("Cancel", elem_id="compare_cancel", interactive=False, scale=1, min_width=90)
    plan = gr.HTML(elem_id="compare_plan")
    problem = gr.HTML(elem_id="compare_problem")
    statuses = [gr.HTML(elem_id=f"{side}_status") for side in SIDES]
    with gr.Column(elem_id="compare_results"):
        with gr.Row(elem_id="compare_views"):
            view = gr.Radio(VIEWS, value=VIEWS[0], label="View", show_label=False, container=False, elem_id="compare_view")
            gr.Button("Flip (F)", size="sm", elem_id="compare_flip", min_width=80)
            pair = gr.Radio(
                PAIRS,
                value=PAIRS[0],
                label="The pair that is compared",
                show_label=False,
                container=False,
                elem_id="compare_pair",
                visible="hidden",
            )
        slider, pictures, heat, previews = _stage()
        shown = gr.HTML(elem_id="compare_shown")
        apart = gr.HTML(elem_id="compare_apart")
        figures = gr.HTML(elem_id="compare_figures")
    link = build_link_button("compare_")
    return CompareTab(
        sides=tuple(
            Side(name, *form, status, picture)
            for name, form, status, picture in zip(SIDES, forms, statuses, pictures, strict=True)
        ),
        image=image,
        one_seed=one_seed,
        third=third,
        from_generate=from_generate,
        copy=copy,
        swap=swap,
        run=run,
        cancel=cancel,
        plan=plan,
        differs=differs,
        problem=problem,
        view=view,
        pair=pair,
        slider=slider,
        heat=heat,
        previews=previews,
        shown=shown,
        apart=apart,
        figures=figures,
        link=link,
    )


def _side_controls(side: str, prompt: str) -> tuple[dict[str, Component], gr.Button]:
    """The controls of one side, essentials first, and its button to Generate."""
    made: dict[str, Component] = {}

    def add(name: str, **options: Any) -> None:
        made[name] = control(name, elem_id=f"{side}_{name}", **options)

    with gr.Column(elem_id=f"side_{side}", elem_classes="compare-side", min_width=320):
        gr.HTML(f"<h2>{side.upper()}</h2>")
        add("prompt", value=prompt, autofocus=False)
        with gr.Row(elem_classes="pair"):
            add("guidance", min_width=200)
            add("num_inference_steps", min_width=200)
        add("aspect_ratio")
        add("prompt_strength", visible=False)
        add("seed")
        with gr.Accordion("More", open=False, elem_id=f"{side}_more"):
            for name in FOLDED:
                add(name, **({"value": False} if name == "go_fast" else {}))
        send = gr.Button(f"Send {side.upper()} to Generate", elem_id=f"send_{side}", size="sm", min_width=150)
    return {name: made[name] for name in OWN_INPUTS}, send


def _stage() -> tuple[gr.ImageSlider, list[gr.Image], gr.Image, gr.HTML]:
    """The place in which all views lie over each other: the slider, each side's picture, the heat map, the previews."""
    with gr.Column(elem_id="compare_stage"):
        slider = gr.ImageSlider(
            elem_id="compare_slider",
            show_label=False,
            container=False,
            interactive=False,
            buttons=["fullscreen"],
            max_height=2000,
        )
        pictures = [_picture(f"{side}_picture", f"Picture {side.upper()}", elem_classes="side-picture") for side in SIDES]
        heat = _picture("compare_heat", "Difference", format="png")
        previews = gr.HTML(EMPTY_STAGE, elem_id="compare_previews")
    return slider, pictures, heat, previews


def _picture(elem_id: str, label: str, **options: Any) -> gr.Image:
    return gr.Image(
        elem_id=elem_id,
        label=label,
        alt_text=label,
        container=False,
        interactive=False,
        buttons=["download", "fullscreen"],
        **options,
    )


def _wire_form(tab: CompareTab, events: Comparing, session: gr.State, load: Any) -> None:
    private: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    gr.on(
        [load, session.change, *(component.change for component in tab.values)],  # pyright: ignore[reportAttributeAccessIssue]
        events.describe,
        inputs=[*tab.values, session],
        outputs=[
            tab.plan,
            tab.differs,
            *(side.inputs[name] for side in tab.sides for name in FOLLOWING_IMAGE),
            *(side.inputs["seed"] for side in tab.sides[1:]),
        ],
        trigger_mode="always_last",
        **private,
    )
    prompts = [side.inputs["prompt"] for side in tab.sides]
    checks = [side.inputs["disable_safety_checker"] for side in tab.sides]
    fit: dict[str, Any] = {"inputs": [*prompts, session], "outputs": [*prompts, *checks], **private}
    session.change(events.fit_to_model, **fit)
    load(events.fit_to_model, **fit).then(comparison_to_open, outputs=[*tab.forms, tab.one_seed, tab.third], **private)
    wire_link_button(tab.link, comparison_query, tab.values)
    tab.view.change(None, inputs=tab.view, js=_SHOW_VIEW, api_visibility="private")
    tab.pair.change(None, inputs=tab.pair, js=_SHOW_FIRST, api_visibility="private")


def _wire_run(tab: CompareTab, events: Comparing, session: gr.State) -> None:
    of_pair = [tab.slider, tab.heat, tab.apart]
    results = [*of_pair, tab.shown, tab.figures, tab.view, tab.pair, tab.previews]
    results += [component for side in tab.sides for component in (side.picture, side.status)]
    gr.on(
        [tab.run.click, *(side.inputs["prompt"].submit for side in tab.sides)],  # pyright: ignore[reportAttributeAccessIssue]
        events.run,
        inputs=[*tab.values, tab.pair, session],
        outputs=[*results, tab.problem, tab.run, tab.cancel, tab.swap],
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=_MOST_RUNS_AT_ONCE,
        concurrency_id="comparisons",
    )
    tab.cancel.click(events.cancel, outputs=tab.cancel, api_visibility="private", queue=False)
    measured: dict[str, Any] = {"inputs": tab.pair, "api_visibility": "private", "show_progress": "hidden"}
    tab.pair.input(events.choose_pair, outputs=of_pair, trigger_mode="always_last", **measured)
    a_and_b = [component for side in tab.sides[:2] for component in side.inputs.values()]
    tab.swap.click(
        events.swap_forms, inputs=[*a_and_b, tab.one_seed], outputs=a_and_b, api_visibility="private", queue=False
    ).then(events.swap_results, outputs=results, **measured)


def _wire_travel(tab: CompareTab, events: Comparing, generate: GenerateTab, tabs: gr.Tabs) -> None:
    private: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    a, b, c = (list(side.inputs.values()) for side in tab.sides)
    tab.copy.click(lambda *values: list(values), inputs=a, outputs=b, **private)
    tab.third.input(events.copy_to_third, inputs=[tab.third, *a], outputs=c, **private)
    tab.from_generate.click(
        events.from_generate, inputs=[*generate.inputs.values(), *tab.forms], outputs=[*tab.forms, tab.image], **private
    )
    for side in tab.sides:
        side.send.click(
            events.to_generate,
            inputs=[*side.inputs.values(), tab.sides[0].inputs["seed"], tab.one_seed, tab.image],
            outputs=[tabs, generate.image_panel, *generate.inputs.values()],
            **private,
        )
