"""A sweep as files to hand on: one labelled PNG sheet, one page with everything in it, and tables of all inputs.

A picture that others were made from is named by its file name and how its digest begins; where it lay is nobody's business.
"""

import base64
import csv
import io
import json
import mimetypes
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from playground.contract.inputs import INPUTS, PredictionInput, label
from playground.errors import Credits, StorageError
from playground.experiments.made import Made
from playground.experiments.plan import Plan

_LARGEST_SHEET_PX = 24_000_000
_LARGEST_CELL_PX, _SMALLEST_CELL_PX = 384, 96
_GAP_PX, _LABEL_PX, _SIDE_PX = 8, 34, 150
_INK, _PAPER, _EMPTY = "#292524", "#faf8f4", "#e7e1d6"
_LONGEST_LABEL = 120

_NAMED = 16  # characters of a hash: enough to tell files apart, not to ask the server for one


def export_files(plan: Plan, made: Mapping[PredictionInput, Made], folder: Path, *, model: str) -> list[Path]:
    """sweep.png, sweep.html, sweep.json and sweep.csv in this folder, written anew. Raises StorageError. Blocks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"sweep.{ending}" for ending in ("png", "html", "json", "csv")]
        sheet(plan, made, model=model).save(files[0], "PNG")
        files[1].write_text(page(plan, made, model=model), encoding="utf-8")
        files[2].write_text(json.dumps(manifest(plan, made, model=model), indent=2, ensure_ascii=False), encoding="utf-8")
        files[3].write_text(table(plan, made), encoding="utf-8", newline="")
    except OSError as error:
        raise StorageError(
            f"The sweep could not be exported ({error.strerror or 'a picture is unreadable'}).",
            credits=Credits.NOT_AT_STAKE,
            advice="Free some disk space and export again.",
        ) from error
    return files


def sheet(plan: Plan, made: Mapping[PredictionInput, Made], *, model: str) -> Image.Image:
    """The grid as one picture, its axes labelled; cells shrink so that it stays below 24 megapixels."""
    columns, rows = len(plan.x.values), plan.rows
    cell_px = int((_LARGEST_SHEET_PX / (columns * rows)) ** 0.5) - _GAP_PX
    cell_px = max(_SMALLEST_CELL_PX, min(_LARGEST_CELL_PX, cell_px))
    pitch_px, left_px, top_px = cell_px + _GAP_PX, _SIDE_PX if plan.y else _GAP_PX, 2 * _LABEL_PX
    notes, foot_px = _image_lines(plan), top_px + rows * pitch_px
    drawn = Image.new("RGB", (left_px + columns * pitch_px, foot_px + len(notes) * _LABEL_PX), _PAPER)
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(15)

    def write(x_px: int, y_px: int, text: str, width_px: int) -> None:
        text = text[:_LONGEST_LABEL]
        while len(text) > 1 and pen.textlength(text, font) > width_px:
            text = text[:-2] + "…"
        pen.text((x_px, y_px), text, fill=_INK, font=font)

    write(_GAP_PX, 8, f"{model} · {_axes(plan)}", drawn.width - 2 * _GAP_PX)
    for column, text in enumerate(plan.x.labels):
        write(left_px + column * pitch_px, _LABEL_PX + 8, text, cell_px)
    for row, text in enumerate(plan.y.labels if plan.y else ()):
        write(_GAP_PX, top_px + row * pitch_px, text, _SIDE_PX - 2 * _GAP_PX)
    for line, text in enumerate(notes):
        write(_GAP_PX, foot_px + line * _LABEL_PX + 8, text, drawn.width - 2 * _GAP_PX)
    for cell in plan.cells:
        x_px, y_px = left_px + cell.column * pitch_px, top_px + cell.row * pitch_px
        drawn.paste(_EMPTY, (x_px, y_px, x_px + cell_px, y_px + cell_px))
        if (file := _file(made[cell.request])) is not None:
            _paste(drawn, file, (x_px, y_px), cell_px)
    return drawn


def page(plan: Plan, made: Mapping[PredictionInput, Made], *, model: str) -> str:
    """The grid as one HTML page that needs no other file; every word in it is escaped."""
    heads = "".join(f"<th>{escape(text)}</th>" for text in plan.x.labels)
    rows = ""
    for row in range(plan.rows):
        head = escape(plan.y.labels[row]) if plan.y else ""
        cells = "".join(_figure(plan, row, column, made) for column in range(len(plan.x.values)))
        rows += f"<tr><th>{head}</th>{cells}</tr>\n"
    title = escape(f"{model}: {_axes(plan)}")
    notes = "".join(f"<p><small>{escape(line)}</small></p>\n" for line in _image_lines(plan))
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n<style>{_STYLE}</style>\n'
        f"<h1>{title}</h1>\n<p>{escape(plan.cells[0].request.prompt)}</p>\n"
        f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>\n{rows}</tbody></table>\n{notes}</html>\n"
    )


def manifest(plan: Plan, made: Mapping[PredictionInput, Made], *, model: str) -> dict[str, Any]:
    """Every cell with all its inputs, its time and its size; pictures are named by their content hash."""
    axes = [
        {"input": axis.name, "values": [_image(plan, value) if axis.name == "image" else value for value in axis.values]}
        for axis in plan.axes
    ]
    return {"model": model, "axes": axes, "cells": _records(plan, made)}


def table(plan: Plan, made: Mapping[PredictionInput, Made]) -> str:
    """The same as CSV, one row a cell."""
    buffer = io.StringIO()
    typed = [name for name in INPUTS if name != "image"]
    writer = csv.DictWriter(buffer, ["row", "column", *typed, *_IMAGE.values(), *_OUTCOME])
    writer.writeheader()
    for record in _records(plan, made):
        inputs = {name: _harmless(value) for name, value in record["inputs"].items()}
        image: dict[str, str] = record["image"] or {}
        named = {_IMAGE[part]: _harmless(value) for part, value in image.items()}
        writer.writerow({"row": record["row"], "column": record["column"]} | inputs | named | _outcome(record))
    return buffer.getvalue()


_IMAGE = {"file": "image_file", "sha256_begins": "image_sha256_begins"}
_OUTCOME = ("state", "time_s", "size_bytes", "files", "error")
_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:16px;color:#292524;background:#faf8f4}"
    "table{border-collapse:collapse}th,td{padding:4px;text-align:center;vertical-align:top}"
    "thead th{position:sticky;top:0;background:#faf8f4}tbody th{position:sticky;left:0;background:#faf8f4;text-align:right}"
    "img{width:256px;display:block}small{color:#6b6460}"
)


def _records(plan: Plan, made: Mapping[PredictionInput, Made]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for cell in plan.cells:
        outcome = made[cell.request]
        result = outcome.result
        found.append(
            {
                "row": cell.row,
                "column": cell.column,
                "inputs": cell.request.model_dump(exclude={"image"}),
                "image": _image(plan, cell.request.image),
                "state": outcome.state.value,
                "time_s": result.time_s if result else None,
                "size_bytes": result.size_bytes if result else None,
                "files": [path.name[:_NAMED] + path.suffix for path in result.files] if result else [],
                "error": outcome.error or None,
            }
        )
    return found


def _image(plan: Plan, digest: str | None) -> dict[str, str] | None:
    return None if digest is None else {"file": plan.image_names[digest], "sha256_begins": digest[:_NAMED]}


def _image_lines(plan: Plan) -> list[str]:
    """A line for each picture that the plan starts from."""
    used = dict.fromkeys(request.image for request in plan.requests if request.image is not None)
    return [f"Image {plan.image_names[digest]}: SHA-256 begins {digest[:_NAMED]}" for digest in used]


def _outcome(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: " ".join(record[name]) if name == "files" else _harmless(record[name]) for name in _OUTCOME}


def _harmless(value: Any) -> Any:
    """Spreadsheets run text that begins like a formula."""
    return "'" + value if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _figure(plan: Plan, row: int, column: int, made: Mapping[PredictionInput, Made]) -> str:
    cell = plan.cell(row, column)
    outcome = made[cell.request]
    if (file := _file(outcome)) is None or outcome.result is None:
        return f"<td><small>{escape(outcome.error or 'not made')}</small></td>"
    kind = mimetypes.types_map.get(file.suffix, "image/webp")
    data = base64.b64encode(file.read_bytes()).decode()
    time = "" if outcome.result.time_s is None else f"<small>{outcome.result.time_s:.1f} s</small>"
    return f'<td><img src="data:{kind};base64,{data}" alt="{escape(plan.caption(cell))}">{time}</td>'


def _file(made: Made) -> Path | None:
    return made.result.files[0] if made.has_picture and made.result else None


def _paste(drawn: Image.Image, file: Path, corner_px: tuple[int, int], cell_px: int) -> None:
    with Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((cell_px, cell_px), Image.Resampling.LANCZOS)
    drawn.paste(small, (corner_px[0] + (cell_px - small.width) // 2, corner_px[1] + (cell_px - small.height) // 2))


def _axes(plan: Plan) -> str:
    names = [label(axis.name) for axis in plan.axes]
    return f"{names[0]} across" + (f", {names[1]} down" if len(names) == 2 else "")
