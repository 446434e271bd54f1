"""Published messages for somebody who is no agent.

::

    with bus.subscribe(SceneReady) as scenes:
        async for scene in scenes:
            ...
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fablewright.errors import ContractViolation
from fablewright.protocol.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

__all__ = ["Subscription", "Subscriptions"]

M = TypeVar("M", bound=Message)


class Subscription(Generic[M]):
    """The messages of one kind that were published since it was made, oldest first; ends when the bus stops.

    It has one reader; each further one needs a subscription of its own.

    Args:
        limit: How many may wait to be read; one more, and the oldest is dropped.
        end: Called once when nobody reads any more.

    Attributes:
        dropped: How many were lost that way.
    """

    def __init__(self, limit: int, end: Callable[[Subscription[M]], None]) -> None:
        self._waiting: deque[M] = deque(maxlen=limit)
        self._end = end
        self._reader: asyncio.Future[None] | None = None
        self._closed = False
        self.dropped = 0

    def __repr__(self) -> str:
        return f"<Subscription waiting={len(self._waiting)} dropped={self.dropped}{' closed' if self._closed else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> M:
        if self._reader is not None and not self._reader.done():
            raise ContractViolation("Somebody reads this subscription already; each reader needs one of its own.")
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._waiting.popleft()

    def take(self) -> M | None:
        """Return the next message if there is one."""
        return self._waiting.popleft() if self._waiting else None

    def put(self, message: M) -> None:
        """Take in what was published."""
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append(message)
        self._wake()

    def close(self) -> None:
        """Take in nothing more; what waits can still be read. Twice is harmless."""
        if not self._closed:
            self._closed = True
            self._end(self)
            self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class Subscriptions:
    """All who subscribed to something on one bus."""

    def __init__(self) -> None:
        self._all: tuple[tuple[type[Message], Subscription[Any]], ...] = ()
        self._closed = False

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return f"<Subscriptions {len(self._all)}>"

    def add(self, kind: type[M], limit: int) -> Subscription[M]:
        """Return a new subscription to one kind of message.

        Raises:
            ContractViolation: The limit is below 1.
        """
        if limit < 1:
            raise ContractViolation(f"A subscription has room for at least 1 message, not {limit}.")

        def end(ended: Subscription[M]) -> None:
            self._all = tuple((other, each) for other, each in self._all if each is not ended)

        subscription = Subscription(limit, end)
        self._all = (*self._all, (kind, subscription))
        if self._closed:
            subscription.close()
        return subscription

    def put(self, message: Message) -> int:
        """Give a message to all who subscribed to its kind; return how many they are."""
        wanted = [each for kind, each in self._all if isinstance(message, kind)]
        for subscription in wanted:
            subscription.put(message)
        return len(wanted)

    def close(self) -> None:
        """End all of them, and those to come."""
        self._closed = True
        for _, subscription in self._all:
            subscription.close()
