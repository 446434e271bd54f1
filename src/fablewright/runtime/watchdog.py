"""Notices a handler that holds up the event loop, and names it while it still does.

A thread of its own asks the loop for a sign of life, again and again. When none comes it looks twice which task the
loop is at: the same at half the time and at its end is the culprit; different ones are many that take little each.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Watchdog"]

_log = logging.getLogger(__name__)


class Watchdog:
    """Watches the loop that it is started on.

    Args:
        patience: Seconds that the loop may be held up unnoticed.
        name_of: Says what a task is at, for people.
        blocked: Called on the loop when it goes on again, with who held it up, for how long, and where.

    Attributes:
        longest: The longest that the loop was held up so far, in seconds.
    """

    def __init__(
        self,
        patience: float,
        name_of: Callable[[asyncio.Task[object]], str],
        blocked: Callable[[str, float, str], None],
    ) -> None:
        self._patience = patience
        self._name_of = name_of
        self._blocked = blocked
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._over = threading.Event()
        self._alive = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="fablewright watchdog", daemon=True)
        self.longest = 0.0

    def start(self) -> None:
        """Begin to watch; call it on the loop."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._over.set()
        self._alive.set()

    def _watch(self) -> None:
        while not self._over.wait(0.75 * self._patience):  # so that it is noticed within 1.75 times the patience
            try:
                self._ask_for_a_sign()
            except RuntimeError:  # the loop is closed
                return

    def _ask_for_a_sign(self) -> None:
        if self._loop is None:
            return
        asked = time.monotonic()
        self._alive.clear()
        self._loop.call_soon_threadsafe(self._alive.set)
        if self._alive.wait(self._patience / 2):
            self.longest = max(self.longest, time.monotonic() - asked)
            return
        suspect, _ = self._culprit()
        if self._alive.wait(self._patience / 2):
            self.longest = max(self.longest, time.monotonic() - asked)
            return
        who, where = self._culprit()
        if who != suspect:
            who = ""  # many one after the other, none of them for long
        if who:
            _log.warning("%s has held up the event loop for %.0f ms, at %s.", who, 1000 * self._patience, where)
        while not self._alive.wait(self._patience) and not self._over.is_set():
            pass
        took = time.monotonic() - asked
        self.longest = max(self.longest, took)
        if who and not self._over.is_set():
            self._loop.call_soon_threadsafe(self._blocked, who, took, where)

    def _culprit(self) -> tuple[str, str]:
        """Return what the loop is at, and where; empty when it is at nothing, and somebody else has the processor."""
        task = asyncio.current_task(self._loop)
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the documented way to see another thread's stack
        if task is None or frame is None:
            return "", ""
        return self._name_of(task), f"{frame.f_code.co_filename}:{frame.f_lineno}"
