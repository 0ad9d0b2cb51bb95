"""The Compare tab: two full settings side by side, run at once on one seed, and measured against each other."""

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
from playground.ui.pair import OWN_INPUTS
from playground.ui.session import Backends
from playground.ui.tab_links import comparison_query, comparison_to_open

VIEWS = ("Slider", "Flip", "Side by side", "Difference")
FOLLOWING_IMAGE = ("aspect_ratio", "prompt_strength")
"""The controls that depend on whether there is an image."""
_SHOW_VIEW = "(view) => { document.getElementById('compare_stage').dataset.view = view; }"
_MOST_RUNS_AT_ONCE = 100


@dataclass(frozen=True)
class Side:
    """One side's controls, its status line and its picture."""

    inputs: dict[str, Component]
    send: gr.Button
    status: gr.HTML
    picture: gr.Image


@dataclass(frozen=True)
class CompareTab:
    """The tab's components."""

    a: Side
    b: Side
    image: Component
    one_seed: gr.Checkbox
    from_generate: gr.Button
    copy: gr.Button
    swap: gr.Button
    run: gr.Button
    cancel: gr.Button
    plan: gr.HTML
    differs: gr.HTML
    problem: gr.HTML
    view: gr.Radio
    slider: gr.ImageSlider
    heat: gr.Image
    previews: gr.HTML
    shown: gr.HTML
    figures: gr.HTML
    link: LinkButton

    @property
    def values(self) -> list[Component]:
        """What every handler of the form reads, in this order."""
        return [*self.a.inputs.values(), *self.b.inputs.values(), self.image, self.one_seed]


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
        one_seed = gr.Checkbox(True, label="One seed for both", elem_id="one_seed", container=False, min_width=160)
    with gr.Row(elem_id="compare_sides", equal_height=False):
        a, send_a = _side_controls("a", prompt)
        b, send_b = _side_controls("b", prompt)
    gr.Markdown(GO_FAST_REASON, elem_id="go_fast_reason", elem_classes="help")
    with gr.Accordion("Start both from an image", open=False, elem_id="compare_image_panel"):
        gr.Markdown(help_text("image"), elem_classes="help")
        image = control("image", elem_id="compare_image")
    differs = gr.HTML(elem_id="differs")
    with gr.Row(elem_id="compare_bar"):
        run = gr.Button("Run both", variant="primary", elem_id="run_both", scale=3, min_width=120)
        cancel = gr.Button("Cancel", elem_id="cancel_both", interactive=False, scale=1, min_width=90)
    plan = gr.HTML(elem_id="compare_plan")
    problem = gr.HTML(elem_id="compare_problem")
    status_a, status_b = gr.HTML(elem_id="a_status"), gr.HTML(elem_id="b_status")
    with gr.Column(elem_id="compare_results"):
        with gr.Row(elem_id="compare_views"):
            view = gr.Radio(VIEWS, value=VIEWS[0], label="View", show_label=False, container=False, elem_id="compare_view")
            gr.Button("Flip A / B (F)", size="sm", elem_id="compare_flip", min_width=110)
        with gr.Column(elem_id="compare_stage"):
            slider = gr.ImageSlider(
                elem_id="compare_slider",
                show_label=False,
                container=False,
                interactive=False,
                buttons=["fullscreen"],
                max_height=2000,
            )
            pictures = [_picture(f"{side}_picture", f"Picture {side.upper()}") for side in SIDES]
            heat = _picture("compare_heat", "Difference of A and B", format="png")
            previews = gr.HTML(EMPTY_STAGE, elem_id="compare_previews")
        shown = gr.HTML(elem_id="compare_shown")
        figures = gr.HTML(elem_id="compare_figures")
    link = build_link_button("compare_")
    return CompareTab(
        a=Side(a, send_a, status_a, pictures[0]),
        b=Side(b, send_b, status_b, pictures[1]),
        image=image,
        one_seed=one_seed,
        from_generate=from_generate,
        copy=copy,
        swap=swap,
        run=run,
        cancel=cancel,
        plan=plan,
        differs=differs,
        problem=problem,
        view=view,
        slider=slider,
        heat=heat,
        previews=previews,
        shown=shown,
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
    sides = [tab.a, tab.b]
    gr.on(
        [load, session.change, *(component.change for component in tab.values)],  # pyright: ignore[reportAttributeAccessIssue]
        events.describe,
        inputs=[*tab.values, session],
        outputs=[
            tab.plan,
            tab.differs,
            *(side.inputs[name] for side in sides for name in FOLLOWING_IMAGE),
            tab.b.inputs["seed"],
        ],
        trigger_mode="always_last",
        **private,
    )
    prompts = [side.inputs["prompt"] for side in sides]
    checks = [side.inputs["disable_safety_checker"] for side in sides]
    fit: dict[str, Any] = {"inputs": [*prompts, session], "outputs": [*prompts, *checks], **private}
    session.change(events.fit_to_model, **fit)
    forms = [component for side in sides for component in side.inputs.values()]
    load(events.fit_to_model, **fit).then(comparison_to_open, outputs=[*forms, tab.one_seed], **private)
    wire_link_button(tab.link, comparison_query, tab.values)
    tab.view.change(None, inputs=tab.view, js=_SHOW_VIEW, api_visibility="private")


def _wire_run(tab: CompareTab, events: Comparing, session: gr.State) -> None:
    results = [
        tab.slider, tab.a.picture, tab.b.picture, tab.heat, tab.shown, tab.figures, tab.view, tab.previews,
        tab.a.status, tab.b.status,
    ]  # fmt: skip
    gr.on(
        [tab.run.click, *(side.inputs["prompt"].submit for side in (tab.a, tab.b))],  # pyright: ignore[reportAttributeAccessIssue]
        events.run_both,
        inputs=[*tab.values, session],
        outputs=[*results, tab.problem, tab.run, tab.cancel, tab.swap],
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=_MOST_RUNS_AT_ONCE,
        concurrency_id="comparisons",
    )
    tab.cancel.click(events.cancel, outputs=tab.cancel, api_visibility="private", queue=False)
    a, b = list(tab.a.inputs.values()), list(tab.b.inputs.values())
    tab.swap.click(
        events.swap_forms, inputs=[*a, *b, tab.one_seed], outputs=[*a, *b], api_visibility="private", queue=False
    ).then(events.swap_results, outputs=results, api_visibility="private", show_progress="hidden")


def _wire_travel(tab: CompareTab, events: Comparing, generate: GenerateTab, tabs: gr.Tabs) -> None:
    private: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    a, b = list(tab.a.inputs.values()), list(tab.b.inputs.values())
    tab.copy.click(lambda *values: list(values), inputs=a, outputs=b, **private)
    tab.from_generate.click(
        events.from_generate, inputs=[*generate.inputs.values(), *a, *b], outputs=[*a, *b, tab.image], **private
    )
    for side in (tab.a, tab.b):
        side.send.click(
            events.to_generate,
            inputs=[*side.inputs.values(), tab.a.inputs["seed"], tab.one_seed, tab.image],
            outputs=[tabs, generate.image_panel, *generate.inputs.values()],
            **private,
        )
