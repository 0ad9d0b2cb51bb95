"""Settings from a picture in a real browser: what the page delivers brings its own settings back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, WIDE, start_app, stop_app
from tests.e2e.driving import open_panel, set_number
from tests.e2e.hosted import KEY, HostedApi

OpenPage = Callable[..., Page]


def made(page: Page, path: Path) -> Path:
    """Click Generate, wait, and save the delivered file."""
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("done in", timeout=60_000)
    page.wait_for_selector("#gallery [data-testid=detailed-image]")
    address = page.locator("#gallery [data-testid=detailed-image]").get_attribute("src")
    assert address is not None
    path.write_bytes(page.request.get(address).body())
    return path


def drop(page: Page, path: Path) -> None:
    open_panel(page, "recover_panel")
    page.set_input_files("#recover_picture input[type=file]", path)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_picture_from_the_page_brings_its_settings_back(
    open_page: OpenPage, app_url: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    page = open_page(app_url, size=size)
    page.fill("#prompt textarea", "flat castle on teal background")
    set_number(page, "num_inference_steps", 2)
    set_number(page, "guidance", 5)
    page.fill("#seed input", "4711")
    page.locator("#aspect_ratio label", has_text="16:9").click()
    picture = made(page, tmp_path / "made.webp")
    other = open_page(app_url, size=size)
    drop(other, picture)
    expect(other.locator("#recover_note")).to_contain_text("Made by playground/pocket-4 · seed 4711")
    expect(other.locator("#plan")).to_contain_text("1344×768 · 2 steps")
    expect(other.locator("#prompt textarea")).to_have_value("flat castle on teal background")
    expect(other.locator("#guidance input[type=number]")).to_have_value("5")
    expect(other.locator("#seed input")).to_have_value("4711")
    expect(other.locator("#prompt_strength")).to_be_hidden()  # the picture was read, not taken as the image to start from
    other.click("#remix")
    expect(other.locator("#seed input")).to_have_value("")
    expect(other.locator("#num_inference_steps input[type=number]")).to_have_value("2")
    assert other.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_picture_made_from_an_image_says_that_it_was(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    page = open_page(app_url)
    page.click("#use_as_input")
    expect(page.locator("#plan")).to_contain_text("23 steps")
    set_number(page, "num_inference_steps", 4)
    picture = made(page, tmp_path / "made.webp")
    drop(page, picture)
    expect(page.locator("#recover_note")).to_contain_text("It was made from an image, which is not in the file")
    expect(page.locator("#image img")).to_be_visible()


def test_a_photo_without_settings_says_so_and_the_next_drop_works(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    photo, text = tmp_path / "photo.jpg", tmp_path / "other.png"
    Image.new("RGB", (40, 30), "orange").save(photo)
    written = PngInfo()
    written.add_text("parameters", "robot on navy\nNegative prompt: text\nSteps: 60, Sampler: Euler a, Seed: 5, Size: 832x1216")
    Image.new("RGB", (40, 30), "orange").save(text, pnginfo=written)
    page = open_page(app_url)
    drop(page, photo)
    expect(page.locator("#recover_note")).to_contain_text("No settings are in this file.")
    expect(page.locator("#plan")).to_contain_text("28 steps")
    page.set_input_files("#recover_picture input[type=file]", text)
    note = page.locator("#recover_note")
    expect(note).to_contain_text("Made by a model that it does not name · seed 5 · read from its parameters text")
    expect(note).to_contain_text("Steps: 60 became 50")
    expect(note).to_contain_text("Not taken over: negative prompt, Sampler.")
    expect(page.locator("#plan")).to_contain_text("832×1216 · 50 steps")


def test_hostile_words_in_a_file_are_text(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    attack, path = "<img src=x onerror='window.harmed=true'>", tmp_path / "hostile.jpg"
    exif = Image.Exif()
    exif[270] = json.dumps({"model": attack, "input": {"prompt": f"ghost {attack}", attack: 1}})
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    page = open_page(app_url)
    drop(page, path)
    expect(page.locator("#recover_note")).to_contain_text("Made by <img src=x")
    expect(page.locator("#prompt textarea")).to_have_value(f"ghost {attack}")
    assert page.evaluate("window.harmed") is None


def test_a_paid_picture_is_known_by_its_bytes_and_holds_no_key(
    open_page: OpenPage, hosted: HostedApi, data_dir: Path, tmp_path: Path
) -> None:
    process, url = start_app(data_dir, PLAYGROUND_BASE_URL=hosted.url, PLAYGROUND_API_KEY=KEY)
    try:
        page = open_page(url)
        page.fill("#prompt textarea", "a lighthouse")
        set_number(page, "guidance", 4)
        picture = made(page, tmp_path / "paid.png")
        assert KEY.encode() not in picture.read_bytes()
        page.fill("#prompt textarea", "something else")
        drop(page, picture)
        expect(page.locator("#recover_note")).to_contain_text("known from your history")
        expect(page.locator("#prompt textarea")).to_have_value("a lighthouse")
        expect(page.locator("#guidance input[type=number]")).to_have_value("4")
        assert KEY not in page.content()
    finally:
        stop_app(process)
