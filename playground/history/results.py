"""What requests have come to before, so that no picture is made or paid for twice."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from playground.contract.prediction import Status
from playground.history.entry import Asked, Entry
from playground.history.store import HistoryStore

_TIMES_REMEMBERED = 30


@dataclass(frozen=True)
class Known:
    """What is known of a request that was asked before."""

    best: Entry
    """Made, else under way, else perhaps under way."""
    is_uncertain: bool
    """Whether another sending of it, of which nobody heard again, may be under way or paid for."""


async def find_results(store: HistoryStore, asked: Iterable[Asked], *, visitor: str = "") -> dict[str, Known]:
    """What is known of each of these requests, by digest: made by anybody on the same key, under way for this visitor.

    What failed, what is free and unfinished, and what lacks a file counts as never made. Raises StorageError.
    """
    digests = {f"d{place}": one.digest for place, one in enumerate(asked)}
    marks = ", ".join(f":{name}" for name in digests)
    found: dict[str, list[Entry]] = {}
    for entry in await store.entries(f"digest IN ({marks})", digests):
        # Another visitor's prediction under way on a shared key is not this one's to follow, to cancel, or to wait for.
        if _rank(entry) and (is_made(entry) or entry.account.visitor == visitor):
            found.setdefault(entry.digest, []).append(entry)
    return {
        digest: Known(max(entries, key=_rank), any(entry.is_uncertain for entry in entries))
        for digest, entries in found.items()
    }


async def seconds_a_step(store: HistoryStore, base_url: str, model: str) -> float | None:
    """The median over this model's latest predictions; None where there are none. Raises StorageError."""
    condition = "base_url = :base_url AND model = :model AND time_s IS NOT NULL"
    latest = await store.entries(condition, {"base_url": base_url, "model": model}, limit=_TIMES_REMEMBERED)
    times = [entry.time_s / max(1, entry.input.get("num_inference_steps") or 1) for entry in latest if entry.time_s is not None]
    return statistics.median(times) if times else None


def _rank(entry: Entry) -> int:
    if is_made(entry):
        return 3
    if entry.can_be_fetched:
        return 2
    return 1 if entry.is_uncertain else 0


def is_made(entry: Entry) -> bool:
    """Whether its files can be shown."""
    files = [*entry.outputs, *([entry.thumbnail] if entry.thumbnail else [])]
    return entry.status == Status.COMPLETED and bool(entry.outputs) and all(path.is_file() for path in files)
