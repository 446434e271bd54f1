"""The bus: carries requests to agents and outcomes back, and performs what the pure machines decide.

An ask becomes an envelope, waits in ``PendingRequests``, goes through the receiver's ``Mailbox`` and is
handled by one of its workers. The asker waits for a future that only the pending machine's ``Settle`` resolves,
so a request has one outcome whatever the handler, the clock and the asker do at the same time.
"""

from __future__ import annotations

import asyncio
import secrets
from asyncio import get_running_loop
from collections import Counter
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from fablewright.errors import ContractViolation
from fablewright.protocol.envelope import Kind, shrink, valid_timeout
from fablewright.protocol.message import Message
from fablewright.protocol.pending import Outcome, PeerGone, Stopped
from fablewright.protocol.size import size_of
from fablewright.runtime.audience import Audience
from fablewright.runtime.batching import Batching
from fablewright.runtime.body import check_body, no_message
from fablewright.runtime.dispatch import Dispatch
from fablewright.runtime.errand import Errand, errand
from fablewright.runtime.from_thread import run_and_block
from fablewright.runtime.home import Home
from fablewright.runtime.life import Life, State
from fablewright.runtime.policies import BusOptions
from fablewright.runtime.posts import Posts
from fablewright.runtime.statistics import BusStatistics
from fablewright.runtime.streaming import Stream
from fablewright.runtime.supervisor import Supervisor
from fablewright.runtime.threads import Threads
from fablewright.runtime.waits import Wait, who_waits
from fablewright.runtime.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from fablewright.protocol.batch import BatchRules
    from fablewright.protocol.breaker import Breaker
    from fablewright.protocol.dead_letter import DeadLetter
    from fablewright.protocol.envelope import Envelope
    from fablewright.protocol.message import Request, StreamRequest
    from fablewright.runtime.agent import Agent
    from fablewright.runtime.channel import Inlet, Outlet
    from fablewright.runtime.context import BatchHandler, Context, ReplyToken
    from fablewright.runtime.events import Observer
    from fablewright.runtime.outstanding import Waiter
    from fablewright.runtime.subscription import Subscription

__all__ = ["Bus"]

M = TypeVar("M", bound=Message)
R = TypeVar("R")

_RUNNING, _STOPPED = State.RUNNING, State.STOPPED  # a member looked up in its Enum costs 0.05 us
_REPLIED = Outcome.REPLIED


