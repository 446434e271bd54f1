"""A bus as one node of a network: what it asks of others, what others ask of it, and its coming and going.

What stays on the bus never comes here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from fablewright.errors import ContractViolation, Rejected, Unreachable
from fablewright.protocol.envelope import Envelope
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.abroad import Abroad
from fablewright.runtime.guests import Guests
from fablewright.runtime.network import Chunk
from fablewright.runtime.receiving import Ends

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.runtime.channel import Channels
    from fablewright.runtime.network import Network, Parcel, Unreadable
    from fablewright.runtime.outstanding import Outstanding
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Node"]

_log = logging.getLogger(__name__)

_TO_WARM_UP = 5.0
"""Seconds that an agent has for it; then it is better to be slow than not to be there."""

_BEAT = 1.0
"""Seconds between two looks at what is under way on other nodes, and between two reminders to those who ask."""


class Host(Ends, Protocol):
    """What a node needs of its bus."""

    def heard(self, event: Envelope) -> None: ...


class Served(Protocol):
    """What a node needs of an agent that others ask; see ``Agent``."""

    @property
    def name(self) -> str: ...
    @property
    def warms_up(self) -> bool: ...
    async def warm_up(self) -> None: ...


class Node:
    """One bus on its network.

    Args:
        network: The network.
        address: What others reach this node by; message ids begin with it.
        bus: The bus.
        outstanding: Who waits there.
        channels: The ends of its streams.
        supervisor: Runs what agents need to get ready.

    Attributes:
        abroad: What this bus has asked of others.
        guests: What others have asked of it.
    """

    def __init__(  # noqa: PLR0917 - each is said by its type
        self,
        network: Network,
        address: str,
        bus: Host,
        outstanding: Outstanding,
        channels: Channels,
        supervisor: Supervisor,
    ) -> None:
        self.abroad = Abroad(network, bus, outstanding, channels)
        self.guests = Guests(network, bus, outstanding, channels)
        self._network = network
        self._address = address
        self._bus = bus
        self._channels = channels
        self._supervisor = supervisor
        self._timer: asyncio.TimerHandle | None = None
        self._served: set[str] = set()
        self._warming: dict[str, asyncio.Task[None]] = {}
        self._is_in = False

    def __repr__(self) -> str:
        return f"<Node {self._address} {self.abroad!r} {self.guests!r}>"

    # -------------------------------------------------------------- coming and going

    async def join(self) -> None:
        """Come in: from now on others can answer."""
        self._is_in = True
        await self._network.join(self._address, self)

    async def serve(self, agents: Iterable[Served]) -> None:
        """Have messages to these agents brought here as soon as they are warm, and to no others."""
        wanted = {agent.name: agent for agent in agents}
        if not self._is_in:
            return
        for name in sorted(self._served - wanted.keys()):
            self._served.discard(name)
            if (warming := self._warming.pop(name, None)) is not None:
                warming.cancel()
            await self._network.withhold(name)
        for name in sorted(wanted.keys() - self._served):
            self._served.add(name)
            if wanted[name].warms_up:
                serving = self._serve_when_warm(wanted[name])
                self._warming[name] = self._supervisor.start(serving, name=f"{name} warms up")
            else:
                await self._network.serve(name)

    async def warm(self) -> None:
        """Wait until all agents are warm, and are sent what others ask."""
        while warming := [task for task in self._warming.values() if not task.done()]:
            await asyncio.wait(warming)

    async def _serve_when_warm(self, agent: Served) -> None:
        try:
            async with asyncio.timeout(_TO_WARM_UP):
                await agent.warm_up()
        except TimeoutError:
            _log.warning("%s is not warm after %.0f s; it is asked all the same.", agent.name, _TO_WARM_UP)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever asks will hear of it
            _log.warning("%s could not warm up: %s", agent.name, error, exc_info=error)
        await self._network.serve(agent.name)

    @property
    def unreadable(self) -> int:
        """How much came over the network that could not be read."""
        return self._network.unreadable

    def end_all(self) -> None:
        """Tell the others, as far as they can be reached, that no more answers will come, and that none are wanted."""
        self.abroad.leave()
        self.guests.send_home("the bus stopped")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def leave(self) -> None:
        """Go; nothing is left behind."""
        if self._is_in:
            self._is_in = False
            await self._network.leave()

    # -------------------------------------------------------------- what this bus sends

    def send(self, envelope: Envelope, room: int = 0) -> None:
        """Send a message to whichever node has its agent; see ``Abroad.send``."""
        self.abroad.send(envelope, room)
        if self._timer is None:
            self._arm()

    def publish(self, event: Envelope) -> None:
        """Let every other node hear of an event; those that cannot be reached now never do."""
        try:
            self._network.send(event)
        except (Unreachable, ContractViolation) as error:
            _log.warning("Other nodes do not hear of %s: %s", event.action, error)

    # -------------------------------------------------------------- what comes

    def arrived(self, parcel: Parcel, sender: str) -> None:
        """Take what came from another node."""
        if isinstance(parcel, Envelope):
            if not parcel.to:
                self._bus.heard(parcel)
                return
            self.guests.arrive(parcel)
            if self._timer is None and len(self.guests):
                self._arm()
        elif isinstance(parcel, Ended):
            self.abroad.ended(parcel)
        elif isinstance(parcel, Chunk):
            self.abroad.chunk(parcel, sender)
        elif isinstance(parcel, Withdraw):
            self.guests.recall(parcel)
        else:
            try:
                self._channels.allow(parcel.message_id, parcel.granted)
            except ContractViolation as error:
                _log.warning("%s grants what it cannot: %s", sender or "Somebody", error)

    def asked(self, message_id: str) -> object:
        """Return the request of that id that this bus waits for; None: there is none (any more)."""
        return self.abroad.request_of(message_id)

    def answering(self, message_id: str) -> object:
        """Return the request of that id that is handled here for another node; None: there is none (any more)."""
        return self.guests.request_of(message_id)

    def garbled(self, what: Unreadable) -> None:
        """Take word that something came which cannot be read; who waits for an answer to it has one."""
        if not what.reply_to:
            self.abroad.garbled(what)
            return
        refused = Rejected(f"What was asked is not taken there: {what}", message_id=what.message_id)
        try:
            self._network.send(Ended(self._bus.now(), what.message_id, Outcome.REJECTED, refused), what.reply_to)
        except (Unreachable, ContractViolation) as error:
            _log.debug("Nobody hears that %s was refused: %s", what.message_id, error)

    def reminded(self, message_ids: Sequence[str]) -> None:
        """Take word that these requests of this bus are under way elsewhere."""
        self.abroad.reminded(message_ids)

    def unserved(self, message_id: str) -> None:
        """Take word that no node serves the agent that a message went to."""
        self.abroad.unserved(message_id)

    def back(self) -> None:
        """Take word that the network is there again after it was not."""
        self.abroad.back()

    def gone(self, node: str) -> None:
        """Take word that a node is not there any more."""
        self.guests.gone(node)

    # -------------------------------------------------------------- the beat

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_BEAT, self._look)

    def _look(self) -> None:
        self._timer = None
        self.abroad.look()
        self.guests.remind()
        if len(self.abroad) or len(self.guests):
            self._arm()
