"""Pure text: a prediction, a run or an error as one line that people and screen readers can follow. All text is escaped."""

import re
from collections.abc import Iterable
from html import escape

from playground.contract.inputs import help_text
from playground.contract.model import ModelInfo
from playground.contract.prediction import Prediction, Status
from playground.errors import PlaygroundError
from playground.experiments.run import RunUpdate

_PREVIEW = re.compile(r"data:image/(?:webp|jpeg|png);base64,[A-Za-z0-9+/=]+")


def price(model: ModelInfo) -> str:
    """What one request costs."""
    return "free" if model.is_free else f"{model.credits_per_request} credits"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th …"""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def run_line(update: RunUpdate, model: ModelInfo, *, seed: int | None, pictures: int = 1) -> str:
    """The status line of a run that was asked for so many pictures, as HTML."""
    if update.error is not None:
        return line("✗", str(update.error), kind="bad", extra=update.warning)
    prediction, elapsed = update.prediction, f"{update.elapsed_s:.1f} s"
    if prediction is None:
        return line("○", f"{_stopping(update)}sending the request · {elapsed}", kind="busy")
    if not update.is_over:
        return line(*_under_way(update, prediction, model, elapsed), kind="busy", extra=update.warning, bar=_share(prediction))
    if prediction.status == Status.COMPLETED:
        made = f"{made_by(prediction, model)} · done in {elapsed} · seed {seed} · {file_size(update)}{price(model)}"
        return line("✓", made, kind="good", extra=update.warning or _withheld(prediction, pictures))
    if prediction.status == Status.CANCELLED:
        cost = "free" if model.is_free else "credits for this request may have been spent"
        return line("■", f"cancelled after {elapsed} · {cost}", kind="idle", extra=update.warning)
    reason = prediction.error or "The API gave no reason."
    cost = "" if model.is_free else " Credits may have been spent."
    return line("✗", f"The prediction failed: {reason}{cost}", kind="bad", extra=update.warning)


def error_line(error: PlaygroundError) -> str:
    """The status line for what went wrong before anything was sent."""
    return line("✗", str(error), kind="bad")


def line(mark: str, text: str, *, kind: str, extra: str | None = None, bar: float | None = None) -> str:
    """One status line; `kind` is busy, good, bad or idle, `bar` a share from 0 to 1."""
    drawn = "" if bar is None else f'<progress value="{bar:.3f}" max="1" aria-hidden="true"></progress>'
    second = f'<div class="extra">{escape(extra)}</div>' if extra else ""
    words = f'<span class="mark">{mark}</span><span class="text">{escape(text)}</span>'
    return f'<div class="line {kind}">{words}{drawn}</div>{second}'


def plan_line(model: ModelInfo, *, size_px: tuple[int, int], steps: int, pictures: int, remarks: Iterable[str]) -> str:
    """What a click will do: size, steps, price and model, then a line for each thing that will have no effect."""
    width_px, height_px = size_px
    count = "" if pictures == 1 else f"{pictures} pictures · "
    plan = f"{count}{width_px}×{height_px} · {steps} step{'' if steps == 1 else 's'} · {price(model)}: {model.label}"
    notes = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    shape = f"<style>#stage .empty-stage .frame {{ {_shape(size_px)} }}</style>"
    return f'<div class="plan">{escape(plan)}</div>{f"<ul>{notes}</ul>" if notes else ""}{shape}'


def preview(update: RunUpdate, size_px: tuple[int, int], *, pictures: int = 1) -> str:
    """The picture as it stands, drawn where the finished one will lie over it."""
    uri = preview_uri(update)
    if update.is_over and not update.files:
        return '<div class="empty-stage"><div class="frame"></div></div>'
    inside = f'<img src="{uri}" alt="The picture so far">' if uri else ""
    several = " several" if pictures > 1 else ""
    return f'<div class="running{several}"><div class="frame" style="{_shape(size_px)}">{inside}</div></div>'


def preview_uri(update: RunUpdate) -> str | None:
    """The preview that came with an update, if it is the data URI of a picture and nothing else."""
    progress = update.prediction.progress if update.prediction else None
    return progress.preview if progress and progress.preview and _PREVIEW.fullmatch(progress.preview) else None


def help_line(name: str, model: ModelInfo) -> str:
    """An input's help, why it has no effect on this model if it has none, and what else it does where that model runs."""
    parts = [help_text(name)]
    if reason := model.without_effect.get(name):
        parts.append(f"No effect on the {model.label}: {reason}.")
    if effect := model.local_effect.get(name):
        parts.append(effect)
    return " ".join(parts)


def things_line(model: ModelInfo) -> str:
    """A closed list of what the model was taught to draw, by category; nothing for a model that draws anything."""
    if model.lexicon is None or not model.lexicon.things:
        return ""
    headed = "".join(
        f"<dt>{escape(category)}</dt><dd>{escape(', '.join(things))}</dd>"
        for category, things in model.lexicon.categories.items()
    )
    listed = f"<dl>{headed}</dl>" if headed else escape(", ".join(model.lexicon.things))
    return f"<details><summary>All {len(model.lexicon.things)} things it draws</summary>{listed}</details>"


def file_size(update: RunUpdate) -> str:
    """The size of all files in kB (1000 bytes), followed by a dot; empty where it is not known."""
    return f"{update.size_bytes / 1000:.1f} kB · " if update.size_bytes else ""


def made_by(prediction: Prediction, model: ModelInfo) -> str:
    """Which model makes it: the one that was asked, unless the server itself names another."""
    return model.label if prediction.model in (None, model.id) else prediction.model


def _withheld(prediction: Prediction, pictures: int) -> str | None:
    """Why fewer pictures came back than were asked for: the hosted API, too, drops what its checker flags, and says nothing."""
    missing = pictures - len(prediction.result or ())
    return f"{missing} of {pictures} pictures withheld by the safety checker." if missing > 0 else None


def _shape(size_px: tuple[int, int]) -> str:
    width_px, height_px = size_px
    return f"aspect-ratio: {width_px} / {height_px}; --ratio: {width_px / height_px:.4f};"


def _under_way(update: RunUpdate, prediction: Prediction, model: ModelInfo, elapsed: str) -> tuple[str, str]:
    progress, stopping = prediction.progress, _stopping(update)
    if prediction.status == Status.PENDING:
        place = progress.queue_position if progress else None
        where = "waiting" if place is None else "waiting: next in line" if place == 1 else f"waiting: {ordinal(place)} in line"
        return "○", f"{stopping}{where} · {elapsed}"
    if prediction.status == Status.PROCESSING and progress and progress.total:
        return "●", f"{stopping}{made_by(prediction, model)} · step {progress.step} of {progress.total} · {elapsed}"
    if prediction.status.is_terminal:
        return "●", f"{stopping}fetching the pictures · {elapsed}"
    return "●", f"{stopping}{made_by(prediction, model)} · {prediction.status.value} · {elapsed}"


def _stopping(update: RunUpdate) -> str:
    return "cancelling · " if update.is_cancelling else ""


def _share(prediction: Prediction) -> float | None:
    progress = prediction.progress
    return progress.step / progress.total if progress and progress.total else None
