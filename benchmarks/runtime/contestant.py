"""What takes part: something that carries a number to a handler and one more than it back, by a deadline.

Every contestant does the same work. It is given ``Add(n)``, or its own form of it where it insists on one, a
handler on the other side makes ``n + 1``, and the caller gets that or an error within ``DEADLINE`` seconds.
What has no deadline of its own is called inside ``asyncio.timeout``, as its user would have to.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from fablewright import Request

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["DEADLINE", "Add", "Contestant", "Gate", "Hold"]

DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class Add(Request[int]):
    """The message; handled twice it does no harm, so a policy may retry it."""

    action: ClassVar[str] = "add"
    idempotent: ClassVar[bool] = True
    n: int


@dataclass(frozen=True, slots=True)
class Hold(Request[int]):
    """As ``Add``, but the handler waits at the gate first."""

    action: ClassVar[str] = "hold"
    idempotent: ClassVar[bool] = True
    n: int


class Gate:
    """Where handlers wait until as many have come as are expected, so that all are in flight at one moment."""

    def __init__(self) -> None:
        self._missing = 0
        self._waiting: list[asyncio.Future[None]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(self, count: int) -> None:
        """Open by itself once ``count`` have come; with 0, only when told."""
        self._missing = count

    def open(self) -> None:
        """Let all go who wait."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Come, and wait for the others."""
        # Each on a future of its own, as for a reply from a socket: to cancel one must not cancel all.
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._missing -= 1
        if self._missing == 0:
            self.open()
        await waiter


class Contestant(ABC):
    """One way to ask.

    Attributes:
        name: As the tables show it.
        every: Measured in every so-manieth round only; for what is slow, so that it does not take all the time.
        crowd: How many requests it is given to hold at most where callers are left waiting: what would take
            minutes over more says less, and what cannot hold any says 0.
        only_many: Differs from another one only where many are asked at once; left out elsewhere.
        expired: What ``hold`` raises when the deadline comes first.
    """

    name: ClassVar[str]
    every: ClassVar[int] = 1
    crowd: ClassVar[int] = 100_000
    only_many: ClassVar[bool] = False
    expired: ClassVar[tuple[type[Exception], ...]] = (TimeoutError,)

    @abstractmethod
    async def start(self) -> None:
        """Begin; called once, before any ask."""

    @abstractmethod
    async def stop(self) -> None:
        """End every task and thread."""

    # No ``async``: who has one coroutine to await hands that on, as its users would, and pays for no second.
    @abstractmethod
    def ask(self, n: int) -> Coroutine[Any, Any, int]:
        """Ask; the handler answers without waiting for anything."""

    @abstractmethod
    def hold(self, n: int, timeout: float) -> Coroutine[Any, Any, int]:
        """Ask; the handler keeps the request until the expected number has come, or until ``release``.

        Raises:
            Exception: One of ``expired``, when the deadline comes first.
        """

    @abstractmethod
    def expect(self, count: int) -> None:
        """Say how many holds must be in flight before they are answered; 0 for never."""

    @property
    @abstractmethod
    def held(self) -> int:
        """How many are held now; what has expired and was not told to let go counts too."""

    @abstractmethod
    def release(self) -> None:
        """Answer what is held."""

    async def until_held(self, count: int) -> None:
        """Return when ``count`` requests are held.

        Raises:
            TimeoutError: They are not, after two minutes: this contestant has lost some.
        """
        async with asyncio.timeout(120):
            while self.held < count:  # noqa: ASYNC110 - who is measured does not say when
                await asyncio.sleep(0.01)

    async def burst(self, count: int) -> None:
        """Ask ``count`` times at once, each from a task of its own; all are answered at once."""
        replies = await asyncio.gather(*map(self.ask, range(count)))
        _check(replies, count)

    async def crowd_of(self, count: int) -> None:
        """Hold ``count`` requests in flight at one moment, each from a task of its own, then answer them."""
        self.expect(count)
        replies = await asyncio.gather(*[self.hold(n, DEADLINE) for n in range(count)])
        _check(replies, count)


def _check(replies: list[int], count: int) -> None:
    if replies != list(range(1, count + 1)):
        raise AssertionError("a reply went to the wrong caller")
