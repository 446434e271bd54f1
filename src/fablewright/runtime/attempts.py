"""The attempts of one request: retried within a budget, hedged, and none while the circuit is open.

In this order around each attempt: the retry decides whether there is one, the breaker whether it may go out,
the attempt time-out how long it gets of what is left.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from fablewright.errors import (
    CircuitOpen,
    ContractViolation,
    DeadlineExceeded,
    FablewrightError,
    InvalidInput,
    MailboxFull,
    PeerLost,
    RemoteError,
    RequestFailed,
    Unreachable,
)
from fablewright.protocol.breaker import Breaker, State, Verdict
from fablewright.protocol.pending import Outcome
from fablewright.protocol.retry import FailedAttempt, RetryBudget, RetryRules, hedge_delay, retry_delay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fablewright.protocol.breaker import Permit
    from fablewright.protocol.envelope import Envelope
    from fablewright.protocol.message import Request, StreamRequest
    from fablewright.runtime.audience import Audience
    from fablewright.runtime.errand import Errand
    from fablewright.runtime.events import What
    from fablewright.runtime.outstanding import Waiter
    from fablewright.runtime.policies import Policy
    from fablewright.runtime.route import Route

__all__ = ["Attempts", "Courier", "verdict_of"]

_NEVER = RetryRules(retries=0)


class Courier(Protocol):
    """What attempts need of their bus."""

    now: Callable[[], float]
    audience: Audience

    def send(  # noqa: D102, PLR0913 - see Dispatch.send
        self,
        route: Route,
        request: Request[Any] | StreamRequest[Any],
        now: float,
        deadline: float,
        parent: Envelope | None,
        *,
        attempt: int,
        linger: float,
        story: str,
    ) -> Waiter: ...
    def end(self, message_id: str, outcome: Outcome, value: object) -> None: ...  # noqa: D102 - see Dispatch
    def when_late(self, message_id: str, told: Callable[[Any], None]) -> None: ...  # noqa: D102 - see Dispatch


class Attempts:
    """How one action is tried.

    Args:
        bus: Sends what is to be sent.
        route: The action.
        policy: What was declared for it.
        draw: Source of random numbers in [0, 1), for the backoff.
        opened: Called when the circuit has opened.

    Attributes:
        breaker: The action's circuit breaker, if it has one.
        moves: How often it moved, by where to.
    """

    def __init__(
        self,
        bus: Courier,
        route: Route,
        policy: Policy,
        draw: Callable[[], float],
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        self._opened = opened
        self._bus = bus
        self._route = route
        self._policy = policy
        self._draw = draw
        self._retry = policy.retry or _NEVER
        self._budget = RetryBudget()
        self.moves: Counter[State] = Counter()
        self.breaker = None if policy.breaker is None else Breaker(f"{route.to}.{route.action}", policy.breaker)

    async def run(self, errand: Errand, once: Callable[[Errand, int], Awaitable[object]] | None = None) -> object:
        """Try until there is a reply, or no further attempt makes sense; return it or raise the last error.

        Args:
            errand: What is to be got.
            once: Makes one attempt, when it is not an ask.
        """
        attempt = 1
        before: RequestFailed | ContractViolation | None = None
        earlier = _Earlier(self._bus) if self._policy.linger else None
        try:
            while True:
                permit = self._admit(errand, before)
                verdict, cause, message_id = Verdict.NEUTRAL, "", ""  # what a cancelled call says
                try:
                    reply = await (self._ask(errand, attempt, earlier) if once is None else once(errand, attempt))
                except (RequestFailed, ContractViolation) as error:
                    verdict, cause = verdict_of(error), str(error)
                    message_id = getattr(error, "message_id", "")
                    delay = self._delay(attempt, error, errand)
                    if delay is None:
                        raise
                    before = error
                    if earlier is not None:
                        earlier.wait_for(error)
                else:
                    verdict = Verdict.SUCCESS
                    self._budget.succeeded()
                    return reply
                finally:
                    if self.breaker is not None and permit is not None:
                        self.breaker.report(permit, verdict, self._bus.now(), cause)
                        if self.breaker.has_moves:
                            self._note_moves(self.breaker, errand, message_id)
                await asyncio.sleep(delay)
                if earlier is not None and earlier.reply is not None:
                    return earlier.reply
                attempt += 1
                self._route.tally.retries += 1
                if isinstance(before, RequestFailed) and not errand.story:
                    errand = errand._replace(story=before.message_id)  # what has no parent began with its first attempt
                self.note("retried", cause, errand, message_id, attempt)
        finally:
            before = (
                None  # its traceback holds this frame; until a collector came, so would whatever else the frame holds
            )

    def _admit(self, errand: Errand, before: FablewrightError | None) -> Permit | None:
        if self.breaker is None:
            return None
        try:
            return self.breaker.admit(self._bus.now())
        except CircuitOpen as refused:
            if before is not None:
                raise before  # noqa: B904 - that it failed, and how, says more than that it is not tried again
            self.note("refused", str(refused), errand)
            raise CircuitOpen(str(refused), to=self._route.to, action=self._route.action) from None
        finally:
            del before
            if self.breaker.has_moves:
                self._note_moves(self.breaker, errand, "")

    def _note_moves(self, breaker: Breaker, errand: Errand, message_id: str) -> None:
        for moved in breaker.take_moves():
            self.moves[moved.after] += 1
            detail = f"{moved.before.value} → {moved.after.value} {moved.cause}".strip()
            self.note("breaker", detail, errand, message_id)
            if moved.after is State.OPEN:
                self._opened()

    def note(self, what: What, detail: str, errand: Errand, message_id: str = "", attempt: int = 1) -> None:
        """Tell those who look on what happened to an errand, and in whose story."""
        if not self._bus.audience.observers:
            return
        parent = errand.parent
        self._bus.audience.tell(
            what,
            to=self._route.to,
            action=self._route.action,
            message_id=message_id,
            correlation_id=errand.story or message_id if parent is None else parent.correlation_id,
            causation_id=None if parent is None else parent.message_id,
            sender="" if parent is None else parent.to,
            attempt=attempt,
            detail=detail,
        )

    def _delay(self, attempt: int, error: FablewrightError, errand: Errand) -> float | None:
        transient = _may_pass(error)
        if transient:
            self._budget.failed()
        failed = FailedAttempt(attempt, transient, errand.request.idempotent)
        now = self._bus.now()
        return retry_delay(self._retry, self._budget, failed, now=now, deadline=errand.deadline, draw=self._draw())

    # -------------------------------------------------------------- one attempt, or two side by side

    def _ask(self, errand: Errand, attempt: int, earlier: _Earlier | None) -> Awaitable[object]:
        waiter = self._send(errand, attempt)
        if earlier is not None:
            earlier.latest = waiter.envelope.message_id
        return self._hedged(waiter, errand, attempt) if self._policy.hedge else waiter.reply()

    async def _hedged(self, first: Waiter, errand: Errand, attempt: int) -> object:
        delay = self._hedge_delay(errand)
        if delay is None:
            return await first.reply()
        try:
            await asyncio.wait({first.future}, timeout=delay)
        except asyncio.CancelledError:
            first.give_up()
            raise
        if first.outcome is not None or not self._budget.spend():
            return await first.reply()
        self._route.tally.hedges += 1
        unanswered = first.envelope.message_id
        self.note("hedged", f"no answer to {unanswered} in {delay:.3f} s", errand, unanswered, attempt)
        return await _first_reply(first, self._send(errand, attempt))

    def _send(self, errand: Errand, attempt: int) -> Waiter:
        now = self._bus.now()
        own = self._policy.attempt_timeout
        waiter = self._bus.send(
            self._route,
            errand.request,
            now,
            errand.deadline if own is None else min(errand.deadline, now + own),
            errand.parent,
            attempt=attempt,
            linger=self._policy.linger,
            story=errand.story,
        )
        if errand.sent is not None:
            errand.sent.append(waiter.envelope.message_id)
        return waiter

    def _hedge_delay(self, errand: Errand) -> float | None:
        latency = self._route.tally.latency
        return hedge_delay(
            latency.quantile(0.95),
            latency.count,
            self._budget,
            idempotent=errand.request.idempotent,
            remaining=errand.deadline - self._bus.now(),
        )


class _Earlier:
    """Attempts that ran out of time while their work lingers: their replies serve the one that follows as well.

    Attributes:
        latest: Id of the attempt under way, or of the last one when all have ended; empty between two.
        reply: What came between two attempts.
    """

    __slots__ = ("_bus", "latest", "reply")

    def __init__(self, bus: Courier) -> None:
        self._bus = bus
        self.latest = ""
        self.reply: object = None

    def wait_for(self, error: FablewrightError) -> None:
        """Take the reply, late as it is, if this attempt failed for want of time."""
        self.latest = ""
        if isinstance(error, DeadlineExceeded):
            self._bus.when_late(error.message_id, self._take)

    def _take(self, reply: object) -> None:
        if self.latest:
            self._bus.end(self.latest, Outcome.REPLIED, reply)  # after the last attempt: a late reply to that one
        else:
            self.reply = reply


async def _first_reply(first: Waiter, second: Waiter) -> object:
    """Return the reply that comes first; the other attempt is given up. If one fails, wait for the other."""
    try:
        await asyncio.wait({first.future, second.future}, return_when=asyncio.FIRST_COMPLETED)
        sooner, later = (first, second) if first.outcome is not None else (second, first)
        if sooner.replied:
            return await sooner.reply()
        return await later.reply()
    finally:
        first.give_up()
        second.give_up()


def verdict_of(error: BaseException) -> Verdict:
    """Return what a failed call says about the health of the one that was called."""
    if _is_the_askers_fault(error) or (isinstance(error, DeadlineExceeded) and not error.started):
        return Verdict.NEUTRAL
    if isinstance(error, RemoteError | PeerLost | DeadlineExceeded | ContractViolation):
        return Verdict.FAILURE
    return Verdict.NEUTRAL


def _may_pass(error: FablewrightError) -> bool:
    """Return whether the next attempt may fare better."""
    passing = isinstance(error, RemoteError | PeerLost | MailboxFull | DeadlineExceeded | Unreachable)
    return passing and not _is_the_askers_fault(error)


def _is_the_askers_fault(error: BaseException) -> bool:
    """Return whether the handler refused what it was asked: asking again, or asking another, changes nothing."""
    return isinstance(error, RemoteError) and isinstance(error.__cause__, InvalidInput)
