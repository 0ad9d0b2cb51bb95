"""A lesson as HTML: its text, its pictures with their figures, and what it says to an answer. All text is escaped."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from playground.contract.inputs import help_text, label
from playground.lessons.lesson import Figure, Lesson, read_measurements

_FIGURE_NAMES: dict[Figure, str] = {
    "bytes": "file size",
    "count": "pictures",
    "pixels": "pixels",
    "from_first": "difference from the first",
    "from_last": "difference from the last",
    "from_image": "difference from the image",
}
_FIGURE_NOTES: dict[Figure, str] = {
    "from_first": "mean absolute difference of the channels, of 255",
    "from_last": "mean absolute difference of the channels, of 255",
    "from_image": "mean absolute difference of the channels, of 255",
}


def head(lesson: Lesson) -> str:
    """Title and plain words."""
    return f'<h2>{escape(lesson.title)}</h2><p class="plain">{escape(lesson.plain)}</p><p class="help">{_help(lesson)}</p>'


def verdict(lesson: Lesson, answer: int | None) -> str:
    """What the lesson says to an answer to its question, right or wrong, or None for somebody who only wants to see."""
    right = lesson.question.options[lesson.question.answer]
    because = escape(lesson.question.because)
    if answer is None:
        return f'<p class="verdict">The answer: {escape(right)}. {because}</p>'
    if answer == lesson.question.answer:
        return f'<p class="verdict right">Right. {because}</p>'
    return f'<p class="verdict wrong">Not so: {escape(right)}. {because}</p>'


def shipped_strip(lesson: Lesson) -> str:
    """The pictures that ship with the lesson, each with its value and the claim's figure, the mean of three seeds."""
    pictures = [data_uri(lesson.picture(place).read_bytes()) for place in range(len(lesson.values))]
    measured = read_measurements()[lesson.input]
    note = "Made by the pocket model with seed 7. " if lesson.input != "seed" else "Made by the pocket model. "
    luck = f" Two seeds differ by {measured.luck:.1f}." if lesson.claim.figure.startswith("from_") and measured.luck else ""
    figure = f"Figures: {_figure_words(lesson)}, the mean of three seeds.{luck}"
    return (
        f'<p class="claim">{escape(lesson.claim.text)}</p>{strip(lesson, pictures, measured.values)}'
        f'<p class="note">{note}{escape(figure)}</p>'
    )


def strip(lesson: Lesson, pictures: Sequence[str | None], figures: Sequence[float | None]) -> str:
    """One cell a value: picture (a data URI, or None while there is none), value, figure."""
    cells = "".join(
        f"<figure>{_picture(uri, lesson.value_label(place))}<figcaption><b>{escape(lesson.value_label(place))}</b>"
        f"<span>{_figure(lesson.claim.figure, figure)}</span></figcaption></figure>"
        for place, (uri, figure) in enumerate(zip(pictures, figures, strict=True))
    )
    return f'<div class="strip">{cells}</div>'


def depth(lesson: Lesson) -> str:
    """The precise words, where it has no effect, what it costs, and who recommends what."""
    advice = "".join(f"<li><b>{escape(one.value)}</b>: {escape(one.source)}</li>" for one in lesson.advice)
    rows = (("Precisely", lesson.precise), ("No effect", lesson.no_effect), ("Cost", lesson.cost))
    terms = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f"<dl>{terms}<dt>Recommended</dt><dd><ul>{advice}</ul></dd></dl>"


def denoising(previews: Mapping[int, str], steps: int) -> str:
    """The steps of the last run as a strip, with a slider that shows one of them large (see learn.js)."""
    if not previews:
        return '<p class="note">Nothing yet: generate a picture with the pocket model, then come back.</p>'
    shown = sorted(previews.items())
    cells = "".join(
        f'<figure><img src="{uri}" alt="after step {step}"><figcaption><b>step {step}</b></figcaption></figure>'
        for step, uri in shown
    )
    last_step, last_uri = shown[-1]
    slider = f'<input type="range" min="0" max="{len(shown) - 1}" value="{len(shown) - 1}" aria-label="Step of the last run">'
    large = f'<img class="large" src="{last_uri}" alt="The picture after the chosen step">'
    said = f"<output>step {last_step} of {steps}</output>"
    return f'<div class="denoising">{large}{slider}{said}<div class="strip">{cells}</div></div>'


def data_uri(webp: bytes) -> str:
    """A WebP file as a data URI."""
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


def read_uri(path: Path) -> str:
    """A WebP file on disk as a data URI. Blocks: use a thread."""
    return data_uri(path.read_bytes())


def _help(lesson: Lesson) -> str:
    return f"{escape(label(lesson.input))} on the page: {escape(help_text(lesson.input))}"


def _figure_words(lesson: Lesson) -> str:
    figure = lesson.claim.figure
    note = _FIGURE_NOTES.get(figure)
    return _FIGURE_NAMES[figure] + (f" ({note})" if note else "")


def _picture(uri: str | None, value: str) -> str:
    return f'<img src="{uri}" alt="{escape(value)}">' if uri else '<div class="waiting"></div>'


def _figure(figure: Figure, value: float | None) -> str:
    if value is None:
        return "&nbsp;"
    match figure:
        case "bytes":
            return f"{value / 1000:.1f} kB"
        case "pixels":
            return f"{value / 1e6:.2f} MP"
        case "count":
            return f"{value:.0f}"
        case _:
            return f"{value:.1f}"
