"""An event loop on a thread of its own, for those who have none."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["LoopThread"]


class LoopThread:
    """Runs ``begin`` when it starts and ``end`` before it stops; in between, what others put on its loop.

    Args:
        name: The thread's.
        begin: Awaited first; what it raises is raised by ``start``.
        end: Awaited last.
    """

    def __init__(self, name: str, begin: Callable[[], Awaitable[None]], end: Callable[[], Awaitable[None]]) -> None:
        self._begin = begin
        self._end = end
        self._begun = threading.Event()
        self._error: BaseException | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __repr__(self) -> str:
        return f"<LoopThread {self._thread.name} {'alive' if self._thread.is_alive() else 'over'}>"

    def start(self) -> None:
        """Start the thread and return when ``begin`` has ended, or raise what it raised."""
        self._thread.start()
        self._begun.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error

    def stop(self) -> None:
        """Await ``end`` there, and return when the thread is over; at once if this is that thread."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001 - raised where somebody waits for it
            self._error = error
        finally:
            self._begun.set()

    async def _live(self) -> None:
        await self._begin()
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._begun.set()
        await self._stop.wait()
        await self._end()
