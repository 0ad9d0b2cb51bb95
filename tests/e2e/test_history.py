"""The History tab in a real browser: what is kept for whom, and what a crash leaves behind."""

import json
import signal
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import free_port, start_app, stop_app
from tests.e2e.driving import open_panel, set_number
from tests.e2e.hosted import KEY, HostedApi

OpenPage = Callable[..., Page]
RUN_TIMEOUT_MS = 60_000
WIDE, PHONE = (1440, 900), (390, 844)


def make(page: Page, prompt: str, *, steps: int = 2) -> None:
    page.get_by_role("tab", name="Generate").click()
    page.fill("#prompt textarea", prompt)
    set_number(page, "num_inference_steps", steps)
    page.click("#generate")
    expect(page.locator("#generate")).to_be_disabled(timeout=RUN_TIMEOUT_MS)
    expect(page.locator("#generate")).to_be_enabled(timeout=RUN_TIMEOUT_MS)
    expect(page.locator("#status")).to_contain_text("done in", timeout=RUN_TIMEOUT_MS)


def open_history(page: Page, count: int) -> None:
    page.get_by_role("tab", name="History").click()
    expect(page.locator("button.tile")).to_have_count(count)


def open_entry(page: Page, prompt: str) -> None:
    page.locator("button.tile", has_text=prompt).click()
    expect(page.locator("#history_facts")).to_contain_text(prompt)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_pictures_are_found_again_and_restored_by_their_visitor_alone(
    open_page: OpenPage, app_url: str, size: tuple[int, int]
) -> None:
    page = open_page(app_url, size=size)
    for prompt in ("3d fox on teal background", "flat castle on pink background"):
        make(page, prompt)
    seed = page.locator("#status").inner_text().split("seed ")[1].split(" ")[0]
    open_history(page, 2)
    expect(page.locator("button.tile").first).to_contain_text("flat castle")
    assert page.locator("button.tile img").first.evaluate("image => image.naturalWidth") > 0
    page.fill("#history_search input, #history_search textarea", "pink castle")
    expect(page.locator("button.tile")).to_have_count(1)
    open_entry(page, "flat castle on pink background")
    expect(page.locator("#history_pictures img").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    make(page, "line ghost on white background", steps=3)
    page.get_by_role("tab", name="History").click()
    page.click("#history_restore")
    expect(page.locator("#prompt textarea")).to_have_value("flat castle on pink background")
    expect(page.locator("#seed input")).to_have_value(seed)
    expect(page.locator("#num_inference_steps input[type=number]")).to_have_value("2")
    page.get_by_role("tab", name="History").click()
    page.click("#history_remix")
    expect(page.locator("#seed input")).to_have_value("")
    open_history(open_page(app_url), 0)
    page.reload()
    open_history(page, 3)


def test_an_entry_is_marked_exported_and_deleted(open_page: OpenPage, app_url: str, tmp_path: Path) -> None:
    page = open_page(app_url)
    for prompt in ("3d fox on teal background", "flat robot on pink background"):
        make(page, prompt)
    open_history(page, 2)
    open_entry(page, "3d fox")
    page.click("#history_favourite")
    expect(page.locator("button.tile .star")).to_have_count(1)
    page.locator("#history_kind label", has_text="Favourites").click()
    expect(page.locator("button.tile")).to_have_count(1)
    page.locator("#history_kind label", has_text="All").click()
    expect(page.locator("button.tile")).to_have_count(2)
    page.click("#history_export")
    with page.expect_download() as download:
        page.locator("#history_file a").first.click()
    download.value.save_as(tmp_path / "history.zip")
    with zipfile.ZipFile(tmp_path / "history.zip") as archive:
        lines = json.loads(archive.read("manifest.json"))["predictions"]
        assert [line["input"]["prompt"] for line in lines] == ["flat robot on pink background", "3d fox on teal background"]
        assert all(archive.read(name).startswith(b"RIFF") for line in lines for name in line["files"])
    open_entry(page, "flat robot")
    page.click("#history_delete")
    page.click("#history_really")
    expect(page.locator("button.tile")).to_have_count(1)
    expect(page.locator("#history_entry")).to_be_hidden()
    page.reload()
    open_history(page, 1)


def test_the_image_that_a_picture_started_from_comes_back(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.click("#use_as_input")
    expect(page.locator("#image img")).to_be_visible()
    make(page, "3d penguin on teal background")
    page.reload()
    page.wait_for_selector("#plan .plan")
    open_history(page, 1)
    open_entry(page, "3d penguin")
    expect(page.locator("#history_facts")).to_contain_text("started from an image")
    page.click("#history_restore")
    expect(page.locator("#image img")).to_be_visible()
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("done in", timeout=RUN_TIMEOUT_MS)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)


def statuses(data_dir: Path) -> list[tuple[str | None, str]]:
    with closing(sqlite3.connect(data_dir / "history.sqlite3")) as database:
        return database.execute("SELECT job_id, status FROM history ORDER BY number").fetchall()


def test_what_the_owner_paid_for_is_picked_up_after_a_kill(open_page: OpenPage, hosted: HostedApi, data_dir: Path) -> None:
    hosted.looks_until_done = 10_000
    own = {"PLAYGROUND_BASE_URL": hosted.url, "PLAYGROUND_API_KEY": KEY, "GRADIO_SERVER_PORT": str(free_port())}
    process, url = start_app(data_dir, **own)
    page = open_page(url)
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("processing", timeout=RUN_TIMEOUT_MS)
    kill(process)
    assert statuses(data_dir) == [("job-1", "pending")]
    hosted.looks_until_done = 0
    process, url = start_app(data_dir, **own)
    try:
        page.goto(url)
        page.wait_for_selector("#plan .plan")
        open_history(page, 1)
        page.wait_for_function(
            "!document.querySelector('button.tile img') ? document.querySelector('[role=tab]').click() : true"
        )
        open_history(page, 1)
        expect(page.locator("button.tile img")).to_have_count(1, timeout=RUN_TIMEOUT_MS)
        assert statuses(data_dir) == [("job-1", "completed")]
        assert hosted.created == 1
    finally:
        stop_app(process)


def test_what_a_visitor_paid_for_is_offered_again_and_needs_their_key(
    open_page: OpenPage, hosted: HostedApi, data_dir: Path
) -> None:
    hosted.looks_until_done = 10_000
    own = {"PLAYGROUND_BASE_URL": hosted.url, "GRADIO_SERVER_PORT": str(free_port())}
    process, url = start_app(data_dir, **own)
    page = open_page(url)
    open_panel(page, "connection")
    page.fill("#api_key input", KEY)
    page.click("#use_key")
    expect(page.locator("#plan")).to_contain_text("45 credits")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("processing", timeout=RUN_TIMEOUT_MS)
    kill(process)
    hosted.looks_until_done = 0
    process, url = start_app(data_dir, **own)
    try:
        page.goto(url)
        page.wait_for_selector("#plan .plan")
        open_history(page, 1)
        expect(page.locator("#history_offer")).to_contain_text("1 paid request from earlier not finished here: enter the key")
        page.click("#history_fetch_all")
        expect(page.locator("#history_note")).to_contain_text("Enter that key under Connection")
        open_panel(page, "connection")
        page.fill("#api_key input", KEY)
        page.click("#use_key")
        expect(page.locator("#connection_note")).to_contain_text("Key taken")
        page.click("#history_fetch_all")
        expect(page.locator("#history_note")).to_contain_text("1 of 1 fetched")
        expect(page.locator("button.tile img")).to_have_count(1)
        expect(page.locator("#history_offer")).to_be_hidden()
        assert statuses(data_dir) == [("job-1", "completed")]
        assert hosted.created == 1
    finally:
        stop_app(process)


def test_a_disk_that_takes_nothing_is_said_and_pictures_are_made(open_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    process, url = start_app(tmp_path / "kept")
    try:
        page = open_page(url)
        make(page, "3d fox on teal background")
        expect(page.locator("#status")).to_contain_text("cannot be written or read")
        expect(page.locator("#gallery img").first).to_be_visible()
        page.get_by_role("tab", name="History").click()
        expect(page.locator("#history_note")).to_contain_text("set PLAYGROUND_DATA_DIR to another folder")
    finally:
        stop_app(process)
