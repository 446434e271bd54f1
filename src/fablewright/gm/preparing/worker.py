"""Works on a batch until each of its tasks has an outcome, or somebody says that it is to pause.

Several may work on one batch at once, in as many processes. Whoever stops in between gives the task back that she is
at; whoever is killed leaves it to her lease's end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import FablewrightError
from fablewright.protocol.job import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fablewright.gm.preparing.ports import Lease, Task, Worked, WorkQueue

__all__ = ["Progress", "progress_of", "work"]

_log = logging.getLogger(__name__)

_POLL = 2.0
"""Seconds between two looks at a batch of which there is nothing to do just now."""
_GIVING_BACK = 2.0
"""Seconds for that at the end; a lease that is not given back ends by itself."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How a batch stands: how many tasks there are, and how many of them have come to which end."""

    all: int
    done: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def left(self) -> int:
        """How many have no outcome yet."""
        return self.all - self.done - self.failed - self.cancelled


def progress_of(tasks: Sequence[Worked]) -> Progress:
    """Return how some tasks stand together."""
    states = [each.state for each in tasks]
    return Progress(len(states), *map(states.count, (State.DONE, State.FAILED, State.CANCELLED)))


async def work(
    queue: WorkQueue,
    batch: str,
    topic: str,
    do: Callable[[Task], Awaitable[str]],
    on_progress: Callable[[Progress], None],
) -> bool:
    """Do the tasks of a batch, one after the other.

    Args:
        queue: Where they are.
        batch: Its id.
        topic: What it belongs to; work ends when another batch of it is accepted.
        do: Returns a task's result. A ``FablewrightError`` means that it could not be done.
        on_progress: Told after each task, and while others work.

    Returns:
        Whether each task has an outcome; False when the batch was paused, or replaced.

    Raises:
        FablewrightError: The queue cannot be used.
    """
    while True:
        progress = progress_of(await queue.look(batch))
        on_progress(progress)
        if not progress.left:
            return True
        latest = await queue.latest(topic)
        if latest is None or latest.id != batch or latest.paused:
            return False
        lease = await queue.lease(batch)
        if lease is None:
            await asyncio.sleep(_POLL)
        else:
            await _do(queue, lease, do)


async def _do(queue: WorkQueue, lease: Lease, do: Callable[[Task], Awaitable[str]]) -> None:
    try:
        result = await do(lease.task)
    except FablewrightError as error:
        _log.warning("Task %s of %s broke at its try %d: %s", lease.task.key, lease.batch, lease.tries, error)
        await queue.fail(lease, str(error))
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError, FablewrightError):
            async with asyncio.timeout(_GIVING_BACK):
                await queue.give_back(lease)
        raise
    else:
        await queue.finish(lease, result)
