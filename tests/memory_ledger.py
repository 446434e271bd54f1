"""A ledger in memory, which can be slow and can break."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.errors import FablewrightError
from fablewright.gm.preparing.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Callable


class MemoryLedger:
    """Keeps entries as long as it lives; their ages are by a clock that can be given.

    Attributes:
        delay: Seconds that each call takes.
        is_broken: Whether each call fails.
        is_full: Whether nothing can be added.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.delay = 0.0
        self.is_broken = self.is_full = False
        self._entries: dict[tuple[str, str], Entry] = {}
        self._revisions = itertools.count(1)

    async def add(self, topic: str, key: str, text: str) -> bool:
        await self._called()
        if self.is_full:
            raise FablewrightError("the ledger is full")
        if (topic, key) in self._entries:
            return False
        self._write(topic, key, text)
        return True

    async def read(self, topic: str, key: str) -> Entry | None:
        await self._called()
        entry = self._entries.get((topic, key))
        return None if entry is None else self._aged(entry)

    async def entries(self, topic: str) -> tuple[Entry, ...]:
        await self._called()
        return tuple(self._aged(entry) for (of, _), entry in self._entries.items() if of == topic)

    async def swap(self, topic: str, key: str, revision: int, text: str) -> bool:
        await self._called()
        if not self._is_latest(topic, key, revision):
            return False
        self._write(topic, key, text)
        return True

    async def remove(self, topic: str, key: str, revision: int) -> bool:
        await self._called()
        if not self._is_latest(topic, key, revision):
            return False
        del self._entries[topic, key]
        return True

    async def close(self) -> None:
        pass

    def _write(self, topic: str, key: str, text: str) -> None:
        self._entries[topic, key] = Entry(key, next(self._revisions), text, self._clock())

    def _aged(self, entry: Entry) -> Entry:
        return replace(entry, age=self._clock() - entry.age)

    def _is_latest(self, topic: str, key: str, revision: int) -> bool:
        entry = self._entries.get((topic, key))
        return entry is not None and entry.revision == revision

    async def _called(self) -> None:
        await asyncio.sleep(self.delay)
        if self.is_broken:
            raise FablewrightError("the ledger is broken")
