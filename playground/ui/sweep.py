"""The Sweep tab: one sentence says what is varied, a grid fills in, and nothing that is on disk is made again."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.contract.inputs import label
from playground.experiments.axis import AXIS_NAMES, MOST_IMAGES
from playground.ui.generate import EXAMPLE_SEED, GenerateTab
from playground.ui.links import LinkButton, build_link_button, wire_link_button
from playground.ui.session import Backends
from playground.ui.sweep_form import SweepForm
from playground.ui.sweeping import Sweeping
from playground.ui.tab_links import sweep_query

NOTHING = "nothing else"
_MOST_SWEEPS_AT_ONCE = 50
_LONGEST_TYPED = 4000
_PICTURES = f"Up to {MOST_IMAGES} pictures, each as the Generate tab would take it. They do not travel with a link."
_LEAD = "Varies one or two inputs and leaves everything else as it is, the seed too: what changes is what was varied."


@dataclass(frozen=True)
class SweepTab:
    """The tab's components."""

    x: gr.Dropdown
    x_values: gr.Textbox
    y: gr.Dropdown
    y_values: gr.Textbox
    seed: gr.Number
    go_fast: gr.Checkbox
    base: gr.State
    image_box: gr.Column
    images: gr.File
    also_none: gr.Checkbox
    base_line: gr.HTML
    take_over: gr.Button
    plan: gr.HTML
    run: gr.Button
    stop: gr.Button
    stop_now: gr.Button
    resume: gr.Button
    retry: gr.Button
    even_uncertain: gr.Checkbox
    status: gr.HTML
    grid: gr.HTML
    changes: gr.HTML
    picked: gr.Textbox
    load: gr.Button
    plot: gr.Button
    curves: gr.HTML
    export: gr.Button
    files: gr.File
    link: LinkButton

    @property
    def values(self) -> list[Any]:
        """What every handler of the form reads, in this order."""
        return [self.images, self.also_none, *self.linked]

    @property
    def linked(self) -> list[Any]:
        """What of it a link can hold: all but the pictures."""
        return [self.x, self.x_values, self.y, self.y_values, self.seed, self.go_fast, self.base]


def build_sweep_tab(
    backends: Backends, session: gr.State, *, generate: GenerateTab, tabs: gr.Tabs, this: gr.Tab, load: Any, unload: Any
) -> SweepTab:
    """Lay the tab out and wire its events; settings come from the Generate tab and go back to it."""
    tab = _lay_out()
    form = SweepForm(backends, tab)
    events = Sweeping(backends, tab, form)
    _wire_form(tab, form, session, generate, this, load)
    _wire_run(tab, events, session)
    given = list(generate.inputs.values())
    tab.load.click(
        events.load_settings,
        inputs=[tab.picked],
        outputs=[tabs, *given, generate.image_panel],
        api_visibility="private",
        queue=False,
    )
    unload(events.leave)
    return tab


