"""NATS as the network between nodes.

| subject | what goes there | who listens |
|---|---|---|
| ``fw.<agent>.<action>`` | asks and tells | one of the agent's replicas (a queue group) |
| ``fw-stop.<agent>`` | withdrawals | all of its replicas |
| ``fw-event.<action>`` | what is published | every node |
| ``fw-in.<role>.<node>._mail`` | outcomes, pieces and grants of streams | that node |
| ``fw-in.<role>.<node>._beat`` | what of its requests is under way elsewhere | that node |
| ``fw-in.<role>.<node>.<message id>`` | the server's word that nobody serves whom a message went to | that node |

What is asked, told or published has its owner beside it, as the header ``fw-owner``; nodes of another do not take it.

Each node has one inbox for all of its requests, and one subject there for all that comes back: to find who listens to a
subject that it has not seen before costs the server more than to carry what is sent there. What stands before the last
- of a node's name is its role: so a server can be told who may read which inboxes, and who may write to them
(``deploy/nats.conf``).

While there is no connection an ask is refused at once, rather than kept until there is one: its asker can do something
else meanwhile, and what is kept would be begun late. A server that hangs is noticed within 12 s; what was asked over it
is given up after three (see ``runtime.abroad``).

A server that was held up and goes on hands over what it had taken before: that may be begun though nobody waits any
more. It is stopped again by its withdrawal, which comes right behind, or as soon as its asker is connected again.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from fablewright.adapters.nats_access import Access, refusal_in
from fablewright.adapters.nats_connection import Arrived, Connection, NatsError
from fablewright.errors import ContractViolation, Unreachable
from fablewright.protocol.envelope import Envelope
from fablewright.protocol.pending import Withdraw
from fablewright.runtime.home import clock_of
from fablewright.runtime.network import Chunk, Unreadable
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.subscription import Subscription

    from fablewright.runtime.network import Codec, Far, Parcel

__all__ = ["NatsNetwork"]

_log = logging.getLogger(__name__)

_NAME = re.compile(r"(?=.{1,64}\Z)([A-Za-z0-9][A-Za-z0-9_-]*-)?[A-Za-z0-9_]+")
"""What a node may be called: ``role-node``, or without a role."""

_NO_ROLE = "_"

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What a message of a node may be called."""

_PATIENCE = 2.0
"""Seconds to wait for a server at the start; then the bus goes on without, until there is one."""

_PING = 4.0
"""Seconds between pings; after two without an answer the server is given up."""

_FAREWELL = 1.0
"""Seconds for the server to take what was sent, and at the end as many for the connection to close."""

_IDS_PER_BEAT = 1000

_OWNER = "fw-owner"

_TOLD_AT_FIRST, _THEN_EVERY = 20, 1000
"""How many things that were dropped are told of; whoever floods a node does not fill its disk."""


