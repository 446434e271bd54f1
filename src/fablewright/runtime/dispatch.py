"""What is sent and what comes back: from the envelope to the receiver's mailbox, and from there to the outcome.

The way of a message to its agent, directly, over a transport or to another node; whose answer nobody waits for any
more; and what becomes of a message that finds no taker.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from fablewright.errors import ContractViolation, Rejected, WouldDeadlock
from fablewright.protocol.dead_letter import DeadLetter, Reason
from fablewright.protocol.envelope import Kind
from fablewright.protocol.message import Message
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.answers import Answers
from fablewright.runtime.channel import Channels
from fablewright.runtime.dead_letters import DeadLetters
from fablewright.runtime.envelopes import Envelopes, story_ids
from fablewright.runtime.failure import AskedWrongly
from fablewright.runtime.guard import Guard
from fablewright.runtime.line import Line
from fablewright.runtime.node import Node
from fablewright.runtime.outstanding import Outstanding, Waiter
from fablewright.runtime.routes import Routes
from fablewright.runtime.subscription import Subscriptions
from fablewright.runtime.waits import note_wait, would_wait_for_itself

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from fablewright.protocol.envelope import Envelope
    from fablewright.protocol.message import Request, StreamRequest
    from fablewright.runtime.audience import Audience
    from fablewright.runtime.channel import Outlet
    from fablewright.runtime.errand import Errand
    from fablewright.runtime.flying import Flying
    from fablewright.runtime.home import Home
    from fablewright.runtime.life import Life
    from fablewright.runtime.policies import BusOptions
    from fablewright.runtime.post import Post
    from fablewright.runtime.route import Route
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Dispatch"]

_log = logging.getLogger(__name__)

_ASK, _REPLIED = Kind.ASK, Outcome.REPLIED  # a member looked up in its Enum costs 0.05 us


class Dispatch:
    """The traffic of one bus.

    Args:
        options: Of the bus.
        node: Prefix of the message ids.
        home: Where the bus lives.
        life: Where it stands.
        audience: Who looks on.
        posts: The agents, by name.
        supervisor: Runs what is shared.

    Attributes:
        now: Call it for the time in seconds.
        audience: Who looks on.
        answers: Takes what becomes of a request on the side that handles it.
        channels: The ends of streams.
        dead: What found no taker.
        line: What carries parcels; None: they are handed over directly.
        node: The way to agents that are not here; None: there is none.
        outstanding: Who waits for an outcome.
        routes: The ways to all actions.
        subscriptions: Who reads what is published.
    """

    def __init__(  # noqa: PLR0917 - each is said by its type
        self,
        options: BusOptions,
        node: str,
        home: Home,
        life: Life,
        audience: Audience,
        posts: Mapping[str, Post],
        supervisor: Supervisor,
    ) -> None:
        self.now = home.now
        self.audience = audience
        self.dead = DeadLetters(options.dead_letters, self._buried)
        self.outstanding = Outstanding(self._withdrawn, self.dead.bury, self.is_queued)
        self.line = None if options.transport is None else Line(options.transport, self)
        self.channels = Channels()
        self.node: Node | None = None
        if options.network is not None:
            self.node = Node(options.network, node, self, self.outstanding, self.channels, supervisor)
        self.answers = Answers(home, self.outstanding, self.line, self.node, self.bury)
        self.routes = Routes(posts, self._guard, lead_abroad=self.node is not None)
        self.subscriptions = Subscriptions()
        self._options = options
        self._life = life
        self._posts = posts
        self._supervisor = supervisor
        self._envelopes = Envelopes(node, options.traceparent)
        self._flying: dict[str, Flying] = {}

    def __repr__(self) -> str:
        return f"<Dispatch {self.outstanding!r}>"

    def send(  # noqa: PLR0913 - what an attempt is made of
        self,
        route: Route,
        request: Request[Any] | StreamRequest[Any],
        now: float,
        deadline: float,
        parent: Envelope | None,
        *,
        attempt: int = 1,
        linger: float = 0.0,
        story: str = "",
        room: int = 0,
    ) -> Waiter:
        """Send one attempt of a request.

        Args:
            route: The action.
            request: What is asked.
            now: The time.
            deadline: Of this attempt.
            parent: The envelope on whose behalf.
            attempt: 1 for the first.
            linger: See ``Policy``.
            story: The correlation id, when it goes on with what began before.
            room: For how many pieces of the reply there is room, if it is to be streamed.
        """
        envelope = self._envelopes.make(_ASK, route.to, request, deadline, parent, attempt, story)
        waiter = Waiter(envelope, self.outstanding, route.tally, now)
        if self.audience.observers:
            self.audience.tell("asked", envelope)
        if self.outstanding.open(waiter, envelope.message_id, route.to, deadline, linger):
            try:
                if parent is not None:
                    note_wait(waiter, parent, self._posts, self._work_for)
                if route.post is None or self.line is not None:
                    self._deliver(route, envelope, room)
                else:
                    route.post.put(envelope)
            except Rejected as error:
                self.outstanding.take_in(Ended(now, envelope.message_id, Outcome.REJECTED, error))
            except ContractViolation as error:  # it cannot travel
                self.outstanding.take_in(Ended(now, envelope.message_id, Outcome.FAILED, AskedWrongly(str(error))))
        else:
            waiter.handled = False
        return waiter

    def channel_for(self, route: Route, waiter: Waiter, room: int) -> Outlet:
        """Return where the pieces of the reply to a request that was just sent come out."""
        grant = None
        if route.post is None and self.node is not None:
            grant = partial(self.node.abroad.grant, waiter.envelope.message_id)
        return self.channels.open(waiter, room, grant)

    def wait_aside(self, flying: Flying, key: Hashable, errand: Errand) -> Waiter:
        """Wait for what no agent handles, but a flight that somebody started."""
        request, deadline, parent, story, _ = errand
        envelope = self._envelopes.make(_ASK, flying.route.to, request, deadline, parent, 1, story)
        now = self.now()
        waiter = Waiter(envelope, self.outstanding, flying.tally, now)
        if self.audience.observers:
            self.audience.tell("joined", envelope)
        waits = self.outstanding.open(waiter, envelope.message_id, flying.name, deadline, flying.linger)
        if waits and parent is not None:
            try:
                note_wait(waiter, parent, self._posts, self._work_for, flying.work_of(key))
            except WouldDeadlock as error:
                self.end(envelope.message_id, Outcome.REJECTED, error)
        return waiter

    def _work_for(self, ask: Envelope) -> list[str] | None:
        """Return the requests that one who joined a flight waits for; None for who has joined none."""
        guard = self.routes.find(ask.to, ask.action).guard
        return None if guard is None else guard.work_for(ask.message_id)

    def tell(self, to: str, message: Message, parent: Envelope | None) -> None:
        """Send a message that wants no reply; one that cannot be delivered becomes a dead letter."""
        envelope = self._envelopes.make(Kind.TELL, to, message, None, parent, 1)
        if self.audience.observers:
            self.audience.tell("told", envelope)
        route = self.routes.find(to, message.action)
        try:
            if self._life.is_stopped:
                raise self.routes.refusal(envelope, stopped=True)
            self._deliver(route, envelope)
        except (Rejected, ContractViolation) as error:
            _log.warning("Could not deliver %s to %s: %s", message.action, to, error, extra=story_ids(envelope))
            self.bury(envelope, Reason.UNDELIVERABLE)

    def publish(self, message: Message, parent: Envelope | None) -> int:
        """Send a message to all that hear it but its sender, and to who subscribed; return to how many on this bus."""
        hearers = self._hearers(message, "" if parent is None else parent.to)
        for name in hearers:
            self.tell(name, message, parent)
        self.publish_elsewhere(message, parent)
        return len(hearers) + self.subscriptions.put(message)

    def publish_elsewhere(self, message: Message, parent: Envelope | None) -> None:
        """Send a message to all that hear it on other nodes, if there are any."""
        if self.node is not None:
            self.node.publish(self._envelopes.make(Kind.TELL, "", message, None, parent, 1))

    def heard(self, event: Envelope) -> None:
        """Hand over what was published on another node."""
        if not isinstance(event.body, Message):
            return
        for name in self._hearers(event.body, event.sender):
            envelope = event._replace(to=name, message_id=f"{event.message_id}.{name}")
            try:
                self.arrived(envelope)
            except Rejected:
                self.bury(envelope, Reason.UNDELIVERABLE)
        self.subscriptions.put(event.body)

    def _hearers(self, message: Message, sender: str) -> list[str]:
        """Return who hears a message; two agents may mean two things by one action."""
        action = message.action
        return [
            name
            for name, post in self._posts.items()
            if action in post.agent.heard
            and name != sender
            and isinstance(message, post.agent.messages.get(action, Message))
        ]

    def _deliver(self, route: Route, envelope: Envelope, room: int = 0) -> None:
        if route.post is None:
            if self.node is None or self._life.is_stopped:
                raise self.routes.refusal(envelope, stopped=self._life.is_stopped)
            self.node.send(envelope, room)
        elif self.line is None:
            route.post.put(envelope)
        else:
            self.line.send(envelope)

    def _guard(self, route: Route) -> Guard | None:
        """Return what the policy of an action puts around its asks, if there is one."""
        policy = self._options.policies.get((route.to, route.action))
        if policy is None:
            return None
        guard = Guard(self, route, policy, self._options.draw, self._supervisor)
        if guard.flying is not None:
            self._flying[guard.flying.name] = guard.flying
        return guard

    # -------------------------------------------------------------- what comes back

    def is_pending(self, message_id: str) -> bool:
        """Return whether a request has no outcome yet."""
        return message_id in self.outstanding

    def end(self, message_id: str, outcome: Outcome, value: object) -> None:
        """Take an outcome that was decided on the loop."""
        self.outstanding.take_in(Ended(self.now(), message_id, outcome, value))

    def _withdrawn(self, withdrawn: Withdraw) -> None:
        flying = self._flying.get(withdrawn.to)
        if flying is not None:
            flying.leave(withdrawn.message_id)
        elif self.line is not None:
            self.line.withdraw(withdrawn)
        elif self.node is not None and self.node.abroad.withdraw(withdrawn):
            return
        elif (post := self._posts.get(withdrawn.to)) is not None:
            post.withdraw(withdrawn.message_id, is_settled=True)

    def withdraw(self, message_id: str, to: str) -> None:
        """Stop what an agent does about a request, or was about to do."""
        post = self._posts.get(to)
        if post is not None:
            post.withdraw(message_id)

    def arrived(self, envelope: Envelope) -> None:
        """Take a message that came from afar to its receiver.

        Raises:
            Rejected: There is no such agent or action any more, or no room, or it would wait for itself.
        """
        post = self._posts.get(envelope.to)
        if post is None or post.given_up or envelope.action not in post.agent.handlers or self._life.is_stopped:
            raise self.routes.refusal(envelope, stopped=self._life.is_stopped)
        if envelope.to in envelope.path and not post.agent.reentrant:
            raise would_wait_for_itself(envelope)
        post.put(envelope)

    def linger_of(self, request: Envelope) -> float:
        """Return how many seconds after its deadline the work on a request is still of use."""
        policy = self._options.policies.get((request.to, request.action))
        return 0.0 if policy is None else policy.linger

    def settle(self, ended: Ended) -> None:
        """Take an outcome that came back over the transport."""
        self.outstanding.take_in(ended._replace(now=self.now()))

    def is_queued(self, request: Envelope) -> bool:
        """Return whether a request waits for a handler."""
        post = self._posts.get(request.to)
        return post is not None and request.message_id in post.mailbox

    # -------------------------------------------------------------- what finds no taker

    def bury(self, envelope: Envelope, reason: Reason) -> None:
        """Keep a message that found no taker."""
        waiter = self.outstanding.of(envelope.message_id)
        if waiter is not None and reason is not Reason.DUPLICATE:  # which says nothing about the first to arrive
            waiter.handled = False
        self.dead.bury(DeadLetter(envelope.message_id, reason, self.now(), envelope.body), envelope)

    def drop(self, queued: list[Envelope]) -> None:
        """Bury what was told to an agent that is gone."""
        for envelope in queued:
            if envelope.kind is Kind.TELL:  # an ask has its outcome already
                self.bury(envelope, Reason.UNDELIVERABLE)

    def when_late(self, message_id: str, told: Callable[[Any], None]) -> None:
        """Have ``told`` called once with the reply to a request that has expired, should it still come."""
        self.dead.when_late(message_id, told)

    def _buried(self, letter: DeadLetter, envelope: Envelope | None) -> None:
        if self.audience.observers:
            about = {} if envelope is not None else {"to": "", "message_id": letter.message_id}
            self.audience.tell("dead_letter", envelope, detail=letter.reason.value, **about)

    def note_end(self, waiter: Waiter) -> None:
        """Tell those who look on how a request ended."""
        outcome = "" if waiter.outcome is None else waiter.outcome.value
        failed = waiter.outcome is not None and waiter.outcome is not _REPLIED
        self.audience.tell("ended", waiter.envelope, detail=f"{outcome}: {waiter.error()}" if failed else outcome)
