"""Every way in which a request can end on the bus, on demand: for what must hold however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from fablewright import (
    Agent,
    Bus,
    BusOptions,
    Context,
    DeadlineExceeded,
    PeerLost,
    Rejected,
    RemoteError,
    Request,
    handles,
)

if TYPE_CHECKING:
    from fablewright import ReplyToken

__all__ = ["ENDINGS", "Ending", "bus_for_endings"]

Ending: TypeAlias = Callable[[Bus], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Reply(Request[int]):
    """Is answered."""

    action: ClassVar[str] = "reply"


@dataclass(frozen=True, slots=True)
class Fail(Request[int]):
    """Makes the handler raise."""

    action: ClassVar[str] = "fail"


@dataclass(frozen=True, slots=True)
class Sleep(Request[int]):
    """Keeps the handler until it is cancelled."""

    action: ClassVar[str] = "sleep"


@dataclass(frozen=True, slots=True)
class Defer(Request[int]):
    """Is answered later, by its token."""

    action: ClassVar[str] = "defer"


@dataclass(frozen=True, slots=True)
class Keep(Request[int]):
    """Is deferred and never answered."""

    action: ClassVar[str] = "keep"


@dataclass(frozen=True, slots=True)
class Drop(Request[int]):
    """Is deferred, and its token thrown away."""

    action: ClassVar[str] = "drop"


class Moody(Agent):
    """Ends requests in every way that a handler can."""

    name = "moody"
    mailbox_capacity = 10_000
    concurrency = 10_000

    def __init__(self) -> None:
        self._kept: list[ReplyToken[int]] = []

    @handles(Reply)
    async def reply(self, request: Reply, ctx: Context) -> int:
        """Return."""
        del request, ctx
        return 1

    @handles(Fail)
    async def fail(self, request: Fail, ctx: Context) -> int:
        """Raise."""
        del request, ctx
        raise LookupError("as asked")

    @handles(Sleep)
    async def sleep(self, request: Sleep, ctx: Context) -> int:
        """Wait for ever."""
        del request, ctx
        await asyncio.get_running_loop().create_future()
        return 1

    @handles(Defer)
    async def defer(self, request: Defer, ctx: Context) -> ReplyToken[int]:
        """Answer in the loop's next round."""
        del request
        token: ReplyToken[int] = ctx.defer()
        asyncio.get_running_loop().call_soon(token.answer, 1)
        return token

    @handles(Keep)
    async def keep(self, request: Keep, ctx: Context) -> ReplyToken[int]:
        """Keep the token, and let go of those that nobody wants any more."""
        del request
        if len(self._kept) >= 1000:
            self._kept = [token for token in self._kept if token.wanted]
        self._kept.append(ctx.defer())
        return self._kept[-1]

    @handles(Drop)
    async def drop(self, request: Drop, ctx: Context) -> ReplyToken[int]:
        """Return the token and keep no reference to it."""
        del request
        return ctx.defer()


def bus_for_endings() -> Bus:
    """Return a bus on which every ending is possible; it has not started."""
    bus = Bus(BusOptions(dead_letters=100))
    bus.register(Moody())
    return bus


async def _replied(bus: Bus) -> None:
    await bus.ask("moody", Reply())


async def _deferred(bus: Bus) -> None:
    await bus.ask("moody", Defer())


async def _failed(bus: Bus) -> None:
    try:
        await bus.ask("moody", Fail())
    except RemoteError:
        return
    raise AssertionError("it must fail")


async def _expired(bus: Bus) -> None:
    try:
        await bus.ask("moody", Sleep(), timeout=0.001)
    except DeadlineExceeded:
        return
    raise AssertionError("it must expire")


async def _expired_deferred(bus: Bus) -> None:
    try:
        await bus.ask("moody", Keep(), timeout=0.001)
    except DeadlineExceeded:
        return
    raise AssertionError("it must expire")


async def _cancelled(bus: Bus) -> None:
    loop = asyncio.get_running_loop()
    asking = loop.create_task(bus.ask("moody", Sleep()))
    loop.call_later(0.001, asking.cancel)
    await asyncio.wait([asking])
    if not asking.cancelled():
        raise AssertionError("it must be cancelled")


async def _dropped(bus: Bus) -> None:
    try:
        await bus.ask("moody", Drop())
    except PeerLost:
        return
    raise AssertionError("its token is gone")


async def _rejected(bus: Bus) -> None:
    try:
        await bus.ask("nobody", Reply())
    except Rejected:
        return
    raise AssertionError("it must be rejected")


#: By what the tables call them.
ENDINGS: dict[str, Ending] = {
    "replied": _replied,
    "deferred, then replied": _deferred,
    "handler raised": _failed,
    "expired, handler running": _expired,
    "expired, deferred": _expired_deferred,
    "asker cancelled": _cancelled,
    "token dropped": _dropped,
    "rejected": _rejected,
}
