"""The bus: carries requests to agents and outcomes back, and performs what the pure machines decide.

An ask becomes an envelope, waits in ``PendingRequests``, goes through the receiver's ``Mailbox`` and is
handled in a task of its own. The asker holds a future that only the pending machine's ``Settle`` resolves,
so a request has one outcome whatever the handler, the clock and the asker do at the same time.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections import Counter, deque
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast

from fablewright.errors import (
    Cancelled,
    ContractViolation,
    DeadlineExceeded,
    FablewrightError,
    PeerLost,
    Rejected,
    RemoteError,
    RequestFailed,
    UnknownRecipient,
)
from fablewright.protocol.breaker import Breaker, Verdict
from fablewright.protocol.dead_letter import DeadLetter, Reason
from fablewright.protocol.envelope import Envelope, Kind, shrink
from fablewright.protocol.mailbox import Mailbox
from fablewright.protocol.pending import (
    Asked,
    Ended,
    Fact,
    Outcome,
    PendingRequests,
    Settle,
    Stopped,
    Tick,
    Withdraw,
)
from fablewright.runtime.clock import Clock, LoopClock
from fablewright.runtime.context import Context, ReplyToken
from fablewright.runtime.policies import BusOptions, Policy, verdict_of
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


class _Post:
    """One registered agent: its mailbox and its running handlers."""

    __slots__ = ("agent", "mailbox", "running")

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.mailbox = Mailbox(agent.name, agent.mailbox_capacity)
        self.running: dict[str, asyncio.Task[None]] = {}


class Bus:
    """Agents that ask each other, in one process and one event loop.

    ::

        async with Bus() as bus:
            bus.register(Dice())
            rolled = await bus.ask("dice", Roll("2d6+3"), timeout=1.0)

    Args:
        options: See ``BusOptions``.
        clock: Where the time comes from; the running loop's clock by default.
        node: Prefix of the message ids; random by default, so that ids of two processes never meet.
    """

    def __init__(
        self, options: BusOptions | None = None, *, clock: Clock | None = None, node: str | None = None
    ) -> None:
        self._options = options or BusOptions()
        self._clock = clock or LoopClock()
        self._node = node or secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._pending = PendingRequests()
        self._waiters: dict[str, asyncio.Future[tuple[Outcome, object]]] = {}
        self._posts: dict[str, _Post] = {}
        self._breakers = {
            key: Breaker(".".join(key), threshold=policy.breaker_threshold, reset_time=policy.breaker_reset_time)
            for key, policy in self._options.policies.items()
            if policy.breaker_threshold is not None
        }
        self._supervisor = Supervisor()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._dead: deque[DeadLetter] = deque(maxlen=self._options.dead_letters)
        self._dead_counts: Counter[Reason] = Counter()
        self._violations = 0

    def __repr__(self) -> str:
        return f"<Bus {self._node} agents={sorted(self._posts)} pending={len(self._pending)}>"

    # -------------------------------------------------------------- life

    def register(self, agent: Agent) -> None:
        """Make an agent reachable under its name, from the next ``start`` on.

        Raises:
            ContractViolation: The name is taken, or the bus runs already.
        """
        if self._loop is not None:
            raise ContractViolation(f"Register {agent.name} before the bus starts.")
        if agent.name in self._posts:
            raise ContractViolation(f"There is an agent named {agent.name} already.")
        self._posts[agent.name] = _Post(agent)

    async def start(self) -> None:
        """Start every agent. If one cannot start, those that did are stopped again."""
        self._loop = asyncio.get_running_loop()
        try:
            for name, post in self._posts.items():
                await post.agent.on_start(partial(self._supervisor.start, name=f"{name} background"))
        except BaseException:
            await self.stop()
            raise

    async def stop(self, *, drain: float = 0.0) -> None:
        """Answer every waiter, end every task, stop every agent.

        Args:
            drain: Seconds to let what is under way finish first.
        """
        if drain > 0 and self._waiters:
            await asyncio.wait(list(self._waiters.values()), timeout=drain)
        self._apply(Stopped(self._clock.now(), "the bus stopped"))
        for post in self._posts.values():
            post.mailbox.clear()
        await self._supervisor.stop()
        for post in self._posts.values():
            try:
                await post.agent.on_stop()
            except Exception:  # noqa: BLE001 - one agent's bad end must not keep the others from theirs
                _log.exception("%s failed to stop cleanly", post.agent.name)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -------------------------------------------------------------- asking

    def now(self) -> float:
        """Return the bus's time in seconds."""
        return self._clock.now()

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
        policy = self._options.policies.get((to, request.action), Policy())
        breaker = self._breakers.get((to, request.action))
        deadline = shrink(
            now=self.now(),
            timeout=self._options.default_timeout if timeout is None else timeout,
            parent=parent.deadline if parent is not None else None,
            keep=keep,
        )
        attempt = 1
        while True:
            permit = breaker.admit(self.now()) if breaker is not None else None
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
                return cast("R", reply)
            finally:
                if breaker is not None and permit is not None:
                    breaker.report(permit, verdict, self.now())
            await asyncio.sleep(delay)
            attempt += 1

    def tell(self, to: str, message: Message, *, parent: Envelope | None = None) -> None:
        """Send a message that wants no reply. One that cannot be delivered becomes a dead letter."""
        envelope = self._envelope(Kind.TELL, to, message, deadline=None, parent=parent, attempt=1)
        try:
            self._deliver(envelope)
        except Rejected as error:
            _log.warning("Could not deliver %s to %s: %s", message.action, to, error)
            self._bury(DeadLetter(envelope.message_id, Reason.UNDELIVERABLE, self.now(), message))

    async def _attempt(
        self, to: str, request: Request[R], deadline: float, parent: Envelope | None, attempt: int
    ) -> object:
        if self._loop is None:
            raise ContractViolation("The bus is not running: use it as `async with bus:`.")
        envelope = self._envelope(Kind.ASK, to, request, deadline=deadline, parent=parent, attempt=attempt)
        message_id = envelope.message_id
        waiter = self._loop.create_future()
        self._waiters[message_id] = waiter
        self._asked += 1
        self._apply(Asked(self.now(), message_id, to, deadline))
        if message_id in self._pending:
            try:
                self._deliver(envelope)
            except Rejected as error:
                self._apply(Ended(self.now(), message_id, Outcome.REJECTED, error))
        try:
            outcome, value = await waiter
        except asyncio.CancelledError:
            self._waiters.pop(message_id, None)
            self._apply(Ended(self.now(), message_id, Outcome.CANCELLED))
            raise
        if outcome is Outcome.REPLIED:
            return value
        raise _error(outcome, value, envelope)

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
            Rejected: There is no such agent or action, or no room.
        """
        post = self._posts.get(envelope.to)
        where = {"to": envelope.to, "action": envelope.action, "message_id": envelope.message_id}
        if post is None:
            known = ", ".join(sorted(self._posts)) or "none"
            raise UnknownRecipient(f"There is no agent named {envelope.to}; there are: {known}.", **where)
        if envelope.action not in post.agent.handlers:
            known = ", ".join(sorted(post.agent.handlers)) or "nothing"
            raise UnknownRecipient(f"{envelope.to} cannot {envelope.action}; it can: {known}.", **where)
        post.mailbox.put(envelope)
        self._pump(post)

    def _pump(self, post: _Post) -> None:
        """Start handlers for what waits, as far as the agent's concurrency allows."""
        while len(post.running) < post.agent.concurrency:
            envelope, expired = post.mailbox.take(self.now())
            for late in expired:
                self._bury(DeadLetter(late.message_id, Reason.EXPIRED, self.now(), late.body))
            if envelope is None:
                return
            message_id = envelope.message_id
            post.running[message_id] = self._supervisor.start(
                self._handle(post, envelope),
                name=f"{envelope.to}.{envelope.action} {message_id}",
                on_end=partial(self._handler_ended, post, message_id),
            )

    def _handler_ended(self, post: _Post, message_id: str) -> None:
        del post.running[message_id]
        self._pump(post)

    async def _handle(self, post: _Post, envelope: Envelope) -> None:
        context = Context(self, envelope)
        try:
            reply = await post.agent.handlers[envelope.action](post.agent, envelope.body, context)
        except asyncio.CancelledError:
            # Withdrawn by its asker (then this settles nothing), or the handler cancelled itself.
            lost = f"{envelope.to} gave up on {envelope.action}"
            self._apply(Ended(self.now(), envelope.message_id, Outcome.PEER_LOST, lost))
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its asker's to know
            self.refuse(envelope, error)
            return
        asked = envelope.kind is Kind.ASK
        if asked and not context.deferred and reply is not None:
            self.answer(envelope, reply)
        elif asked and not context.deferred:
            self._violated(envelope, "returned nothing and did not defer")
        elif reply is not None and not isinstance(reply, ReplyToken):
            self._violated(envelope, "deferred and returned a reply as well" if asked else "answered a tell")

    def answer(self, request: Envelope, reply: object) -> None:
        """Take the reply to a request; used by handlers' contexts and tokens."""
        self._apply(Ended(self.now(), request.message_id, Outcome.REPLIED, reply))

    def refuse(self, request: Envelope, error: Exception) -> None:
        """Take the error that a request ended with; used by handlers' contexts and tokens."""
        if request.kind is Kind.TELL:
            _log.error("%s failed on %s: %r", request.to, request.action, error, exc_info=error)
        else:
            _log.debug("%s failed on %s (%s)", request.to, request.action, request.message_id, exc_info=error)
            self._apply(Ended(self.now(), request.message_id, Outcome.FAILED, error))

    def token_dropped(self, request: Envelope) -> None:
        """Settle a request whose reply token is gone; may be called by the collector, from any thread."""
        if self._loop is None or self._loop.is_closed():
            return
        reason = f"{request.to} dropped its reply token for {request.action}"
        self._loop.call_soon_threadsafe(
            lambda: self._apply(Ended(self.now(), request.message_id, Outcome.PEER_LOST, reason))
        )

    def _violated(self, envelope: Envelope, what: str) -> None:
        self._violations += 1
        error = ContractViolation(f"The handler of {envelope.action} in {envelope.to} {what}.")
        _log.error("%s (message %s)", error, envelope.message_id)
        self.refuse(envelope, error)

    # -------------------------------------------------------------- effects

    def _apply(self, fact: Fact) -> None:
        """Let the pending machine decide, and do what it says."""
        for effect in self._pending.handle(fact):
            match effect:
                case Settle():
                    self._outcomes[effect.outcome] += 1
                    waiter = self._waiters.pop(effect.message_id, None)
                    if waiter is not None and not waiter.done():
                        waiter.set_result((effect.outcome, effect.value))
                case Withdraw():
                    self._withdraw(effect)
                case DeadLetter():
                    self._bury(effect)
        self._arm()

    def _withdraw(self, effect: Withdraw) -> None:
        post = self._posts.get(effect.to)
        if post is None or post.mailbox.withdraw(effect.message_id):
            return
        task = post.running.get(effect.message_id)
        if task is not None:
            task.cancel()

    def _bury(self, letter: DeadLetter) -> None:
        self._dead.append(letter)
        self._dead_counts[letter.reason] += 1
        _log.info("Dead letter: %s (%s)", letter.message_id, letter.reason.value)

    def _arm(self) -> None:
        """Keep one timer for all deadlines, set to the earliest; one that fires too early arms the next."""
        due = self._pending.next_deadline()
        if due is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._timer is None or self._timer.when() > due:
            if self._timer is not None:
                self._timer.cancel()
            assert self._loop is not None  # noqa: S101 - nothing is pending before the bus runs
            self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._apply(Tick(self.now()))

    # -------------------------------------------------------------- looking

    def statistics(self) -> BusStatistics:
        """Return a frozen snapshot of what the bus has done and is doing."""
        return BusStatistics(
            asked=self._asked,
            outcomes=MappingProxyType(dict(self._outcomes)),
            pending=len(self._pending),
            dead_letters=MappingProxyType(dict(self._dead_counts)),
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
        return tuple(self._dead)


def _error(outcome: Outcome, value: object, envelope: Envelope) -> FablewrightError:
    """Return what the asker is to be told about an outcome that is no reply."""
    to, action, message_id = envelope.to, envelope.action, envelope.message_id
    if isinstance(value, ContractViolation) or (outcome is Outcome.REJECTED and isinstance(value, Rejected)):
        return value
    if outcome is Outcome.FAILED and isinstance(value, Exception):
        error = RemoteError(f"{to} failed on {action}: {_said(value)}", to=to, action=action, message_id=message_id)
        error.__cause__ = value
        return error
    kind, reason = _REASONS[outcome]
    detail = value if isinstance(value, str) else reason.format(to=to, action=action)
    return kind(f"{detail[:1].upper()}{detail[1:]}.", to=to, action=action, message_id=message_id)


_REASONS: dict[Outcome, tuple[type[RequestFailed], str]] = {
    Outcome.FAILED: (RemoteError, "{to} failed on {action}"),
    Outcome.EXPIRED: (DeadlineExceeded, "{to} did not answer {action} in time"),
    Outcome.CANCELLED: (Cancelled, "{action} was withdrawn before {to} answered"),
    Outcome.REJECTED: (Rejected, "{to} does not take {action} any more: the bus has stopped"),
    Outcome.PEER_LOST: (PeerLost, "{to} was lost before it answered {action}"),
}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
