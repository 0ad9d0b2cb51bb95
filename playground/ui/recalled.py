"""Pure: the history as tiles, an entry in words, and what is unfinished. All text is escaped."""

from collections.abc import Sequence
from html import escape

from playground.contract.inputs import INPUTS, default, label
from playground.contract.prediction import Status
from playground.experiments.axis import value_label
from playground.history.entry import Entry
from playground.history.shelf import Kind
from playground.ui import format
from playground.ui.grid import file_address

CHOICES = {
    Kind.ALL: "All",
    Kind.FAVOURITES: "Favourites",
    Kind.PAID: "Paid for",
    Kind.UNFINISHED: "Unfinished",
    Kind.FAILED: "Failed",
}
_LONGEST_PROMPT = 120
_EMPTY = {
    Kind.ALL: "Every picture that you make here will stand here, with everything that made it. Other visitors do not see it.",
    Kind.FAVOURITES: "No favourites yet. Open an entry and mark it: favourites stay when old pictures go.",
    Kind.PAID: "Nothing that was paid for yet.",
    Kind.UNFINISHED: "Nothing is unfinished: every paid request has come to its end here.",
    Kind.FAILED: "Nothing has failed.",
}
UNKNOWN = "It was sent and no answer came: it may have been accepted and paid for. Check your account before you send it again."


def tiles(entries: Sequence[Entry], *, kind: Kind, is_search: bool) -> str:
    """Newest first, one button an entry."""
    if not entries:
        words = "No prompt of yours holds all these words." if is_search else _EMPTY[kind]
        return f'<p class="tiles-empty">{escape(words)}</p>'
    return f'<div class="tiles">{"".join(_tile(entry) for entry in entries)}</div>'


def _tile(entry: Entry) -> str:
    prompt = str(entry.input.get("prompt", ""))
    shown = prompt if len(prompt) <= _LONGEST_PROMPT else prompt[: _LONGEST_PROMPT - 1] + "…"
    if entry.thumbnail is not None:
        box = f'<img src="{escape(file_address(entry.thumbnail))}" loading="lazy" decoding="async" alt="">'
    else:
        box = f"<span>{escape(state(entry))}</span>"
    star = '<i class="star" title="favourite">★</i>' if entry.is_favourite else ""
    return (
        f'<button type="button" class="tile" data-entry="{escape(entry.id)}">'
        f'<span class="box">{box}{star}</span><span class="words">{escape(shown)}</span>'
        f"<small>{escape(entry.label)} · {when(entry)}</small></button>"
    )


def state(entry: Entry) -> str:
    """How it stands, in a few words."""
    if entry.is_uncertain:
        return "unknown"
    if entry.status == Status.COMPLETED:
        if not entry.outputs:
            return "done, its pictures are not here"
        return f"done, {entry.missing} of {entry.missing + len(entry.outputs)} pictures missing" if entry.missing else "done"
    return entry.status if Status(entry.status).is_terminal else "unfinished"


def when(entry: Entry) -> str:
    """When it was asked for; the page's script turns it into the reader's own time."""
    return f'<time datetime="{escape(entry.created_at)}">{escape(entry.created_at[:16].replace("T", " "))} UTC</time>'


def facts(entry: Entry) -> str:
    """An entry in words: what became of it, what made it, what differs from the defaults."""
    cost = "free" if entry.is_free else f"{entry.credits} credits"
    took = "" if entry.time_s is None else f" · {entry.time_s:.1f} s"
    size = "" if not entry.size_bytes else f" · {entry.size_bytes / 1000:.0f} kB"
    head = f"<p><b>{escape(entry.label)}</b> · {escape(state(entry))}{took}{size} · {cost} · {when(entry)}</p>"
    if entry.is_uncertain:
        head += format.line("?", UNKNOWN, kind="bad", extra=entry.error)
    elif entry.can_be_fetched:
        head += format.line("○", f"{_promise(entry)} Its id is {entry.job_id}.", kind="idle", extra=entry.error)
    elif entry.error:
        head += format.line("✗", entry.error, kind="bad")
    rows = "".join(_row(name, entry) for name in INPUTS if name in entry.input or (name == "image" and entry.image))
    return f'{head}<table class="facts"><tbody>{rows}</tbody></table>'


def _promise(entry: Entry) -> str:
    if entry.account.key_of == "visitor":
        return "It was accepted and paid for with a key of yours. Fetching it sends nothing new, and needs that key."
    return "It was accepted and paid for. Fetching it sends nothing new."


def _row(name: str, entry: Entry) -> str:
    if name == "image":
        return f'<tr><th scope="row">{escape(label(name))}</th><td>started from an image, which is kept here</td></tr>'
    value = entry.input.get(name)
    kind = "" if name == "prompt" or value == default(name) else ' class="own"'
    shown = "random" if value is None else value_label(value)
    return f'<tr{kind}><th scope="row">{escape(label(name))}</th><td>{escape(shown)}</td></tr>'


def offer(entries: Sequence[Entry], *, has_key: bool) -> str:
    """What a page that opens says of unfinished paid requests; "" where there are none."""
    fetchable = [entry for entry in entries if entry.can_be_fetched]
    unknown = sum(entry.is_uncertain for entry in entries)
    parts: list[str] = []
    if fetchable:
        needs_key = any(entry.account.key_of == "visitor" for entry in fetchable) and not has_key
        key = ": enter the key they were made with under Connection, then fetch them" if needs_key else ""
        parts.append(f"{_counted(len(fetchable), 'paid request')} from earlier not finished here{key}.")
    if unknown:
        parts.append(f"{_counted(unknown, 'request')} of unknown outcome: check your account before sending again.")
    return format.line("○", " ".join(parts), kind="idle") if parts else ""


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
