"""The fair queue against a model so simple that it is plainly right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import RateLimitedError
from playground.service.queue import FairQueue

PUTS = st.lists(st.sampled_from("abcd"), max_size=24)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcd")),
        st.tuples(st.just("get"), st.just("")),
        st.tuples(st.just("remove"), st.integers(0, 40)),
    ),
    max_size=40,
)


class RoundRobin:
    """The model: a list of lines in the order of their turns."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, list[int]]] = []

    def put(self, item: int, client: str) -> None:
        for name, line in self.lines:
            if name == client:
                line.append(item)
                return
        self.lines.append((client, [item]))

    def get(self) -> int | None:
        if not self.lines:
            return None
        client, line = self.lines.pop(0)
        if line[1:]:
            self.lines.append((client, line[1:]))
        return line[0]

    def remove(self, item: int) -> bool:
        found = any(item in line for _, line in self.lines)
        without = [(client, [other for other in line if other != item]) for client, line in self.lines]
        self.lines = [(client, line) for client, line in without if line]
        return found


def drained(queue: FairQueue[int]) -> list[int]:
    items: list[int] = []
    while (item := queue.get()) is not None:
        items.append(item)
    return items


def test_a_queue_serves_each_client_in_turn() -> None:
    queue: FairQueue[str] = FairQueue(10)
    for item, client in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c"), ("b2", "b")]:
        queue.put(item, client)

    assert [queue.get() for _ in range(7)] == ["a1", "b1", "c1", "a2", "b2", "a3", None]


@given(CHANGES)
def test_a_queue_is_a_round_robin_whatever_happens_to_it(changes: list[tuple[str, str | int]]) -> None:
    queue: FairQueue[int] = FairQueue(100)
    model = RoundRobin()
    for number, (change, value) in enumerate(changes):
        if change == "put":
            queue.put(number, str(value))
            model.put(number, str(value))
        elif change == "get":
            assert queue.get() == model.get()
        else:
            assert queue.remove(int(value)) == model.remove(int(value))
        assert len(queue) == sum(len(line) for _, line in model.lines)
    rest = drained(queue)
    assert rest == [item for item in iter(model.get, None)]


@given(PUTS, st.integers(0, 8))
def test_a_position_is_the_number_of_gets_until_the_item_comes(clients: list[str], gets: int) -> None:
    queue: FairQueue[int] = FairQueue(100)
    for item, client in enumerate(clients):
        queue.put(item, client)
    for _ in range(gets):
        queue.get()

    told = {item: queue.position(item) for item in range(len(clients))}

    order = drained(queue)
    assert told == {item: order.index(item) + 1 if item in order else None for item in told}


@given(PUTS, st.integers(1, 10))
def test_a_queue_holds_its_capacity_and_no_more(clients: list[str], capacity: int) -> None:
    queue: FairQueue[int] = FairQueue(capacity)
    refused = 0
    for item, client in enumerate(clients):
        try:
            queue.put(item, client)
        except RateLimitedError:
            refused += 1

    assert len(queue) == min(capacity, len(clients))
    assert refused == max(0, len(clients) - capacity)
    assert sorted(drained(queue)) == list(range(min(capacity, len(clients))))


def test_a_full_queue_says_how_many_wait_and_when_to_come_back() -> None:
    queue: FairQueue[int] = FairQueue(1)
    queue.put(1, "a")

    with pytest.raises(RateLimitedError, match="1 predictions are waiting") as refused:
        queue.put(2, "b")

    assert refused.value.retry_after_s == 5
    assert queue.position(2) is None


def test_a_removed_item_frees_its_place() -> None:
    queue: FairQueue[int] = FairQueue(1)
    queue.put(1, "a")

    assert queue.remove(1)
    assert not queue.remove(1)
    queue.put(2, "a")
    assert drained(queue) == [2]