class NatsNetwork:
    """The way of one node to the others.

    Args:
        servers: Where the NATS servers are, as ``nats://127.0.0.1:4222``.
        codec: Makes bytes of what crosses.
        access: With which key they are entered, and how they are known.
        owner: Whose agents these are; what others' agents are asked is not taken.

    Raises:
        ConfigurationError: The key or the certificates cannot be used.

    Attributes:
        unreadable: How much came that was no parcel, or not one for where it came; it was dropped.
    """

    def __init__(
        self, servers: str | Sequence[str], codec: Codec, access: Access | None = None, *, owner: str = ""
    ) -> None:
        self._servers = [servers] if isinstance(servers, str) else list(servers)
        self._place = ", ".join(re.sub("//.*@", "//", server) for server in self._servers)  # without passwords
        self._owner = owner
        self._codec = codec
        self._access = (access or Access()).options()
        self._connection = Connection()
        self._supervisor = Supervisor()
        self._node = ""
        self._inbox = ""
        self._mail = ""
        self._refusal = ""
        self._far: Far | None = None
        self._now = time.monotonic
        self._has_begun = False
        self._is_in = False
        self._served: dict[str, Subscription | None] = {}  # None: as soon as there is a connection
        self.unreadable = 0

    def __repr__(self) -> str:
        state = "connected" if self._connection.is_connected else "not connected"
        return f"<NatsNetwork {self._node} {state} unreadable={self.unreadable}>"

    # -------------------------------------------------------------- coming and going

    async def join(self, node: str, far: Far) -> None:
        """Come in; if there is no server yet, go on trying while the bus starts.

        Raises:
            ContractViolation: The node's name makes no address.
        """
        if not _is_name(node):
            raise ContractViolation(f"A node is called by letters, digits, - and _, not {node!r}.")
        self._node, self._inbox, self._mail, self._far = node, _inbox_of(node), _mail_of(node), far
        self._now = clock_of(asyncio.get_running_loop())
        coming = self._supervisor.start(self._come_in(), name="NATS connects")
        await asyncio.wait({coming}, timeout=_PATIENCE)
        if not self._is_in and not self._refusal:
            _log.warning("There is no NATS server at %s yet; trying on.", self._place)

    async def _come_in(self) -> None:
        self._has_begun, began = True, self._now()
        await self._connection.connect(
            self._servers,
            name=f"fablewright {self._node}",
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnect,
            reconnected_cb=self._on_reconnect,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,  # type: ignore[arg-type]  # it is slept, whatever the annotation says
            connect_timeout=2,
            ping_interval=_PING,  # type: ignore[arg-type]  # as above
            max_outstanding_pings=2,
            pending_size=0,  # nothing is kept for later
            **self._access,
        )
        await self._connection.listen(f"{self._inbox}.>", self._on_inbox)
        await self._connection.listen("fw-event.*", self._on_message)
        if self._refusal or self._now() - began > _PATIENCE:
            _log.warning("The NATS server at %s has let this process in.", self._place)
        self._is_in, self._refusal = True, ""
        await self._flush()
        for agent in list(self._served):
            await self.serve(agent)

    async def serve(self, agent: str) -> None:
        """Have messages to an agent brought here, or to one of its replicas."""
        self._served.setdefault(agent, None)
        if self._is_in:
            token = _token(agent)
            await self._connection.listen(f"fw-stop.{token}", self._on_message)
            self._served[agent] = await self._connection.listen(f"fw.{token}.*", self._on_message, queue=token)
            await self._flush()

    async def withhold(self, agent: str) -> None:
        """Have no more messages to an agent brought here; what is on its way still comes."""
        subscription = self._served.pop(agent, None)
        if subscription is None:
            return
        with suppress(NatsError, TimeoutError):  # the server does not answer: nothing comes from it either
            async with asyncio.timeout(_PATIENCE):
                await subscription.drain()  # type: ignore[no-untyped-call]

    async def leave(self) -> None:
        """Send what is still to be sent, and go."""
        await self._supervisor.stop()
        connection = self._connection
        if not self._has_begun:
            return
        for subscription in filter(None, self._served.values()):
            with suppress(NatsError):  # then the connection is gone, and they with it
                await subscription.unsubscribe()
        self._served.clear()
        await self._flush()  # the server has taken that too: whoever asks from now on is refused, and waits for nobody
        self._far = None
        try:
            async with asyncio.timeout(_FAREWELL):
                await connection.close()
        except TimeoutError:
            connection.let_go()
        await asyncio.sleep(0)  # the client's tasks are cancelled; this is when they end

    async def _flush(self) -> None:
        """Wait until the server has taken all that was sent to it; a server that does not answer is not waited for."""
        if self._connection.is_connected:
            with suppress(NatsError, TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await self._connection.flush()

    # -------------------------------------------------------------- what goes out

    def send(self, parcel: Parcel, node: str = "") -> None:
        """Send something on its way; see ``Network.send``."""
        if self._far is None:
            raise Unreachable("this node has left the network")
        if self._refusal:
            raise Unreachable(f"the NATS server {self._refusal}")
        headers, body = self._codec.encode(parcel, self._now(), self._far.answering)
        if self._owner and isinstance(parcel, Envelope):
            headers = {**headers, _OWNER: self._owner}
        reply = ""
        if node:
            subject = _mail_of(node)
            if type(parcel) is Chunk:
                reply = self._mail  # where grants go
        else:
            subject = _subject_of(parcel)
            if isinstance(parcel, Envelope) and parcel.to:
                reply = f"{self._inbox}.{parcel.message_id}"  # where the server says that nobody listens
        self._connection.put(subject, body, reply, headers)

    def remind(self, node: str, message_ids: Sequence[str]) -> None:
        """Send a node word of what is under way here; if it is gone the server says so."""
        reply = f"{self._inbox}._gone.{node}"
        for start in range(0, len(message_ids), _IDS_PER_BEAT):
            body = " ".join(message_ids[start : start + _IDS_PER_BEAT]).encode()
            with suppress(Unreachable):  # then nothing else gets through either
                self._connection.put(f"{_inbox_of(node)}._beat", body, reply)

    # -------------------------------------------------------------- what comes in; these only hand over

    def _on_inbox(self, message: Arrived) -> None:
        if message.subject == self._mail and not message.is_nobody:
            self._on_message(message)
            return
        far = self._far
        if far is None:
            return
        what = message.subject.split(".", 3)[3]
        if message.is_nobody:
            what, _, node = what.partition(".")
            if what == "_gone":
                far.gone(node)
            else:  # of a piece of a stream it is "_mail", which no message is called
                far.unserved(what)
        elif what == "_beat":
            far.reminded(message.body.decode("ascii", "replace").split())
        else:
            self._on_message(message)

    def _on_message(self, message: Arrived) -> None:
        far = self._far
        if far is None:
            return
        try:
            parcel = self._codec.decode(message.headers, message.body, self._now(), far.asked)
        except Unreadable as error:
            self._drop(error)
            if _ID.fullmatch(error.message_id) and (not error.reply_to or _is_name(error.reply_to)):
                far.garbled(error)
            return
        if not self._belongs(parcel, message.subject):
            self._drop(f"{type(parcel).__name__} came to {message.subject}")
        elif isinstance(parcel, Envelope) and message.headers.get(_OWNER, "") != self._owner:
            self._decline(parcel, message.headers.get(_OWNER, ""), far)
        elif not self._is_our_own(parcel):
            far.arrived(parcel, _node_of(message.reply) if type(parcel) is Chunk else "")

    def _drop(self, why: object) -> None:
        self.unreadable += 1
        if self.unreadable <= _TOLD_AT_FIRST or not self.unreadable % _THEN_EVERY:
            _log.warning("Something that came over the network was dropped, %d so far: %s", self.unreadable, why)

    def _decline(self, envelope: Envelope, owner: str, far: Far) -> None:
        """Drop what is another owner's; who waits for an answer is told what is wrong."""
        why = (
            f"it is asked for {_owner_called(owner)}, and here are agents for {_owner_called(self._owner)}; "
            "each owner needs a NATS server, or an account there, of their own"
        )
        self._drop(why)
        if envelope.reply_to:
            far.garbled(Unreadable(why, message_id=envelope.message_id, reply_to=envelope.reply_to))

    def _is_our_own(self, parcel: Parcel) -> bool:
        """Return whether it is an event that this node published itself."""
        return isinstance(parcel, Envelope) and not parcel.to and parcel.message_id.rpartition("-")[0] == self._node

    def _belongs(self, parcel: Parcel, subject: str) -> bool:
        """Return whether a parcel is one for where it came, whose sender the server let send there."""
        if isinstance(parcel, Envelope):
            can_be_answered = _ID.fullmatch(parcel.message_id) is not None and _is_name(parcel.reply_to or "none")
            return can_be_answered and subject == _subject_of(parcel)
        if isinstance(parcel, Withdraw):
            return subject == _subject_of(parcel)
        return subject == self._mail

    # -------------------------------------------------------------- what the connection says

    async def _on_error(self, error: Exception) -> None:
        if self._connection.is_connected:
            _log.warning("NATS: %s", error)
            if f'subscription to "{self._inbox}.'.lower() in str(error).lower():  # then no answer can come
                self._refuse("does not allow this process's key (the setting bus_key) what its role does")
        else:
            refusal = refusal_in(error, key="bus_key")
            if refusal:
                self._refuse(refusal, "; trying on")
            self._connection.let_go()  # of an attempt to connect that came to nothing; the client forgets to
            _log.debug("NATS: %r", error)

    def _refuse(self, refusal: str, then: str = "") -> None:
        """Say why a server lets nobody in, once for each reason; that there is none is said elsewhere."""
        if refusal != self._refusal:
            _log.error("The NATS server at %s %s%s.", self._place, refusal, then)
        self._refusal = refusal

    async def _on_disconnect(self) -> None:
        if self._far is not None:
            _log.warning("The connection to the NATS server is lost; until it is back, other nodes cannot be reached.")

    async def _on_reconnect(self) -> None:
        _log.warning("The connection to the NATS server is back.")
        self._refusal = ""
        if self._far is not None:
            self._far.back()


def _subject_of(parcel: Parcel) -> str:
    """Return where a parcel goes that is for no node in particular."""
    if isinstance(parcel, Envelope):
        return _subject(parcel.to, parcel.action)
    return f"fw-stop.{_token(parcel.to)}" if isinstance(parcel, Withdraw) else ""


# Agents, actions and nodes are few, and the same come again and again; what an attacker sends pushes out, no more.


@lru_cache(maxsize=1024)
def _subject(to: str, action: str) -> str:
    return f"fw.{_token(to)}.{_token(action)}" if to else f"fw-event.{_token(action)}"


@lru_cache(maxsize=1024)
def _is_name(node: str) -> bool:
    return _NAME.fullmatch(node) is not None


@lru_cache(maxsize=1024)
def _inbox_of(node: str) -> str:
    """Return what all subjects of a node's inbox begin with."""
    role, _, own = node.rpartition("-")
    return f"fw-in.{role or _NO_ROLE}.{own}"


@lru_cache(maxsize=1024)
def _mail_of(node: str) -> str:
    """Return where what comes back to a node goes."""
    return f"{_inbox_of(node)}._mail"


def _owner_called(owner: str) -> str:
    return f"the owner {owner!r:.24}" if owner else "no owner in particular"


def _node_of(reply: str) -> str:
    """Return the node whose inbox a subject is in; empty if it is in none."""
    match reply.split("."):
        case ["fw-in", role, own, *_]:
            return own if role == _NO_ROLE else f"{role}-{own}"
    return ""


def _token(name: str) -> str:
    """Return a name as one token of a subject."""
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E")
