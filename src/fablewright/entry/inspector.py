"""``inspector``: in each process an agent that looks after its bus for those in other processes.

It says how the bus is doing, switches its circuit breakers, and lets go of kept replies when the notes have changed
elsewhere. Nobody needs to know which processes there are: who wants to know publishes ``ReportNow``, and each inspector
publishes a ``NodeReport``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import msgspec

from fablewright.entry.system_report import system_report
from fablewright.protocol.message import Message
from fablewright.runtime.agent import Agent, hears

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.runtime.bus import Bus
    from fablewright.runtime.context import Context

__all__ = ["Inspector", "NodeReport", "NotesChanged", "ReportNow", "SwitchBreaker", "switch_breaker"]


@dataclass(frozen=True, slots=True)
class ReportNow(Message):
    """Everybody is to say how they are doing.

    Attributes:
        round: What the reports to this have in common.
    """

    action: ClassVar[str] = "report_now"
    round: str


@dataclass(frozen=True, slots=True)
class NodeReport(Message):
    """How one process is doing.

    Attributes:
        round: That of the ``ReportNow``.
        node: Whose report it is.
        report: A ``SystemReport`` as JSON.
    """

    action: ClassVar[str] = "node_report"
    round: str
    node: str
    report: str


@dataclass(frozen=True, slots=True)
class NotesChanged(Message):
    """What was found in the notes so far may not be found any more."""

    action: ClassVar[str] = "notes_changed"


@dataclass(frozen=True, slots=True)
class SwitchBreaker(Message):
    """The circuit breakers of an action are to be forced ``open`` or ``closed``, or to judge by themselves (``auto``).

    Attributes:
        agent: Of whom.
        about: Which action.
        state: How they are to stand.
    """

    action: ClassVar[str] = "switch_breaker"
    agent: str
    about: str
    state: str


class Inspector(Agent):
    """See the top of the file.

    Args:
        bus: What it looks at.
        node: What to call this process.
        outdate: Lets go of what is kept of the notes.
    """

    name = "inspector"

    def __init__(self, bus: Bus, node: str, outdate: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._bus = bus
        self._node = node
        self._outdate = outdate

    @hears(ReportNow)
    async def report_now(self, asked: ReportNow, ctx: Context) -> None:
        """Say how this bus is doing."""
        report = msgspec.json.encode(system_report(self._bus)).decode()
        ctx.publish(NodeReport(asked.round, self._node, report))

    @hears(NotesChanged)
    async def notes_changed(self, news: NotesChanged, ctx: Context) -> None:
        """Let go of what is kept of the notes."""
        del news, ctx
        self._outdate()

    @hears(SwitchBreaker)
    async def switch_breaker(self, order: SwitchBreaker, ctx: Context) -> None:
        """Switch a circuit breaker, if there is one here."""
        del ctx
        switch_breaker(self._bus, order.agent, order.about, order.state)


def switch_breaker(bus: Bus, agent: str, action: str, state: str) -> None:
    """Force the circuit breaker of an action ``open`` or ``closed``, or let it judge by itself; if there is one."""
    breaker = bus.breaker(agent, action)
    if breaker is None:
        return
    switch = {"open": breaker.force_open, "closed": breaker.force_closed}.get(state, breaker.release)
    switch(bus.now())
