"""Events of one story in order, kept so that whoever was cut off goes on where she was.

It is bounded in events and bytes: the oldest go first. An id says which log it is of, so that one of a server that was
restarted since is recognised; whoever comes with an id that is not kept any more is told so (``reset``) and gets all
there is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["EventLog", "LoggedEvent"]

MOST_EVENTS = 1000
MOST_BYTES = 4_000_000


class LoggedEvent(NamedTuple):
    """One event.

    Attributes:
        id: Of the log and the place in it; empty for one that is not in the log.
        kind: What it is; empty: nothing has happened for a while.
        data: JSON, on one line.
    """

    id: str
    kind: str
    data: str


_NOTHING = LoggedEvent("", "", "")


class EventLog:
    """Events that grow at the end and can be followed by many.

    Args:
        most_events: How many are kept.
        most_bytes: How much of their data.
    """

    def __init__(self, *, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._events: deque[LoggedEvent] = deque()
        self._bytes = 0
        self._first = 0  # the place of the oldest that is kept
        self._name = secrets.token_hex(4)
        self._is_over = False
        self._followers: set[asyncio.Event] = set()

    def __len__(self) -> int:
        return len(self._events)

    @property
    def last_id(self) -> str:
        """The id of the latest event; who follows from there gets only what is new."""
        return f"{self._name}.{self._first + len(self._events) - 1}" if self._first + len(self._events) else ""

    def append(self, kind: str, data: object) -> None:
        """Put an event at the end; after ``end`` nothing happens."""
        if self._is_over:
            return
        text = msgspec.json.encode(data).decode()
        self._events.append(LoggedEvent(f"{self._name}.{self._first + len(self._events)}", kind, text))
        self._bytes += len(text)
        while len(self._events) > 1 and (len(self._events) > self._most_events or self._bytes > self._most_bytes):
            self._bytes -= len(self._events.popleft().data)
            self._first += 1
        self._wake()

    def end(self) -> None:
        """Let no more come: whoever follows gets what there is, and is through."""
        self._is_over = True
        self._wake()

    def is_told(self, after: str) -> bool:
        """Whether nothing will ever come after the event with an id."""
        at, is_lost = self._place(after)
        return self._is_over and not is_lost and bool(after) and at == self._first + len(self._events)

    async def follow(self, after: str = "", *, quiet: float | None = None) -> AsyncGenerator[LoggedEvent]:
        """Yield what comes after the event with an id, until the log ends; with no id, all that is kept.

        Args:
            after: An id.
            quiet: Seconds after which an event without a kind is yielded when nothing has happened.
        """
        at, is_lost = self._place(after)
        woken = asyncio.Event()
        self._followers.add(woken)
        try:
            while True:
                woken.clear()
                if is_lost or at < self._first:
                    yield LoggedEvent("", "reset", "{}")
                    at, is_lost = self._first, False
                while self._first <= at < self._first + len(self._events):
                    event = self._events[at - self._first]
                    at += 1
                    yield event
                if at < self._first:
                    continue  # so much has come meanwhile that the next is gone
                if self._is_over:
                    return
                try:
                    async with asyncio.timeout(quiet):
                        await woken.wait()
                except TimeoutError:
                    yield _NOTHING
        finally:
            self._followers.discard(woken)

    def _place(self, after: str) -> tuple[int, bool]:
        """Return the place after an id, and whether what came after it cannot be told any more."""
        if not after:
            return self._first, False
        name, _, place = after.partition(".")
        if name != self._name or not (place.isascii() and place.isdigit() and len(place) < 16):
            return self._first, True
        at = int(place) + 1
        return (at, False) if self._first <= at <= self._first + len(self._events) else (self._first, True)

    def _wake(self) -> None:
        for follower in self._followers:
            follower.set()
