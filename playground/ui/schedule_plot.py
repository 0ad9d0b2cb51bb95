"""The sampling schedule as a drawing: noise level over steps, and where a picture made from an image comes in."""

from playground.contract.effects import start_step
from playground.contract.schedule import image_tokens, shift, sigmas

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 240, 44, 12, 12, 34


def schedule_plot(steps: int, size_px: tuple[int, int], strength: float | None = None) -> str:
    """An SVG of σ over the steps, with a sentence that says what it shows; `strength` is None without an image."""
    tokens = image_tokens(*size_px)
    levels = sigmas(steps, tokens)
    first = 0 if strength is None else start_step(steps, strength)
    points = [(_x(k, steps), _y(level)) for k, level in enumerate(levels)]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="{_kind(k, first)}"/>' for k, (x, y) in enumerate(points))
    straight = f'<line x1="{_x(0, steps)}" y1="{_y(1)}" x2="{_x(steps, steps):.1f}" y2="{_y(0)}" class="straight"/>'
    curve = f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" class="curve"/>'
    said = _sentence(steps, levels, first, size_px, strength)
    drawing = _axes(steps) + straight + curve + _start(first, steps, levels, strength) + dots
    return (
        f'<figure class="schedule"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{said}">{drawing}</svg>'
        f"<figcaption>{said} Time shift {shift(tokens):.2f}; the dashed line is no shift.</figcaption></figure>"
    )


def _sentence(steps: int, levels: list[float], first: int, size_px: tuple[int, int], strength: float | None) -> str:
    high = sum(level > 0.5 for level in levels[:-1])
    width_px, height_px = size_px
    base = f"{steps} steps at {width_px}×{height_px}: {high} of them begin with more noise than picture."
    if strength is None:
        return base
    if first == steps:
        return f"{base} At strength {strength:g} none runs: the image comes back."
    return (
        f"{base} At strength {strength:g} the first {first} are skipped, and the image gets noise of level {levels[first]:.2f}."
    )


def _axes(steps: int) -> str:
    lines = "".join(
        f'<line x1="{_LEFT}" y1="{_y(level):.1f}" x2="{_WIDTH - _RIGHT}" y2="{_y(level):.1f}" class="rule"/>'
        f'<text x="{_LEFT - 8}" y="{_y(level) + 4:.1f}" text-anchor="end">{level:g}</text>'
        for level in (0, 0.5, 1)
    )
    ends = "".join(
        f'<text x="{_x(k, steps):.1f}" y="{_HEIGHT - 16}" text-anchor="middle">{k}</text>'
        for k in sorted({0, steps // 2, steps})
    )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return (
        f'{lines}{ends}<text x="{middle}" y="{_HEIGHT - 2}" text-anchor="middle">step</text><text x="4" y="{_TOP + 4}">σ</text>'
    )


def _start(first: int, steps: int, levels: list[float], strength: float | None) -> str:
    if strength is None or first == steps:
        return ""
    x, y = _x(first, steps), _y(levels[first])
    mark = f'<line x1="{x:.1f}" y1="{_y(0)}" x2="{x:.1f}" y2="{y:.1f}" class="start"/>'
    return f'{mark}<text x="{x + 6:.1f}" y="{_y(0) - 6}">starts here</text>'


def _kind(step: int, first: int) -> str:
    return "skipped" if step < first else "run"


def _x(step: int, steps: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / steps


def _y(level: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - level)
