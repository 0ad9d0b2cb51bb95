"""Pure text of the Sweep tab: what a click will do, and how a sweep stands. All text is escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from playground.contract.inputs import INPUTS, default, label
from playground.contract.model import ModelInfo
from playground.experiments.axis import value_label
from playground.experiments.made import Snapshot, State
from playground.ui import format

_LONGEST_PROMPT = 160


def plan_line(model: ModelInfo, *, requests: int, to_make: int, time_s: float | None, remarks: Iterable[str]) -> str:
    """How many pictures, how long, what it costs, and a line for each thing that will have no effect."""
    credits = "free" if model.is_free else f"{model.credits_per_request * to_make} credits"
    time = "time not known yet" if time_s is None else f"about {duration(time_s)}"
    known = requests - to_make
    if to_make == 0:
        plan = f"{_pictures(requests)}, already made: shown at once, free"
    else:
        plan = f"{_pictures(requests)}, {time}, {credits}: {model.label}"
        plan += f" · {known} of {requests} already made" if known else ""
    notes = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    return f'<div class="plan-line">{escape(plan)}</div>' + (f"<ul>{notes}</ul>" if notes else "")


def sweep_line(snapshot: Snapshot, model: ModelInfo) -> str:
    """The status line of a sweep."""
    total, made = len(snapshot.made), snapshot.count(State.DONE, State.REUSED)
    parts = [f"{made} of {total} pictures"]
    if reused := snapshot.count(State.REUSED):
        parts.append(f"{reused} already made")
    if running := snapshot.count(State.RUNNING):
        parts.append(f"{running} being made")
    if failed := snapshot.count(State.FAILED):
        parts.append(f"{failed} failed")
    if not snapshot.is_over:
        words = ["stopping", *parts] if snapshot.is_stopping else parts
        return format.line("●", " · ".join(words), kind="busy", extra=snapshot.warning or None, bar=made / total)
    if waiting := snapshot.count(State.WAITING):
        parts.append(f"stopped, {waiting} left")
    parts.append("free" if model.is_free else f"{model.credits_per_request * snapshot.count(State.DONE)} credits")
    is_good = made == total
    extra = " ".join(filter(None, [snapshot.warning, "" if model.is_free else _cancelled_line(snapshot.cancelled)]))
    return format.line("✓" if is_good else "■", " · ".join(parts), kind="good" if is_good else "idle", extra=extra or None)


def _cancelled_line(count: int) -> str:
    if not count:
        return ""
    return f"{_pictures(count)} stopped under way may have cost credits all the same; Resume asks, and pays, for them anew."


def settings_line(base: Mapping[str, Any], model: ModelInfo) -> str:
    """The base settings in one line: the prompt, the image, and what is not at its default."""
    prompt = str(base.get("prompt") or "").strip()
    prompt = prompt if len(prompt) <= _LONGEST_PROMPT else prompt[: _LONGEST_PROMPT - 1] + "…"
    parts = [f"“{prompt}”"] + (["from your image"] if base.get("image") else [])
    for name in INPUTS:
        value = base.get(name)
        if name not in ("prompt", "image", "seed", "go_fast") and value is not None and value != default(name):
            parts.append(f"{label(name)} {value_label(value)}")
    return f"<div>Settings from Generate: {escape(' · '.join(parts))}</div>"


def duration(time_s: float) -> str:
    """20 s, 3 min."""
    return f"{max(1, round(time_s))} s" if time_s < 100 else f"{round(time_s / 60)} min"


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"
