"""Where tasks are born, watched, and waited for; a bare ``create_task`` anywhere else fails the lint."""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context as Variables

__all__ = ["Supervisor"]

_log = logging.getLogger(__name__)


class Supervisor:
    """Owns every task of one bus: holds it, logs its crash, and ends it on stop."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[Any], Callable[[], None] | None] = {}
        self._on_done = self._ended  # one bound method for all tasks
        self._variables = copy_context()  # and one set of variables for it: else each task would have a copy

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, task: object) -> bool:
        return task in self._tasks

    def __repr__(self) -> str:
        return f"<Supervisor tasks={len(self._tasks)}>"

    def start(
        self,
        work: Coroutine[Any, Any, None],
        *,
        name: str,
        on_end: Callable[[], None] | None = None,
        variables: Variables | None = None,
    ) -> asyncio.Task[None]:
        """Run ``work`` in a task of its own.

        Args:
            work: What to run; it handles its own errors, a crash is logged.
            name: For logs and debuggers.
            on_end: Called once when the task is over, however it ended: also when it is cancelled before
                its first step, where a ``finally`` inside ``work`` would never run.
            variables: The context variables that it sees; a copy of the caller's when None.
        """
        # Not loop.create_task: an eager task factory would run the first step before anybody knows of the task.
        task = asyncio.Task(work, loop=asyncio.get_running_loop(), name=name, context=variables)
        self._tasks[task] = on_end
        task.add_done_callback(self._on_done, context=self._variables)
        return task

    def let_go(self, task: asyncio.Task[Any]) -> None:
        """Forget the task that calls this, as the last thing that it does; its ``on_end`` is not called."""
        task.remove_done_callback(self._on_done)
        del self._tasks[task]

    async def stop(self, *, grace: float = 1.0) -> None:
        """Cancel every task and wait until each is over, but no longer than ``grace`` seconds.

        A task that swallows its cancellation cannot be ended by anybody; it is named in the log and left behind.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + grace
        cancelled: set[asyncio.Task[Any]] = set()
        # In rounds: a task may start another while it ends.
        while self._tasks and loop.time() < give_up:
            for task in self._tasks.keys() - cancelled:
                task.cancel()
            cancelled |= self._tasks.keys()
            await asyncio.wait(list(self._tasks), timeout=give_up - loop.time())
        for task in self._tasks:
            _log.error("Task %s does not end although it was cancelled.", task.get_name())

    def _ended(self, task: asyncio.Task[Any]) -> None:
        on_end = self._tasks.pop(task)
        if on_end is not None:
            on_end()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("Task %s crashed: %r", task.get_name(), error, exc_info=error)
