"""The event loop of a command: like ``asyncio.run``, but it waits for no thread and leaves Ctrl-C alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["run_loop"]

T = TypeVar("T")

_LAST_WISHES = 0.2  # seconds for tasks to clean up when the command ends by an error or a second Ctrl-C


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` on a loop of its own and return what it returns.

    ``asyncio.run`` joins the loop's threads at the end, so a call that hangs would keep an answered question
    from ending; and it turns Ctrl-C into a cancellation, where ``interrupt`` has something better to do.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        try:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.wait(tasks, timeout=_LAST_WISHES))
        finally:
            loop.close()
