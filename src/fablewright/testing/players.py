"""The agents of the simulation: each does what the errand says that it was sent, and everything is noted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from fablewright.errors import ContractViolation, FablewrightError, InvalidInput
from fablewright.protocol.message import Message, Request
from fablewright.runtime.agent import Agent
from fablewright.runtime.context import ReplyToken
from fablewright.testing.faults import GRID, Poisoned

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fablewright.runtime.context import Context
    from fablewright.testing.faults import Faults
    from fablewright.testing.scenario import Cast, Errand
    from fablewright.testing.trace import Trace

__all__ = ["MESSAGES", "Asker", "Note", "Player", "Read", "Write"]

_A_MINUTE = 60.0


@dataclass(slots=True, eq=False)
class Read(Request[str]):
    """May be asked twice."""

    action: ClassVar[str] = "read"
    idempotent: ClassVar[bool] = True
    number: int  # of its errand
    priority: int


@dataclass(slots=True, eq=False)
class Write(Request[str]):
    """May not."""

    action: ClassVar[str] = "write"
    number: int
    priority: int


@dataclass(slots=True, eq=False)
class Note(Message):
    """Is told."""

    action: ClassVar[str] = "note"
    number: int
    priority: int


MESSAGES: dict[str, type[Any]] = {"read": Read, "write": Write, "note": Note}


class Asker:
    """Asks and tells for everybody, and notes what comes of it.

    Attributes:
        errands: All that were sent, by number. A message has the number only: the bus looks through each message that
            it is given, and through such a tree for a tenth of a run.
    """

    def __init__(self, trace: Trace) -> None:
        self.errands: dict[int, Errand] = {}
        self._note = trace.note
        self._number = 0

    async def ask(self, ask: Callable[..., Awaitable[Any]], errand: Errand, parent: str) -> None:
        """Send an errand by ``bus.ask`` or ``ctx.ask`` and take whatever comes of it.

        Args:
            ask: What to ask by.
            errand: What to ask.
            parent: Id of the message on whose behalf it is asked, or nothing.
        """
        self._number = number = self._number + 1
        self.errands[number] = errand
        to, action, priority, timeout, keep, *_ = errand
        self._note("asked", number, (parent, to, action, timeout, keep))
        try:
            message = MESSAGES[action](number, priority)
            reply = await ask(to, message, timeout=timeout * GRID if timeout else None, keep=keep * GRID)
        except asyncio.CancelledError:
            self._note("got", number, ("cancelled", ""))
            raise
        except FablewrightError as error:
            self._note("got", number, (type(error).__name__, getattr(error, "message_id", "")))
        else:
            self._note("got", number, ("replied", reply))

    def tell(self, tell: Callable[..., None], errand: Errand) -> None:
        """Send an errand that wants no reply."""
        self._number = number = self._number + 1
        self.errands[number] = errand
        tell(errand.to, Note(number, errand.priority))


class Player(Agent):
    """Plays errands. Its handlers are disturbed by the faults, and what is noted includes the disturbance.

    Args:
        cast: Who it is.
        asker: Asks on its behalf.
        trace: Takes the notes.
        faults: Disturb it.
    """

    name = ""

    def __init__(self, cast: Cast, asker: Asker, trace: Trace, faults: Faults) -> None:
        self.name = cast.name  # type: ignore[misc]  # an instance of this class is what elsewhere is a class
        self.concurrency = cast.concurrency  # type: ignore[misc]  # as above
        self.mailbox_capacity = cast.capacity  # type: ignore[misc]  # as above
        self.overflow = cast.overflow  # type: ignore[misc,assignment]  # as above
        self.kept: list[ReplyToken[Any]] = []
        self._asker = asker
        self._note = trace.note
        self.handlers = MappingProxyType(dict.fromkeys(MESSAGES, _play))  # type: ignore[misc]  # as above
        faults.upset(self)
        self.handlers = MappingProxyType({action: _noted(play) for action, play in self.handlers.items()})  # type: ignore[misc]  # as above

    async def play(self, errand: Errand, ctx: Context) -> object:
        """Do what an errand says."""
        me = ctx.envelope.message_id
        for step in errand.steps:
            if isinstance(step, int):
                await asyncio.sleep(step * GRID)
            elif step.action == "note":
                self._asker.tell(ctx.tell, step)
            else:
                await self._asker.ask(ctx.ask, step, me)
        return me if errand.ending == "reply" else await self._end(errand, ctx, me)

    async def _end(self, errand: Errand, ctx: Context, me: str) -> object:
        late = errand.late * GRID
        match errand.ending:
            case "raise":
                raise Poisoned("this errand ends so")
            case "refuse":
                raise InvalidInput("this errand cannot be understood")
            case "leave":
                raise asyncio.CancelledError
            case "hang":
                await asyncio.sleep(_A_MINUTE)
            case "stubborn":
                try:
                    await asyncio.sleep(late)
                except asyncio.CancelledError:
                    self._note("lingers", me)
                    await asyncio.sleep(late)
            case "nothing":
                return None
            case _:
                return self._defer(errand.ending, late, ctx, me)
        return me

    def _defer(self, ending: str, late: float, ctx: Context, me: str) -> object:
        token = ctx.defer()
        after = asyncio.get_running_loop().call_later
        match ending:
            case "defer":
                after(late, self._settle, me, token.answer, me)
            case "fail":
                after(late, self._settle, me, token.fail, Poisoned("this errand fails late"))
            case "never":
                self.kept.append(token)
            case "drop":
                self._note("owed", me)
            case "forget":
                after(late, self._settle, me, id, token)  # the timer is what keeps the token
            case "twice":
                after(late, self._answer_twice, token, me)
            case "both":
                after(late, id, token)
                return me
        return token

    def _settle(self, me: str, settle: Callable[[Any], object], value: object) -> None:
        self._note("owed", me)
        settle(value)

    def _answer_twice(self, token: ReplyToken[Any], me: str) -> None:
        self._settle(me, token.answer, me)
        try:
            token.answer(me)
        except ContractViolation:
            return
        self._note("wrong", me, "a second answer by one token was taken")


async def _play(player: Player, message: Read | Write | Note, ctx: Context) -> object:
    return await player.play(player._asker.errands[message.number], ctx)  # noqa: SLF001 - its own handler


def _noted(play: Callable[[Any, Any, Context], Awaitable[object]]) -> Callable[[Any, Any, Context], Awaitable[object]]:
    """Note when a handler starts and how it stops."""

    async def handle(player: Player, message: object, ctx: Context) -> object:
        me = ctx.envelope.message_id
        player._note("started", me)  # noqa: SLF001 - it is the player's own handler
        how = "raised"
        try:
            reply = await play(player, message, ctx)
            how = "deferred" if isinstance(reply, ReplyToken) else "done"
        except asyncio.CancelledError:
            how = "cancelled"
            raise
        finally:
            player._note("stopped", me, how)  # noqa: SLF001 - as above
        return reply

    return handle
