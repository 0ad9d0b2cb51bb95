"""Pure text of a comparison: what differs, what a click will do, and the table of figures. All text is escaped."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from playground.contract.inputs import PredictionInput, label
from playground.contract.model import ModelInfo
from playground.experiments.comparison import Difference, differences, summary
from playground.experiments.metrics import LARGEST_DELTA_E, PairFigures, PictureFigures, Swatch
from playground.experiments.run import RunUpdate
from playground.ui import format

SIDES = ("a", "b")
FOLDED = ("megapixels", "num_outputs", "go_fast", "output_format", "output_quality", "disable_safety_checker")
"""The inputs that stand in a side's closed panel."""

_MARK = "border-left: 3px solid var(--accent) !important; padding-left: 8px !important; margin-left: -11px !important"


@dataclass(frozen=True)
class Measured:
    """One side's picture: its run's end, and the figures of its first picture."""

    update: RunUpdate
    figures: PictureFigures


def differences_line(found: Sequence[Difference], *, one_seed: bool, seeds_equal: bool) -> str:
    """What differs, in one line, with the style that marks those inputs (and the closed panel that hides one)."""
    seeds = "one seed for both" if one_seed else "the seeds are equal" if seeds_equal else "each its own seed"
    names = {difference.name for difference in found}
    marked = [f"#{side}_{name}" for side in SIDES for name in sorted(names)]
    marked += [f"#{side}_more > .label-wrap" for side in SIDES if names & set(FOLDED)]
    style = f"<style>{', '.join(marked)} {{ {_MARK} }}</style>" if marked else ""
    words = f"B {summary(found)}" if found else "A and B are alike: change one input of B"
    return f'<div class="differs">{escape(words)} · {seeds}</div>{style}'


def plan(
    model: ModelInfo, sides: Sequence[PredictionInput], *, sizes_px: Sequence[tuple[int, int]], steps: Sequence[int]
) -> str:
    """What a click will do on each side, and what both cost together."""
    parts: list[str] = []
    for side, request, (width_px, height_px), number in zip(SIDES, sides, sizes_px, steps, strict=True):
        parts.append(f"{side.upper()} {width_px}×{height_px}, {number} step{'' if number == 1 else 's'}")
        if request.num_outputs > 1:
            parts[-1] += f", {request.num_outputs} pictures (the first is compared)"
    each = model.credits_per_request
    cost = "free" if model.is_free else f"together {len(sides) * each} credits ({len(sides)} × {each})"
    return f'<div class="plan">{escape(" · ".join([*parts, cost]))}: {escape(model.label)}</div>'


def remarks_list(remarks: Sequence[Sequence[str]]) -> str:
    """A line for each thing that will have no effect: once where it holds for both sides, else with the side's letter."""
    lines: dict[str, list[str]] = {}
    for side, found in zip(SIDES, remarks, strict=True):
        for remark in found:
            lines.setdefault(remark, []).append(side.upper())
    items = "".join(
        f"<li>{escape(remark if len(sides) == len(SIDES) else f'{sides[0]}: {remark}')}</li>" for remark, sides in lines.items()
    )
    return f"<ul>{items}</ul>" if items else ""


def pair_lines(pair: PairFigures | None) -> str:
    """How far the two pictures are apart, and what the heat map's brightness means."""
    if pair is None:
        return ""
    if math.isinf(pair.psnr_db):
        apart = "A and B are identical, pixel for pixel"
    else:
        apart = f"PSNR {pair.psnr_db:.1f} dB · SSIM {pair.ssim:.3f} · mean ΔE {pair.delta_e:.1f}"
    width_px, height_px = pair.size_px
    where = f" · compared at {width_px}×{height_px}, the size that both have" if pair.is_resized else ""
    scale = f"Difference: ΔE in CIELAB, black 0, brightest {LARGEST_DELTA_E:g} and above; about 2 is just noticeable."
    return f'<div class="apart">{escape(apart + where)}</div><div class="scale">{escape(scale)}</div>'


def table(sides: Sequence[Measured | None]) -> str:
    """The figures of each side that has a picture; the larger of two different values is marked."""
    if not any(sides):
        return ""
    rows = "".join(_row(figure, sides) for figure in _FIGURES)
    colours = "".join(f"<td>{_swatches(side.figures.colours) if side else '–'}</td>" for side in sides)
    meanings = [(figure.name, figure.help) for figure in _FIGURES] + [("dominant colours", _COLOURS)]
    listed = "".join(f"<dt>{name}</dt><dd>{escape(help)}</dd>" for name, help in meanings)
    heads = "".join(f'<th scope="col">{side.upper()}</th>' for side in SIDES)
    return (
        f'<table class="figures"><thead><tr><th scope="col">figure</th>{heads}</tr></thead><tbody>{rows}'
        f'<tr><th scope="row">dominant colours</th>{colours}</tr></tbody></table>'
        '<p class="scale">▲ the larger value, which need not be the better one</p>'
        f'<details class="meanings"><summary>What these figures mean</summary><dl>{listed}</dl></details>'
    )


