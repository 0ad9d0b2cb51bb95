"""Links that open a comparison or a sweep: what they fill in, and links to both tabs as they stand."""

from typing import Any

import gradio as gr

from playground.contract.inputs import INPUTS, default
from playground.errors import BadInputError
from playground.experiments.links import Link, write_comparison, write_sweep
from playground.ui.compared import SIDES
from playground.ui.links import link_of
from playground.ui.trial import OWN_INPUTS, Form

_OFF_HERE = {"go_fast": False}


def comparison_to_open(page: gr.Request) -> list[Any]:
    """For the page's load event: the inputs of A, B and C, whether they share a seed, and whether C is compared.

    Without a link too, since Gradio's number box shows 0 for a value of None until an event clears it.
    """
    link = link_of(page)
    if link.tab != "compare":
        own = [None if name == "seed" else gr.skip() for name in OWN_INPUTS]
        return [*own * len(SIDES), gr.skip(), gr.skip()]
    has_third = len(link.others) == len(SIDES) - 1
    others = link.others if has_third else (*link.others, {})
    sides = [_filled(link, prompt=gr.skip()) | dict(own) for own in ({}, *others)]
    one_seed = not any("seed" in own for own in others)
    return [*(side[name] for side in sides for name in OWN_INPUTS), one_seed, has_third]


def comparison_query(*values: Any) -> str:
    """A link to the Compare tab, its values in the order of `CompareTab.values`. Raises BadInputError."""
    return write_comparison(*Form.read(values).sides)


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
