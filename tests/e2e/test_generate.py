"""The Generate tab in a real browser, with the pocket model behind it."""

import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from playground.experiments.presets import read_preset
from tests.e2e.driving import open_panel, set_number

OpenPage = Callable[..., Page]
WIDE, PHONE = (1440, 900), (390, 844)
RUN_TIMEOUT_MS = 60_000
SCREENSHOT = Path(__file__).parent / "screenshot.png"


def finished(page: Page) -> str:
    """Wait for the run to end well; returns the status line."""
    expect(page.locator("#status")).to_contain_text("done in", timeout=RUN_TIMEOUT_MS)
    return page.locator("#status").inner_text()


def set_steps(page: Page, steps: int) -> None:
    set_number(page, "num_inference_steps", steps)


def choose_preset_file(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.click("#preset_load")
    chooser.value.set_files(path)


def shown_picture(page: Page) -> tuple[bytes, Image.Image]:
    address = page.locator("#gallery [data-testid=detailed-image]").get_attribute("src")
    assert address is not None
    data = page.request.get(address).body()
    return data, Image.open(BytesIO(data))


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload.png"
    Image.new("RGB", (600, 400), "orange").save(path)
    return path


def test_page_opens_with_a_plan_an_example_and_no_cost(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    expect(page.locator("#plan")).to_contain_text("1024×1024 · 28 steps · free: pocket model")
    expect(page.locator("#status")).to_contain_text("made by the pocket model, seed 7")
    assert shown_picture(page)[1].size == (1024, 1024)
    assert page.input_value("#seed input") == ""


def test_enter_in_the_prompt_makes_a_picture_while_status_and_preview_stream(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.fill("#prompt textarea", "3d penguin on pink background")
    page.press("#prompt textarea", "Enter")
    expect(page.locator("#status")).to_contain_text(re.compile(r"pocket model · step \d+ of 28"), timeout=RUN_TIMEOUT_MS)
    expect(page.locator("#preview img")).to_have_attribute(
        "src", re.compile("^data:image/webp;base64,"), timeout=RUN_TIMEOUT_MS
    )
    assert re.search(r"pocket model · done in \d+\.\d s · seed \d+ · \d+\.\d kB · free", finished(page))
    data, picture = shown_picture(page)
    assert (picture.format, picture.size) == ("WEBP", (1024, 1024))
    assert b"playground/pocket-4" in data  # the delivered file itself, with what was written into it


def test_request_panel_shows_the_request_as_it_was_sent(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    open_panel(page, "request_panel")
    set_steps(page, 2)
    page.fill("#seed input", "4711")
    page.click("#generate")
    assert "seed 4711" in finished(page)
    request = json.loads("\n".join(page.locator("#request .cm-line").all_inner_texts()))
    assert request["model"] == "playground/pocket-4"
    assert request["input"]["seed"] == 4711
    assert request["input"]["num_inference_steps"] == 2
    assert len(request["input"]) == 12  # all but the image


def test_same_seed_gives_the_same_file_and_reuse_brings_the_seed_back(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    set_steps(page, 3)
    page.click("#generate")
    first_line = finished(page)
    first, _ = shown_picture(page)
    page.click("#reuse_seed")
    seed = page.input_value("#seed input")
    assert f"seed {seed}" in first_line
    page.fill("#prompt textarea", "flat castle on navy background")
    page.click("#generate")
    expect(page.locator("#status")).not_to_contain_text("done in")
    finished(page)
    page.fill("#prompt textarea", "3d render of ghost on purple background")
    page.click("#generate")
    expect(page.locator("#status")).not_to_contain_text("done in")
    finished(page)
    assert shown_picture(page)[0] == first
    page.click("#random_seed")
    expect(page.locator("#seed input")).to_have_value("")


def test_cancel_stops_the_run_and_the_next_one_works(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    open_panel(page, "more")
    set_number(page, "num_outputs", 4)
    set_steps(page, 50)
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text(re.compile(r"step \d+ of 50"), timeout=RUN_TIMEOUT_MS)
    page.click("#cancel")
    page.click("#cancel", force=True)  # twice does no harm
    expect(page.locator("#status")).to_contain_text(re.compile(r"cancelled after \d+\.\d s · free"), timeout=10_000)
    assert shown_picture(page)[1].size == (1024, 1024)  # the example is back
    expect(page.locator("#generate")).to_be_enabled()
    set_number(page, "num_outputs", 1)
    set_steps(page, 2)
    page.click("#generate")
    finished(page)


def test_image_brings_its_own_controls_and_shape(open_page: OpenPage, app_url: str, upload: Path) -> None:
    page = open_page(app_url)
    expect(page.locator("#prompt_strength")).to_be_hidden()
    open_panel(page, "image_panel")
    page.set_input_files("#image input[type=file]", upload)
    expect(page.locator("#prompt_strength")).to_be_visible()
    expect(page.locator("#aspect_ratio")).to_contain_text("Ignored: the result follows your image.")
    expect(page.locator("#aspect_ratio input").first).to_be_disabled()
    expect(page.locator("#plan")).to_contain_text("592×400 · 23 steps")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text(re.compile(r"step \d+ of 23"), timeout=RUN_TIMEOUT_MS)
    finished(page)
    assert shown_picture(page)[1].size == (592, 400)
    page.click("#image button[aria-label='Remove Image']")
    expect(page.locator("#prompt_strength")).to_be_hidden()
    expect(page.locator("#plan")).to_contain_text("1024×1024 · 28 steps")


def test_result_can_be_the_next_input(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.click("#use_as_input")
    expect(page.locator("#image img")).to_be_visible()
    expect(page.locator("#plan")).to_contain_text("1024×1024 · 23 steps")


def test_broken_upload_is_refused_in_words(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    page = open_page(app_url)
    open_panel(page, "image_panel")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and nothing else")
    page.set_input_files("#image input[type=file]", broken)
    expect(page.locator("#plan")).to_contain_text("image: not a readable picture.")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("image: not a readable picture. Nothing was charged.")
    assert "Traceback" not in page.content()


def test_several_pictures_stand_in_the_gallery(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    open_panel(page, "more")
    set_number(page, "num_outputs", 3)
    page.locator("#megapixels label", has_text="0.25").click()
    set_steps(page, 2)
    expect(page.locator("#plan")).to_contain_text("3 pictures · 512×512 · 2 steps")
    page.click("#generate")
    finished(page)
    expect(page.locator("#gallery .thumbnails button")).to_have_count(3)


def test_changing_controls_while_it_runs_breaks_nothing(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text(re.compile(r"step \d+ of 28"), timeout=RUN_TIMEOUT_MS)
    page.locator("#aspect_ratio label", has_text="21:9").click()
    page.fill("#prompt textarea", "flat rocket")
    set_steps(page, 7)
    expect(page.locator("#plan")).to_contain_text("1536×640 · 7 steps")
    finished(page)
    assert shown_picture(page)[1].size == (1024, 1024)


def test_unknown_words_are_named_before_the_click(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.fill("#prompt textarea", "3d fox portrait from 2004 on teal background")
    expect(page.locator("#plan")).to_contain_text("The pocket model doesn't know: portrait, 2004.")


def test_two_visitors_wait_only_for_the_worker_and_see_their_place(open_page: OpenPage, app_url: str) -> None:
    first, second = open_page(app_url), open_page(app_url)
    open_panel(first, "more")
    set_number(first, "num_outputs", 4)
    set_steps(first, 50)
    first.click("#generate")
    expect(first.locator("#status")).to_contain_text(re.compile(r"step \d+ of 50"), timeout=RUN_TIMEOUT_MS)
    second.fill("#prompt textarea", "flat castle")
    expect(second.locator("#plan")).to_contain_text("1024×1024", timeout=3_000)  # the page answers meanwhile
    set_steps(second, 2)
    second.click("#generate")
    expect(second.locator("#status")).to_contain_text("waiting: next in line", timeout=10_000)
    first.click("#cancel")
    expect(first.locator("#status")).to_contain_text("cancelled")
    assert "done in" in finished(second)


def test_number_out_of_bounds_is_named_with_its_bounds(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.fill("#seed input", "-5")
    expect(page.locator("#plan")).to_contain_text("seed: expected 0 to 9.0072e+15, got -5")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("seed: expected 0")


def test_empty_prompt_is_refused_kindly(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.fill("#prompt textarea", "")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("prompt: the prompt is empty: describe a picture. Nothing was charged.")


def test_hostile_prompt_is_text(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    open_panel(page, "request_panel")
    page.evaluate("window.harmed = false")
    page.fill("#prompt textarea", "ghost <img src=x onerror='window.harmed=true'> <script>window.harmed=true</script>")
    set_steps(page, 1)
    page.click("#generate")
    finished(page)
    expect(page.locator("#plan")).to_contain_text("doesn't know: img")
    assert page.evaluate("window.harmed") is False


def test_preset_fills_the_form(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    set_steps(page, 9)
    page.click("#preset input")
    page.locator("[role=option]", has_text="Wide strip").click()
    expect(page.locator("#plan")).to_contain_text("1536×640 · 28 steps")
    expect(page.locator("#prompt textarea")).to_have_value("flat illustration of volcano on cream background")
    expect(page.locator("#dials")).to_contain_text("21:9, lossless png.")


def test_form_is_saved_as_a_preset_and_loaded_again(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    page = open_page(app_url)
    open_panel(page, "preset_panel")
    page.fill("#preset_title input, #preset_title textarea", "Nine steps")
    page.fill("#prompt textarea", "flat rocket on purple background")
    set_steps(page, 9)
    expect(page.locator("#plan")).to_contain_text("9 steps")
    with page.expect_download() as download:
        page.click("#preset_save")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == "nine-steps.json"
    assert read_preset(saved).inputs == {"prompt": "flat rocket on purple background", "num_inference_steps": 9}
    set_steps(page, 3)
    choose_preset_file(page, saved)
    expect(page.locator("#plan")).to_contain_text("9 steps")
    expect(page.locator("#preset_note")).to_contain_text("Nine steps")


def test_bad_preset_file_is_refused_with_the_reason(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    page = open_page(app_url)
    open_panel(page, "preset_panel")
    bad = tmp_path / "bad.json"
    bad.write_text('{"title": "Bad", "inputs": {"prompt": "fox", "guidance": 99}}')
    choose_preset_file(page, bad)
    expect(page.locator("#preset_note")).to_contain_text("bad.json is not a preset: inputs.guidance")
    expect(page.locator("#plan")).to_contain_text("28 steps")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_picture_box_never_moves_or_changes_its_size(open_page: OpenPage, app_url: str, size: tuple[int, int]) -> None:
    page = open_page(app_url, size=size)
    stage = page.locator("#stage")
    before = stage.bounding_box()
    page.locator("#aspect_ratio label", has_text="9:21").click()
    set_steps(page, 6)
    page.evaluate("window.scrollTo(0, 0)")
    page.click("#generate")
    expect(page.locator("#preview img")).to_be_visible(timeout=RUN_TIMEOUT_MS)
    assert stage.bounding_box() == before
    during = page.locator("#preview .frame").bounding_box()
    finished(page)
    assert stage.bounding_box() == before
    assert page.locator("#preview .frame").bounding_box() == during


def test_phone_scrolls_only_down_and_keeps_generate_in_reach(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url, size=PHONE)
    for panel in ("connection", "request_panel", "image_panel", "more", "preset_panel"):
        open_panel(page, panel)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.evaluate("window.scrollTo(0, 0)")
    for position in ("0", "document.body.scrollHeight"):
        page.evaluate(f"window.scrollTo(0, {position})")
        expect(page.locator("#generate")).to_be_in_viewport()
    set_steps(page, 2)
    page.click("#generate")
    finished(page)


def test_status_is_spoken_by_a_live_region(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    region = page.locator("#status_spoken[role=status][aria-live=polite]")
    set_steps(page, 2)
    page.click("#generate")
    finished(page)
    expect(region).to_contain_text("done in")


def test_screenshot_of_a_finished_run(
    open_page: OpenPage, app_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page = open_page(app_url)
    page.fill("#prompt textarea", "flat illustration of castle on navy background")
    page.fill("#seed input", "3")
    page.click("#generate")
    finished(page)
    page.wait_for_function("document.querySelector('#gallery [data-testid=detailed-image]')?.naturalWidth === 1024")
    path = SCREENSHOT if request.config.getoption("--update-screenshot") else tmp_path / "screenshot.png"
    page.screenshot(path=path)
    with Image.open(path) as taken:
        assert taken.size == WIDE
        box = page.locator("#stage").bounding_box()
        assert box is not None
        middle = (int(box["x"] + box["width"] / 2), int(box["y"] + 20))
        assert taken.convert("RGB").getpixel(middle)[2] > 60  # type: ignore[index]  # the navy background, not an empty box
