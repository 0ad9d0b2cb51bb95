"""The owner's credits: how far visitors may go, one at a time and all together, and what counts as spent."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from playground.errors import BudgetError, Credits
from playground.history.budget import Budget
from playground.history.entry import Account, Order
from playground.history.shelf import Shelf
from playground.history.store import HistoryStore
from tests.history.filling import FREE, order

pytestmark = pytest.mark.anyio


def owners(visitor: str) -> Order:
    return order(account=Account(visitor, "owner"))


async def spent_until_refused(store: HistoryStore, budget: Budget, visitor: str = "one") -> tuple[int, str]:
    for count in range(20):
        try:
            await store.record_sent(owners(visitor), budget)
        except BudgetError as error:
            assert error.credits is Credits.NOT_SPENT
            return count, str(error)
    return 20, ""


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (
            Budget(visitor_per_hour=100),
            "You may spend 100 of the owner's credits an hour here; 10 are left, and this takes 45.",
        ),
        (Budget(per_hour=100), "All visitors together may spend 100 of the owner's credits an hour"),
        (Budget(total=100), "All visitors together may spend 100 of the owner's credits here"),
    ],
)
async def test_a_limit_lets_through_what_fits_and_no_more(tmp_path: Path, budget: Budget, words: str) -> None:
    count, said = await spent_until_refused(HistoryStore(tmp_path), budget)
    assert count == 2
    assert words in said
    assert "Nothing was charged." in said
    assert len(await HistoryStore(tmp_path).entries()) == 2


async def test_each_visitor_has_a_limit_and_all_together_another(tmp_path: Path) -> None:
    store, budget = HistoryStore(tmp_path), Budget(visitor_per_hour=90, per_hour=135)
    assert (await spent_until_refused(store, budget, "one"))[0] == 2
    count, said = await spent_until_refused(store, budget, "two")
    assert count == 1
    assert said.startswith("All visitors")


async def test_an_hour_later_there_is_room_again_but_not_in_the_total(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    await spent_until_refused(store, Budget(per_hour=90))
    with closing(sqlite3.connect(tmp_path / "history.sqlite3")) as connection, connection:
        connection.execute("UPDATE spending SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-61 minutes')")
    assert (await spent_until_refused(store, Budget(total=90)))[0] == 0
    assert (await spent_until_refused(store, Budget(per_hour=90)))[0] == 2


async def test_deleting_entries_gives_nothing_back_but_a_refusal_does(tmp_path: Path) -> None:
    store, budget, first = HistoryStore(tmp_path), Budget(total=90), owners("one")
    await store.record_sent(first, budget)
    await store.record_sent(owners("one"), budget)
    shelf = Shelf(store, "one")
    for entry in await shelf.entries():
        await shelf.delete(entry.id)
    assert (await spent_until_refused(store, budget))[0] == 0
    await store.forget(first)
    assert (await spent_until_refused(store, budget))[0] == 1


async def test_a_visitor_s_own_key_and_free_models_are_not_counted(tmp_path: Path) -> None:
    store, budget = HistoryStore(tmp_path), Budget(0, 0, 0)
    await store.record_sent(order(account=Account("one", "visitor")), budget)
    await store.record_sent(order(account=Account("one", "owner"), model=FREE), budget)
    with pytest.raises(BudgetError):
        await store.record_sent(owners("one"), budget)


async def test_of_many_at_once_only_those_pass_that_fit(tmp_path: Path) -> None:
    store, budget = HistoryStore(tmp_path), Budget(per_hour=5 * 45)
    ends = await asyncio.gather(*(store.record_sent(owners(str(n)), budget) for n in range(12)), return_exceptions=True)
    assert sum(end is None for end in ends) == 5
    assert sum(isinstance(end, BudgetError) for end in ends) == 7
