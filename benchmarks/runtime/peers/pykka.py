"""pykka: an actor on a thread of its own, asked by a caller that blocks.

Many in flight are many messages in the actor's inbox and one pykka future each, no tasks: it has no
asyncio. So its figures leave out a caller's task, which those of the others contain.
"""

from __future__ import annotations

from typing import Any

import pykka

from benchmarks.runtime.contestant import DEADLINE, Add, Contestant

__all__ = ["Pykka"]


class _Adder(pykka.ThreadingActor):
    def on_receive(self, message: Add) -> int:
        return message.n + 1


class Pykka(Contestant):
    """One actor."""

    name = "pykka"
    crowd = 0  # one thread handles, so it cannot hold many at once

    async def start(self) -> None:
        """Start the actor's thread."""
        self._adder: Any = _Adder.start()

    async def stop(self) -> None:
        """End the actor's thread."""
        self._adder.stop()

    async def ask(self, n: int) -> int:
        """Ask, and block until it has answered."""
        return int(self._adder.ask(Add(n), timeout=DEADLINE))

    async def burst(self, count: int) -> None:
        """Ask for futures, then get them."""
        futures = [self._adder.ask(Add(n), block=False) for n in range(count)]
        if [future.get(timeout=DEADLINE) for future in futures] != list(range(1, count + 1)):
            raise AssertionError("a reply went to the wrong caller")

    async def crowd_of(self, count: int) -> None:
        """All wait in the inbox, or are answered already."""
        await self.burst(count)

    async def hold(self, n: int, timeout: float) -> int:
        """It has no such thing."""
        raise NotImplementedError

    def expect(self, count: int) -> None:
        """It has no such thing."""

    @property
    def held(self) -> int:
        """How many are held."""
        return 0

    def release(self) -> None:
        """It has no such thing."""
