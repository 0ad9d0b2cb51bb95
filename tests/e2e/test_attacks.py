"""Forged requests and hostile answers: what strangers on the internet will try."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, free_port, start_app, stop_app
from tests.e2e.driving import open_panel
from tests.e2e.hosted import KEY, HostedApi

OpenPage = Callable[..., Page]


TAKES_FILES = ("image", "file", "gallery", "imageslider")


def events(url: str) -> list[dict[str, Any]]:
    """Every event of the page, the private ones included, as anybody can read them in its config."""
    return httpx.get(f"{url}/config", timeout=30).json()["dependencies"]


def places_of_files(url: str) -> set[int]:
    """The components that take files."""
    return {one["id"] for one in httpx.get(f"{url}/config", timeout=30).json()["components"] if one["type"] in TAKES_FILES}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """One client for thousands of requests: a new one each time would spend more on certificates than on them."""
    with httpx.Client(timeout=30) as client:
        yield client


def call(http: httpx.Client, url: str, event: int, data: list[Any]) -> str:
    """What an event answers to a forged request, whether it streams or not."""
    body = {"fn_index": event, "session_hash": "forged", "data": data}
    direct = http.post(f"{url}/gradio_api/run/predict", json=body)
    joined = http.post(f"{url}/gradio_api/queue/join", json=body)
    streamed = ""
    if joined.is_success:
        with http.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": "forged"}) as lines:
            for line in lines.iter_lines():
                streamed += line
                if "process_completed" in line or "close_stream" in line:
                    break
    return direct.text + joined.text + streamed


@pytest.mark.parametrize(
    ("path", "marked"),
    [(ROOT / "README.md", False), (ROOT / "README.md", True), (Path("/etc/passwd"), False)],
    ids=["bare", "marked as a file", "of the system"],
)
def test_no_event_hands_out_a_file_that_was_not_uploaded(http: httpx.Client, app_url: str, path: Path, marked: bool) -> None:
    file: dict[str, Any] = {"path": str(path)} | ({"meta": {"_type": "gradio.FileData"}} if marked else {})
    wanted, seen, file_places = path.read_bytes(), set[str](), places_of_files(app_url)
    assert file_places
    is_tried_everywhere = path.name == "README.md" and not marked  # the others only where a file belongs
    for number, event in enumerate(events(app_url)):
        count = len(event["inputs"])
        for place in range(count):
            is_file_place = event["inputs"][place] in file_places
            if not is_tried_everywhere and not is_file_place:
                continue
            for value in (file, [{"image": file, "caption": None}]) if is_file_place else (file,):
                answer = call(http, app_url, number, [value if index == place else None for index in range(count)])
                seen |= set(re.findall(r'"path":\s*"([^"]+)"', answer))
    for served in seen | {str(path)}:
        assert http.get(f"{app_url}/gradio_api/file={served}").content != wanted


def test_a_picture_on_the_server_s_disk_is_no_upload(http: httpx.Client, app_url: str) -> None:
    picture = {"path": str(ROOT / "tests" / "e2e" / "screenshot.png")}
    generate = next(number for number, event in enumerate(events(app_url)) if event["api_name"] == "generate")
    answer = call(http, app_url, generate, ["ghost", "1:1", picture, 0, 1, 2, 3, 1, "webp", 80, False, True, "1", None, None])
    assert "That file was not uploaded here" in answer


@pytest.fixture
def owners_url(hosted: HostedApi, data_dir: Path) -> Iterator[str]:
    process, url = start_app(data_dir, PLAYGROUND_BASE_URL=hosted.url, PLAYGROUND_API_KEY=KEY)
    yield url
    stop_app(process)


def test_a_forgotten_session_does_not_spend_the_owner_s_credits(open_page: OpenPage, hosted: HostedApi, data_dir: Path) -> None:
    port = str(free_port())
    first, _ = start_app(data_dir, PLAYGROUND_BASE_URL=hosted.url, PLAYGROUND_API_KEY=KEY, GRADIO_SERVER_PORT=port)
    page = open_page(f"http://127.0.0.1:{port}")
    open_panel(page, "connection")
    page.fill("#api_key input", "cdt_a_visitor_s_own_key")
    page.click("#use_key")
    expect(page.locator("#connection")).to_contain_text("your key")
    stop_app(first)
    second, _ = start_app(data_dir, PLAYGROUND_BASE_URL=hosted.url, PLAYGROUND_API_KEY=KEY, GRADIO_SERVER_PORT=port)
    try:
        page.click("#generate")
        expect(page.locator("#status")).to_contain_text("The server has forgotten this page's connection", timeout=15_000)
        assert hosted.created == 0
    finally:
        stop_app(second)


def test_a_key_that_the_api_repeats_in_a_good_answer_is_taken_out(
    open_page: OpenPage, owners_url: str, hosted: HostedApi, data_dir: Path
) -> None:
    hosted.last_answer = {"status": "failed", "error": f"bad auth for {KEY}", "model": KEY, "notes": [KEY]}
    page = open_page(owners_url)
    open_panel(page, "request_panel")
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("bad auth for …", timeout=20_000)
    assert KEY not in page.content()
    with closing(sqlite3.connect(data_dir / "history.sqlite3")) as database:
        assert KEY not in str(database.execute("SELECT * FROM history").fetchall())


def test_absurd_numbers_and_texts_in_an_answer_leave_the_page_alive(
    open_page: OpenPage, owners_url: str, hosted: HostedApi
) -> None:
    hosted.last_answer = {
        "status": "failed",
        "seed": 10**30,
        "progress": {"step": 10**40, "total": -1},
        "error": "<img src=x onerror='window.harmed=true'>" + "x" * 100_000,
        "model": "<b onmouseover='window.harmed=true'>model</b>",
    }
    page = open_page(owners_url)
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("The prediction failed: <img", timeout=20_000)
    expect(page.locator("#generate")).to_be_enabled()
    assert page.evaluate("window.harmed") is None
    assert len(page.locator("#status").inner_text()) < 3000


def test_a_second_paid_request_beside_a_running_one_is_refused(open_page: OpenPage, owners_url: str, hosted: HostedApi) -> None:
    hosted.looks_until_done = 10_000
    page = open_page(owners_url)
    page.click("#generate")
    expect(page.locator("#status")).to_contain_text("processing", timeout=20_000)
    page.press("#prompt textarea", "Enter")
    page.evaluate("document.querySelector('#generate').disabled = false")
    page.locator("#generate").dispatch_event("click")
    page.wait_for_timeout(1500)
    assert hosted.created == 1
    visitor = Client(owners_url, verbose=False)
    first = visitor.submit(api_name="/generate")
    while hosted.created < 2:
        page.wait_for_timeout(50)
    _, refusal, _ = visitor.predict(api_name="/generate")
    assert "A paid picture is already being made." in refusal["error"]
    assert hosted.created == 2
    first.cancel()
    visitor.close()
    page.click("#cancel")
    expect(page.locator("#status")).to_contain_text("cancelled", timeout=15_000)