class Bus:
    """Agents that ask each other, in one process and one event loop; over a network also those of other buses.

    ::

        async with Bus() as bus:
            bus.register(Dice())
            rolled = await bus.ask("dice", Roll("2d6+3"), timeout=1.0)

    A bus is started once and stopped once; its time is that of the event loop it was started on.

    Args:
        options: See ``BusOptions``.
        node: Prefix of the message ids; random by default, so that ids of two processes never meet.

    Attributes:
        now: Call it for the time in seconds, that of the event loop that the bus runs on.
        audience: Who looks on; see ``observe``.
        answers: Takes what becomes of a request on the side that handles it; for workers and tokens.
    """

    def __init__(self, options: BusOptions | None = None, *, node: str | None = None) -> None:
        self._options = options or BusOptions()
        self._node = node or secrets.token_hex(4)
        self._default_timeout = valid_timeout(self._options.default_timeout)
        self._home = Home()
        self.audience = Audience(self._home)
        self._supervisor = Supervisor()
        self._life = Life(self._home, self._supervisor, self._is_quiet, self._end_all, self._leave)
        self._posts = Posts(self, self._supervisor, self._options.restarts, self._peer_lost)
        where = (self._node, self._home, self._life, self.audience)
        self._dispatch = Dispatch(self._options, *where, self._posts.by_name, self._supervisor)
        self.answers = self._dispatch.answers
        self._batching: dict[tuple[str, str], Batching] = {}
        self._threads = Threads(self._options.threads, name="handler")
        patience = self._options.watchdog
        self._watchdog = None if patience is None else Watchdog(patience, self._posts.name_of, self.audience.blocked)
        self.now = self._home.now

    def __repr__(self) -> str:
        names = sorted(self._posts.by_name)
        return f"<Bus {self._node} {self._life.state.value} agents={names} pending={len(self._dispatch.outstanding)}>"

    # -------------------------------------------------------------- life

    def register(self, agent: Agent) -> None:
        """Make an agent reachable under its name, from the start of the bus on.

        Raises:
            ContractViolation: The name is taken, the bus has started already, or the agent can run no handler.
        """
        if self._life.state is not State.NEW:
            raise ContractViolation(f"Register {agent.name} before the bus starts; later, `await bus.add(agent)`.")
        self._posts.register(agent)

    async def add(self, agent: Agent) -> None:
        """Start an agent on a running bus.

        Raises:
            ContractViolation: The name is taken, the bus is not running, or the agent can run no handler.
        """
        if self._life.state is not _RUNNING:
            raise ContractViolation(f"{agent.name} can be added to a running bus only.")
        post = self._posts.register(agent)
        try:
            await self._posts.start(post)
        except BaseException:
            self._posts.forget(agent.name)
            raise
        self._dispatch.routes.lead_to(agent.name)
        post.open()
        await self._serve()

    async def remove(self, name: str) -> None:
        """Stop one agent; whoever waits for it gets ``PeerLost`` at once.

        Raises:
            ContractViolation: There is none of that name.
        """
        await self._posts.remove(name)
        self._dispatch.routes.lead_to(name)
        await self._serve()

    def crash(self, name: str, cause: object = "somebody said so") -> None:
        """Do what is done when an agent crashes: see ``posts``. On a bus that has stopped that is nothing.

        Raises:
            ContractViolation: There is none of that name.
        """
        if not self._life.is_stopped:
            self._posts.crash(name, cause, self.now())

    async def start(self) -> None:
        """Start every agent; no handler runs before all have started.

        If one cannot start, those that did are stopped again, and its error is raised.

        Raises:
            ContractViolation: The bus was started before.
        """
        if self._life.state is not State.NEW:
            raise ContractViolation("A bus is started once; make a new one.")
        self._life.state = State.STARTING
        loop = self._home.move_in()
        self.now = self._dispatch.now = self._home.now
        if self._watchdog is not None and not getattr(loop, "is_virtual", False):
            self._watchdog.start()
        try:
            if self._dispatch.node is not None:
                await self._dispatch.node.join()
            for post in self._posts:
                await self._posts.start(post)
        except BaseException:
            await self.stop()
            raise
        if self._life.state is not State.STARTING:
            raise ContractViolation("The bus was stopped while it started.")
        self._life.state = _RUNNING
        self._posts.open()
        await self._serve()

    async def stop(self, *, drain: float = 0.0) -> None:
        """Answer every waiter, end every task, stop every agent that started. Stopping twice is harmless.

        Args:
            drain: Seconds to let what is under way finish first.
        """
        if drain > 0 and self._dispatch.node is not None:
            await self._dispatch.node.serve(())  # others are asked from now on
        await self._life.stop(drain)

    async def warm(self) -> None:
        """Wait until its agents are warm, and are sent what is asked on other nodes; see ``Agent.warm_up``."""
        if self._dispatch.node is not None:
            await self._dispatch.node.warm()

    async def _serve(self) -> None:
        """Let other nodes know which agents can be asked here."""
        if self._dispatch.node is not None:
            await self._dispatch.node.serve(post.agent for post in self._posts if not post.given_up)

    def _end_all(self) -> None:
        """Answer every waiter, and let nothing begin any more."""
        if self._dispatch.node is not None:
            self._dispatch.node.end_all()
        self._dispatch.outstanding.take_in(Stopped(self.now(), "the bus stopped"))
        self._dispatch.outstanding.stop()
        if self._dispatch.line is not None:
            self._dispatch.line.stop()
        for post in self._posts:
            self._dispatch.drop(post.close())
        for batching in self._batching.values():
            batching.stop()
        self._dispatch.subscriptions.close()
        if self._watchdog is not None:
            self._watchdog.stop()

    async def _leave(self) -> None:
        """Let go of what is left when every task has ended."""
        self._threads.close()
        if self._dispatch.node is not None:
            await self._dispatch.node.leave()
        for post in self._posts:
            await self._posts.stop(post)

    def _is_quiet(self) -> bool:
        inside = sum(route.guard.inside for route in self._dispatch.routes.known.values() if route.guard is not None)
        guests = 0 if self._dispatch.node is None else len(self._dispatch.node.guests)
        return not (inside or guests or len(self._dispatch.outstanding)) and all(post.is_quiet for post in self._posts)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -------------------------------------------------------------- asking

    async def ask(
        self,
        to: str,
        request: Request[R],
        *,
        timeout: float | None = None,
        parent: Envelope | None = None,
        keep: float = 0.0,
        on_late: Callable[[R], None] | None = None,
    ) -> R:
        """Send a request and return its reply.

        Args:
            to: Name of the agent.
            request: The message; its type says what the reply is.
            timeout: Seconds for everything, retries included; the default of the options when None.
            parent: The envelope that is being handled, if this ask is made on its behalf.
            keep: Seconds of the parent's time to leave unused.
            on_late: Called once with the reply if it comes after the deadline, see ``Policy.linger``.

        Raises:
            DeadlineExceeded: No reply in time.
            RemoteError: The handler raised; its error is the cause.
            PeerLost: The agent or the bus stopped first.
            Rejected: It was never started: unknown agent or action, full mailbox, open circuit, full bulkhead, or
                it would have to wait for itself.
            ContractViolation: The handler returned nothing and did not defer, or the time-out is no
                sane number.
        """
        try:
            action = request.action
        except AttributeError:
            raise no_message(request) from None
        route = self._dispatch.routes.known.get((to, action)) or self._dispatch.routes.find(to, action)
        if self._life.state is not _RUNNING or get_running_loop() is not self._home.loop:
            self._life.check(action, to, from_outside=parent is None)
        check_body(request, self._options.max_body_bytes)
        now = self.now()
        if timeout is None and parent is None:
            deadline = now + self._default_timeout
        else:
            wanted = self._default_timeout if timeout is None else timeout
            deadline = shrink(now=now, timeout=wanted, parent=None if parent is None else parent.deadline, keep=keep)
        # A bus that has stopped refuses without the policy: a breaker would believe that the agent is ill.
        if route.guard is not None and self._life.state is not _STOPPED:
            kept: R = await route.guard.ask(errand((request, deadline, parent, "", None)), on_late)
            return kept
        waiter = self._dispatch.send(route, request, now, deadline, parent)
        # What follows is Waiter.reply(), without the price of one more coroutine.
        try:
            reply = await waiter.future
        except asyncio.CancelledError:
            waiter.give_up()
            raise
        if waiter.outcome is _REPLIED:
            return reply  # type: ignore[return-value]  # what Request[R] promises
        if on_late is not None and waiter.outcome is Outcome.EXPIRED:
            self._dispatch.dead.when_late(waiter.envelope.message_id, on_late)
        try:
            raise waiter.error()
        finally:
            waiter.value = None
            del waiter

    def ask_stream(
        self,
        to: str,
        request: StreamRequest[R],
        *,
        timeout: float | None = None,
        parent: Envelope | None = None,
        room: int = 16,
    ) -> Stream[R]:
        """Ask for a reply in pieces; see ``Stream``. Its policy's retry and breaker apply up to the first piece.

        Args:
            to: Name of the agent.
            request: The message; its type says what the pieces are.
            timeout: Seconds for the whole stream; the default of the options when None.
            parent: The envelope that is being handled, if this ask is made on its behalf.
            room: How many pieces may wait to be read before the handler is held.

        Raises:
            ContractViolation: The time-out or the room makes no sense, or the request is no data. Everything else
                that ``ask`` may raise is raised when the stream is read.
        """
        check_body(request, self._options.max_body_bytes)
        wanted = self._default_timeout if timeout is None else timeout
        deadline = shrink(now=self.now(), timeout=wanted, parent=None if parent is None else parent.deadline)
        return Stream(self, to, Errand(request, deadline, parent), room)

    async def try_to_stream(self, to: str, errand: Errand, once: Callable[[Errand, int], Any]) -> None:
        """Make the attempts that a policy allows until a stream has begun."""
        route = self._dispatch.routes.find(to, errand.request.action)
        if self._life.state is not _RUNNING or get_running_loop() is not self._home.loop:
            self._life.check(route.action, to, from_outside=errand.parent is None)
        if route.post is not None and route.action not in route.post.agent.streamed:
            raise ContractViolation(f"{to} does not stream {route.action}: use `ask`.")
        if route.guard is None or self._life.is_stopped:
            await once(errand, 1)
        else:
            await route.guard.stream(errand, once)

    def open_channel(self, to: str, errand: Errand, attempt: int, room: int) -> tuple[Waiter, Outlet]:
        """Send one attempt of a request whose reply is streamed."""
        request, deadline, parent, story, _ = errand
        route = self._dispatch.routes.find(to, request.action)
        more: dict[str, Any] = {"attempt": attempt, "story": story, "room": room}
        waiter = self._dispatch.send(route, request, self.now(), deadline, parent, **more)
        return waiter, self._dispatch.channel_for(route, waiter, room)

    def channel(self, request: Envelope) -> Inlet:
        """Return where the pieces of a streamed reply go.

        Raises:
            ContractViolation: It was not asked as a stream, or nobody reads it any more.
        """
        return self._dispatch.channels.inlet_of(request)

    def ask_from_thread(
        self, to: str, request: Request[R], *, timeout: float | None = None, parent: Envelope | None = None
    ) -> R:
        """Ask from a thread that is not the bus's own, and block it until there is an outcome.

        Raises:
            ContractViolation: The bus is not running, or this is the thread of its event loop, which would block.
            RequestFailed: As ``ask``.
        """
        loop = self._home.loop
        if loop is None or loop.is_closed() or self._life.is_stopped:
            raise ContractViolation("The bus is not running: start it before it is asked from a thread.")
        if self._home.is_here:
            raise ContractViolation("This is the thread of the event loop: use `await bus.ask(...)` here.")
        asking = partial(self.ask, to, request, timeout=timeout, parent=parent)
        with self._threads.waiting():
            return run_and_block(asking, loop, self._supervisor, partial(self._is_at, parent))

    def _is_at(self, parent: Envelope | None) -> bool:
        """Return whether a message is handled still, or if it is an ask, waited for."""
        return parent is None or parent.kind is Kind.TELL or self.answers.is_waiting(parent)

    async def on_thread(self, work: Callable[..., R], *args: object) -> R:
        """Call something that blocks on one of the bus's threads, and return what it does."""
        return await self._threads.run(work, *args)

    async def batch(self, context: Context, rules: BatchRules, handle: BatchHandler) -> ReplyToken[Any]:
        """Have the message that a context is about handled together with others; return its token."""
        to, action = context.envelope.to, context.envelope.action
        batching = self._batching.get((to, action))
        if batching is None:
            route = self._dispatch.routes.find(to, action)
            most = self._posts.by_name[to].agent.concurrency
            batching = Batching(route.name, rules, most, handle, self, self._supervisor, route.tally)
            self._batching[to, action] = batching
        return await batching.add(context)

    def invalidate(self, to: str, action: str) -> None:
        """Say that the replies kept for an action are out of date.

        They may still stand in, marked as stale, when nothing better can be had.
        """
        route = self._dispatch.routes.known.get((to, action))
        if route is not None and route.guard is not None:
            route.guard.invalidate()

    def breaker(self, to: str, action: str) -> Breaker | None:
        """Return an action's circuit breaker, to look at it or to force it; None if its policy has none.

        ::

            bus.breaker("haystack_pipeline", "retrieve_documents").force_open(bus.now())
        """
        guard = self._dispatch.routes.find(to, action).guard
        return None if guard is None else guard.breaker

    def tell(self, to: str, message: Message, *, parent: Envelope | None = None) -> None:
        """Send a message that wants no reply, from any thread. One that cannot be delivered becomes a dead letter."""
        if self._life.state is State.NEW:
            raise ContractViolation("The bus is not running: use it as `async with bus:`.")
        check_body(message, self._options.max_body_bytes)
        if self._home.is_here or self._home.is_closed:
            self._dispatch.tell(to, message, parent)
        else:
            self._home.soon(self._dispatch.tell, to, message, parent)

    def publish(self, message: Message, *, parent: Envelope | None = None) -> int:
        """Send a message to every agent that ``hears`` it, but not back to its sender, and to who subscribed.

        Over a network every node hears it, and so does each replica of an agent: work to be done once is asked for,
        or told. A thread that is not the bus's own is blocked until that has been done.

        Returns:
            To how many it went here.
        """
        loop = self._home.loop
        if self._life.state is State.NEW or loop is None:
            raise ContractViolation("The bus is not running: use it as `async with bus:`.")
        check_body(message, self._options.max_body_bytes)
        if self._home.is_here or loop.is_closed():
            return self._dispatch.publish(message, parent)

        async def publishing() -> int:
            return self._dispatch.publish(message, parent)

        return run_and_block(publishing, loop, self._supervisor, lambda: True)

    def publish_elsewhere(self, message: Message, *, parent: Envelope | None = None) -> None:
        """Publish a message on all other nodes, and not here; on the loop alone, once the bus runs."""
        self._dispatch.publish_elsewhere(message, parent)

    def subscribe(self, kind: type[M], *, limit: int = 100) -> Subscription[M]:
        """Return what is published of one kind of message from now on; see ``Subscription``.

        Args:
            kind: The class of the messages.
            limit: How many may wait to be read before the oldest is dropped.

        Raises:
            ContractViolation: The limit is below 1.
        """
        return self._dispatch.subscriptions.add(kind, limit)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Return the latest dead letters, oldest first."""
        return self._dispatch.dead.latest()

    def _peer_lost(self, name: str, why: str, queued: list[Envelope]) -> None:
        self._dispatch.routes.lead_to(name)
        for key in [key for key in self._batching if key[0] == name]:
            self._batching.pop(key).stop()
        self._dispatch.outstanding.take_in(PeerGone(self.now(), name, why))
        self._dispatch.drop(queued)

    # -------------------------------------------------------------- looking

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Have ``observer`` called with each event from now on; return what ends that."""
        self._dispatch.outstanding.settled = self._dispatch.note_end
        return self.audience.admit(observer)

    def waits(self) -> tuple[Wait, ...]:
        """Return who waits for whom right now, the oldest first."""
        return who_waits(self._dispatch.outstanding.waiters, self._dispatch.is_queued)

    def statistics(self) -> BusStatistics:
        """Return a frozen snapshot of what the bus has done and is doing."""
        actions = self._dispatch.routes.statistics()
        outcomes: Counter[Outcome] = Counter()
        for action in actions.values():
            outcomes.update(action.outcomes)
        return BusStatistics(
            asked=sum(action.asked for action in actions.values()),
            outcomes=MappingProxyType(outcomes),
            pending=len(self._dispatch.outstanding),
            pending_bytes=sum(size_of(waiter.envelope.body) for waiter in self._dispatch.outstanding.waiters),
            dead_letters=MappingProxyType(dict(self._dispatch.dead.counts)),
            contract_violations=self.answers.violations,
            agents=MappingProxyType({post.agent.name: post.statistics() for post in self._posts}),
            actions=MappingProxyType(actions),
            breakers=MappingProxyType({key: a.breaker for key, a in actions.items() if a.breaker is not None}),
            tasks=len(self._supervisor) - sum(post.stands_by for post in self._posts),
            unreadable=0 if self._dispatch.node is None else self._dispatch.node.unreadable,
            loop_lag=0.0 if self._watchdog is None else self._watchdog.longest,
        )
