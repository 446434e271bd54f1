"""A network in one process: several buses meet on a hub, in the time of whatever loop they run on.

::

    hub = Hub()
    front, back = Bus(BusOptions(network=hub.network())), Bus(BusOptions(network=hub.network()))
    back.register(Dice())
    async with front, back:
        await front.ask("dice", Roll("2d6"))

Replicas take their turns. With a codec everything crosses as bytes, as between processes; with ``Faults`` what crosses
is lost, doubled and delayed by plan. ``cut`` takes a node away, as a death or a broken cable would.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, Unreachable
from fablewright.protocol.envelope import Envelope
from fablewright.protocol.pending import Withdraw
from fablewright.runtime.network import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fablewright.runtime.network import Codec, Far, Network, Parcel
    from fablewright.testing.faults import Faults

__all__ = ["Hub"]


class Hub:
    """Where the networks of several buses meet.

    Args:
        codec: Makes bytes of what crosses; None: the objects cross as they are.
        faults: What goes wrong on the way; nothing when None.
        max_bytes: What a parcel may take as bytes.
    """

    def __init__(self, codec: Codec | None = None, faults: Faults | None = None, *, max_bytes: int = 1 << 20) -> None:
        self._codec = codec
        self._faults = faults
        self._max_bytes = max_bytes
        self.nodes: dict[str, Far] = {}
        self.unreadable: Counter[str] = Counter()  # by node: what came there
        self.serving: dict[str, list[str]] = {}  # by agent: nodes, whose turn it is first
        self._cut: set[str] = set()
        self._lanes: dict[tuple[str, str], deque[Callable[[], None]]] = {}  # between two nodes all keep their order

    def __repr__(self) -> str:
        return f"<Hub {sorted(self.nodes)}>"

    def network(self) -> Network:
        """Return the network of one more bus."""
        return _Port(self)

    def cut(self, node: str, *, off: bool = True) -> None:
        """Let nothing reach a node or come from it any more, or again."""
        (self._cut.add if off else self._cut.discard)(node)
        if not off and node in self.nodes:
            self.nodes[node].back()

    def is_cut(self, node: str) -> bool:
        """Return whether a node is cut off."""
        return node in self._cut

    def replica(self, agent: str) -> str | None:
        """Return the node that takes the next message to an agent."""
        nodes = self.serving.get(agent)
        if not nodes:
            return None
        nodes.append(nodes.pop(0))
        return nodes[-1]

    def bring(self, parcel: Parcel, sender: str, node: str) -> None:
        """Bring a parcel to a node, soon.

        Raises:
            ContractViolation: It is too large, or cannot be made into bytes.
        """
        now = asyncio.get_running_loop().time()
        codec = self._codec
        if codec is not None:
            headers, body = codec.encode(parcel, now, self.nodes[sender].answering)
            if len(body) > self._max_bytes:
                raise ContractViolation(f"A message of {len(body)} bytes is too large for the network.")

        def deliver() -> None:
            far = self.nodes.get(node)
            if far is not None and not {sender, node} & self._cut:
                if codec is None:
                    far.arrived(parcel, sender)
                    return
                try:
                    came = codec.decode(headers, body, asyncio.get_running_loop().time(), far.asked)
                except Unreadable as error:
                    self.unreadable[node] += 1
                    far.garbled(error)
                else:
                    far.arrived(came, sender)

        lane = self._lanes.setdefault((sender, node), deque())
        lane.append(deliver if self._faults is None else partial(self._faults.carry, parcel, deliver))
        asyncio.get_running_loop().call_soon(_carry_first, lane)


def _carry_first(lane: deque[Callable[[], None]]) -> None:
    lane.popleft()()


class _Port:
    """One bus's way to the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._node = ""

    def __repr__(self) -> str:
        return f"<network of {self._node}>"

    @property
    def unreadable(self) -> int:
        return self._hub.unreadable[self._node]

    async def join(self, node: str, far: Far) -> None:
        self._node = node
        self._hub.nodes[node] = far

    async def serve(self, agent: str) -> None:
        self._hub.serving.setdefault(agent, []).append(self._node)

    async def withhold(self, agent: str) -> None:
        nodes = self._hub.serving.get(agent, [])
        if self._node in nodes:
            nodes.remove(self._node)

    async def leave(self) -> None:
        for agent in self._hub.serving:
            await self.withhold(agent)
        self._hub.nodes.pop(self._node, None)

    def send(self, parcel: Parcel, node: str = "") -> None:
        hub = self._hub
        if hub.is_cut(self._node):
            raise Unreachable("the network is down")
        if node:
            hub.bring(parcel, self._node, node)
        elif isinstance(parcel, Envelope) and not parcel.to:
            for other in hub.nodes:
                if other != self._node:
                    hub.bring(parcel, self._node, other)
        elif isinstance(parcel, Envelope):
            self._ask(parcel)
        elif isinstance(parcel, Withdraw):
            for server in hub.serving.get(parcel.to, ()):
                hub.bring(parcel, self._node, server)

    def remind(self, node: str, message_ids: Sequence[str]) -> None:
        if not self._hub.is_cut(self._node):
            asyncio.get_running_loop().call_soon(self._remind, node, tuple(message_ids))

    def _remind(self, node: str, message_ids: Sequence[str]) -> None:
        far, here = self._hub.nodes.get(node), self._hub.nodes.get(self._node)
        if far is None:
            if here is not None:
                here.gone(node)
        elif not self._hub.is_cut(node):
            far.reminded(message_ids)

    def _ask(self, envelope: Envelope) -> None:
        server = self._hub.replica(envelope.to)
        if server is not None:
            self._hub.bring(envelope, self._node, server)
        else:
            here = self._hub.nodes[self._node]
            asyncio.get_running_loop().call_soon(here.unserved, envelope.message_id)
