"""The way onto the event loop for somebody who may block: a thread asks, and waits."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Any, TypeVar

from fablewright.errors import PeerLost

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from fablewright.runtime.supervisor import Supervisor

__all__ = ["ask_and_block"]

R = TypeVar("R")


def ask_and_block(
    asking: Callable[[], Coroutine[Any, Any, R]], loop: asyncio.AbstractEventLoop, supervisor: Supervisor
) -> R:
    """Run an ask on a loop, from a thread that is not the loop's, and block until it is over.

    Ctrl-C in the waiting thread withdraws the ask.

    Raises:
        PeerLost: The loop's bus stopped first.
    """
    answer: concurrent.futures.Future[R] = concurrent.futures.Future()
    tasks: list[asyncio.Task[None]] = []

    async def ask() -> None:
        try:
            answer.set_result(await asking())
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the caller
            answer.set_exception(error)

    def ended() -> None:
        if not answer.done():
            answer.set_exception(PeerLost("The bus stopped before there was an answer."))

    def begin() -> None:
        tasks.append(supervisor.start(ask(), name="asked from a thread", on_end=ended))

    def give_up() -> None:
        for task in tasks:
            task.cancel()

    loop.call_soon_threadsafe(begin)
    try:
        return answer.result()
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(give_up)
        raise
