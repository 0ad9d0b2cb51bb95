"""Pure text of a comparison: what differs, what a click will do, and the table of figures. All text is escaped."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from playground.contract.effects import effective_seed
from playground.contract.inputs import PredictionInput, label
from playground.contract.model import ModelInfo
from playground.experiments.comparison import Difference, differences, summary
from playground.experiments.metrics import LARGEST_DELTA_E, PairFigures, PictureFigures, Swatch
from playground.experiments.run import RunUpdate
from playground.ui import format

SIDES = ("a", "b", "c")
"""The third is compared only where a person or a link asks for it."""
FOLDED = ("megapixels", "num_outputs", "go_fast", "output_format", "output_quality", "disable_safety_checker")
"""The inputs that stand in a side's closed panel."""

_MARK = "border-left: 3px solid var(--accent) !important; padding-left: 8px !important; margin-left: -11px !important"


@dataclass(frozen=True)
class Measured:
    """One side's picture: its run's end, and the figures of its first picture."""

    update: RunUpdate
    figures: PictureFigures


def differences_line(sides: Sequence[PredictionInput], *, one_seed: bool) -> str:
    """What differs from A, in one line, with the style that marks those inputs (and the closed panel that hides one)."""
    found = _apart_from_a(sides, one_seed=one_seed)
    words = _summaries(found)
    if not any(found):
        letters = SIDES[: len(sides)]
        words = f"{_listed(letters)} are alike: change one input of {_listed(letters[1:], 'or')}"
    names = [{difference.name for difference in apart} for apart in found]
    marked: list[str] = []
    for side, own in zip(SIDES, [set[str]().union(*names), *names], strict=False):
        marked += [f"#{side}_{name}" for name in sorted(own)]
        marked += [f"#{side}_more > .label-wrap"] if own & set(FOLDED) else []
    style = f"<style>{', '.join(marked)} {{ {_MARK} }}</style>" if marked else ""
    return f'<div class="differs">{escape(words)} · {_seeds(sides, one_seed=one_seed)}</div>{style}'


def _apart_from_a(sides: Sequence[PredictionInput], *, one_seed: bool) -> list[tuple[Difference, ...]]:
    """What differs from A in each other side."""
    return [differences([sides[0], other], one_seed=one_seed) for other in sides[1:]]


def _summaries(found: Sequence[Sequence[Difference]]) -> str:
    """`B differs in guidance: 3.0 → 7.0 · C is like A`"""
    return " · ".join(
        f"{side.upper()} {summary(apart) if apart else 'is like A'}" for side, apart in zip(SIDES[1:], found, strict=False)
    )


def _seeds(sides: Sequence[PredictionInput], *, one_seed: bool) -> str:
    if one_seed:
        return f"one seed for {'both' if len(sides) == 2 else 'all'}"
    given = [seed for seed in map(effective_seed, sides) if seed is not None]
    if len(set(given)) == len(given):
        return "each its own seed"
    return "the seeds are equal" if len(given) == len(sides) and len(set(given)) == 1 else "two share a seed"


def _listed(parts: Sequence[str], word: str = "and") -> str:
    """`A, B and C`"""
    return f" {word} ".join(", ".join(parts).upper().rsplit(", ", 1))


def plan(
    model: ModelInfo, sides: Sequence[PredictionInput], *, sizes_px: Sequence[tuple[int, int]], steps: Sequence[int]
) -> str:
    """What a click will do on each side, and what they cost together."""
    parts: list[str] = []
    for side, request, (width_px, height_px), number in zip(SIDES, sides, sizes_px, steps, strict=False):
        parts.append(f"{side.upper()} {width_px}×{height_px}, {number} step{'' if number == 1 else 's'}")
        if request.num_outputs > 1:
            parts[-1] += f", {request.num_outputs} pictures (the first is compared)"
    each = model.credits_per_request
    cost = "free" if model.is_free else f"together {len(sides) * each} credits ({len(sides)} × {each})"
    return f'<div class="plan">{escape(" · ".join([*parts, cost]))}: {escape(model.label)}</div>'


