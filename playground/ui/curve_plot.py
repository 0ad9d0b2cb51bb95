"""A sweep's figures as drawings: one small plot for each, the band of seed-to-seed variation behind the curve."""

from collections.abc import Mapping, Sequence
from html import escape

from playground.contract.inputs import label
from playground.experiments.axis import Axis, abridged
from playground.experiments.curves import Curve, Figure

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 320, 150, 46, 10, 12, 24
_MOST_LINES, _MOST_TICKS = 6, 7
_ADVICE = "To see how much of this is luck, vary also the seed, over 4 seeds."


def curve_plots(found: Mapping[Figure, Sequence[Curve]], axis: Axis) -> str:
    """All plots, each with a sentence that says what it shows; a note where luck is not known. All text is escaped."""
    plots = "".join(_plot(figure, curves[:_MOST_LINES], axis) for figure, curves in found.items())
    knows_luck = any(curve.luck is not None for curves in found.values() for curve in curves)
    left_out = max((len(curves) - _MOST_LINES for curves in found.values()), default=0)
    notes = [] if knows_luck or axis.name == "seed" else [_ADVICE]
    if axis.name == "seed":
        notes.append("Only the seed was varied: all of this is luck.")
    if knows_luck:
        notes.append("The band is one standard deviation between seeds to either side of their mean.")
    if left_out > 0:
        notes.append(f"The first {_MOST_LINES} values of the second input are drawn, {left_out} are not.")
    return f'<div class="curves">{plots}</div><p class="curve-note">{escape(" ".join(notes))}</p>'


def sentence(figure: Figure, curves: Sequence[Curve]) -> str:
    """How much the figure changes, and whether that is more than luck: "Saturation: changes by 0.2, more than luck"."""
    widest = max(curves, key=lambda curve: curve.effect)
    unit = f" {figure.unit}" if figure.unit else ""
    where = f" at {widest.label}" if len(curves) > 1 else ""
    said = f"{figure.name}: changes by {widest.effect:.3g}{unit}{where}"
    if widest.luck is None:
        return said
    verdict = "more than luck" if widest.is_more_than_luck else "no more than luck"
    return f"{said}, {verdict} (seeds alone: ±{widest.luck:.2g}{unit})"


def _plot(figure: Figure, curves: Sequence[Curve], axis: Axis) -> str:
    lows = [point.mean - point.deviation for curve in curves for point in curve.points]
    highs = [point.mean + point.deviation for curve in curves for point in curve.points]
    least, most = min(lows), max(highs)
    if most - least < 1e-9:
        least, most = least - 0.5, most + 0.5
    places = _places(axis)

    def at(index: int, value: float) -> str:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * places[index]
        y = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (most - value) / (most - least)
        return f"{x:.1f},{y:.1f}"

    drawn: list[str] = []
    for number, curve in enumerate(curves):
        if curve.luck is not None:
            upper = [at(point.index, point.mean + point.deviation) for point in curve.points]
            lower = [at(point.index, point.mean - point.deviation) for point in reversed(curve.points)]
            drawn.append(f'<polygon points="{" ".join(upper + lower)}" class="band"/>')
        line = " ".join(at(point.index, point.mean) for point in curve.points)
        dots = "".join(_dot(at(point.index, point.mean)) for point in curve.points)
        drawn.append(f'<g class="line-{number}"><polyline points="{line}"/>{dots}</g>')
    said = escape(sentence(figure, curves))
    picture = _axes(axis, places, least, most) + "".join(drawn)
    key = _key(curves)
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{said}">{picture}</svg>'
        f"<figcaption>{said}{key}</figcaption></figure>"
    )


def _places(axis: Axis) -> list[float]:
    """Where each value stands, 0…1: numbers to scale, anything else evenly."""
    values = axis.values
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values) and axis.name != "seed" and max(numbers) > min(numbers):
        return [(number - min(numbers)) / (max(numbers) - min(numbers)) for number in numbers]
    return [index / max(1, len(values) - 1) for index in range(len(values))]


def _axes(axis: Axis, places: Sequence[float], least: float, most: float) -> str:
    drawn: list[str] = []
    for value, y in ((most, _TOP), (least, _HEIGHT - _BOTTOM)):
        drawn.append(f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" class="rule"/>')
        drawn.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value:.3g}</text>')
    every = -(-len(places) // _MOST_TICKS)
    for index in range(0, len(places), every):
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * places[index]
        drawn.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(abridged(axis.labels[index], 10))}</text>'
        )
    return "".join(drawn) + f"<title>{escape(label(axis.name))}</title>"


def _dot(at: str) -> str:
    x, y = at.split(",")
    return f'<circle cx="{x}" cy="{y}" r="2.5"/>'


def _key(curves: Sequence[Curve]) -> str:
    if len(curves) < 2:
        return ""
    names = "".join(
        f'<span class="line-{number}">{escape(abridged(curve.label, 36))}</span>' for number, curve in enumerate(curves)
    )
    return f'<span class="key">{names}</span>'
