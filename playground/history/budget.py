"""What visitors may spend of the owner's credits: counted beside the history, in the write that lets a request go."""

import sqlite3
from dataclasses import dataclass

from playground.errors import BudgetError
from playground.history.entry import Order


@dataclass(frozen=True)
class Budget:
    """Credits; None is no limit. A visitor who forgets their browser's storage is a new one: the others limit that too."""

    visitor_per_hour: int | None = None
    per_hour: int | None = None
    total: int | None = None


_HOUR = "julianday('now') - julianday(created_at) < 1.0 / 24"
_LIMITS = (
    ("visitor_per_hour", f"visitor = :visitor AND {_HOUR}", "You may spend {} of the owner's credits an hour here"),
    ("per_hour", _HOUR, "All visitors together may spend {} of the owner's credits an hour here"),
    ("total", "1", "All visitors together may spend {} of the owner's credits here"),
)


def spend(db: sqlite3.Connection, order: Order, budget: Budget) -> None:
    """Write the order's credits down as spent; raise BudgetError where that would go beyond a limit.

    Requests of unknown outcome count. Nothing is counted that is not on the owner's key.
    """
    wanted = order.model.credits_per_request
    if order.account.key_of != "owner" or wanted == 0:
        return
    for name, condition, words in _LIMITS:
        limit: int | None = getattr(budget, name)
        if limit is None:
            continue
        query = f"SELECT coalesce(sum(credits), 0) FROM spending WHERE {condition}"  # noqa: S608 - ours alone
        (spent,) = db.execute(query, {"visitor": order.account.visitor}).fetchone()
        if spent + wanted > limit:
            left = max(0, limit - spent)
            advice = "Enter a key of your own under Connection, or use the pocket model."
            raise BudgetError(
                f"{words.format(limit)}; {left} are left, and this takes {wanted}.",
                advice=advice if name == "total" else f"Try again later. {advice}",
            )
    row = (order.id, order.account.visitor, wanted)
    db.execute("INSERT OR IGNORE INTO spending (id, visitor, credits) VALUES (?, ?, ?)", row)


def give_back(db: sqlite3.Connection, order: Order) -> None:
    """The order was refused: nothing was spent."""
    db.execute("DELETE FROM spending WHERE id = ?", (order.id,))
