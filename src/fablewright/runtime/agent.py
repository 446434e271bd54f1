"""An agent: a name, and one handler for each message that it answers.

::

    class Dice(Agent):
        name = "dice"

        @handles(Roll)
        async def roll(self, request: Roll, ctx: Context) -> Rolled:
            return Rolled(...)

A handler returns its reply, or returns ``ctx.defer()`` and answers later through that token. One that
does neither has broken the contract: mypy says so when it is written, and the asker is told at once when
it runs. The handler of a ``Message`` that is only told, never asked, is marked ``hears`` and returns nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from fablewright.errors import ContractViolation
from fablewright.protocol.message import Message, Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from fablewright.protocol.mailbox import Overflow
    from fablewright.runtime.context import Context, ReplyToken

__all__ = ["Agent", "Handler", "Spawn", "handles", "hears"]

A = TypeVar("A")
M = TypeVar("M", bound=Message)
R = TypeVar("R")

Handler: TypeAlias = "Callable[[Any, Any, Any], Coroutine[Any, Any, object]]"
Spawn: TypeAlias = "Callable[[Coroutine[Any, Any, None]], object]"
_Answering: TypeAlias = "Callable[[A, M, Context], Awaitable[R | ReplyToken[R]]]"
_Hearing: TypeAlias = "Callable[[A, M, Context], Awaitable[None]]"

_MARK = "__fablewright_handles__"


def handles(
    message: type[Request[R]],
) -> Callable[[_Answering[A, M, R]], _Answering[A, M, R]]:
    """Mark a method as the handler of a request: it returns the request's reply, or a token for it."""

    def mark(handler: _Answering[A, M, R]) -> _Answering[A, M, R]:
        setattr(handler, _MARK, message.action)
        return handler

    return mark


def hears(message: type[Message]) -> Callable[[_Hearing[A, M]], _Hearing[A, M]]:
    """Mark a method as the handler of a message that is told and wants no reply."""

    def mark(handler: _Hearing[A, M]) -> _Hearing[A, M]:
        setattr(handler, _MARK, message.action)
        return handler

    return mark


class Agent:
    """Base class of agents; handlers of one agent overlap, up to ``concurrency`` of them.

    Attributes:
        name: The address that others ask.
        mailbox_capacity: How many messages may wait for a free handler.
        overflow: What a full mailbox does: ``reject`` the newcomer with ``MailboxFull``, ``drop_oldest``, or
            let it ``wait`` in a second line of the same length.
        concurrency: How many handlers may run at once.
        reentrant: Whether it may be asked by those whose answers it waits for. If not, such an ask is refused
            with ``WouldDeadlock`` also when there is a free handler now: under load there would be none.
    """

    name: ClassVar[str]
    mailbox_capacity: ClassVar[int] = 1000
    overflow: ClassVar[Overflow] = "reject"
    concurrency: ClassVar[int] = 64
    reentrant: ClassVar[bool] = False
    handlers: ClassVar[Mapping[str, Handler]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        """Collect the handlers once, when the class is made.

        Raises:
            ContractViolation: Two handlers for one action.
        """
        super().__init_subclass__()
        own: dict[str, Handler] = {}
        for attribute in vars(cls).values():
            action = getattr(attribute, _MARK, None)
            if action in own:
                raise ContractViolation(f"{cls.__name__} has two handlers for {action}.")
            if action is not None:
                own[action] = attribute
        cls.handlers = MappingProxyType({**cls.handlers, **own})

    async def on_start(self, spawn: Spawn) -> None:
        """Prepare; called once before the first message. ``spawn`` runs something beside the handlers."""

    async def on_stop(self) -> None:
        """Let go of what ``on_start`` took; called once after the last handler."""
