"""The Generate tab: one prompt, one picture, a few honest dials; the run streams into the page while it works."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.contract.inputs import INPUTS, help_text
from playground.ui import format
from playground.ui.controls import EXAMPLE, control
from playground.ui.generation import Generation
from playground.ui.links import LinkBar, LinkPanel, build_link_bar, build_link_panel, wire_links
from playground.ui.presets import PresetRow, build_preset_row, wire_preset_row
from playground.ui.recovery import RecoveryPanel, build_recovery_panel, wire_recovery_panel
from playground.ui.session import Backends

EXAMPLE_SEED = 7
_MOST_RUNS_AT_ONCE = 100  # each is an idle coroutine; the worker is what they wait for


@dataclass(frozen=True)
class GenerateTab:
    """The tab's components, for those who fill or read the form from outside."""

    inputs: dict[str, Component]
    plan: gr.HTML
    stage: gr.HTML
    gallery: gr.Gallery
    status: gr.HTML
    answer: gr.JSON
    request: gr.Code
    last_seed: gr.State
    generate: gr.Button
    cancel: gr.Button
    check_again: gr.Button
    random_seed: gr.Button
    reuse_seed: gr.Button
    use_as_input: gr.Button
    picked: gr.State
    presets: PresetRow
    recovery: RecoveryPanel
    link_bar: LinkBar
    link_panel: LinkPanel
    image_panel: gr.Accordion
    things: gr.HTML


def build_generate_tab(backends: Backends, session: gr.State, *, load: Any, unload: Any) -> GenerateTab:
    """Lay the tab out and wire its events. `session` holds the visitor's Session, `load` and `unload` are the page's events."""
    tab = _lay_out(backends)
    events = Generation(backends, tab)
    _wire(tab, events, session, load)
    _wire_fillers(tab, backends, session, load)
    unload(events.leave)
    return tab


def _lay_out(backends: Backends) -> GenerateTab:
    example = backends.pocket.model.example_prompt
    inputs: dict[str, Component] = {}
    with gr.Row(elem_id="bench", equal_height=False):
        with gr.Column(elem_id="dials", scale=5, min_width=320):
            link_bar = build_link_bar()
            presets = build_preset_row(backends.presets_dir)
            inputs["prompt"] = control("prompt", value=example)
            things = gr.HTML(elem_id="things")
            with gr.Row(elem_id="run_bar"):
                generate = gr.Button("Generate", variant="primary", elem_id="generate", scale=3, min_width=120)
                cancel = gr.Button("Cancel", elem_id="cancel", interactive=False, scale=1, min_width=90)
            plan = gr.HTML(elem_id="plan")
            inputs["aspect_ratio"] = control("aspect_ratio")
            with gr.Row(elem_classes="pair"):
                inputs["guidance"] = control("guidance", min_width=200)
                inputs["num_inference_steps"] = control("num_inference_steps", min_width=200)
            with gr.Row(elem_id="seed_row"):
                inputs["seed"] = control("seed", scale=3, min_width=180)
                random_seed = gr.Button("Random", elem_id="random_seed", size="sm", scale=1, min_width=80)
                reuse_seed = gr.Button("Reuse last", elem_id="reuse_seed", size="sm", scale=1, min_width=90)
            with gr.Accordion("Start from an image", open=False, elem_id="image_panel") as image_panel:
                gr.Markdown(help_text("image"), elem_classes="help")
                inputs["image"] = control("image")
                inputs["prompt_strength"] = control("prompt_strength", visible=False)
            with gr.Accordion("More", open=False, elem_id="more"):
                with gr.Row(elem_classes="pair"):
                    inputs["megapixels"] = control("megapixels", min_width=180)
                    inputs["num_outputs"] = control("num_outputs", min_width=180)
                inputs["go_fast"] = control("go_fast")
                with gr.Row(elem_classes="pair"):
                    inputs["output_format"] = control("output_format", min_width=180)
                    inputs["output_quality"] = control("output_quality", min_width=180)
                inputs["disable_safety_checker"] = control("disable_safety_checker")
            recovery = build_recovery_panel()
            link_panel = build_link_panel()
        with gr.Column(elem_id="result", scale=7, min_width=340):
            with gr.Column(elem_id="stage"):
                stage = gr.HTML(elem_id="preview")
                gallery = gr.Gallery(
                    [str(EXAMPLE)],
                    label="Pictures",
                    show_label=False,
                    container=False,
                    elem_id="gallery",
                    columns=4,
                    object_fit="contain",
                    preview=True,
                    selected_index=0,
                    interactive=False,
                    buttons=["download", "fullscreen"],
                    height="100%",
                )
            first = f"An example: “{example}”, made by the pocket model, seed {EXAMPLE_SEED}"
            status = gr.HTML(format.line("◇", first, kind="idle"), elem_id="status")
            with gr.Row(elem_id="verbs"):
                use_as_input = gr.Button("Use as input image", elem_id="use_as_input", size="sm", min_width=140)
                check_again = gr.Button("Check again", elem_id="check_again", size="sm", min_width=110, visible=False)
            with gr.Accordion("Request and answer", open=False, elem_id="request_panel"):
                request = gr.Code(label="The request as it was sent", language="json", elem_id="request", interactive=False)
                answer = gr.JSON(label="The answer", elem_id="answer")
    return GenerateTab(
        inputs={name: inputs[name] for name in INPUTS},
        plan=plan,
        stage=stage,
        gallery=gallery,
        status=status,
        answer=answer,
        request=request,
        last_seed=gr.State(EXAMPLE_SEED),
        generate=generate,
        cancel=cancel,
        check_again=check_again,
        random_seed=random_seed,
        reuse_seed=reuse_seed,
        use_as_input=use_as_input,
        picked=gr.State(0),
        presets=presets,
        recovery=recovery,
        link_bar=link_bar,
        link_panel=link_panel,
        image_panel=image_panel,
        things=things,
    )


