"""An agent: a name, and one handler for each message that it answers.

::

    class Dice(Agent):
        name = "dice"

        @handles(Roll)
        async def roll(self, request: Roll, ctx: Context) -> Rolled:
            return Rolled(...)

A handler returns its reply, or returns ``ctx.defer()`` and answers later through that token. One that
does neither has broken the contract: mypy says so when it is written, and the asker is told at once when
it runs. There are three other kinds:

- ``hears`` marks the handler of a ``Message`` that is only told or published; it returns nothing.
- ``streams`` marks an async generator that yields its reply in pieces.
- ``batches`` marks a handler that takes several requests at once and returns one result for each.

A handler that is no coroutine function but a plain one runs on a thread, so that it may block; of the context
it may use ``tell``, ``publish``, ``defer`` and ``ask_from_thread``.
"""

from __future__ import annotations

import inspect
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias, TypeVar

from fablewright.errors import ContractViolation
from fablewright.protocol.batch import BatchRules
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.runtime.streaming import feed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Container, Coroutine, Mapping, Sequence

    from fablewright.protocol.mailbox import Overflow
    from fablewright.runtime.channel import Streamed
    from fablewright.runtime.context import Context, ReplyToken

__all__ = ["Agent", "Handler", "Spawn", "batches", "handles", "hears", "streams"]

A = TypeVar("A")
F = TypeVar("F")
M = TypeVar("M", bound=Message)
R = TypeVar("R")

Handler: TypeAlias = "Callable[[Any, Any, Any], Coroutine[Any, Any, object]]"
Spawn: TypeAlias = "Callable[[Coroutine[Any, Any, None]], object]"
_Answering: TypeAlias = "Callable[[A, M, Context], Awaitable[R | ReplyToken[R]] | R | ReplyToken[R]]"
_Hearing: TypeAlias = "Callable[[A, M, Context], Awaitable[None] | None]"
_Streaming: TypeAlias = "Callable[[A, M, Context], AsyncIterator[R]]"
_Results: TypeAlias = "Sequence[R | Exception]"
_Batching: TypeAlias = "Callable[[A, Sequence[M], Context], Awaitable[_Results[R]] | _Results[R]]"

_MARK = "__fablewright_handles__"


class _Mark(NamedTuple):
    """What a decorator left on a method: it handles this action, and this is how the bus calls it."""

    action: str
    handler: Handler
    kind: str
    message: type[Message]


def handles(message: type[Request[R]]) -> Callable[[_Answering[A, M, R]], _Answering[A, M, R]]:
    """Mark a method as the handler of a request: it returns the request's reply, or a token for it."""
    return _marker(message, "handles")


def hears(message: type[M]) -> Callable[[_Hearing[A, M]], _Hearing[A, M]]:
    """Mark a method as the handler of a message that is told or published and wants no reply."""
    return _marker(message, "hears")


def streams(message: type[StreamRequest[R]]) -> Callable[[_Streaming[A, M, R]], _Streaming[A, M, R]]:
    """Mark an async generator as the handler of a request whose reply comes in pieces.

    It is held at its ``yield`` while the asker has no room for more, and closed when the asker leaves.

    Raises:
        ContractViolation: The method is no async generator.
    """

    def mark(handler: _Streaming[A, M, R]) -> _Streaming[A, M, R]:
        if inspect.iscoroutinefunction(handler) or inspect.isgeneratorfunction(handler):
            raise ContractViolation(f"{_name(handler)} streams, so it must be an `async def` with a `yield`.")

        async def stream(agent: A, request: M, ctx: Context) -> Streamed:
            return await feed(ctx.channel(), handler(agent, request, ctx))

        return _mark(handler, message, stream, "streams")

    return mark


def batches(
    message: type[Request[R]], *, max_size: int = 32, max_wait: float = 0.01
) -> Callable[[_Batching[A, M, R]], _Batching[A, M, R]]:
    """Mark a method as the handler of several requests at once; it returns as many results, in their order.

    A result that is an exception fails its request alone. If the method raises, it is called again with each
    half of the requests, until the one that it cannot handle stands alone: so the request must be idempotent.

    Args:
        message: The request.
        max_size: How many are handled at once at the most.
        max_wait: Seconds that the first of them waits for others.

    No more batches are handled at once than the agent has ``concurrency``; what comes meanwhile waits in its mailbox.

    Raises:
        ContractViolation: The request is not idempotent, or a rule makes no sense.
    """
    if not message.idempotent:
        raise ContractViolation(f"{message.__name__} is handled in batches, so it must be idempotent.")
    rules = BatchRules(max_size, max_wait)

    def mark(handler: _Batching[A, M, R]) -> _Batching[A, M, R]:
        handle = _on_loop(handler)

        async def collect(agent: A, request: M, ctx: Context) -> ReplyToken[R]:  # noqa: ARG001 - it is in the context
            return await ctx.batch(rules, lambda requests, together: handle(agent, requests, together))

        return _mark(handler, message, collect, "batches")

    return mark


