"""What requests leave behind that only the cyclic collector can free.

An object in a cycle stays until the collector walks the heap, and that walk is a pause in the middle of
somebody's request. So with the collector off, many requests are made to end in one way, and then it is
asked how much it finds. What the caller's own loop leaves (nothing) is in the figure.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = ["Garbage", "garbage_of"]

_CALLERS, _EACH = 10, 20


@dataclass(frozen=True, slots=True)
class Garbage:
    """Objects per request that the collector had to find, and the commonest types of them."""

    requests: int
    per_request: float
    types: tuple[str, ...]


async def garbage_of(end_one: Callable[[], Coroutine[Any, Any, object]], requests: int) -> Garbage:
    """End ``requests`` requests in one way, ten at a time, and count what only the collector can free."""
    await _run(end_one, 3)
    gc.collect()
    gc.disable()
    try:
        await _run(end_one, requests // (_CALLERS * _EACH))
        found = gc.collect()
        types = await _types(end_one) if found else ()
    finally:
        gc.enable()
    return Garbage(requests, found / requests, types)


async def _run(end_one: Callable[[], Coroutine[Any, Any, object]], times: int) -> None:
    async def some() -> None:
        for _ in range(_EACH):
            await end_one()

    for _ in range(times):
        async with asyncio.TaskGroup() as group:
            for _ in range(_CALLERS):
                group.create_task(some())
    await asyncio.sleep(0.01)  # the last handlers end


async def _types(end_one: Callable[[], Coroutine[Any, Any, object]]) -> tuple[str, ...]:
    """Return the commonest types of garbage, of a few more requests."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        await _run(end_one, 2)
        gc.collect()
        counted = Counter(type(thing).__name__ for thing in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    return tuple(name for name, _ in counted.most_common(4))
