from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from playground.contract.inputs import help_text
from playground.contract.model import FLUX_KREA, ModelInfo
from playground.contract.prediction import Prediction, Progress, Status
from playground.contract.prompt import Lexicon
from playground.errors import BadInputError, Credits, NetworkError
from playground.experiments.run import RunUpdate
from playground.service.inspection import described
from playground.ui import format
from tests.service.engines import INFO

POCKET = ModelInfo(id="playground/pocket-4", label="pocket model")


def prediction(status: Status, **more: object) -> Prediction:
    return Prediction.model_validate({"job_id": "j1", "status": status, **more})


def test_waiting_line_names_the_place_in_the_queue() -> None:
    third = prediction(Status.PENDING, progress=Progress(queue_position=3))
    assert "waiting: 3rd in line · 0.4 s" in format.run_line(RunUpdate(third, elapsed_s=0.42), POCKET, seed=None)
    first = prediction(Status.PENDING, progress=Progress(queue_position=1))
    assert "waiting: next in line" in format.run_line(RunUpdate(first), POCKET, seed=None)


def test_running_line_names_model_step_and_time() -> None:
    running = prediction(Status.PROCESSING, progress=Progress(step=12, total=28))
    line = format.run_line(RunUpdate(running, elapsed_s=0.7), POCKET, seed=None)
    assert "pocket model · step 12 of 28 · 0.7 s" in line
    assert 'value="0.429"' in line


def test_finished_line_names_model_time_seed_and_price() -> None:
    update = RunUpdate(prediction(Status.COMPLETED), files=(Path("a.webp"),), is_over=True, elapsed_s=1.4)
    assert "pocket model · done in 1.4 s · seed 81377 · free" in format.run_line(update, POCKET, seed=81377)
    assert "FLUX.1 Krea [dev] · done in 1.4 s · seed 81377 · 45 credits" in format.run_line(update, FLUX_KREA, seed=81377)


def test_failed_line_speaks_of_credits_only_where_there_are_any() -> None:
    update = RunUpdate(prediction(Status.FAILED, error="out of memory"), is_over=True)
    assert "Credits may have been spent" in format.run_line(update, FLUX_KREA, seed=None)
    assert "redits" not in format.run_line(update, POCKET, seed=None)


def test_cancelled_line_is_truthful_about_credits() -> None:
    update = RunUpdate(prediction(Status.CANCELLED), is_over=True)
    assert "free" in format.run_line(update, POCKET, seed=None)
    assert "credits for this request may have been spent" in format.run_line(update, FLUX_KREA, seed=None)


def test_error_line_says_what_happened_what_it_cost_and_what_to_do() -> None:
    error = NetworkError("It broke.", credits=Credits.MAYBE_SPENT, advice="Look first.")
    assert "It broke. Credits may have been spent. Look first." in format.run_line(RunUpdate(error=error), FLUX_KREA, seed=None)


def test_unknown_status_is_shown_as_it_is() -> None:
    strange = prediction(Status("warming-up"))
    assert "pocket model · warming-up" in format.run_line(RunUpdate(strange), POCKET, seed=None)


@given(st.text(max_size=200))
def test_no_line_lets_markup_through(text: str) -> None:
    hostile = f"<img src=x onerror=alert(1)>{text}"
    lines = [
        format.error_line(BadInputError(hostile)),
        format.run_line(RunUpdate(prediction(Status.FAILED, error=hostile), is_over=True), POCKET, seed=None),
        format.run_line(RunUpdate(prediction(Status(hostile)), warning=hostile), POCKET, seed=None),
        format.plan_line(POCKET, size_px=(1, 1), steps=1, pictures=1, remarks=[hostile]),
    ]
    assert all("<img" not in line for line in lines)


def test_preview_shows_only_data_uris_of_pictures() -> None:
    good = prediction(Status.PROCESSING, progress=Progress(step=1, total=2, preview="data:image/webp;base64,AAAA"))
    assert 'src="data:image/webp;base64,AAAA"' in format.preview(RunUpdate(good), (16, 16))
    for bad in ("https://elsewhere.example/x.png", 'data:image/webp;base64,A" onerror="alert(1)', "data:text/html;base64,AAAA"):
        shown = prediction(Status.PROCESSING, progress=Progress(step=1, total=2, preview=bad))
        assert "<img" not in format.preview(RunUpdate(shown), (16, 16))


def test_ordinals() -> None:
    assert [format.ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 101, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "101st", "111th",
    ]  # fmt: skip


def test_things_are_listed_only_by_a_model_that_has_a_list() -> None:
    assert format.things_line(FLUX_KREA) == ""
    names = ("red <apple>", "ghost")
    line = format.things_line(POCKET.model_copy(update={"lexicon": Lexicon(things=names)}))
    assert "All 2 things it draws" in line
    assert "red &lt;apple&gt;, ghost" in line
    sorted_ones = Lexicon(things=names, categories={"fruit": names[:1], "character": names[1:]})
    line = format.things_line(POCKET.model_copy(update={"lexicon": sorted_ones}))
    assert "<dt>fruit</dt><dd>red &lt;apple&gt;</dd><dt>character</dt><dd>ghost</dd>" in line


def test_finished_line_names_the_size_of_the_files() -> None:
    update = RunUpdate(prediction(Status.COMPLETED), files=(Path("a.webp"),), size_bytes=14_116, is_over=True)
    assert "seed 1 · 14.1 kB · free" in format.run_line(update, POCKET, seed=1)


def test_another_model_that_the_server_names_is_said() -> None:
    update = RunUpdate(prediction(Status.COMPLETED, model="playground/pocket-4"), is_over=True)
    assert "playground/pocket-4 · done" in format.run_line(update, FLUX_KREA, seed=1)


def test_help_says_why_an_input_has_no_effect_on_a_model() -> None:
    unchecked = POCKET.model_copy(update={"without_effect": {"disable_safety_checker": "nothing is checked"}})
    assert format.help_line("disable_safety_checker", unchecked).endswith("No effect on the pocket model: nothing is checked.")
    assert "No effect" not in format.help_line("disable_safety_checker", FLUX_KREA)


def test_help_says_on_the_safety_switch_whether_the_service_checks() -> None:
    unchecked = format.help_line("disable_safety_checker", described(INFO, is_checked=False))
    checked = format.help_line("disable_safety_checker", described(INFO, is_checked=True))
    hosted = format.help_line("disable_safety_checker", FLUX_KREA)

    assert unchecked.endswith("No effect on the fake model: this service has no safety checker, and nothing is checked.")
    assert "are checked here for nudity and pornography" in checked
    assert "No effect" not in checked
    assert hosted == help_text("disable_safety_checker")


def test_pictures_that_a_checker_withheld_are_counted() -> None:
    three = RunUpdate(prediction(Status.COMPLETED, result=["a", "b", "c"]), is_over=True)
    line = format.run_line(three, POCKET, seed=1, pictures=4)
    assert "1 of 4 pictures withheld by the safety checker." in line
    assert "withheld" not in format.run_line(three, POCKET, seed=1, pictures=3)