def _marker(message: type[Message], kind: str) -> Callable[[F], F]:
    def mark(handler: F) -> F:
        return _mark(handler, message, _on_loop(handler), kind)

    return mark


def _mark(handler: F, message: type[Message], call: Handler, kind: str) -> F:
    """Leave a mark on a method.

    Raises:
        ContractViolation: It has one already, or the message names no action.
    """
    action = getattr(message, "action", None)
    if not isinstance(action, str):
        raise ContractViolation(f"{message.__name__} names no action, so {_name(handler)} cannot handle it.")
    if hasattr(handler, _MARK):
        raise ContractViolation(f"{_name(handler)} is a handler already; write one for each message.")
    setattr(handler, _MARK, _Mark(action, call, kind, message))
    return handler


def _on_loop(handler: Any) -> Handler:  # noqa: ANN401 - a method of one of three shapes
    """Return a handler as the bus calls it: one that blocks is called on a thread.

    Raises:
        ContractViolation: It is a generator.
    """
    if inspect.isasyncgenfunction(handler) or inspect.isgeneratorfunction(handler):
        raise ContractViolation(f"{_name(handler)} yields; a reply in pieces is marked with `streams`.")
    if inspect.iscoroutinefunction(handler):
        return handler  # type: ignore[no-any-return]  # its shape was checked where it was marked

    @wraps(handler)
    async def on_thread(agent: object, message: object, ctx: Context) -> object:
        reply = await ctx.on_thread(handler, agent, message, ctx)
        return await reply if inspect.isawaitable(reply) else reply  # it was a coroutine function in disguise

    return on_thread


def _name(handler: object) -> str:
    return getattr(handler, "__qualname__", repr(handler))


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
        handlers: By action; collected from the class.
        messages: What each action is asked or told with, by action.
        heard: Those actions that are told or published, not asked.
        streamed: Those actions whose replies come in pieces.
        warms_up: Whether ``warm_up`` does anything.
    """

    name: ClassVar[str]
    mailbox_capacity: ClassVar[int] = 1000
    overflow: ClassVar[Overflow] = "reject"
    concurrency: ClassVar[int] = 64
    reentrant: ClassVar[bool] = False
    handlers: ClassVar[Mapping[str, Handler]] = MappingProxyType({})
    messages: ClassVar[Mapping[str, type[Message]]] = MappingProxyType({})
    heard: ClassVar[Container[str]] = frozenset()
    streamed: ClassVar[frozenset[str]] = frozenset()
    warms_up: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Collect the handlers once, when the class is made; also those of its bases, as Python looks methods up.

        Raises:
            ContractViolation: Two handlers for one action, or a method that overrides a handler and is not marked.
        """
        super().__init_subclass__()
        by_name: dict[str, _Mark] = {}
        by_action: dict[str, _Mark] = {}
        for base in reversed(cls.__mro__):
            own: set[str] = set()
            for name, attribute in vars(base).items():
                mark = getattr(attribute, _MARK, None)
                before = by_name.pop(name, None)
                if before is not None and by_action.get(before.action) is before:
                    del by_action[before.action]
                if mark is None:
                    if before is not None:
                        raise ContractViolation(f"{base.__name__}.{name} overrides a handler: mark it as one too.")
                    continue
                if mark.action in own:
                    raise ContractViolation(f"{cls.__name__} has two handlers for {mark.action}.")
                own.add(mark.action)
                by_name[name] = by_action[mark.action] = mark
        cls.handlers = MappingProxyType({action: mark.handler for action, mark in by_action.items()})
        cls.messages = MappingProxyType({action: mark.message for action, mark in by_action.items()})
        cls.heard = frozenset(action for action, mark in by_action.items() if mark.kind == "hears")
        cls.streamed = frozenset(action for action, mark in by_action.items() if mark.kind == "streams")
        cls.warms_up = cls.warm_up is not Agent.warm_up

    async def on_start(self, spawn: Spawn) -> None:
        """Prepare; called once before the first message. ``spawn`` runs something beside the handlers."""

    async def warm_up(self) -> None:
        """Return as soon as answers come without delay; called once on a network, after ``on_start``.

        Until then, but for five seconds at the most, nothing is sent here from other nodes: there may be others with
        this agent that are warm already.
        """

    async def on_stop(self) -> None:
        """Let go of what ``on_start`` took; called once after the last handler."""