def remarks_list(remarks: Sequence[Sequence[str]]) -> str:
    """A line for each thing that will have no effect: once where it holds for all sides, else with their letters."""
    lines: dict[str, list[str]] = {}
    for side, found in zip(SIDES, remarks, strict=False):
        for remark in found:
            lines.setdefault(remark, []).append(side)
    items = "".join(
        f"<li>{escape(remark if len(sides) == len(remarks) else f'{_listed(sides)}: {remark}')}</li>"
        for remark, sides in lines.items()
    )
    return f"<ul>{items}</ul>" if items else ""


def pair_lines(pair: str, figures: PairFigures) -> str:
    """How far the two pictures of a pair such as "A|C" are apart, and what the heat map's brightness means."""
    names = pair.replace("|", " and ")
    if math.isinf(figures.psnr_db):
        apart = f"{names} are identical, pixel for pixel"
    else:
        apart = f"{names}: PSNR {figures.psnr_db:.1f} dB · SSIM {figures.ssim:.3f} · mean ΔE {figures.delta_e:.1f}"
    width_px, height_px = figures.size_px
    where = f" · compared at {width_px}×{height_px}, the size that both have" if figures.is_resized else ""
    scale = f"Difference: ΔE in CIELAB, black 0, brightest {LARGEST_DELTA_E:g} and above; about 2 is just noticeable."
    return f'<div class="apart">{escape(apart + where)}</div><div class="scale">{escape(scale)}</div>'


def table(sides: Sequence[Measured | None]) -> str:
    """The figures of each side that has a picture; the largest of different values is marked."""
    if not any(sides):
        return ""
    rows = "".join(_row(figure, sides) for figure in _FIGURES)
    colours = "".join(f"<td>{_swatches(side.figures.colours) if side else '–'}</td>" for side in sides)
    meanings = [(figure.name, figure.help) for figure in _FIGURES] + [("dominant colours", _COLOURS)]
    listed = "".join(f"<dt>{name}</dt><dd>{escape(help)}</dd>" for name, help in meanings)
    heads = "".join(f'<th scope="col">{side.upper()}</th>' for side in SIDES[: len(sides)])
    more, better = ("larger", "better") if len(sides) == 2 else ("largest", "best")
    return (
        f'<table class="figures"><thead><tr><th scope="col">figure</th>{heads}</tr></thead><tbody>{rows}'
        f'<tr><th scope="row">dominant colours</th>{colours}</tr></tbody></table>'
        f'<p class="scale">▲ the {more} value, which need not be the {better} one</p>'
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
    known = [value for value in values if value is not None]
    # What cannot be told apart in the digits that are shown is not called different.
    most = figure.show(max(known)) if len({figure.show(value) for value in known}) > 1 else None
    cells = "".join(f'<td class="larger">{text} <span>▲</span></td>' if text == most else f"<td>{text}</td>" for text in shown)
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
    found, seeds = _apart_from_a(requests, one_seed=True), [str(request.seed) for request in requests]
    seed = f"seed {seeds[0]}" if len(set(seeds)) == 1 else f"seeds {_listed(seeds)}"
    words = _summaries(found) if any(found) else "the same settings"
    return f'<div class="differs">{escape(f"Shown: {words} · {seed}")}</div>'


def status(side: str, update: RunUpdate, model: ModelInfo, request: PredictionInput) -> str:
    """One side's status line, its letter before it."""
    line = format.run_line(update, model, seed=request.seed, pictures=request.num_outputs)
    return f'<div class="side-status"><b>{side.upper()}</b><div>{line}</div></div>'


def previews(updates: Sequence[RunUpdate | None], sizes_px: Sequence[tuple[int, int]]) -> str:
    """The pictures as they stand, side by side."""
    drawn = "".join(
        f'<div class="side">{"" if update is None else format.preview(update, size_px)}</div>'
        for update, size_px in zip(updates, sizes_px, strict=True)
    )
    return f'<div class="previews">{drawn}</div>'


_QUESTION = "What does one input do? Change it in B, then run: the pictures will stand here, one beside the other."
EMPTY_STAGE = f'<div class="previews"><p>{_QUESTION}</p></div>'
GO_FAST_REASON = (
    f"{label('go_fast')} is off here: upstream it is not reproducible, the same seed then gives different pictures, "
    "and luck would pass for an effect."
)
