"""Ctrl-C: the first one gives up what is being waited for, the second one ends the program."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FrameType

__all__ = ["Interrupted", "first_interrupt", "unless_interrupted"]

T = TypeVar("T")


class Interrupted(Exception):
    """Somebody pressed Ctrl-C while something was waited for."""


@contextlib.contextmanager
def first_interrupt(callback: Callable[[], Any]) -> Iterator[None]:
    """Call ``callback`` on the first Ctrl-C inside the block; the second raises ``KeyboardInterrupt``.

    The callback runs between two byte codes of the main thread: it may set a flag and little else.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or previous is signal.SIG_IGN:
        yield  # no thread but the main one may, and who started us in the background wants no Ctrl-C
        return

    def pressed(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        callback()

    signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


async def unless_interrupted(work: Awaitable[T]) -> T:
    """Wait for ``work``; on Ctrl-C cancel it.

    Raises:
        Interrupted: Ctrl-C came first. The calling task goes on as if nothing had been cancelled.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None  # noqa: S101 - a coroutine that runs is a task's
    state = {"waiting": True, "pressed": False}

    def give_up() -> None:
        if state["waiting"]:  # else it was done before the loop came to hear of the key
            state["pressed"] = True
            task.cancel()

    with first_interrupt(lambda: loop.call_soon_threadsafe(give_up)):
        try:
            return await work
        except asyncio.CancelledError:
            if not state["pressed"]:
                raise
            task.uncancel()
            raise Interrupted from None
        finally:
            state["waiting"] = False
