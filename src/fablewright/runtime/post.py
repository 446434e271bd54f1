"""The two ends of a request on the bus: the post where an agent takes messages, and the asker that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.protocol.mailbox import Mailbox

if TYPE_CHECKING:
    import asyncio

    from fablewright.protocol.pending import Outcome
    from fablewright.runtime.agent import Agent

__all__ = ["Post", "Waiter"]


class Post:
    """One registered agent: its mailbox and its running handlers."""

    __slots__ = ("agent", "mailbox", "running", "started")

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.mailbox = Mailbox(agent.name, agent.mailbox_capacity)
        self.running: dict[str, asyncio.Task[None]] = {}
        self.started = False


class Waiter:
    """The asker's end of one request."""

    __slots__ = ("future", "handled")

    def __init__(self, future: asyncio.Future[tuple[Outcome, object]]) -> None:
        self.future = future
        self.handled = False  # whether a handler has begun
