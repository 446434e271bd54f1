"""The way onto the event loop for somebody who may block: a thread asks, and waits."""

from __future__ import annotations

import concurrent.futures
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fablewright.errors import PeerLost

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from fablewright.runtime.supervisor import Supervisor

__all__ = ["run_and_block"]

R = TypeVar("R")

_LOOK = 0.05
"""Seconds between two looks of a blocked thread at whether its waiting still makes sense."""


def run_and_block(
    work: Callable[[], Coroutine[Any, Any, R]],
    loop: asyncio.AbstractEventLoop,
    supervisor: Supervisor,
    is_wanted: Callable[[], bool],
) -> R:
    """Run a coroutine on a loop, from a thread that is not the loop's, and block until it is over.

    Ctrl-C in the waiting thread withdraws it, and so does the end of whatever it is done for.

    Args:
        work: Makes the coroutine.
        loop: Where it runs.
        supervisor: Holds its task.
        is_wanted: Whether anybody still wants what comes of it.

    Raises:
        PeerLost: The loop's bus stopped first, or it is not wanted any more.
    """
    crossing = _Crossing(work, supervisor)
    try:
        loop.call_soon_threadsafe(crossing.begin)
        while not crossing.look():
            if loop.is_closed():
                crossing.ended()  # the loop went before it got so far
            elif not is_wanted():
                crossing.why = "Nobody waits any more for what this was asked for."
                loop.call_soon_threadsafe(crossing.give_up)
    except RuntimeError:  # the loop was closed between two steps
        crossing.ended()
    except KeyboardInterrupt:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(crossing.give_up)
        raise
    try:
        return crossing.answer.result()
    finally:
        del crossing  # it holds the error, that its stack, and that this frame


class _Crossing(Generic[R]):
    """What is known on both sides of one call."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, R]], supervisor: Supervisor) -> None:
        self._work = work
        self._supervisor = supervisor
        self._task: asyncio.Task[None] | None = None
        self.answer: concurrent.futures.Future[R] = concurrent.futures.Future()
        self.why = "The bus stopped before there was an answer."

    def look(self) -> bool:
        """Wait for a moment; return whether it is over."""
        return bool(concurrent.futures.wait((self.answer,), _LOOK).done)

    def begin(self) -> None:
        """Start it, on the loop."""
        self._task = self._supervisor.start(self._run(), name="asked from a thread", on_end=self.ended)

    def give_up(self) -> None:
        """Withdraw it, on the loop; ``begin`` came before."""
        if self._task is not None:
            self._task.cancel()

    def ended(self) -> None:
        """See to it that there is an answer; what it does for want of another is say ``why``."""
        self._tell(PeerLost(self.why))

    async def _run(self) -> None:
        try:
            reply = await self._work()
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the caller
            self._tell(error)
        else:
            with suppress(concurrent.futures.InvalidStateError):
                self.answer.set_result(reply)
        finally:
            del self  # the answer holds the error, that its stack, and that this frame

    def _tell(self, error: Exception) -> None:
        with suppress(concurrent.futures.InvalidStateError):
            self.answer.set_exception(error)
