"""Tells a client how far its call has come, while the call goes on."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from fablewright.entry.stages import Stages

__all__ = ["stages_told"]

_MOST_WAITING = 50
"""Words that wait for a client that does not read; beyond that they are dropped."""
_LAST_WORDS = 0.5
"""Seconds that the answer waits for the words before it."""


@asynccontextmanager
async def stages_told(stages: Stages, send: Callable[[int, str], Awaitable[None]]) -> AsyncIterator[None]:
    """Send each stage of what is asked within, in order, with a number that grows.

    Args:
        stages: Of the bus that is asked.
        send: Sends one; it may take its time.
    """
    waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)

    def tell(words: str) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            waiting.put_nowait(words)

    async def pass_on() -> None:
        number = 0
        while True:
            number += 1
            words = await waiting.get()
            try:
                await send(number, words)
            finally:
                waiting.task_done()

    supervisor = Supervisor()
    supervisor.start(pass_on(), name="progress of a call")
    try:
        with stages.followed(tell):
            yield
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await waiting.join()
    finally:
        await supervisor.stop()
