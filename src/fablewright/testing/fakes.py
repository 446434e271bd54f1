"""A stand-in for any agent: it answers by a script, and remembers what it was asked.

::

    slow = ScriptedAgent("haystack_pipeline", {RetrieveDocuments: Reply(documents, after=3600.0)})
    bus.register(slow)
    ...
    assert [message.query for message in slow.received] == ["lonely torch"]
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from fablewright.runtime.agent import Agent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fablewright.protocol.message import Message
    from fablewright.runtime.context import Context, ReplyToken

__all__ = ["Hang", "Raise", "Reply", "ScriptedAgent", "Step"]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer with ``value``, ``after`` seconds. A callable is given the message and makes the value."""

    value: object
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Raise:
    """Fail with ``error``, ``after`` seconds."""

    error: Exception
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Hang:
    """Defer and never answer; the tokens are kept in ``ScriptedAgent.tokens``."""


Step: TypeAlias = Reply | Raise | Hang


class ScriptedAgent(Agent):
    """An agent with a script instead of handlers.

    Args:
        name: The name to answer to.
        script: For each message type what to do; a sequence of steps is gone through once, then its last
            step repeats.
    """

    name = ""

    def __init__(self, name: str, script: Mapping[type[Message], Step | tuple[Step, ...]]) -> None:
        self.name = name  # type: ignore[misc]  # an instance of this class is what elsewhere is a class
        self.received: list[Any] = []
        self.tokens: list[ReplyToken[Any]] = []
        self.cancelled: list[Any] = []
        handlers = {message.action: _handler(steps) for message, steps in script.items()}
        self.handlers = MappingProxyType(handlers)  # type: ignore[misc]  # as above


def _handler(steps: Step | tuple[Step, ...]) -> Callable[[ScriptedAgent, Any, Context], Any]:
    left = list(steps) if isinstance(steps, tuple) else [steps]

    async def handle(agent: ScriptedAgent, message: object, ctx: Context) -> object:
        agent.received.append(message)
        step = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(step, Hang):
            agent.tokens.append(ctx.defer())
            return agent.tokens[-1]
        try:
            await asyncio.sleep(step.after)
        except asyncio.CancelledError:
            agent.cancelled.append(message)
            raise
        if isinstance(step, Raise):
            raise step.error
        return step.value(message) if callable(step.value) else step.value

    return handle
