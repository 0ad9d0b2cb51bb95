"""Pure: a sweep as a table that fills in without moving, and as the changes of it. All text is escaped."""

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from playground.contract.inputs import PredictionInput, label
from playground.experiments.made import Made, Snapshot, State
from playground.experiments.plan import Cell, Plan

_WORDS = {State.WAITING: "", State.RUNNING: "being made", State.FAILED: "failed"}


def table(plan: Plan, snapshot: Snapshot) -> str:
    """The whole grid: sticky heads, one cell a picture."""
    y, columns = plan.y, len(plan.x.values)
    corner = f"{escape(label(plan.x.name))} →" + (f"<br>{escape(label(y.name))} ↓" if y else "")
    heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in plan.x.labels)
    rows: list[str] = []
    for row in range(plan.rows):
        cells = plan.cells[row * columns : (row + 1) * columns]
        head = escape(y.labels[row]) if y else ""
        inside = "".join(
            f'<td id="sweep-{cell.row}-{cell.column}">{_cell(plan, cell, snapshot.made[cell.request])}</td>' for cell in cells
        )
        rows.append(f'<tr><th scope="row">{head}</th>{inside}</tr>')
    top = f'<thead><tr><th class="corner">{corner}</th>{heads}</tr></thead>'
    return f'<div class="sweep-box" tabindex="0"><table class="sweep">{top}<tbody>{"".join(rows)}</tbody></table></div>'


def changes(plan: Plan, snapshot: Snapshot, requests: Iterable[PredictionInput]) -> str:
    """The cells of these requests, for the page's script to put in place; nothing else is sent or redrawn."""
    wanted = set(requests)
    found = "".join(
        f'<div data-at="sweep-{cell.row}-{cell.column}">{_cell(plan, cell, snapshot.made[cell.request])}</div>'
        for cell in plan.cells
        if cell.request in wanted
    )
    return f"<div hidden>{found}</div>"


def file_address(path: object) -> str:
    """Where the page finds a kept file."""
    return "gradio_api/file=" + quote(str(path))


def _cell(plan: Plan, cell: Cell, made: Made) -> str:
    caption = plan.caption(cell)
    if made.result is None or not made.has_picture:
        words = made.error if made.state == State.FAILED else _WORDS.get(made.state, "")
        title = f' title="{escape(made.error)}"' if made.error else ""
        box = f'<span class="box">{escape(words[:90])}</span><small>&nbsp;</small>'
        return f'<div class="cell {made.state.value}"{title}>{box}</div>'
    time = "already made" if made.state == State.REUSED else f"{made.result.time_s or 0:.1f} s"
    small, full = file_address(made.result.thumbnail or made.result.files[0]), file_address(made.result.files[0])
    picture = f'<img src="{escape(small)}" loading="lazy" decoding="async" alt="{escape(caption)}">'
    return (
        f'<button type="button" class="cell {made.state.value}" data-cell="{cell.row}-{cell.column}" data-full="{escape(full)}"'
        f' data-caption="{escape(caption)} · {time}"><span class="box">{picture}</span><small>{time}</small></button>'
    )
