"""The Learn tab as a student uses it: predict, look, try, and take the settings along."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from playground.contract.inputs import INPUTS, label
from tests.e2e.conftest import PHONE, WIDE

MOST_SECONDS = 20


def open_lesson(page: Page, name: str) -> None:
    page.get_by_role("tab", name="Learn").click()
    page.locator("#lesson label", has_text=label(name)).first.click()
    expect(page.locator("#lesson_head .help")).to_contain_text(f"{label(name)} on the page")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_student_predicts_looks_and_tries(open_page: Callable[..., Page], app_url: str, size: tuple[int, int]) -> None:
    page = open_page(app_url, size=size)
    open_lesson(page, "num_inference_steps")
    expect(page.locator("#lesson_seen .strip")).to_have_count(0)

    page.locator("#lesson_question label", has_text="28 to 50").click()
    expect(page.locator(".verdict.wrong")).to_contain_text("4 to 8")
    expect(page.locator("#lesson_seen .strip img")).to_have_count(7)

    page.click("#lesson_run")
    expect(page.locator("#lesson_status .good")).to_contain_text("7 pictures by the pocket model", timeout=MOST_SECONDS * 1000)
    expect(page.locator("#lesson_own .strip img")).to_have_count(7)
    differences = [float(text) for text in page.locator("#lesson_own figcaption span").all_inner_texts()]
    assert differences[0] > differences[2] > differences[-1] == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_every_lesson_opens_and_shows_its_pictures(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(app_url)
    for name in INPUTS:
        open_lesson(page, name)
        page.click("#lesson_show")
        expect(page.locator("#lesson_seen .strip img").first).to_be_visible()
        assert page.evaluate("[...document.querySelectorAll('#lesson_seen img')].every((image) => image.naturalWidth > 0)")


def test_a_lesson_started_from_a_picture_gives_it_back_at_strength_0(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(app_url)
    open_lesson(page, "prompt_strength")

    page.click("#lesson_run")

    expect(page.locator("#lesson_status .good")).to_be_visible(timeout=MOST_SECONDS * 1000)
    differences = [float(text) for text in page.locator("#lesson_own figcaption span").all_inner_texts()]
    assert differences[0] < 5 < differences[-1]


def test_a_stopped_lesson_keeps_what_it_has(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(app_url)
    open_lesson(page, "aspect_ratio")
    page.click("#lesson_run")
    # In the page, in the frame in which the first picture comes: the others are a second away.
    page.wait_for_function(
        "document.querySelector('#lesson_own .strip img') && (document.querySelector('#lesson_stop').click(), true)",
        timeout=MOST_SECONDS * 1000,
    )

    expect(page.locator("#lesson_status .idle")).to_contain_text("stopped", timeout=10_000)
    expect(page.locator("#lesson_run")).to_be_enabled()
    assert 1 <= page.locator("#lesson_own .strip img").count() < 4


def test_a_seed_that_is_none_is_refused_in_words(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(app_url)
    open_lesson(page, "guidance")
    page.fill("#lesson_seed input", "-3")
    page.click("#lesson_run")

    expect(page.locator("#lesson_status .bad")).to_contain_text("whole number from 1 on")


def test_the_schedule_moves_with_its_inputs(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(app_url)
    page.get_by_role("tab", name="Learn").click()
    expect(page.locator("#plot circle")).to_have_count(29)

    page.fill("#plot_steps input[type=number]", "10")
    page.locator("#plot_steps input[type=number]").press("Tab")
    expect(page.locator("#plot circle")).to_have_count(11)
    page.locator("#plot_from_image input").check()
    expect(page.locator("#plot circle.skipped")).to_have_count(1)


def test_the_last_run_is_shown_step_by_step(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(app_url)
    page.click("#generate")
    expect(page.locator("#status .good")).to_be_visible(timeout=30_000)
    page.get_by_role("tab", name="Learn").click()
    expect(page.locator("#lesson_steps .strip img").first).to_be_visible()

    slider = page.locator("#lesson_steps input[type=range]")
    slider.fill("0")

    first = page.locator("#lesson_steps .strip img").first
    assert page.locator("#lesson_steps .large").get_attribute("src") == first.get_attribute("src")


def test_a_lessons_settings_can_be_taken_to_generate(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(app_url)
    open_lesson(page, "guidance")

    page.click("#lesson_take")

    expect(page.locator("#guidance input[type=number]")).to_have_value("10")
    expect(page.locator("#prompt textarea")).to_have_value("3d render of penguin on pink background")