def _wire(tab: GenerateTab, events: Generation, session: gr.State, load: Any) -> None:
    values = [*tab.inputs.values(), session]
    run_outputs = [
        tab.gallery, tab.answer, tab.request, tab.status, tab.stage,
        tab.generate, tab.cancel, tab.check_again, tab.last_seed, tab.picked,
    ]  # fmt: skip
    gr.on(
        [tab.generate.click, tab.inputs["prompt"].submit],  # pyright: ignore[reportAttributeAccessIssue]
        events.generate,
        inputs=values,
        outputs=run_outputs,
        api_name="generate",
        api_description="Make pictures from the 13 inputs; streams the answer, ends with the files.",
        show_progress="hidden",
        concurrency_limit=_MOST_RUNS_AT_ONCE,
        concurrency_id="runs",
    )
    tab.check_again.click(
        events.check_again,
        inputs=[session],
        outputs=run_outputs,
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=_MOST_RUNS_AT_ONCE,
        concurrency_id="runs",
    )
    tab.cancel.click(events.cancel, outputs=[tab.cancel], api_visibility="private", queue=False)
    gr.on(
        [load, session.change, tab.link_bar.locked.change, *(component.change for component in tab.inputs.values())],  # pyright: ignore[reportAttributeAccessIssue]
        events.describe,
        inputs=[*values, tab.link_bar.locked],
        outputs=[tab.plan, tab.inputs["aspect_ratio"], tab.inputs["prompt_strength"]],
        api_visibility="private",
        queue=False,
        trigger_mode="always_last",
        show_progress="hidden",
    )
    prompt = tab.inputs["prompt"]
    gr.on(
        [load, session.change],
        events.fit_to_model,
        inputs=[prompt, session],
        outputs=[prompt, tab.things, tab.inputs["disable_safety_checker"]],
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
    tab.random_seed.click(lambda: None, outputs=tab.inputs["seed"], api_visibility="private", queue=False)
    tab.reuse_seed.click(
        lambda seed: seed, inputs=tab.last_seed, outputs=tab.inputs["seed"], api_visibility="private", queue=False
    )
    tab.gallery.select(events.pick, outputs=tab.picked, api_visibility="private", queue=False)
    tab.use_as_input.click(
        events.use_as_input,
        inputs=[tab.picked],
        outputs=[tab.inputs["image"], tab.image_panel],
        api_visibility="private",
        queue=False,
    )


def _wire_fillers(tab: GenerateTab, backends: Backends, session: gr.State, load: Any) -> None:
    """Everything that fills the form from elsewhere: presets, pictures, the page's address."""
    wire_preset_row(tab.presets, tab.inputs, tab.image_panel)
    wire_recovery_panel(tab.recovery, tab.inputs, tab.image_panel, backends, session)
    wire_links(
        tab.link_bar,
        tab.link_panel,
        tab.inputs,
        folder=backends.presets_dir,
        kept_still={
            "prompt": (tab.presets.choice, tab.presets.load, tab.recovery.panel),
            "seed": (tab.random_seed, tab.reuse_seed),
            "image": (tab.use_as_input,),
        },
        load=load,
    )
