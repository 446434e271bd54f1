"""The bus: carries requests to agents and outcomes back, and performs what the pure machines decide.

An ask becomes an envelope, waits in ``PendingRequests``, goes through the receiver's ``Mailbox`` and is
handled in a task of its own. The asker holds a future that only the pending machine's ``Settle`` resolves,
so a request has one outcome whatever the handler, the clock and the asker do at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import itertools
import logging
import secrets
import threading
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from fablewright.errors import (
    CircuitOpen,
    ContractViolation,
    FablewrightError,
    Rejected,
    UnknownRecipient,
)
from fablewright.protocol.breaker import Breaker, Permit, Verdict
from fablewright.protocol.dead_letter import DeadLetter, Reason
from fablewright.protocol.envelope import Envelope, Kind, shrink
from fablewright.protocol.pending import (
    Asked,
    Ended,
    Outcome,
    Stopped,
    Withdraw,
)
from fablewright.runtime.context import Context, ReplyToken
from fablewright.runtime.failure import BrokenContract, failure
from fablewright.runtime.outstanding import Outstanding
from fablewright.runtime.policies import BusOptions, Policy, verdict_of
from fablewright.runtime.post import Post
from fablewright.runtime.statistics import AgentStatistics, BusStatistics
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from fablewright.protocol.message import Message, Request
    from fablewright.runtime.agent import Agent

__all__ = ["Bus"]

_log = logging.getLogger(__name__)

R = TypeVar("R")

_ASKED_ONCE = Policy()


class _State(enum.Enum):
    """The life of a bus: each state is entered once, in this order."""

    NEW = "new"
    STARTING = "starting"  # messages are taken, and wait in the mailboxes until every agent has started
    RUNNING = "running"
    DRAINING = "draining"  # what is under way may go on asking; nothing new comes in
    STOPPED = "stopped"


class Bus:
    """Agents that ask each other, in one process and one event loop.

    ::

        async with Bus() as bus:
            bus.register(Dice())
            rolled = await bus.ask("dice", Roll("2d6+3"), timeout=1.0)

    A bus is started once and stopped once; its time is that of the event loop it was started on.

    Args:
        options: See ``BusOptions``.
        node: Prefix of the message ids; random by default, so that ids of two processes never meet.
    """

    def __init__(self, options: BusOptions | None = None, *, node: str | None = None) -> None:
        self._options = options or BusOptions()
        self._node = node or secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._outstanding = Outstanding(self._withdraw, keep_dead=self._options.dead_letters)
        self._posts: dict[str, Post] = {}
        self._breakers = {
            key: Breaker(".".join(key), threshold=policy.breaker_threshold, reset_time=policy.breaker_reset_time)
            for key, policy in self._options.policies.items()
            if policy.breaker_threshold is not None
        }
        self._supervisor = Supervisor()
        self._state = _State.NEW
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._asking = 0  # asks under way, those included that sleep between two attempts
        self._quiet = asyncio.Event()
        self._violations = 0

    def __repr__(self) -> str:
        return f"<Bus {self._node} {self._state.value} agents={sorted(self._posts)} pending={len(self._outstanding)}>"

    # -------------------------------------------------------------- life

    def register(self, agent: Agent) -> None:
        """Make an agent reachable under its name, from the start of the bus on.

        Raises:
            ContractViolation: The name is taken, the bus has started already, or the agent can run no handler.
        """
        if self._state is not _State.NEW:
            raise ContractViolation(f"Register {agent.name} before the bus starts.")
        if agent.name in self._posts:
            raise ContractViolation(f"There is an agent named {agent.name} already.")
        if agent.concurrency < 1:
            raise ContractViolation(f"{agent.name} must be able to run at least 1 handler, not {agent.concurrency}.")
        self._posts[agent.name] = Post(agent)

    async def start(self) -> None:
        """Start every agent; no handler runs before all have started.

        If one cannot start, those that did are stopped again, and its error is raised.

        Raises:
            ContractViolation: The bus was started before.
        """
        if self._state is not _State.NEW:
            raise ContractViolation("A bus is started once; make a new one.")
        self._state = _State.STARTING
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        try:
            for name, post in self._posts.items():
                await post.agent.on_start(partial(self._supervisor.start, name=f"{name} background"))
                post.started = True
        except BaseException:
            await self.stop()
            raise
        self._state = _State.RUNNING
        for post in self._posts.values():
            self._pump(post)

    async def stop(self, *, drain: float = 0.0) -> None:
        """Answer every waiter, end every task, stop every agent that started. Stopping twice is harmless.

        Args:
            drain: Seconds to let what is under way finish first.
        """
        if self._state in {_State.NEW, _State.DRAINING, _State.STOPPED}:
            return
        self._state = _State.DRAINING
        try:
            self._note_quiet()
            if drain > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(drain):
                        await self._quiet.wait()
        finally:
            await self._tear_down()

    async def _tear_down(self) -> None:
        self._state = _State.STOPPED
        self._outstanding.take_in(Stopped(self.now(), "the bus stopped"))
        for post in self._posts.values():
            for envelope in post.mailbox.clear():
                if envelope.kind is Kind.TELL:  # an ask has its outcome already
                    self._outstanding.bury(
                        DeadLetter(envelope.message_id, Reason.UNDELIVERABLE, self.now(), envelope.body)
                    )
        await self._supervisor.stop()
        for post in self._posts.values():
            if post.started:
                try:
                    await post.agent.on_stop()
                except Exception:  # noqa: BLE001 - one agent's bad end must not keep the others from theirs
                    _log.exception("%s failed to stop cleanly", post.agent.name)

    def _note_quiet(self) -> None:
        if self._state is not _State.DRAINING:
            return
        if not self._asking and not any(post.running or len(post.mailbox) for post in self._posts.values()):
            self._quiet.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -------------------------------------------------------------- asking

    def now(self) -> float:
        """Return the time in seconds, of the event loop that the bus runs on."""
        return (self._loop or asyncio.get_running_loop()).time()

    async def ask(
        self,
        to: str,
        request: Request[R],
        *,
        timeout: float | None = None,
        parent: Envelope | None = None,
        keep: float = 0.0,
    ) -> R:
        """Send a request and return its reply.

        Args:
            to: Name of the agent.
            request: The message; its type says what the reply is.
            timeout: Seconds for everything, retries included; the default of the options when None.
            parent: The envelope that is being handled, if this ask is made on its behalf.
            keep: Seconds of the parent's time to leave unused.

        Raises:
            DeadlineExceeded: No reply in time.
            RemoteError: The handler raised; its error is the cause.
            PeerLost: The agent or the bus stopped first.
            Rejected: It was never started: unknown agent or action, full mailbox, open circuit.
            ContractViolation: The handler returned nothing and did not defer, or the time-out is no
                sane number.
        """
        if self._state is _State.NEW:
            raise ContractViolation("The bus is not running: use it as `async with bus:`.")
        if self._state is _State.DRAINING and parent is None:
            raise Rejected(f"The bus is stopping and takes no new {request.action}.", to=to, action=request.action)
        deadline = shrink(
            now=self.now(),
            timeout=self._options.default_timeout if timeout is None else timeout,
            parent=parent.deadline if parent is not None else None,
            keep=keep,
        )
        self._asking += 1
        try:
            return cast("R", await self._ask(to, request, deadline, parent))
        finally:
            self._asking -= 1
            self._note_quiet()

    async def _ask(self, to: str, request: Request[R], deadline: float, parent: Envelope | None) -> object:
        """Ask as often as the policy allows, by the deadline."""
        policy = self._options.policies.get((to, request.action), _ASKED_ONCE)
        breaker = self._breakers.get((to, request.action))
        attempt = 1
        while True:
            permit = self._admit(breaker, to, request)
            verdict = Verdict.NEUTRAL  # what a cancelled call says
            try:
                reply = await self._attempt(to, request, deadline, parent, attempt)
            except FablewrightError as error:
                verdict = verdict_of(error)
                delay = policy.retry_delay(attempt, error, self._options.draw())
                if delay is None or not request.idempotent or self.now() + delay >= deadline:
                    raise
            else:
                verdict = Verdict.SUCCESS
                return reply
            finally:
                if breaker is not None and permit is not None:
                    breaker.report(permit, verdict, self.now())
            await asyncio.sleep(delay)
            attempt += 1

    def _admit(self, breaker: Breaker | None, to: str, request: Request[R]) -> Permit | None:
        if breaker is None:
            return None
        try:
            return breaker.admit(self.now())
        except CircuitOpen as refused:
            raise CircuitOpen(str(refused), to=to, action=request.action) from None

    def tell(self, to: str, message: Message, *, parent: Envelope | None = None) -> None:
        """Send a message that wants no reply. One that cannot be delivered becomes a dead letter."""
        if self._state is _State.NEW:
            raise ContractViolation("The bus is not running: use it as `async with bus:`.")
        envelope = self._envelope(Kind.TELL, to, message, deadline=None, parent=parent, attempt=1)
        try:
            self._deliver(envelope)
        except Rejected as error:
            _log.warning("Could not deliver %s to %s: %s", message.action, to, error)
            self._bury(envelope, Reason.UNDELIVERABLE)

    async def _attempt(
        self, to: str, request: Request[R], deadline: float, parent: Envelope | None, attempt: int
    ) -> object:
        envelope = self._envelope(Kind.ASK, to, request, deadline=deadline, parent=parent, attempt=attempt)
        message_id = envelope.message_id
        waiter = self._outstanding.open(Asked(self.now(), message_id, to, deadline))
        if message_id in self._outstanding:
            try:
                self._deliver(envelope)
            except Rejected as error:
                self._outstanding.take_in(Ended(self.now(), message_id, Outcome.REJECTED, error))
        try:
            outcome, value = await waiter.future
        except asyncio.CancelledError:
            self._outstanding.take_in(Ended(self.now(), message_id, Outcome.CANCELLED))
            raise
        if outcome is Outcome.REPLIED:
            return value
        try:
            raise failure(outcome, value, envelope, handled=waiter.handled)
        finally:
            # The error's traceback holds this frame; a frame that held the error would make a cycle of the two.
            del value, waiter

    def _envelope(
        self,
        kind: Kind,
        to: str,
        message: Message,
        *,
        deadline: float | None,
        parent: Envelope | None,
        attempt: int,
    ) -> Envelope:
        message_id = f"{self._node}-{next(self._numbers)}"
        return Envelope(
            message_id=message_id,
            kind=kind,
            sender=parent.to if parent is not None else "",
            to=to,
            action=message.action,
            body=message,
            correlation_id=parent.correlation_id if parent is not None else message_id,
            causation_id=parent.message_id if parent is not None else None,
            reply_to=self._node if kind is Kind.ASK else None,
            deadline=deadline,
            attempt=attempt,
            traceparent=parent.traceparent if parent is not None else None,
        )

    # -------------------------------------------------------------- handling

    def _deliver(self, envelope: Envelope) -> None:
        """Put an envelope into its receiver's mailbox.

        Raises:
            Rejected: There is no such agent or action, no room, or the bus has stopped.
        """
        post = self._posts.get(envelope.to)
        where = {"to": envelope.to, "action": envelope.action, "message_id": envelope.message_id}
        if self._state is _State.STOPPED:
            raise Rejected(f"The bus has stopped; {envelope.to} takes nothing any more.", **where)
        if post is None:
            known = ", ".join(sorted(self._posts)) or "none"
            raise UnknownRecipient(f"There is no agent named {envelope.to}; there are: {known}.", **where)
        if envelope.action not in post.agent.handlers:
            known = ", ".join(sorted(post.agent.handlers)) or "nothing"
            raise UnknownRecipient(f"{envelope.to} cannot {envelope.action}; it can: {known}.", **where)
        post.mailbox.put(envelope)
        self._pump(post)

    def _pump(self, post: Post) -> None:
        """Start handlers for what waits, as far as the agent's concurrency allows."""
        if self._state not in {_State.RUNNING, _State.DRAINING}:
            return
        while len(post.running) < post.agent.concurrency:
            envelope, expired = post.mailbox.take(self.now())
            for late in expired:
                self._bury(late, Reason.EXPIRED)
            if envelope is None:
                return
            message_id = envelope.message_id
            self._outstanding.handled(message_id)
            post.running[message_id] = self._supervisor.start(
                self._handle(post, envelope),
                name=f"{envelope.to}.{envelope.action} {message_id}",
                on_end=partial(self._handler_ended, post, message_id),
            )

    def _handler_ended(self, post: Post, message_id: str) -> None:
        del post.running[message_id]
        self._pump(post)
        self._note_quiet()

    async def _handle(self, post: Post, envelope: Envelope) -> None:
        context = Context(self, envelope)
        try:
            reply = await post.agent.handlers[envelope.action](post.agent, envelope.body, context)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its asker's to know
            self.refuse(envelope, error)
            return
        except BaseException:
            # Withdrawn by its asker (then this settles nothing), cancelled by itself, or the program is ending.
            lost = f"{envelope.to} gave up on {envelope.action}"
            self._outstanding.take_in(Ended(self.now(), envelope.message_id, Outcome.PEER_LOST, lost))
            raise
        asked = envelope.kind is Kind.ASK
        if isinstance(reply, ReplyToken) and not context.gave(reply):
            self._violated(envelope, "returned a reply token that is not its own")
        elif asked and not context.deferred and reply is not None:
            self.answer(envelope, reply)
        elif asked and not context.deferred:
            self._violated(envelope, "returned nothing and did not defer")
        elif reply is not None and not isinstance(reply, ReplyToken):
            self._violated(envelope, "deferred and returned a reply as well" if asked else "answered a tell")

    def is_waiting(self, request: Envelope) -> bool:
        """Return whether somebody still waits for the answer to a request."""
        return request.message_id in self._outstanding

    def answer(self, request: Envelope, reply: object) -> None:
        """Take the reply to a request, from any thread; used by handlers and tokens."""
        self._end(request, Outcome.REPLIED, reply)

    def refuse(self, request: Envelope, error: Exception) -> None:
        """Take the error that a request ended with, from any thread; used by handlers and tokens."""
        if request.kind is Kind.TELL:
            _log.error("%s failed on %s: %r", request.to, request.action, error, exc_info=error)
        else:
            _log.debug("%s failed on %s (%s)", request.to, request.action, request.message_id, exc_info=error)
            self._end(request, Outcome.FAILED, error)

    def token_dropped(self, request: Envelope) -> None:
        """Settle a request whose reply token is gone; called by the collector, from any thread, at any time."""
        self._end(request, Outcome.PEER_LOST, f"{request.to} dropped its reply token for {request.action}", later=True)

    def _end(self, request: Envelope, outcome: Outcome, value: object, *, later: bool = False) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        if later or threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(lambda: self._end(request, outcome, value))
        else:
            self._outstanding.take_in(Ended(self.now(), request.message_id, outcome, value))

    def _violated(self, envelope: Envelope, what: str) -> None:
        self._violations += 1
        broken = BrokenContract(f"The handler of {envelope.action} in {envelope.to} {what}.")
        _log.error("%s (message %s)", broken.text, envelope.message_id)
        if envelope.kind is Kind.ASK:
            self._end(envelope, Outcome.FAILED, broken)

    def _bury(self, envelope: Envelope, reason: Reason) -> None:
        self._outstanding.bury(DeadLetter(envelope.message_id, reason, self.now(), envelope.body))

    def _withdraw(self, withdrawn: Withdraw) -> None:
        """Nobody waits any more: take the request out of its mailbox, or stop its handler."""
        post = self._posts.get(withdrawn.to)
        if post is None or post.mailbox.withdraw(withdrawn.message_id):
            return
        task = post.running.get(withdrawn.message_id)
        if task is not None:
            task.cancel()

    # -------------------------------------------------------------- looking

    def statistics(self) -> BusStatistics:
        """Return a frozen snapshot of what the bus has done and is doing."""
        return BusStatistics(
            asked=self._outstanding.asked,
            outcomes=MappingProxyType(dict(self._outstanding.outcomes)),
            pending=len(self._outstanding),
            dead_letters=MappingProxyType(dict(self._outstanding.dead_counts)),
            contract_violations=self._violations,
            agents=MappingProxyType(
                {
                    name: AgentStatistics(waiting=len(post.mailbox), running=len(post.running))
                    for name, post in self._posts.items()
                }
            ),
            breakers=MappingProxyType({key: breaker.state for key, breaker in self._breakers.items()}),
            tasks=len(self._supervisor),
        )

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Return the latest dead letters, oldest first."""
        return tuple(self._outstanding.dead)
