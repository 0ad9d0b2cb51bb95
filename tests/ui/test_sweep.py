"""The Sweep tab's texts and its grid: every word escaped, one cell a picture, updates that hold only what changed."""

import re
from html.parser import HTMLParser
from pathlib import Path

from playground.contract.inputs import PredictionInput
from playground.contract.model import FLUX_KREA
from playground.experiments.axis import MOST_CELLS, read_axis
from playground.experiments.made import Made, Result, Snapshot, State
from playground.experiments.plan import Plan, make_plan
from playground.ui.grid import changes, table
from playground.ui.swept import duration, plan_line, settings_line, sweep_line
from tests.service.engines import INFO

BASE = PredictionInput(prompt="<b>fox</b>", seed=7)


def tags(text: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(tag)

    Reader().feed(text)
    return found


def words_plan() -> Plan:
    return make_plan(BASE, read_axis("prompt", "<b>fox</b>, <script>, wolf", BASE))


def snapshot(plan: Plan, *made: Made, is_over: bool = False) -> Snapshot:
    return Snapshot(dict(zip(plan.requests, made, strict=True)), is_over=is_over)


def done(name: str = 'a "b".webp') -> Made:
    return Made(State.DONE, Result((Path("/kept") / name,), Path("/kept/small.webp"), 100, 1.26))


def test_grid_has_a_cell_for_each_picture_and_runs_nothing_of_what_was_typed() -> None:
    plan = words_plan()
    text = table(plan, snapshot(plan, done(), Made(State.FAILED, error="<i>no</i>"), Made()))
    assert {"script", "b", "i"}.isdisjoint(tags(text))
    assert tags(text).count("td") == 3
    assert 'data-full="gradio_api/file=/kept/a%20%22b%22.webp"' in text
    assert "1.3 s" in text
    assert 'loading="lazy"' in text


def test_changes_hold_only_the_cells_that_changed() -> None:
    plan = words_plan()
    text = changes(plan, snapshot(plan, done(), Made(State.RUNNING), Made()), [plan.requests[1]])
    assert re.findall(r'data-at="([^"]+)"', text) == ["sweep-0-1"]
    assert "being made" in text


def test_the_largest_grid_is_light() -> None:
    plan = make_plan(BASE, read_axis("seed", "1-20", BASE), read_axis("num_inference_steps", "1-15", BASE))
    made = dict.fromkeys(plan.requests, done("0" * 64 + ".webp"))
    assert len(plan.cells) == MOST_CELLS
    assert len(table(plan, Snapshot(made))) < 200_000


def test_plan_line_says_pictures_time_and_price_of_what_is_left_to_make() -> None:
    free = plan_line(INFO, requests=15, to_make=15, time_s=19.7, remarks=())
    assert "15 pictures, about 20 s, free: fake model" in free
    paid = plan_line(FLUX_KREA, requests=15, to_make=11, time_s=None, remarks=["<u>"])
    assert "15 pictures, time not known yet, 495 credits: FLUX.1 Krea [dev] · 4 of 15 already made" in paid
    assert "u" not in tags(paid)
    assert "already made: shown at once, free" in plan_line(FLUX_KREA, requests=1, to_make=0, time_s=None, remarks=())


def test_status_counts_what_is_made_failed_and_left() -> None:
    plan = words_plan()
    going = sweep_line(snapshot(plan, done(), Made(State.RUNNING), Made()), INFO)
    assert "1 of 3 pictures · 1 being made" in going
    ended = sweep_line(snapshot(plan, done(), Made(State.FAILED), Made(), is_over=True), FLUX_KREA)
    assert "1 of 3 pictures · 1 failed · stopped, 1 left · 45 credits" in ended
    assert "anew" not in ended


def test_a_paid_picture_that_was_stopped_under_way_is_owned_up_to() -> None:
    plan = words_plan()
    stopped = snapshot(plan, done(), Made(was_cancelled=True), Made(), is_over=True)
    assert "1 picture stopped under way may have cost credits all the same" in sweep_line(stopped, FLUX_KREA)
    assert "credits" not in sweep_line(stopped, INFO)


def test_settings_line_names_what_is_not_at_its_default() -> None:
    line = settings_line(BASE.model_dump() | {"guidance": 5.0, "image": "/x.png"}, INFO)
    assert "“&lt;b&gt;fox&lt;/b&gt;” · from your image · Guidance 5" in line
    assert "Steps" not in line


def test_durations_are_read_at_a_glance() -> None:
    assert (duration(0.2), duration(20.4), duration(400)) == ("1 s", "20 s", "7 min")
