"""Defects planted into the bus on purpose: the simulation must find each, so that its silence means something."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.protocol import envelope as envelopes
from fablewright.protocol.breaker import Breaker, Permit, State
from fablewright.protocol.mailbox import Mailbox
from fablewright.protocol.pending import Outcome, PendingRequests, Settle
from fablewright.protocol.retry import RetryBudget
from fablewright.runtime import attempts, bus
from fablewright.runtime.answers import Answers
from fablewright.runtime.arrivals import Arrivals
from fablewright.runtime.dispatch import Dispatch
from fablewright.runtime.line import Line
from fablewright.runtime.outstanding import Outstanding
from fablewright.runtime.post import Post
from fablewright.testing.scenario import generate
from fablewright.testing.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fablewright.testing.simulation import Run

SEEDS = range(64)
LONGEST = 5.0  # seconds of processor time


def first_violation(invariant: str) -> str:
    """Simulate one seed after the other until one breaks the invariant."""
    for run in runs():
        for violation in run.violations:
            if violation.startswith(f"{invariant} "):
                return violation
    return ""


def runs() -> Iterator[Run]:
    until = time.process_time() + LONGEST
    for seed in SEEDS:
        yield simulate(generate(seed, roots=150))
        if time.process_time() > until:
            return


# ------------------------------------------------------------------ the five defects of the system replaced


def all_agents_behind_one_lock(patch: pytest.MonkeyPatch) -> None:
    """The first: whoever waits for documents occupies the one thread that would deliver them."""
    at_work: list[Post] = []

    def is_full(post: Post) -> bool:
        at_work[:] = [other for other in post._desk._posts if other.running]  # type: ignore[attr-defined]  # the bus
        return bool(at_work)

    patch.setattr(Post, "is_full", property(is_full))


def a_late_reply_is_thrown_away(patch: pytest.MonkeyPatch) -> None:
    """The second: the documents arrive for an "unknown request", and that is all."""
    patch.setattr(PendingRequests, "_too_late", lambda pending, fact: [])


def nobody_can_tell_whether_it_was_answered(patch: pytest.MonkeyPatch) -> None:
    """The third: a handler returns nothing, and the framework thinks nothing of it."""
    honest = Answers.violated

    def violated(self: Answers, envelope: Any, what: str) -> None:
        if "nothing" not in what:
            honest(self, envelope, what)

    patch.setattr(Answers, "violated", violated)


def pending_requests_leak(patch: pytest.MonkeyPatch) -> None:
    """The fourth: what expires is to be cleaned up elsewhere, some day."""
    patch.setattr(Outstanding, "_on_timer", lambda outstanding: None)


def a_failing_dependency_is_asked_again_and_again(patch: pytest.MonkeyPatch) -> None:
    """The fifth: the breaker counts, and lets everybody through."""
    patch.setattr(Breaker, "admit", lambda breaker, now: Permit(breaker._generation, 0, now))


# ------------------------------------------------------------------ others


def settled_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        PendingRequests, "_too_late", lambda pending, fact: [Settle(fact.message_id, fact.outcome, fact.value)]
    )


def withdrawals_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Post, "withdraw", lambda post, message_id, **_: None)


def started_after_the_deadline(patch: pytest.MonkeyPatch) -> None:
    honest = Mailbox.take
    patch.setattr(Mailbox, "take", lambda mailbox, now: honest(mailbox, -1.0))
    patch.setattr(Mailbox, "withdraw", lambda mailbox, message_id: False)


def a_request_that_is_not_idempotent_is_retried(patch: pytest.MonkeyPatch) -> None:
    honest = attempts.retry_delay

    def always(rules: Any, budget: Any, failed: Any, **times: float) -> float | None:
        return honest(rules, budget, failed._replace(idempotent=True), **times)

    patch.setattr(attempts, "retry_delay", always)


def retried_once_too_often(patch: pytest.MonkeyPatch) -> None:
    honest = attempts.retry_delay

    def again(rules: Any, budget: Any, failed: Any, **times: float) -> float | None:
        return honest(rules, budget, failed._replace(attempt=max(1, failed.attempt - 1)), **times)

    patch.setattr(attempts, "retry_delay", again)


def the_retry_budget_is_not_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RetryBudget, "allows", property(lambda budget: True))


def a_half_open_breaker_lets_one_probe_too_many_through(patch: pytest.MonkeyPatch) -> None:
    honest = Breaker.admit

    def admit(breaker: Breaker, now: float) -> Permit:
        extra = breaker.state is State.HALF_OPEN and breaker._is_full()
        return Permit(breaker._generation, 0, now) if extra else honest(breaker, now)

    patch.setattr(Breaker, "admit", admit)


def a_child_outlives_its_parent(patch: pytest.MonkeyPatch) -> None:
    def stretched(*, now: float, timeout: float, parent: float | None, keep: float = 0.0) -> float:
        return envelopes.shrink(now=now, timeout=timeout, parent=None, keep=keep)

    patch.setattr(bus, "shrink", stretched)


def a_repeated_request_is_handled_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Arrivals, "is_new", lambda arrivals, envelope: True)


def a_mailbox_without_a_bound(patch: pytest.MonkeyPatch) -> None:
    def put(mailbox: Mailbox, envelope: Any, *_: object) -> None:
        mailbox.queue.push(envelope)

    patch.setattr(Mailbox, "put", put)


def a_ready_message_is_left_lying(patch: pytest.MonkeyPatch) -> None:
    honest = Post._promote
    times = iter(range(10**9))
    patch.setattr(Post, "_promote", lambda post: honest(post) if next(times) % 50 else None)


def a_crash_tells_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bus.Bus, "_peer_lost", lambda self, name, why, queued: self._dispatch.drop(queued))


def a_reply_goes_to_another(patch: pytest.MonkeyPatch) -> None:
    honest = Line.replied
    last: list[object] = []

    def replied(self: Line, now: float, message_id: str, reply: object) -> None:
        honest(self, now, message_id, last.pop() if last else reply)
        last.append(reply)

    patch.setattr(Line, "replied", replied)


def a_cancelled_request_counts_as_lost(patch: pytest.MonkeyPatch) -> None:
    honest = PendingRequests.handle

    def handle(pending: PendingRequests, fact: Any) -> Any:
        effects = honest(pending, fact)
        return [
            effect._replace(outcome=Outcome.PEER_LOST)
            if isinstance(effect, Settle) and effect.outcome is Outcome.CANCELLED
            else effect
            for effect in effects
        ]

    patch.setattr(PendingRequests, "handle", handle)


def the_asker_is_told_later(patch: pytest.MonkeyPatch) -> None:
    honest = Dispatch.settle

    def settle(self: Dispatch, ended: Any) -> None:
        asyncio.get_running_loop().call_later(1 / 64, honest, self, ended)

    patch.setattr(Dispatch, "settle", settle)


def a_task_is_left_over(patch: pytest.MonkeyPatch) -> None:
    honest = Dispatch.withdraw
    left: list[asyncio.Task[None]] = []

    def withdraw(self: Dispatch, message_id: str, to: str) -> None:
        honest(self, message_id, to)
        left.append(asyncio.get_running_loop().create_task(asyncio.sleep(1e9)))

    patch.setattr(Dispatch, "withdraw", withdraw)


DEFECTS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    all_agents_behind_one_lock: "I9",
    a_late_reply_is_thrown_away: "I2",
    nobody_can_tell_whether_it_was_answered: "I20",
    pending_requests_leak: "I7",
    a_failing_dependency_is_asked_again_and_again: "I12",
    settled_twice: "I1",
    withdrawals_are_forgotten: "I15",
    started_after_the_deadline: "I5",
    a_request_that_is_not_idempotent_is_retried: "I14",
    retried_once_too_often: "I13",
    the_retry_budget_is_not_kept: "I13",
    a_half_open_breaker_lets_one_probe_too_many_through: "I12",
    a_child_outlives_its_parent: "I3",
    a_repeated_request_is_handled_twice: "I14",
    a_mailbox_without_a_bound: "I8",
    a_ready_message_is_left_lying: "I9",
    a_crash_tells_nobody: "I1",
    a_reply_goes_to_another: "I1",
    a_cancelled_request_counts_as_lost: "I1",
    the_asker_is_told_later: "I1",
    a_task_is_left_over: "I2",
}


@pytest.mark.parametrize(("plant", "invariant"), DEFECTS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_a_planted_defect_is_found(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], invariant: str
) -> None:
    plant(monkeypatch)
    assert first_violation(invariant), f"{plant.__name__} went unnoticed"
