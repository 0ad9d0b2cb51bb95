"""Lessons as HTML: nothing is left out, and nothing is left unescaped."""

import pytest

from playground.lessons.lesson import Lesson, read_lessons
from playground.ui import lesson_view

LESSONS = read_lessons()
NASTY = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=str)
def test_a_strip_has_a_cell_for_every_value(lesson: Lesson) -> None:
    shown = lesson_view.shipped_strip(lesson)

    assert shown.count("<figure>") == len(lesson.values)
    assert shown.count("data:image/webp;base64,") == len(lesson.values)
    assert lesson.claim.text in shown


def test_an_answer_is_told_right_or_wrong_and_silence_neither() -> None:
    lesson = LESSONS["guidance"]
    right = lesson.question.answer

    assert "Right." in lesson_view.verdict(lesson, right)
    assert "Not so" in lesson_view.verdict(lesson, (right + 1) % 3)
    assert lesson.question.options[right] in lesson_view.verdict(lesson, None)


def test_a_lessons_words_are_text() -> None:
    lesson = LESSONS["seed"].model_copy(update={"title": NASTY, "plain": NASTY, "precise": NASTY, "cost": NASTY})

    assert NASTY not in lesson_view.head(lesson) + lesson_view.depth(lesson)
    assert "&lt;img" in lesson_view.head(lesson)


def test_the_last_runs_steps_stand_in_order_and_the_last_is_large() -> None:
    drawn = lesson_view.denoising({9: "data:9", 3: "data:3"}, 28)

    assert drawn.index("step 3") < drawn.index("step 9</b>")
    assert '<img class="large" src="data:9"' in drawn
    assert "step 9 of 28" in drawn
