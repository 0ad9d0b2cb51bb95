"""The Compare tab in a real browser: two settings or three, one seed, and what became of each."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import start_app, stop_app
from tests.e2e.driving import open_panel, set_number
from tests.e2e.hosted import KEY, HostedApi

OpenPage = Callable[..., Page]
WIDE, PHONE = (1440, 900), (390, 844)
RUN_TIMEOUT_MS = 60_000


def open_compare(open_page: OpenPage, url: str, **options: object) -> Page:
    page = open_page(url, **options)
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator("#differs")).to_contain_text("A and B are alike")
    return page


def few_steps(page: Page, sides: str = "ab") -> None:
    for side in sides:
        set_number(page, f"{side}_num_inference_steps", 2)


def run(page: Page, sides: str = "ab") -> None:
    page.click("#compare_run")
    for side in sides:
        expect(page.locator(f"#{side}_status")).to_contain_text("done in", timeout=RUN_TIMEOUT_MS)
    expect(page.locator("table.figures")).to_be_visible(timeout=RUN_TIMEOUT_MS)


def figures_of(page: Page, name: str) -> list[str]:
    """The cells of one row of the table, A first, without the mark of the larger one."""
    row = page.locator("table.figures tr", has=page.get_by_role("rowheader", name=name, exact=True))
    return [text.replace("▲", "").strip() for text in row.locator("td").all_inner_texts()]


def picture_of(page: Page, image: str) -> Image.Image:
    address = page.locator(f"#{image} img").get_attribute("src")
    assert address is not None
    return Image.open(BytesIO(page.request.get(address).body()))


def is_seen(page: Page, element: str) -> bool:
    return page.locator(f"#{element}").evaluate("element => getComputedStyle(element).visibility") == "visible"


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_two_settings_are_run_on_one_seed_and_measured(open_page: OpenPage, app_url: str, size: tuple[int, int]) -> None:
    page = open_compare(open_page, app_url, size=size)
    expect(page.locator("#go_fast_reason")).to_contain_text("Go fast is off here")
    few_steps(page)
    set_number(page, "b_guidance", 7)
    expect(page.locator("#differs")).to_contain_text("B differs in guidance: 3.0 → 7.0 · one seed for both")
    expect(page.locator("#compare_plan")).to_contain_text("A 1024×1024, 2 steps · B 1024×1024, 2 steps · free: pocket model")
    assert page.locator("#b_guidance").evaluate("element => getComputedStyle(element).borderLeftWidth") == "3px"
    assert page.locator("#b_prompt").evaluate("element => getComputedStyle(element).borderLeftWidth") == "0px"
    run(page)
    seeds = [re.findall(r"seed (\d+)", page.locator(f"#{side}_status").inner_text()) for side in "ab"]
    assert len(seeds[0]) == 1
    assert seeds[0] == seeds[1]
    expect(page.locator("#compare_shown")).to_contain_text(f"Shown: B differs in guidance: 3.0 → 7.0 · seed {seeds[0][0]}")
    expect(page.locator("#compare_slider img")).to_have_count(2)
    expect(page.locator("#compare_apart")).to_contain_text(
        re.compile(r"A and B: PSNR \d+\.\d dB · SSIM \d\.\d{3} · mean ΔE \d")
    )
    assert picture_of(page, "compare_heat").size == (1024, 1024)
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_third_side_is_run_with_the_others_and_each_pair_can_be_seen(
    open_page: OpenPage, app_url: str, size: tuple[int, int]
) -> None:
    page = open_compare(open_page, app_url, size=size)
    few_steps(page)
    expect(page.locator("#side_c")).to_be_hidden()
    page.check("#third input")
    expect(page.locator("#differs")).to_contain_text("A, B and C are alike")
    expect(page.locator("#c_num_inference_steps input[type=number]")).to_have_value("2")  # a copy of A as it stands
    set_number(page, "c_num_inference_steps", 4)
    expect(page.locator("#differs")).to_contain_text("B is like A · C differs in steps: 2 → 4 · one seed for all")
    expect(page.locator("#compare_plan")).to_contain_text("· C 1024×1024, 4 steps · free: pocket model")
    expect(page.locator("#compare_pair")).to_be_hidden()
    run(page, "abc")
    seeds = {tuple(re.findall(r"seed (\d+)", page.locator(f"#{side}_status").inner_text())) for side in "abc"}
    assert len(seeds) == 1
    assert len(figures_of(page, "file size")) == 3
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]

    expect(page.locator("#compare_apart")).to_contain_text("A and B are identical, pixel for pixel")
    page.locator("#compare_pair label", has_text="A|C").click()
    expect(page.locator("#compare_apart")).to_contain_text(re.compile(r"A and C: PSNR \d+"), timeout=RUN_TIMEOUT_MS)
    expect(page.locator("#compare_heat img")).to_be_attached()
    page.locator("#compare_views label", has_text="Slider").click()
    for front in ("a", "c", "a"):
        page.click("#compare_flip")
        badge = page.locator("#compare_stage").evaluate("stage => [stage.dataset.view, stage.dataset.front].join()")
        assert badge == f"Flip,{front.upper()}"
        assert [side for side in "abc" if is_seen(page, f"{side}_picture")] == [front]
    page.locator("#compare_views label", has_text="Side by side").click()
    page.locator("#a_picture").scroll_into_view_if_needed()  # the click leaves the page anywhere from its top to its end
    for side in "abc":
        expect(page.locator(f"#{side}_picture img")).to_be_in_viewport(ratio=0.5)

    page.click("#send_c")
    expect(page.locator("#num_inference_steps input[type=number]")).to_have_value("4")
    page.get_by_role("tab", name="Compare").click()
    page.uncheck("#third input")
    expect(page.locator("#side_c")).to_be_hidden()
    expect(page.locator("#differs")).to_contain_text("A and B are alike")
    expect(page.locator("#compare_plan")).not_to_contain_text("· C")
    page.click("#compare_run")
    expect(page.locator("#c_status")).not_to_contain_text("done in", timeout=RUN_TIMEOUT_MS)
    expect(page.locator("table.figures thead th")).to_have_text(["figure", "A", "B"], timeout=RUN_TIMEOUT_MS)
    expect(page.locator("#compare_pair")).to_be_hidden()
    page.locator("#compare_views label", has_text="Slider").click()
    for front in ("a", "b"):
        page.press("body", "f")
        assert [side for side in "abc" if is_seen(page, f"{side}_picture")] == [front]


def test_equal_settings_give_identical_pictures(open_page: OpenPage, app_url: str) -> None:
    page = open_compare(open_page, app_url)
    few_steps(page)
    page.fill("#a_seed input", "5")
    run(page)
    expect(page.locator("#compare_apart")).to_contain_text("A and B are identical, pixel for pixel")
    expect(page.locator("#compare_shown")).to_contain_text("the same settings · seed 5")
    assert picture_of(page, "compare_heat").convert("L").getextrema() == (0, 0)


def test_keys_flip_and_swap_but_not_while_somebody_types(open_page: OpenPage, app_url: str) -> None:
    page = open_compare(open_page, app_url)
    set_number(page, "a_num_inference_steps", 2)
    set_number(page, "b_num_inference_steps", 4)
    expect(page.locator("#differs")).to_contain_text("steps: 2 → 4")
    run(page)
    sizes = figures_of(page, "file size")
    page.locator("#compare_views label", has_text="Slider").click()
    page.keyboard.press("f")
    assert (is_seen(page, "a_picture"), is_seen(page, "b_picture"), is_seen(page, "compare_slider")) == (True, False, False)
    page.keyboard.press("f")
    assert (is_seen(page, "a_picture"), is_seen(page, "b_picture")) == (False, True)
    page.press("#b_prompt textarea", "f")
    page.press("#b_prompt textarea", "s")
    assert is_seen(page, "b_picture")
    assert "fs" in page.input_value("#b_prompt textarea") + page.input_value("#b_prompt textarea")[::-1]
    page.fill("#b_prompt textarea", page.input_value("#a_prompt textarea"))
    page.locator("#compare_views label", has_text="Slider").click()
    page.keyboard.press("s")
    expect(page.locator("#differs")).to_contain_text("steps: 4 → 2")
    expect(page.locator("#compare_shown")).to_contain_text("steps: 4 → 2", timeout=RUN_TIMEOUT_MS)
    assert figures_of(page, "file size") == sizes[::-1]


def test_settings_travel_to_generate_and_back(open_page: OpenPage, app_url: str) -> None:
    page = open_page(app_url)
    set_number(page, "guidance", 5)
    page.fill("#seed input", "9")
    page.get_by_role("tab", name="Compare").click()
    expect(page.locator("#differs")).to_contain_text("A and B are alike")
    page.click("#a_from_generate")
    expect(page.locator("#a_guidance input[type=number]")).to_have_value("5")
    expect(page.locator("#b_guidance input[type=number]")).to_have_value("5")  # as long as B is a copy of A
    expect(page.locator("#a_seed input")).to_have_value("9")
    open_panel(page, "a_more")
    expect(page.locator("#a_go_fast input")).not_to_be_checked()
    page.fill("#b_prompt textarea", "flat castle on teal background")
    expect(page.locator("#differs")).to_contain_text("flat castle on teal")
    page.click("#send_b")
    expect(page.locator("#prompt textarea")).to_be_visible()
    expect(page.locator("#prompt textarea")).to_have_value("flat castle on teal background")
    expect(page.locator("#seed input")).to_have_value("9")


def test_seeds_are_apart_when_the_lock_is_off_and_sizes_may_differ(open_page: OpenPage, app_url: str) -> None:
    page = open_compare(open_page, app_url)
    few_steps(page)
    expect(page.locator("#b_seed input")).to_be_disabled()
    page.uncheck("#one_seed input")
    page.fill("#a_seed input", "1")
    page.fill("#b_seed input", "2")
    open_panel(page, "b_more")
    page.locator("#b_megapixels label", has_text="0.25").click()
    expect(page.locator("#differs")).to_contain_text("seed: 1 → 2; megapixels: 1 → 0.25 · each its own seed")
    run(page)
    expect(page.locator("#compare_shown")).to_contain_text("seeds 1 and 2")
    expect(page.locator("#compare_apart")).to_contain_text("compared at 512×512")
    assert picture_of(page, "b_picture").size == (512, 512)
    slides = page.locator("#compare_slider img").evaluate_all("slides => slides.map(slide => slide.naturalWidth)")
    assert slides == [1024, 1024]


def test_cancel_stops_all(open_page: OpenPage, hosted: HostedApi, tmp_path: Path) -> None:
    hosted.looks_until_done = 10_000
    process, url = start_app(tmp_path / "kept", PLAYGROUND_BASE_URL=hosted.url, PLAYGROUND_API_KEY=KEY)
    try:
        page = open_compare(open_page, url)
        page.check("#third input")
        expect(page.locator("#differs")).to_contain_text("A, B and C are alike")
        page.click("#compare_run")
        for side in "abc":
            expect(page.locator(f"#{side}_status")).to_contain_text("processing", timeout=RUN_TIMEOUT_MS)
        page.click("#compare_cancel")
        for side in "abc":
            expect(page.locator(f"#{side}_status")).to_contain_text("cancelled after", timeout=15_000)
        expect(page.locator("#compare_run")).to_be_enabled()
        expect(page.locator("#compare_previews")).to_contain_text("What does one input do?")
        assert sorted(hosted.cancelled) == ["job-1", "job-2", "job-3"]
    finally:
        stop_app(process)


def test_wrong_inputs_are_named_and_nothing_is_sent(open_page: OpenPage, app_url: str) -> None:
    page = open_compare(open_page, app_url)
    page.fill("#b_prompt textarea", "")
    page.click("#compare_run")
    expect(page.locator("#compare_problem")).to_contain_text("the prompt is empty")
    expect(page.locator("#compare_run")).to_be_enabled()


@pytest.mark.parametrize("sides", ["ab", "abc"])
def test_one_side_that_fails_leaves_the_others_their_results(
    open_page: OpenPage, hosted: HostedApi, tmp_path: Path, sides: str
) -> None:
    hosted.answers = {"job-2": {"status": "failed", "error": "<b>out of memory</b>"}}
    process, url = start_app(tmp_path / "kept", PLAYGROUND_BASE_URL=hosted.url, PLAYGROUND_API_KEY=KEY)
    try:
        page = open_compare(open_page, url)
        page.locator("#third input").set_checked(len(sides) == 3)
        cost = f"together {45 * len(sides)} credits ({len(sides)} × 45): FLUX.1 Krea [dev]"
        expect(page.locator("#compare_plan")).to_contain_text(cost)
        page.click("#compare_run")
        lines = [page.locator(f"#{side}_status") for side in sides]
        for line in lines:
            expect(line).to_contain_text(re.compile("done in|out of memory"), timeout=RUN_TIMEOUT_MS)
        expect(page.locator("table.figures")).to_be_visible(timeout=RUN_TIMEOUT_MS)
        failed = next(place for place, line in enumerate(lines) if "<b>out of memory</b>" in line.inner_text())
        assert [text == "–" for text in figures_of(page, "saturation")] == [place == failed for place in range(len(sides))]
        kept = sides.replace(sides[failed], "")
        assert all(picture_of(page, f"{side}_picture").size == (64, 64) for side in kept)
        if len(kept) == 2:  # the pair that is left is the one to look at
            expect(page.locator("#compare_apart")).to_contain_text(f"{' and '.join(kept.upper())} are identical")
        else:
            assert is_seen(page, f"{kept}_picture")
        expect(page.locator("#compare_pair")).to_be_hidden()
        assert hosted.created == len(sides)
    finally:
        stop_app(process)
