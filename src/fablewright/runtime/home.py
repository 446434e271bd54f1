"""Where a bus lives: the event loop that it runs on, that loop's thread, and its clock."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Home", "clock_of"]


class Home:
    """The place of one bus, known once it has started.

    Attributes:
        loop: The event loop; None before the start.
        thread: Its thread's identity; 0 before the start.
        now: Call it for the time in seconds; before the start, that of whichever loop runs.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.now: Callable[[], float] = _time_of_the_loop
        self.thread = 0

    def __repr__(self) -> str:
        return f"<Home {self.loop!r}>"

    def move_in(self) -> asyncio.AbstractEventLoop:
        """Live on the running loop from now on, and return it."""
        self.loop = loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()
        self.now = clock_of(loop)
        return loop

    @property
    def is_here(self) -> bool:
        """Whether this is the thread of the loop."""
        return threading.get_ident() == self.thread

    @property
    def is_closed(self) -> bool:
        """Whether there is no loop, or none any more."""
        return self.loop is None or self.loop.is_closed()

    def soon(self, call: Callable[..., object], *args: Any) -> None:  # noqa: ANN401 - they are the call's
        """Have something called on the loop, from any thread; nothing happens where the loop is closed."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(call, *args)


def clock_of(loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    """Return what tells a loop's time in seconds, at the least price: it is asked several times per request.

    A loop's own ``time()`` is, as a rule, one more call around the monotonic clock.
    """
    return time.monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time


def _time_of_the_loop() -> float:
    return asyncio.get_running_loop().time()
