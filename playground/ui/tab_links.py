"""Links that open a comparison or a sweep: what they fill in, and links to both tabs as they stand."""

from typing import Any

import gradio as gr

from playground.contract.inputs import INPUTS, default
from playground.errors import BadInputError
from playground.experiments.links import Link, write_comparison, write_sweep
from playground.ui.links import link_of
from playground.ui.pair import OWN_INPUTS, Form

_OFF_HERE = {"go_fast": False}


def comparison_to_open(page: gr.Request) -> list[Any]:
    """For the page's load event: the inputs of A, those of B, and whether they share a seed.

    Without a link too, since Gradio's number box shows 0 for a value of None until an event clears it.
    """
    link = link_of(page)
    if link.tab != "compare":
        own = [None if name == "seed" else gr.skip() for name in OWN_INPUTS]
        return [*own, *own, gr.skip()]
    a = _filled(link, prompt=gr.skip())
    b = a | dict(link.others)
    return [*(a[name] for name in OWN_INPUTS), *(b[name] for name in OWN_INPUTS), "seed" not in link.others]


def comparison_query(*values: Any) -> str:
    """A link to the Compare tab, its values in the order of `CompareTab.values`. Raises BadInputError."""
    a, b = Form.read(values).sides
    return write_comparison(a, b)


def sweep_to_open(page: gr.Request, *, example: str) -> tuple[Any, ...] | None:
    """What a link fills into the Sweep tab: (x, values, y, values, seed, go_fast, base settings); None without one.

    `example` is the prompt where the link has none.
    """
    link = link_of(page)
    if link.tab != "sweep":
        return None
    (x, x_values), (y, y_values) = (*link.axes, ("", ""), ("", ""))[:2]
    base = _filled(link, prompt=example) | {"image": None}
    return x, x_values, y, y_values, base["seed"], base["go_fast"], base


def sweep_query(
    x: str, x_values: str, y: str, y_values: str, seed: int | None, go_fast: bool, base: dict[str, Any] | None
) -> str:
    """A link to the Sweep tab as it stands. Raises BadInputError."""
    if base is None:
        raise BadInputError("The settings are missing.", advice="Take them over from Generate.")
    axes = [(x, x_values)] + ([(y, y_values)] if y else [])
    return write_sweep(base | {"seed": seed, "go_fast": bool(go_fast)}, axes)


def _filled(link: Link, *, prompt: Any) -> dict[str, Any]:
    return {name: default(name) for name in INPUTS} | _OFF_HERE | {"prompt": prompt} | dict(link.inputs)
