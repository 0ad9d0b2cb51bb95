"""Lessons: one for each input, in the contract's words, with settings that can be run."""

from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

from playground.contract.inputs import INPUTS, bounds, choices
from playground.lessons.lesson import FIGURES_FILE, PICTURES, UPLOAD_FILE, Lesson, Question, read_lessons, read_measurements

LESSONS = read_lessons()


def test_every_input_has_a_lesson_in_the_contracts_order() -> None:
    assert list(LESSONS) == list(INPUTS)


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=str)
def test_a_lesson_changes_its_input_alone(lesson: Lesson) -> None:
    requests = [lesson.request(place) for place in range(len(lesson.values))]
    others = [request.model_dump(exclude={lesson.input}) for request in requests]

    assert all(other == others[0] for other in others)
    if lesson.input != "image":
        assert len({str(getattr(request, lesson.input)) for request in requests}) == len(requests)
    if lesson.input != "seed":
        assert lesson.request(0).seed, "luck would be mixed up with the effect"


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=str)
def test_a_lesson_shows_both_ends_where_there_are_any(lesson: Lesson) -> None:
    if lesson.input in {"seed", "num_inference_steps", "prompt", "image"}:
        return
    if choices(lesson.input):
        assert set(lesson.values) <= set(choices(lesson.input))
    elif isinstance(lesson.values[0], bool):
        assert lesson.values == (False, True)
    else:
        least, most = bounds(lesson.input)
        assert (lesson.values[0], lesson.values[-1]) == (least, most)


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=str)
def test_a_lesson_is_quick_enough_to_run(lesson: Lesson) -> None:
    """28 steps at one megapixel take about a second on two cores, a quarter of that at 0.25."""
    work = 0.0
    for place in range(len(lesson.values)):
        request = lesson.request(place)
        share = 1.0 if request.megapixels == "1" else 0.25
        work += share * request.num_outputs * request.num_inference_steps / 28
    assert work < 10


def test_a_lesson_that_asks_for_what_the_contract_refuses_is_refused(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent.parent / "playground/lessons/guidance.toml").read_text("utf-8")
    (tmp_path / "guidance.toml").write_text(text.replace("10.0]", "11.0]"), "utf-8")

    with pytest.raises(ValidationError, match="less than or equal to 10"):
        read_lessons(tmp_path)


def test_a_question_has_its_answer_among_the_options() -> None:
    with pytest.raises(ValidationError, match="none of the 2 options"):
        Question(text="?", options=("a", "b"), answer=2, because="")


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=str)
def test_a_lessons_pictures_ship_with_it(lesson: Lesson) -> None:
    for place in range(len(lesson.values)):
        with Image.open(lesson.picture(place)) as picture:
            assert max(picture.size) == 256
    assert len(read_measurements()[lesson.input].values) == len(lesson.values)


def test_no_picture_is_left_over() -> None:
    wanted = {lesson.picture(place).name for lesson in LESSONS.values() for place in range(len(lesson.values))}

    assert {path.name for path in PICTURES.iterdir()} == wanted | {UPLOAD_FILE, FIGURES_FILE}
