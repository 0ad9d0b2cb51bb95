"""The Sweep tab in a real browser: run, stop, resume, reuse, enlarge, load, export."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, WIDE

OpenPage = Callable[..., Page]
TIMEOUT_MS = 90_000


def open_sweep(page: Page, seed: int) -> None:
    page.get_by_role("tab", name="Sweep").click()
    expect(page.locator("#sweep_base")).to_contain_text("Settings from Generate")
    page.fill("#sweep_seed input", str(seed))
    page.press("#sweep_seed input", "Tab")


def vary(page: Page, axis: str, name: str, values: str) -> None:
    page.click(f"#sweep_{axis} input")
    page.get_by_role("option", name=name, exact=True).click()
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


def test_what_cannot_be_swept_is_said_before_the_click(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    open_sweep(page, 103)
    vary(page, "x", "Guidance", "1, 99")
    expect(page.locator("#sweep_plan")).to_contain_text("guidance: expected 0 to 10", timeout=TIMEOUT_MS)
