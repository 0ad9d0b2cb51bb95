"""Is the page alive while a sweep of 300 cells runs? `python -m tests.benchmarks.page` (needs Chromium)

Another event is answered while the sweep runs: its median and 95th percentile, beside the same event on an idle page. And the
browser's longest gap between two frames while the 300 cells are laid out and fill in.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import WIDE, chromium, start_app, stop_app

CELLS_MOST_S = 300
_LINK = "?tab=sweep&megapixels=0.25&seed=1&x=seed&x_values=1-20&y=num_inference_steps&y_values=1-15"
_WATCH = """() => {
  let last = performance.now();
  window.longestGap = 0;
  const tick = (now) => {
    window.longestGap = Math.max(window.longestGap, now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""


def ask(client: httpx.Client, event: int, data: list[Any]) -> float:
    """Seconds until an event is answered."""
    started_s = time.perf_counter()
    client.post("/gradio_api/run/predict", json={"fn_index": event, "session_hash": "other", "data": data}).raise_for_status()
    return time.perf_counter() - started_s


def other_event(client: httpx.Client) -> tuple[int, list[Any]]:
    """The event that describes the Generate tab's form, and the form as it is at first."""
    config = client.get("/config").json()
    components = {component["id"]: component["props"] for component in config["components"]}
    plan = next(number for number, props in components.items() if props.get("elem_id") == "plan")
    number, event = next(
        (number, event)
        for number, event in enumerate(config["dependencies"])
        if plan in event["outputs"] and not event["queue"]
    )
    return number, [components[one].get("value") for one in event["inputs"]]


def watch(page: Page, client: httpx.Client) -> list[float]:
    """Run the sweep; seconds of the other event, asked five times a second until it is over."""
    event, data = other_event(client)
    expect(page.locator("#sweep_plan")).to_contain_text("300 pictures", timeout=60_000)
    page.evaluate(_WATCH)
    page.click("#sweep_run")
    page.wait_for_selector("#sweep-14-19", timeout=60_000)
    times_s: list[float] = []
    end_s = time.monotonic() + CELLS_MOST_S
    while "300 of 300" not in page.locator("#sweep_status").inner_text():
        assert time.monotonic() < end_s, "the sweep did not end"
        times_s.append(ask(client, event, data))
        time.sleep(0.2)
    return times_s


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        process, url = start_app(Path(folder))
        try:
            page = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"]).new_page(
                viewport={"width": WIDE[0], "height": WIDE[1]}
            )
            page.goto(url + "/" + _LINK)
            with httpx.Client(base_url=url, timeout=60) as client:
                event, data = other_event(client)
                idle_s = [ask(client, event, data) for _ in range(20)]
                busy_s = watch(page, client)
            gap_ms = page.evaluate("window.longestGap")
        finally:
            stop_app(process)
    for name, times_s in (("idle", idle_s), ("while 300 cells are made", busy_s)):
        p95_s = statistics.quantiles(times_s, n=20)[-1]
        print(f"{name}: another event answered in {statistics.median(times_s) * 1000:.0f} ms, 95 % in {p95_s * 1000:.0f} ms")
    print(f"the browser's longest gap between two frames: {gap_ms:.0f} ms")


if __name__ == "__main__":
    main()
