"""A bounded queue that is fair between clients: each client in turn, first come first served within a client."""

from collections import deque
from typing import Generic, TypeVar

from playground.errors import RateLimitedError

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Round-robin over clients. Not thread-safe: it belongs to one event loop."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._turns: deque[str] = deque()
        self._waiting: dict[str, deque[T]] = {}

    def __len__(self) -> int:
        return sum(len(line) for line in self._waiting.values())

    def put(self, item: T, client: str) -> None:
        """Append to the client's own line. Raises RateLimitedError when the queue is full."""
        if len(self) >= self._capacity:
            raise RateLimitedError(
                f"The queue is full: {self._capacity} predictions are waiting.",
                advice="Try again in a few seconds.",
                retry_after_s=5,
            )
        if client not in self._waiting:
            self._waiting[client] = deque()
            self._turns.append(client)
        self._waiting[client].append(item)

    def get(self) -> T | None:
        """The next item, whose client then goes to the back; None if nothing waits."""
        if not self._turns:
            return None
        client = self._turns.popleft()
        line = self._waiting[client]
        item = line.popleft()
        if line:
            self._turns.append(client)
        else:
            del self._waiting[client]
        return item

    def remove(self, item: T) -> bool:
        """Take an item out of its line; False if it was not waiting."""
        for client, line in self._waiting.items():
            if item in line:
                line.remove(item)
                if not line:
                    del self._waiting[client]
                    self._turns.remove(client)
                return True
        return False

    def position(self, item: T) -> int | None:
        """1 for the item that `get` would return next; None if it is not waiting."""
        for turn, client in enumerate(self._turns):
            line = self._waiting[client]
            if item in line:
                depth = line.index(item)
                # Clients before this one get depth + 1 turns first, clients after it `depth` turns.
                ahead = sum(
                    min(len(self._waiting[other]), depth + (place < turn))
                    for place, other in enumerate(self._turns)
                    if other != client
                )
                return depth + ahead + 1
        return None
