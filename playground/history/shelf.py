"""One visitor's part of the history: nothing of anybody else's can be reached through it."""

import hashlib
from enum import StrEnum
from typing import Any

from playground.errors import NotFoundError
from playground.history.entry import Entry
from playground.history.retention import remove
from playground.history.store import HistoryStore

PAGE = 48
LONGEST_SEARCH = 200
_MOST_WORDS = 12


class Kind(StrEnum):
    """What a visitor may look for."""

    ALL = "all"
    FAVOURITES = "favourites"
    PAID = "paid"
    UNFINISHED = "unfinished"
    FAILED = "failed"


_OPEN = "(status NOT IN ('completed', 'failed', 'cancelled') OR (status = 'completed' AND (outputs = '[]' OR missing > 0)))"
_CONDITIONS = {
    Kind.ALL: "1",
    Kind.FAVOURITES: "is_favourite",
    Kind.PAID: "credits > 0",
    Kind.UNFINISHED: f"credits > 0 AND {_OPEN}",
    Kind.FAILED: "status = 'failed'",
}


class Shelf:
    """The entries of one visitor; every method may raise StorageError."""

    def __init__(self, store: HistoryStore, visitor: str) -> None:
        self._store = store
        self._visitor = visitor

    async def entries(
        self, *, search: str = "", kind: Kind = Kind.ALL, before: int | None = None, limit: int = PAGE
    ) -> list[Entry]:
        """Newest first: those whose prompt holds every word of `search`, older than the entry with number `before`."""
        conditions, values = [_CONDITIONS[kind]], dict[str, Any]()
        for place, word in enumerate(search[:LONGEST_SEARCH].split()[:_MOST_WORDS]):
            conditions.append(f"json_extract(input, '$.prompt') LIKE :word{place} ESCAPE '!'")
            values[f"word{place}"] = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        if before is not None:
            conditions.append("number < :before")
            values["before"] = before
        return await self._own(" AND ".join(conditions), values, limit=limit)

    async def entry(self, id: str) -> Entry:
        """The entry of that id. Raises NotFoundError."""
        found = await self._own("id = :id", {"id": id}, limit=1)
        if not found:
            raise NotFoundError("That entry is not in your history any more.", advice="Reload the list.")
        return found[0]

    async def find_by_picture(self, data: bytes) -> Entry | None:
        """The latest entry that one of its pictures is, byte for byte."""
        pattern = f"%/{hashlib.sha256(data).hexdigest()}.%"
        found = await self._own("outputs LIKE :pattern", {"pattern": pattern}, limit=1)
        return found[0] if found else None

    async def set_favourite(self, id: str, is_favourite: bool) -> None:
        """Favourites stay when old entries go."""
        row = (int(is_favourite), id, self._visitor)
        await self._store.in_thread(
            lambda db: db.execute("UPDATE history SET is_favourite = ? WHERE id = ? AND visitor = ?", row)
        )

    async def delete(self, id: str) -> None:
        """The entry and the files that nothing else needs. Raises NotFoundError."""
        await remove(self._store, [await self.entry(id)])

    async def _own(self, condition: str, values: dict[str, Any], *, limit: int) -> list[Entry]:
        if not self._visitor:  # entries without a visitor are nobody's
            return []
        return await self._store.entries(
            f"visitor = :visitor AND {condition}", {**values, "visitor": self._visitor}, limit=limit
        )
