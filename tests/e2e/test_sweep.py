"""The Sweep tab in a real browser: run, stop, resume, reuse, enlarge, load, export."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, WIDE

OpenPage = Callable[..., Page]
TIMEOUT_MS = 90_000


def open_sweep(page: Page, seed: int) -> None:
    page.get_by_role("tab", name="Sweep").click()
    expect(page.locator("#sweep_base")).to_contain_text("Settings from Generate")
    page.fill("#sweep_seed input", str(seed))
    page.press("#sweep_seed input", "Tab")


def choose(page: Page, axis: str, name: str) -> None:
    page.click(f"#sweep_{axis} input")
    page.get_by_role("option", name=name, exact=True).click()


def vary(page: Page, axis: str, name: str, values: str) -> None:
    choose(page, axis, name)
    box = page.locator(f"#sweep_{axis}_values").locator("textarea, input")
    expect(box).to_be_visible()
    box.fill(values)


@pytest.mark.parametrize(("size", "seed"), [(WIDE, 101), (PHONE, 102)])
def test_nine_cells_are_run_stopped_resumed_reused_loaded_and_exported(
    open_page: OpenPage, app_url: str, tmp_path: Path, size: tuple[int, int], seed: int
) -> None:
    page = open_page(app_url, size=size)
    open_sweep(page, seed)
    vary(page, "y", "Guidance", "1, 3, 8")
    vary(page, "x", "Steps", "44, 47, 50")
    expect(page.locator("#sweep_plan")).to_contain_text("9 pictures", timeout=TIMEOUT_MS)
    page.click("#sweep_run")
    expect(page.locator("#sweep_grid button.cell")).not_to_have_count(0, timeout=TIMEOUT_MS)
    page.click("#sweep_stop")
    expect(page.locator("#sweep_resume")).to_be_visible(timeout=TIMEOUT_MS)
    stopped = page.locator("#sweep_grid button.cell").count()
    assert 1 <= stopped < 9
    page.click("#sweep_resume")
    expect(page.locator("#sweep_status")).to_contain_text("9 of 9 pictures", timeout=TIMEOUT_MS)
    expect(page.locator("#sweep_grid button.cell img")).to_have_count(9)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]

    expect(page.locator("#sweep_plan")).to_contain_text("9 pictures, already made", timeout=TIMEOUT_MS)
    page.click("#sweep_run")
    expect(page.locator("#sweep_status")).to_contain_text("9 of 9 pictures · 9 already made", timeout=TIMEOUT_MS)

    page.click("#sweep_plot")
    expect(page.locator(".curves figure")).to_have_count(7, timeout=TIMEOUT_MS)
    expect(page.locator("#sweep_curves")).to_contain_text("vary also the seed")

    expect(page.locator("#sweep_export")).to_be_visible(timeout=TIMEOUT_MS)
    page.click("#sweep_export")
    with page.expect_download(timeout=TIMEOUT_MS) as download:
        page.locator("#sweep_files a[download='sweep.json']").click()
    download.value.save_as(tmp_path / "sweep.json")
    cells = json.loads((tmp_path / "sweep.json").read_text(encoding="utf-8"))["cells"]
    assert [(cell["inputs"]["num_inference_steps"], cell["inputs"]["guidance"]) for cell in cells] == [
        (steps, guidance) for guidance in (1.0, 3.0, 8.0) for steps in (44, 47, 50)
    ]

    page.locator("#sweep_grid button.cell").nth(5).click()
    expect(page.locator("#sweep_dialog p")).to_contain_text("Steps 50 · Guidance 3")
    page.click("#sweep_dialog .load")
    expect(page.locator("#num_inference_steps input[type=number]")).to_have_value("50", timeout=TIMEOUT_MS)
    expect(page.locator("#seed input")).to_have_value(str(seed))


def test_pictures_are_dropped_as_an_axis_and_a_cell_brings_its_own_back(
    open_page: OpenPage, app_url: str, tmp_path: Path
) -> None:
    for name, colour in (("red.png", "red"), ("teal.png", "teal")):
        Image.new("RGB", (256, 256), colour).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    link = f"{app_url}/?tab=sweep&prompt=flat+ghost&megapixels=0.25&num_inference_steps=2&seed=104"
    page = open_page(link, waits_for="#sweep_plan .plan-line")
    choose(page, "x", "Image")
    expect(page.locator("#sweep_plan")).to_contain_text("no pictures yet", timeout=TIMEOUT_MS)
    expect(page.locator("#sweep_x_values")).to_be_hidden()
    page.set_input_files("#sweep_images input[type=file]", [tmp_path / "broken.png"])
    expect(page.locator("#sweep_plan")).to_contain_text("broken.png: not a readable picture.", timeout=TIMEOUT_MS)
    page.locator("#sweep_images").get_by_label("Clear").click()
    page.set_input_files("#sweep_images input[type=file]", [tmp_path / "red.png", tmp_path / "teal.png"])
    expect(page.locator("#sweep_plan")).to_contain_text("2 pictures", timeout=TIMEOUT_MS)
    page.check("#sweep_also_none input")
    expect(page.locator("#sweep_plan")).to_contain_text("3 pictures", timeout=TIMEOUT_MS)
    page.click("#sweep_run")
    expect(page.locator("#sweep_status")).to_contain_text("3 of 3 pictures", timeout=TIMEOUT_MS)
    expect(page.locator("#sweep_grid thead th")).to_have_text(["Image →", "none", "red.png", "teal.png"])
    expect(page.locator("#sweep_grid button.cell img")).to_have_count(3)

    page.locator("#sweep_grid button.cell").nth(2).click()
    expect(page.locator("#sweep_dialog p")).to_contain_text("Image teal.png")
    page.click("#sweep_dialog .load")
    expect(page.locator("#image img")).to_be_visible(timeout=TIMEOUT_MS)
    expect(page.locator("#image img")).to_have_attribute("src", re.compile(r"/teal\.png$"))
    expect(page.locator("#seed input")).to_have_value("104")
    page.get_by_role("tab", name="Sweep").click()
    page.locator("#sweep_grid button.cell").nth(0).click()
    page.click("#sweep_dialog .load")
    expect(page.locator("#plan")).to_be_visible(timeout=TIMEOUT_MS)
    expect(page.locator("#image img")).to_have_count(0)

    page.get_by_role("tab", name="Sweep").click()
    page.click("#sweep_copy_link")
    expect(page.locator("#sweep_copy_note")).to_contain_text("The link is on the clipboard.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "red" not in copied
    page = open_page(copied, waits_for="#sweep_images")
    expect(page.locator("#sweep_plan")).to_contain_text("no pictures yet", timeout=TIMEOUT_MS)


def test_what_cannot_be_swept_is_said_before_the_click(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    open_sweep(page, 103)
    vary(page, "x", "Guidance", "1, 99")
    expect(page.locator("#sweep_plan")).to_contain_text("guidance: expected 0 to 10", timeout=TIMEOUT_MS)
