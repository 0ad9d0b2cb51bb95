"""Operating the page as a person would."""

from playwright.sync_api import Page


def set_number(page: Page, name: str, value: int) -> None:
    """Type into a slider's number box; again if the page was still building the box, as a person would."""
    box = page.locator(f"#{name} input[type=number]")
    for _ in range(5):
        box.fill(str(value))
        box.press("Tab")
        page.wait_for_timeout(50)
        if box.input_value() == str(value):
            return
    raise AssertionError(f"{name} does not take {value}")


def open_panel(page: Page, panel: str) -> None:
    """Open a closed panel by its id."""
    page.click(f"#{panel} > button")
