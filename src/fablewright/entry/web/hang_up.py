"""A client that waits for an answer and hangs up: what is done for it is stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from fablewright.entry.web.run import Run

__all__ = ["until_over"]


async def until_over(run: Run, request: Request | None) -> None:
    """Wait for the end of a run, and stop it when the client leaves before.

    Args:
        run: What is done for it.
        request: Of the client, whose body has been read; None if it may leave.
    """
    try:
        if request is None:
            await run.ended()
            return
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_stop_when_gone(run, request))
            await run.ended()
            watching.cancel()
    except asyncio.CancelledError:
        if request is not None:
            run.stop()  # the server ends
        raise


async def _stop_when_gone(run: Run, request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    run.stop()