def _lay_out() -> SweepTab:
    inputs = [(label(name), name) for name in AXIS_NAMES]
    gr.HTML(f'<div class="preset-words">{_LEAD}</div>')
    with gr.Row(elem_id="sweep_sentence"):
        x = gr.Dropdown(inputs, value="guidance", label="Vary", elem_id="sweep_x", min_width=150, scale=2, filterable=False)
        x_values = _values("sweep_x_values", "over", "1, 3, 8")
        y = gr.Dropdown(
            [(NOTHING, ""), *inputs], value="", label="and", elem_id="sweep_y", min_width=150, scale=2, filterable=False
        )
        y_values = _values("sweep_y_values", "over ", "", visible=False)
        seed = gr.Number(EXAMPLE_SEED, label="seed", elem_id="sweep_seed", precision=0, min_width=110, scale=1)
    with gr.Column(visible=False, elem_id="sweep_image_box") as image_box:
        images = gr.File(
            label="Image over", file_count="multiple", file_types=["image"], height=150, elem_id="sweep_images",
            allow_reordering=True,
        )  # fmt: skip
        gr.HTML(f'<div class="preset-words">{_PICTURES}</div>')
        also_none = gr.Checkbox(False, label="Also without an image, first", elem_id="sweep_also_none")
    with gr.Row(elem_id="sweep_settings"):
        base_line = gr.HTML(elem_id="sweep_base")
        take_over = gr.Button("Take over from Generate", elem_id="sweep_take_over", size="sm", scale=0, min_width=180)
    reason = "Off in sweeps: at the hosted API, pictures made with it differ even on one seed."
    go_fast = gr.Checkbox(False, label=label("go_fast"), info=reason, elem_id="sweep_go_fast")
    plan = gr.HTML(elem_id="sweep_plan")
    with gr.Row(elem_id="sweep_bar"):
        run = gr.Button("Run", variant="primary", elem_id="sweep_run", min_width=120)
        stop = gr.Button("Stop after these", elem_id="sweep_stop", interactive=False, min_width=130)
        stop_now = gr.Button("Stop now", elem_id="sweep_stop_now", interactive=False, min_width=100)
        resume = gr.Button("Resume", elem_id="sweep_resume", visible=False, min_width=100)
        retry = gr.Button("Retry failed", elem_id="sweep_retry", visible=False, min_width=110)
    even_uncertain = gr.Checkbox(
        False, label="Retry also those that may be paid for already", elem_id="sweep_even_uncertain", visible=False
    )
    status = gr.HTML(elem_id="sweep_status")
    grid = gr.HTML(elem_id="sweep_grid")
    changes = gr.HTML(elem_id="sweep_changes")
    picked = gr.Textbox(elem_id="sweep_picked", elem_classes="sweep-hidden", show_label=False, max_length=20)
    load = gr.Button("Load these settings", elem_id="sweep_load")
    with gr.Row(elem_id="sweep_after"):
        plot = gr.Button("Plot the figures", elem_id="sweep_plot", size="sm", visible=False, min_width=140)
        export = gr.Button("Export: sheet, page, tables", elem_id="sweep_export", size="sm", visible=False, min_width=140)
    curves = gr.HTML(elem_id="sweep_curves")
    files = gr.File(label="Files", file_count="multiple", interactive=False, visible=False, elem_id="sweep_files")
    link = build_link_button("sweep_")
    return SweepTab(
        x=x, x_values=x_values, y=y, y_values=y_values, seed=seed, go_fast=go_fast, base=gr.State(None),
        image_box=image_box, images=images, also_none=also_none,
        base_line=base_line, take_over=take_over, plan=plan, run=run, stop=stop, stop_now=stop_now, resume=resume,
        retry=retry, even_uncertain=even_uncertain, status=status, grid=grid, changes=changes, picked=picked, load=load,
        plot=plot, curves=curves, export=export, files=files, link=link,
    )  # fmt: skip


def _values(elem_id: str, words: str, value: str, **options: Any) -> gr.Textbox:
    return gr.Textbox(
        value, label=words, elem_id=elem_id, lines=1, min_width=200, scale=4, max_length=_LONGEST_TYPED, **options
    )


def _wire_form(tab: SweepTab, form: SweepForm, session: gr.State, generate: GenerateTab, this: gr.Tab, load: Any) -> None:
    private: dict[str, Any] = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
    given = list(generate.inputs.values())
    tab.take_over.click(form.take_over, inputs=[*given, session], outputs=[tab.base, tab.base_line], **private)
    this.select(form.first_take_over, inputs=[tab.base, *given, session], outputs=[tab.base, tab.base_line], **private)
    for name, values in ((tab.x, tab.x_values), (tab.y, tab.y_values)):
        name.input(form.suggest, inputs=[name], outputs=[values], **private)
        name.input(form.place_pictures, inputs=[tab.x, tab.y], outputs=[tab.image_box], **private)
    load(form.open_link, inputs=[session], outputs=[*tab.linked, tab.base_line, tab.image_box], **private)
    wire_link_button(tab.link, sweep_query, tab.linked)
    gr.on(
        [load, session.change, *(component.change for component in tab.values)],
        form.describe,
        inputs=[*tab.values, session],
        outputs=[tab.plan],
        trigger_mode="always_last",
        **private,
    )


def _wire_run(tab: SweepTab, events: Sweeping, session: gr.State) -> None:
    outputs = [
        tab.status, tab.grid, tab.changes, tab.seed, tab.plan, tab.run, tab.stop, tab.stop_now, tab.resume, tab.retry,
        tab.even_uncertain, tab.plot, tab.curves, tab.export, tab.files,
    ]  # fmt: skip
    running: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_limit": _MOST_SWEEPS_AT_ONCE,
        "concurrency_id": "sweeps",
    }
    tab.run.click(events.run, inputs=[*tab.values, session], outputs=outputs, **running)
    tab.resume.click(events.resume, inputs=[session], outputs=outputs, **running)
    tab.retry.click(events.retry, inputs=[tab.even_uncertain, session], outputs=outputs, **running)
    tab.stop.click(events.stop, outputs=[tab.stop], api_visibility="private", queue=False)
    tab.stop_now.click(events.stop_now, outputs=[tab.stop, tab.stop_now], api_visibility="private", queue=False)
    tab.plot.click(
        events.plot, outputs=[tab.curves, tab.status], api_visibility="private", show_progress="minimal", concurrency_limit=2
    )
    tab.export.click(
        events.export, outputs=[tab.files, tab.status], api_visibility="private", show_progress="hidden", concurrency_limit=2
    )
