"""A running playground and a real browser. In CI a missing browser is a failure, elsewhere the tests are skipped."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.hosted import HostedApi, ServerThread, create_hosted_api

ROOT = Path(__file__).parent.parent.parent
WIDE, PHONE = (1440, 900), (390, 844)
START_TIMEOUT_S = 60.0


def chromium() -> str | None:
    """A Chromium of the system; the library's own download is not needed."""
    return next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None
    )


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start_app(data_dir: Path, *, log: Path | None = None, **settings: str) -> tuple[subprocess.Popen[bytes], str]:
    """`python app.py` as the README says, on a free port; returns the process and its address. What it says goes to `log`."""
    port = int(settings.pop("GRADIO_SERVER_PORT", 0)) or free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith("PLAYGROUND_")}
    environment = own | {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "PLAYGROUND_DATA_DIR": str(data_dir),
    }
    with (log or Path(os.devnull)).open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment | settings, stdout=said, stderr=subprocess.STDOUT
        )
    url, ends_s = f"http://127.0.0.1:{port}", time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < ends_s:
        assert process.poll() is None, "the app ended while it was starting"
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return process, url
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise AssertionError("the app did not answer in time")


def stop_app(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    try:
        return process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


# Package scope: Playwright keeps an event loop running in this thread, and the async tests of other packages need theirs.
@pytest.fixture(scope="package")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The playground without a key, started once."""
    process, url = start_app(tmp_path_factory.mktemp("data"))
    yield url
    stop_app(process)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        message = "no Chromium on this machine: install one (Debian: apt install chromium) to run the browser tests"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    arguments = ["--no-sandbox", "--disable-gpu"]
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=arguments) as launched:
        yield launched


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context of its own and waits until it is alive; fails the test on any script error."""
    errors: list[str] = []
    contexts = []

    def opened(url: str, *, size: tuple[int, int] = WIDE, color_scheme: str = "light", waits_for: str = "#plan .plan") -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=color_scheme,  # type: ignore[arg-type]
            accept_downloads=True,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        page.wait_for_selector(waits_for)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def hosted() -> Iterator[HostedApi]:
    seen, port = HostedApi(), free_port()
    seen.url = f"http://127.0.0.1:{port}/v1"
    with ServerThread(create_hosted_api(seen), port):
        yield seen


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "kept"
