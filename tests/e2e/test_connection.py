"""Connecting to a hosted API with a key: what it costs is said, the key leaks nowhere, paid pictures are kept."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, free_port, start_app, stop_app
from tests.e2e.driving import set_number
from tests.e2e.hosted import KEY, HostedApi

OpenPage = Callable[..., Page]


@pytest.fixture
def connected_url(hosted: HostedApi, data_dir: Path) -> Iterator[str]:
    data_dir.mkdir()
    process, url = start_app(data_dir, log=data_dir / "app.log", PLAYGROUND_BASE_URL=hosted.url)
    yield url
    stop_app(process)


def enter_key(page: Page, key: str) -> None:
    page.click("#connection > button")
    page.fill("#api_key input", key)
    page.click("#use_key")


def test_a_key_in_the_page_runs_the_hosted_model_and_is_found_nowhere(
    open_page: OpenPage, connected_url: str, hosted: HostedApi, data_dir: Path
) -> None:
    page = open_page(connected_url)
    enter_key(page, KEY)
    expect(page.locator("#connection")).to_contain_text("FLUX.1 Krea [dev] · 45 credits · your key")
    expect(page.locator("#api_key input")).to_have_value("")
    expect(page.locator("#plan")).to_contain_text("45 credits: FLUX.1 Krea [dev]")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("FLUX.1 Krea [dev] · done in", timeout=30_000)
    expect(page.locator("#status")).to_contain_text("45 credits")
    assert hosted.created == 1
    with sqlite3.connect(data_dir / "history.sqlite3") as database:
        assert database.execute("SELECT job_id, status FROM history").fetchall() == [("job-1", "completed")]
    database.close()
    assert len(list((data_dir / "outputs").rglob("*.png"))) == 1
    hosted.last_answer = {"status": "failed", "error": f"bad auth for {KEY}", "logs": KEY}
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("The prediction failed", timeout=30_000)
    page.get_by_role("tab", name="History").click()
    expect(page.locator("button.tile")).to_have_count(2)
    page.click("#history_export")
    with page.expect_download() as download:
        page.locator("#history_file a").first.click()
    page.click("button.tile >> nth=0")
    expect(page.locator("#history_facts")).to_contain_text("bad auth for …")
    places = [
        page.content(),
        page.url,
        download.value.path().read_bytes().decode("latin-1"),
        page.request.get(f"{connected_url}/config").text(),
        page.request.get(f"{connected_url}/gradio_api/info").text(),
        str(page.evaluate("JSON.stringify([localStorage, sessionStorage])")),
        *(path.read_bytes().decode("latin-1") for path in data_dir.rglob("*") if path.is_file()),
    ]
    assert [place[:80] for place in places if KEY in place] == []


def test_a_key_is_tested_without_spending(open_page: OpenPage, connected_url: str, hosted: HostedApi) -> None:
    page = open_page(connected_url)
    page.click("#connection > button")
    page.fill("#api_key input", "cdt_wrong")
    page.click("#test_key")
    expect(page.locator("#connection_note")).to_contain_text("refused the API key")
    page.fill("#api_key input", KEY)
    page.click("#test_key")
    expect(page.locator("#connection_note")).to_contain_text("accepts this connection. Nothing was charged.")
    assert hosted.created == 0


def test_a_refused_key_is_said_in_the_status_line(open_page: OpenPage, connected_url: str, hosted: HostedApi) -> None:
    page = open_page(connected_url)
    enter_key(page, "cdt_wrong")
    expect(page.locator("#plan")).to_contain_text("45 credits")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("refused the API key")
    expect(page.locator("#status")).to_contain_text("Nothing was charged.")
    expect(page.locator("#generate")).to_be_enabled()
    assert hosted.created == 0


def test_switching_back_to_the_pocket_model_needs_no_restart(
    open_page: OpenPage, connected_url: str, hosted: HostedApi
) -> None:
    page = open_page(connected_url)
    page.click("#connection > button")
    page.locator("#where label", has_text="pocket model").click()
    expect(page.locator("#plan")).to_contain_text("free: pocket model")
    set_number(page, "num_inference_steps", 2)
    expect(page.locator("#plan")).to_contain_text("2 steps")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("pocket model · done in", timeout=30_000)
    assert hosted.created == 0


def test_cancel_reaches_the_hosted_api(open_page: OpenPage, connected_url: str, hosted: HostedApi) -> None:
    hosted.looks_until_done = 1000
    page = open_page(connected_url)
    enter_key(page, KEY)
    expect(page.locator("#plan")).to_contain_text("45 credits")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("processing", timeout=10_000)
    page.click("#cancel")
    expect(page.locator("#status")).to_contain_text("cancelled after", timeout=15_000)
    assert hosted.cancelled == ["job-1"]


def test_a_paid_run_goes_on_when_its_tab_is_closed(
    open_page: OpenPage, connected_url: str, hosted: HostedApi, data_dir: Path
) -> None:
    hosted.looks_until_done = 25
    page = open_page(connected_url)
    enter_key(page, KEY)
    expect(page.locator("#plan")).to_contain_text("45 credits")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("processing", timeout=10_000)
    page.close()
    other = open_page(connected_url)
    for _ in range(100):
        if list((data_dir / "outputs").rglob("*.png")):
            break
        other.wait_for_timeout(100)
    assert len(list((data_dir / "outputs").rglob("*.png"))) == 1
    assert hosted.cancelled == []


def test_app_without_a_key_asks_for_one_before_the_hosted_api(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    page.click("#connection > button")
    page.locator("#where label", has_text="FLUX.1 Krea").click()
    expect(page.locator("#connection_note")).to_contain_text("Enter your key")
    expect(page.locator("#prompt textarea")).to_have_value(
        "a red fox asleep in tall grass, early morning light, 35 mm photograph"
    )
    expect(page.locator("#plan")).to_contain_text("45 credits: FLUX.1 Krea [dev]")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("The hosted API needs a key. Nothing was charged.")


def test_app_stops_cleanly_on_sigterm(tmp_path: Path) -> None:
    process, _ = start_app(tmp_path)
    assert stop_app(process) == 0


def test_an_own_service_says_itself_which_model_it_runs(open_page: OpenPage, tmp_path: Path) -> None:
    port = free_port()
    service = subprocess.Popen(
        [sys.executable, "-m", "playground", "serve", "--port", str(port)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    process, url = start_app(tmp_path / "kept", PLAYGROUND_BASE_URL=f"http://127.0.0.1:{port}/v1")
    try:
        page = open_page(url)
        for _ in range(40):  # the app may be up before the service is; a page that opens later asks again
            if "pocket model" in page.locator("#connection").inner_text():
                break
            page.wait_for_timeout(250)
            page.reload()
            page.wait_for_selector("#plan .plan")
        set_number(page, "num_inference_steps", 2)
        expect(page.locator("#plan")).to_contain_text("2 steps · free: pocket model")
        page.click("#generate")
        expect(page.locator("#status")).to_contain_text("pocket model · done in", timeout=30_000)
    finally:
        stop_app(process)
        stop_app(service)


def test_the_owner_s_key_connects_every_visitor_and_is_found_nowhere(
    open_page: OpenPage, hosted: HostedApi, tmp_path: Path
) -> None:
    process, url = start_app(tmp_path / "kept", PLAYGROUND_BASE_URL=hosted.url, PLAYGROUND_API_KEY=KEY)
    try:
        page = open_page(url)
        expect(page.locator("#connection")).to_contain_text("FLUX.1 Krea [dev] · 45 credits · the owner's key")
        page.click("#generate")
        expect(page.locator("#status")).to_contain_text("FLUX.1 Krea [dev] · done in", timeout=30_000)
        places = [page.content(), page.request.get(f"{url}/config").text(), page.request.get(f"{url}/gradio_api/info").text()]
        assert all(KEY not in place for place in places)
    finally:
        stop_app(process)


def test_contact_that_was_lost_is_taken_up_again_without_a_second_request(
    open_page: OpenPage, connected_url: str, hosted: HostedApi
) -> None:
    hosted.forgets = True
    page = open_page(connected_url)
    enter_key(page, KEY)
    expect(page.locator("#plan")).to_contain_text("45 credits")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("does not have what was asked for", timeout=40_000)
    expect(page.locator("#status")).to_contain_text("Prediction job-1 was accepted")
    hosted.forgets = False
    page.click("#check_again")
    expect(page.locator("#status")).to_contain_text("done in", timeout=30_000)
    expect(page.locator("#check_again")).to_be_hidden()
    assert hosted.created == 1
