"""Exports of a sweep: labelled, complete, self-contained, and with nothing in them that runs."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from playground.contract.inputs import INPUTS, PredictionInput
from playground.experiments.axis import image_axis, read_axis
from playground.experiments.made import Made, Result, State
from playground.experiments.plan import Plan, make_plan
from playground.experiments.sheet import export_files, manifest, page, sheet, table

NASTY = '<script>alert("x")</script> & fox'
BASE = PredictionInput(prompt=NASTY, seed=7)
COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200)}


@pytest.fixture
def plan() -> Plan:
    return make_plan(BASE, read_axis("guidance", "1, 3", BASE), read_axis("prompt", f'"{"fox"}", castle', BASE))


@pytest.fixture
def made(plan: Plan, tmp_path: Path) -> dict[PredictionInput, Made]:
    """Red, blue, one that failed and one that is not made."""
    found = [Made(), Made(), Made(State.FAILED, error="<b>no paint</b>"), Made()]
    for place, (name, colour) in enumerate(COLOURS.items()):
        path = tmp_path / f"{name}.png"
        Image.new("RGB", (64, 32), colour).save(path)
        found[place] = Made(State.DONE, Result((path,), None, path.stat().st_size, 1.25))
    return dict(zip(plan.requests, found, strict=True))


def test_sheet_holds_each_picture_at_its_place(plan: Plan, made: dict[PredictionInput, Made]) -> None:
    drawn = sheet(plan, made, model="a model")
    colours = {colour for _, colour in drawn.getcolors(drawn.width * drawn.height) or []}
    assert set(COLOURS.values()) <= colours
    red = [x for x in range(drawn.width) if drawn.getpixel((x, 68 + 192)) == COLOURS["red"]]
    blue = [x for x in range(drawn.width) if drawn.getpixel((x, 68 + 192)) == COLOURS["blue"]]
    assert len(red) == len(blue) == 64
    assert max(red) < min(blue)


def test_sheet_of_the_largest_plan_stays_below_its_limit() -> None:
    seeds = make_plan(BASE, read_axis("seed", "1-20", BASE), read_axis("num_inference_steps", "1-15", BASE))
    drawn = sheet(seeds, dict.fromkeys(seeds.requests, Made()), model="a model")
    assert drawn.width * drawn.height < 26_000_000


def test_page_needs_no_other_file_and_runs_nothing(plan: Plan, made: dict[PredictionInput, Made]) -> None:
    text = page(plan, made, model="<i>model</i>")
    tags: list[str] = []
    sources: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            sources.extend(value or "" for name, value in attrs if name in ("src", "href"))

    Reader().feed(text)
    assert {"script", "b", "i"}.isdisjoint(tags)
    assert tags.count("img") == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "&lt;b&gt;no paint&lt;/b&gt;" in text
    assert re.search(r'alt="Guidance 1 · Prompt fox"', text)


def test_manifest_and_table_hold_every_input_of_every_cell(plan: Plan, made: dict[PredictionInput, Made]) -> None:
    cells = manifest(plan, made, model="a model")["cells"]
    assert [PredictionInput.model_validate(cell["inputs"]) for cell in cells] == [cell.request for cell in plan.cells]
    rows = list(csv.DictReader(io.StringIO(table(plan, made))))
    assert len(rows) == 4
    assert set(INPUTS) - {"image"} < set(rows[0])
    assert [row["state"] for row in rows] == ["done", "done", "failed", "waiting"]
    assert rows[0]["time_s"] == "1.25"


def test_every_export_names_a_cell_s_image_by_file_name_and_digest(tmp_path: Path) -> None:
    names = {"ab" * 32: "=<i>cat</i>.png", "cd" * 32: "dog.png"}
    plan = make_plan(BASE, image_axis(names, also_none=True), image_names=names)
    files = export_files(plan, dict.fromkeys(plan.requests, Made()), tmp_path, model="a model")
    images = [None, *({"file": name, "sha256_begins": digest[:16]} for digest, name in names.items())]
    written = json.loads(files[2].read_text(encoding="utf-8"))
    assert written["axes"] == [{"input": "image", "values": images}]
    assert [cell["image"] for cell in written["cells"]] == images
    rows = list(csv.DictReader(io.StringIO(files[3].read_text(encoding="utf-8"))))
    assert [(row["image_file"], row["image_sha256_begins"]) for row in rows] == [
        ("", ""), ("'=<i>cat</i>.png", "ab" * 8), ("dog.png", "cd" * 8)
    ]  # fmt: skip
    text = files[1].read_text(encoding="utf-8")
    assert "<i>" not in text
    assert f"Image =&lt;i&gt;cat&lt;/i&gt;.png: SHA-256 begins {'ab' * 8}<" in text
    assert not [path for path in files if b"ab" * 9 in path.read_bytes()]  # with all of it the server would hand out the file
    with Image.open(files[0]) as drawn:
        assert drawn.height == sheet(plan, dict.fromkeys(plan.requests, Made()), model="a model").height
        foot = drawn.crop((0, drawn.height - 2 * 34, drawn.width, drawn.height))
        assert len(foot.getcolors(10_000) or []) > 2  # two lines of ink


def test_table_holds_no_formula() -> None:
    base = PredictionInput(prompt="=1+1", seed=7)
    plan = make_plan(base, read_axis("seed", "1", base))
    assert next(csv.DictReader(io.StringIO(table(plan, {plan.requests[0]: Made()}))))["prompt"] == "'=1+1"


def test_export_writes_four_files_anew(plan: Plan, made: dict[PredictionInput, Made], tmp_path: Path) -> None:
    for _ in range(2):
        files = export_files(plan, made, tmp_path / "export", model="a model")
    assert [path.name for path in files] == ["sweep.png", "sweep.html", "sweep.json", "sweep.csv"]
    assert json.loads(files[2].read_text(encoding="utf-8"))["axes"][0] == {"input": "guidance", "values": [1.0, 3.0]}
    with Image.open(files[0]) as drawn:
        assert drawn.format == "PNG"
