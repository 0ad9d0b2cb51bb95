"""The page as a whole: header, connection, tabs, and the look that goes with them."""

from pathlib import Path
from typing import Any

import gradio as gr

from playground.contract.effects import PIXEL_SIZES
from playground.ui.compare import build_compare_tab
from playground.ui.connection import build_connection_panel
from playground.ui.generate import build_generate_tab
from playground.ui.history import build_history_tab
from playground.ui.learn import build_learn_tab
from playground.ui.links import tab_to_open
from playground.ui.session import Backends
from playground.ui.sweep import build_sweep_tab

_HERE = Path(__file__).parent
_HEADER = """<h1>FLUX.1 Krea playground</h1>
<p>One prompt, one picture, a few honest dials. The line below says which model makes the picture.</p>"""
_STYLES = ("page.css", "compare.css", "sweep.css", "learn.css", "history.css")
_SCRIPTS = ("page.js", "compare.js", "sweep.js", "learn.js", "history.js")
_CACHE_CHECK_S, _CACHE_AGE_S = 3600, 24 * 3600


def build_ui(backends: Backends) -> gr.Blocks:
    """The Blocks app; its look goes to `launch` by way of `page_options`."""
    with gr.Blocks(
        title="FLUX.1 Krea playground",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(_CACHE_CHECK_S, _CACHE_AGE_S),
    ) as page:
        session = gr.State(backends.first_session)
        gr.HTML(_HEADER, elem_id="header")
        build_connection_panel(backends, session, load=page.load)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Generate", id="generate"):
                generate = build_generate_tab(backends, session, load=page.load, unload=page.unload)
            with gr.Tab("Compare", id="compare"):
                build_compare_tab(backends, session, generate=generate, tabs=tabs, load=page.load, unload=page.unload)
            with gr.Tab("Sweep", id="sweep") as tab:
                build_sweep_tab(backends, session, generate=generate, tabs=tabs, this=tab, load=page.load, unload=page.unload)
            with gr.Tab("Learn", id="learn") as learn:
                build_learn_tab(backends, session, generate=generate, tabs=tabs, tab=learn, load=page.load)
            with gr.Tab("History", id="history") as history:
                build_history_tab(backends, session, generate=generate, tabs=tabs, this=history, unload=page.unload)
        page.load(tab_to_open, outputs=tabs, api_visibility="private", queue=False, show_progress="hidden")
    return page


def page_options() -> dict[str, Any]:
    """What `launch` needs to know of the look."""
    return {"theme": theme(), "css": "\n".join([*_texts(_STYLES), ratio_shapes()]), "head": _script()}


def theme() -> gr.themes.Base:
    """Amber on graphite in the dark, ink on paper in the light; the system's own fonts."""
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    return gr.themes.Base(
        primary_hue=gr.themes.colors.amber,
        secondary_hue=gr.themes.colors.stone,
        neutral_hue=gr.themes.colors.stone,
        font=fonts,
        font_mono=mono,
        radius_size=gr.themes.sizes.radius_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
    ).set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#161513",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        button_primary_background_fill="#b45309",
        button_primary_background_fill_hover="#92400e",
        button_primary_background_fill_dark="#f59e0b",
        button_primary_background_fill_hover_dark="#fbbf24",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#1c1917",
        slider_color="#b45309",
        slider_color_dark="#f59e0b",
    )


def ratio_shapes() -> str:
    """CSS that draws each aspect ratio in front of its name, in the contract's order."""
    longest_px = 16
    rules: list[str] = []
    for place, (width_px, height_px) in enumerate(PIXEL_SIZES.values(), start=1):
        scale = longest_px / max(width_px, height_px)
        size = f"width: {width_px * scale:.1f}px; height: {height_px * scale:.1f}px"
        rules.append(f".ratios .wrap label:nth-of-type({place})::before {{ {size}; }}")
    return "\n".join(rules)


def _script() -> str:
    return "<script>" + "\n".join(_texts(_SCRIPTS)) + "</script>"


def _texts(names: tuple[str, ...]) -> list[str]:
    return [(_HERE / name).read_text() for name in names]