def _seconds(side: Measured) -> float:
    prediction = side.update.prediction
    run_time_s = prediction.run_time_s if prediction else None
    return side.update.elapsed_s if run_time_s is None else run_time_s


@dataclass(frozen=True)
class _Figure:
    """A row of the table."""

    name: str
    help: str
    show: Callable[[float], str]
    of: Callable[[Measured], float]


_WAITED = "The model's own time where the API says it; else from the click, waiting included"
_COLOURFULNESS = "Hasler and Süsstrunk 2003: 0 grey, above 109 extremely colourful"
_COLOURS = "The five largest (median cut, then k-means) and the share of the picture that each stands for"
_FIGURES = (
    _Figure("time", _WAITED, "{:.1f} s".format, _seconds),
    _Figure(
        "file size", "All files of the side, 1 kB = 1000 bytes", "{:.1f} kB".format, lambda side: side.update.size_bytes / 1000
    ),
    _Figure(
        "sharpness",
        "1 − blur effect (Crété-Roffet 2007): 0 blurred, 1 crisp",
        "{:.2f}".format,
        lambda side: side.figures.sharpness,
    ),
    _Figure(
        "colourfulness",
        "Hasler and Süsstrunk 2003: 0 grey, above 109 extreme",
        "{:.1f}".format,
        lambda side: side.figures.colourfulness,
    ),
    _Figure("saturation", "Mean of HSV's S: 0 grey, 1 pure colour", "{:.2f}".format, lambda side: side.figures.saturation),
    _Figure("contrast", "RMS: standard deviation of the luma, 0 to 0.5", "{:.3f}".format, lambda side: side.figures.contrast),
)


def _row(figure: _Figure, sides: Sequence[Measured | None]) -> str:
    values = [figure.of(side) if side else None for side in sides]
    shown = ["–" if value is None else figure.show(value) for value in values]
    most = max(value for value in values if value is not None)
    is_marked = None not in values and len(set(shown)) > 1
    cells = "".join(
        f'<td class="larger">{text} <span title="larger">▲</span></td>' if is_marked and value == most else f"<td>{text}</td>"
        for value, text in zip(values, shown, strict=True)
    )
    return f'<tr><th scope="row">{figure.name}</th>{cells}</tr>'


def _swatches(colours: Sequence[Swatch]) -> str:
    return "".join(
        f'<span class="swatch"><i style="background: {colour.colour}"></i>{colour.colour} {colour.share:.0%}</span>'
        for colour in colours
    )


def slide_shape(size_px: tuple[int, int]) -> str:
    """The style that gives the slider its pictures' shape: it would fill the width and cut off what is too high."""
    return f"<style>#compare_stage {{ --ratio: {size_px[0] / size_px[1]:.4f} }}</style>"


def made_with(requests: Sequence[PredictionInput]) -> str:
    """Under the pictures: what set apart the settings that they were made with."""
    found, seeds = differences(requests, one_seed=True), [request.seed for request in requests]
    seed = f"seed {seeds[0]}" if len(set(seeds)) == 1 else f"seeds {' and '.join(map(str, seeds))}"
    words = f"B {summary(found)}" if found else "the same settings"
    return f'<div class="differs">{escape(f"Shown: {words} · {seed}")}</div>'


def status(side: str, update: RunUpdate, model: ModelInfo, request: PredictionInput) -> str:
    """One side's status line, its letter before it."""
    line = format.run_line(update, model, seed=request.seed, pictures=request.num_outputs)
    return f'<div class="side-status"><b>{side.upper()}</b><div>{line}</div></div>'


def previews(updates: Sequence[RunUpdate | None], sizes_px: Sequence[tuple[int, int]]) -> str:
    """Both pictures as they stand, side by side."""
    drawn = "".join(
        f'<div class="side">{"" if update is None else format.preview(update, size_px)}</div>'
        for update, size_px in zip(updates, sizes_px, strict=True)
    )
    return f'<div class="previews">{drawn}</div>'


_QUESTION = "What does one input do? Change it in B, then run both: the two pictures will stand here."
EMPTY_STAGE = f'<div class="previews"><p>{_QUESTION}</p></div>'
GO_FAST_REASON = (
    f"{label('go_fast')} is off here: upstream it is not reproducible, the same seed then gives different pictures, "
    "and luck would pass for an effect."
)
