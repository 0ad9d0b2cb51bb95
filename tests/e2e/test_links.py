"""Links in a real browser: they fill the form, lock it, say what they could not do, and are copied from it."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from playground.contract.inputs import INPUTS
from tests.e2e.conftest import PHONE, WIDE
from tests.e2e.driving import open_panel, set_number

OpenPage = Callable[..., Page]
KEY = "cdt_planted_key_0123456789abcdef"


def is_locked(page: Page, name: str) -> bool:
    """Whether no part of the control takes input; the image box then offers no upload."""
    fields = page.locator(f"#{name} input, #{name} textarea")
    return all(fields.nth(number).is_disabled() for number in range(fields.count()))


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_link_that_varies_guidance_locks_all_else_until_unlocked(
    open_page: OpenPage, app_url: str, size: tuple[int, int]
) -> None:
    page = open_page(f"{app_url}/?prompt=flat+fox+on+teal+background&num_inference_steps=4&seed=11&vary=guidance", size=size)
    expect(page.locator("#link_note")).to_contain_text("This link lets you change only guidance.")
    expect(page.locator("#plan")).to_contain_text("4 steps")
    for panel in ("image_panel", "more"):
        open_panel(page, panel)
    expect(page.locator("#aspect_ratio input").first).to_be_disabled()
    assert {name for name in INPUTS if not is_locked(page, name)} == {"guidance"}
    for button in ("random_seed", "reuse_seed", "use_as_input"):
        expect(page.locator(f"#{button}")).to_be_disabled()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    set_number(page, "guidance", 7)
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("seed 11", timeout=60_000)
    expect(page.locator("#aspect_ratio input").first).to_be_disabled()  # also after the form was described anew
    page.click("#unlock")
    expect(page.locator("#link_note .line")).to_have_count(0)
    expect(page.locator("#aspect_ratio input").first).to_be_enabled()
    assert [name for name in INPUTS if name != "prompt_strength" and is_locked(page, name)] == []
    expect(page.locator("#prompt textarea")).to_have_value("flat fox on teal background")
    expect(page.locator("#num_inference_steps input[type=number]")).to_have_value("4")


def test_bad_values_are_named_as_text_and_the_rest_is_followed(open_page: OpenPage, app_url: str) -> None:
    hostile = "%3Cimg%20src%3Dx%20onerror%3D%22window.harmed%3Dtrue%22%3E"
    page = open_page(f"{app_url}/?guidance=99&cfg=7&{hostile}=1&preset={hostile}&api_key={KEY}&aspect_ratio=16:9")
    note = page.locator("#link_note")
    expect(note).to_contain_text("guidance: expected 0 to 10, got '99'")
    expect(note).to_contain_text("cfg: no such input")
    expect(note).to_contain_text("<img src=x onerror=")
    expect(note).to_contain_text("a parameter that looks like a key was not read")
    expect(page.locator("#plan")).to_contain_text("1344×768")
    expect(page.locator("#guidance input[type=number]")).to_have_value("3")
    assert KEY not in page.content()
    assert page.evaluate("window.harmed") is None


def test_a_link_opens_a_preset_and_says_where_there_is_none(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/?preset=13-wide-strip&num_inference_steps=5")
    expect(page.locator("#plan")).to_contain_text("1536×640 · 5 steps")
    expect(page.locator("#prompt textarea")).to_have_value("flat illustration of volcano on cream background")
    other = open_page(f"{app_url}/?preset=no-such")
    expect(other.locator("#link_note")).to_contain_text("preset: there is none called no-such")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_copied_link_brings_the_form_back(open_page: OpenPage, app_url: str, size: tuple[int, int]) -> None:
    page = open_page(app_url, size=size)
    prompt = "3d penguin & ghost? on teal background"
    page.fill("#prompt textarea", prompt)
    set_number(page, "num_inference_steps", 9)
    page.fill("#seed input", "12")
    page.press("#seed input", "Tab")
    expect(page.locator("#plan")).to_contain_text("9 steps")
    open_panel(page, "link_panel")
    page.click("#copy_link")
    expect(page.locator("#copy_note")).to_contain_text("The link is on the clipboard.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert page.input_value("#link textarea, #link input") == link
    assert link.startswith(f"{app_url}/?")
    assert parse_qs(urlsplit(link).query) == {"prompt": [prompt], "num_inference_steps": ["9"], "seed": ["12"]}
    other = open_page(link, size=size)
    expect(other.locator("#plan")).to_contain_text("9 steps")
    expect(other.locator("#prompt textarea")).to_have_value(prompt)
    expect(other.locator("#seed input")).to_have_value("12")
    expect(other.locator("#link_note .line")).to_have_count(0)


def test_a_link_can_be_made_that_lets_others_change_one_thing(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    open_panel(page, "link_panel")
    page.click("#link_vary input")
    page.locator("[role=option]", has_text="Guidance").click()
    page.keyboard.press("Escape")
    page.click("#copy_link")
    expect(page.locator("#copy_note")).to_contain_text("The link is on the clipboard.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert parse_qs(urlsplit(link).query)["vary"] == ["guidance"]


def test_no_link_is_made_of_a_form_that_holds_a_key(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.fill("#prompt textarea", f"ghost {KEY}")
    open_panel(page, "link_panel")
    page.click("#copy_link")
    expect(page.locator("#copy_note")).to_contain_text("The prompt holds what looks like a key: no link was made.")
    expect(page.locator("#link")).to_be_hidden()


def test_a_link_opens_its_tab(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(f"{app_url}/?tab=learn", waits_for="#lesson_head h2")

    expect(page.locator("#lesson_head h2")).to_be_visible()


def test_a_link_opens_its_lesson(open_page: Callable[..., Page], app_url: str) -> None:
    page = open_page(f"{app_url}/?lesson=guidance", waits_for="#lesson_head h2")

    expect(page.locator("#lesson_head h2")).to_contain_text("Guidance")
    expect(page.locator("#lesson_question")).to_contain_text("From guidance 1 to 3")


def test_a_comparison_travels_by_link(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/?tab=compare&prompt=flat+fox&guidance=2&b.guidance=8&seed=5", waits_for="#compare_plan .plan")
    expect(page.locator("#b_guidance input[type=number]")).to_have_value("8")
    expect(page.locator("#a_guidance input[type=number]")).to_have_value("2")
    expect(page.locator("#a_seed input")).to_have_value("5")
    expect(page.locator("#b_prompt textarea")).to_have_value("flat fox")
    set_number(page, "b_guidance", 6)
    page.click("#compare_copy_link")
    expect(page.locator("#compare_copy_note")).to_contain_text("The link is on the clipboard.")
    query = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)
    assert query == {
        "prompt": ["flat fox"], "guidance": ["2"], "seed": ["5"], "go_fast": ["false"], "b.guidance": ["6"], "tab": ["compare"],
    }  # fmt: skip


def test_a_third_side_travels_by_link_and_stays_as_the_link_says(open_page: OpenPage, app_url: str) -> None:
    address = f"{app_url}/?tab=compare&prompt=flat+fox&guidance=2&b.guidance=8&c.num_inference_steps=4&go_fast=false"
    page = open_page(address, waits_for="#compare_plan .plan")
    expect(page.locator("#third input")).to_be_checked()
    expect(page.locator("#differs")).to_contain_text("B differs in guidance: 2.0 → 8.0 · C differs in steps: 28 → 4")
    page.click("#compare_copy_link")
    expect(page.locator("#compare_copy_note")).to_contain_text("The link is on the clipboard.")
    query = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)
    assert query == parse_qs(urlsplit(address).query)


def test_a_sweep_travels_by_link(open_page: OpenPage, app_url: str) -> None:
    address = (
        f"{app_url}/?tab=sweep&prompt=flat+fox&num_inference_steps=4&seed=5&x=guidance&x_values=1,8&y=seed&y_values=2+seeds"
    )
    page = open_page(address, waits_for="#sweep_plan .plan-line")
    expect(page.locator("#sweep_plan")).to_contain_text("4 pictures")
    expect(page.locator("#sweep_base")).to_contain_text("“flat fox” · Steps 4")
    page.click("#sweep_run")
    expect(page.locator("#sweep_status")).to_contain_text("4 of 4 pictures", timeout=60_000)
    page.click("#sweep_copy_link")
    expect(page.locator("#sweep_copy_note")).to_contain_text("The link is on the clipboard.")
    query = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)
    assert query == parse_qs(urlsplit(address).query) | {"go_fast": ["false"]}


def test_links_without_a_prompt_open_with_the_example(open_page: OpenPage, app_url: str) -> None:
    page = open_page(f"{app_url}/?tab=sweep&x=guidance&x_values=1,8", waits_for="#sweep_plan .plan-line")
    expect(page.locator("#sweep_base")).to_contain_text("ghost")
    page = open_page(f"{app_url}/?tab=compare&b.guidance=8", waits_for="#compare_plan .plan")
    expect(page.locator("#b_guidance input[type=number]")).to_have_value("8")
    for side in ("a", "b"):
        expect(page.locator(f"#{side}_prompt textarea")).to_have_value("3d render of ghost on purple background")
