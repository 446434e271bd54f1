from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.dead_letter import DeadLetter, Reason
from fablewright.protocol.pending import (
    Asked,
    Effect,
    Ended,
    Fact,
    Outcome,
    PeerGone,
    PendingRequests,
    Settle,
    Stopped,
    Tick,
    Withdraw,
)


class Oracle:
    """The same rules, slow and obvious: one list of requests, looked through from end to end each time."""

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []
        self.stopped = False

    def handle(self, fact: Fact) -> list[Effect]:
        effects: list[Effect] = []
        overdue = [r for r in self.requests if r["outcome"] is None and r["deadline"] <= fact.now]  # type: ignore[operator] # the oracle is untyped on purpose
        for request in sorted(overdue, key=lambda r: (r["deadline"], r["id"])):
            request["outcome"] = Outcome.EXPIRED
            effects += [
                Settle(str(request["id"]), Outcome.EXPIRED),
                Withdraw(str(request["id"]), str(request["to"])),
            ]
        if isinstance(fact, Asked):
            request = {"id": fact.message_id, "to": fact.to, "deadline": fact.deadline, "outcome": None}
            self.requests.append(request)
            if self.stopped:
                request["outcome"] = Outcome.REJECTED
            elif fact.deadline <= fact.now:
                request["outcome"] = Outcome.EXPIRED
            if request["outcome"] is not None:
                effects.append(Settle(fact.message_id, request["outcome"]))  # type: ignore[arg-type] # as above
        elif isinstance(fact, Ended):
            found = [r for r in self.requests if r["id"] == fact.message_id]
            if found and found[0]["outcome"] is None:
                found[0]["outcome"] = fact.outcome
                effects.append(Settle(fact.message_id, fact.outcome, fact.value))
                if fact.outcome is Outcome.CANCELLED:
                    effects.append(Withdraw(fact.message_id, str(found[0]["to"])))
            elif fact.outcome in (Outcome.REPLIED, Outcome.FAILED):
                before = found[0]["outcome"] if found else None
                if before is None:
                    reason = Reason.UNKNOWN
                elif before is Outcome.EXPIRED:
                    reason = Reason.LATE
                elif before is Outcome.CANCELLED:
                    reason = Reason.AFTER_CANCEL
                elif before is Outcome.PEER_LOST:
                    reason = Reason.AFTER_LOSS
                else:
                    reason = Reason.DUPLICATE
                effects.append(DeadLetter(fact.message_id, reason, fact.now, fact.value))
        elif isinstance(fact, PeerGone | Stopped):
            self.stopped = self.stopped or isinstance(fact, Stopped)
            for request in self.requests:
                hit = isinstance(fact, Stopped) or request["to"] == fact.peer
                if request["outcome"] is None and hit:
                    request["outcome"] = Outcome.PEER_LOST
                    effects.append(Settle(str(request["id"]), Outcome.PEER_LOST, fact.value))
        return effects

    def next_deadline(self) -> float | None:
        return min((r["deadline"] for r in self.requests if r["outcome"] is None), default=None)  # type: ignore[type-var, return-value] # as above

    def waiting(self) -> int:
        return sum(r["outcome"] is None for r in self.requests)


# Delays on a power-of-two grid, so that many things fall on one instant.
grid = st.integers(0, 64).map(lambda n: n / 16)
ids = st.integers(0, 12).map(lambda n: f"m{n:02}")
steps = st.one_of(
    st.tuples(st.just("ask"), grid, st.sampled_from("ab")),
    st.tuples(st.just("end"), ids, st.sampled_from([o for o in Outcome if o is not Outcome.EXPIRED])),
    st.tuples(st.just("gone"), st.sampled_from("ab"), st.none()),
    st.tuples(st.just("tick"), st.none(), st.none()),
    st.tuples(st.just("stop"), st.none(), st.none()),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8).map(lambda n: n / 16), steps), max_size=60))
def test_it_does_what_the_oracle_does(history: list[tuple[float, tuple[str, object, object]]]) -> None:
    machine, oracle = PendingRequests(), Oracle()
    now, asked, settled = 0.0, 0, []
    for delay, (what, first, second) in history:
        now += delay
        fact: Fact
        match what:
            case "ask":
                fact = Asked(now, f"m{asked:02}", str(second), now + float(first))  # type: ignore[arg-type] # from grid
                asked += 1
            case "end":
                fact = Ended(now, str(first), second, "value")  # type: ignore[arg-type] # from Outcome
            case "gone":
                fact = PeerGone(now, str(first), "gone")
            case "stop" if asked > 6:
                fact = Stopped(now, "stop")
            case _:
                fact = Tick(now)
        effects = machine.handle(fact)
        assert effects == oracle.handle(fact)
        assert machine.next_deadline() == oracle.next_deadline()
        assert len(machine) == oracle.waiting()
        settled += [effect.message_id for effect in effects if isinstance(effect, Settle)]
    machine.handle(Tick(now + 100))
    assert len(settled) == len(set(settled))  # never two outcomes
    assert len(machine) == 0
    assert machine.next_deadline() is None


def test_a_reply_at_the_deadline_is_late() -> None:
    machine = PendingRequests()
    machine.handle(Asked(0.0, "m", "a", 1.0))
    assert machine.handle(Ended(1.0, "m", Outcome.REPLIED, "documents")) == [
        Settle("m", Outcome.EXPIRED),
        Withdraw("m", "a"),
        DeadLetter("m", Reason.LATE, 1.0, "documents"),
    ]


def test_what_ended_long_ago_is_forgotten_and_memory_stays_bounded() -> None:
    machine = PendingRequests(remember=10)
    for n in range(10_000):
        machine.handle(Asked(n, f"m{n}", "a", n + 3600.0))
        machine.handle(Ended(n, f"m{n}", Outcome.REPLIED))
    assert len(machine._due) == 0
    assert len(machine._ended) == 10
    [letter] = machine.handle(Ended(10_000, "m1", Outcome.REPLIED))
    assert isinstance(letter, DeadLetter)
    assert letter.reason is Reason.UNKNOWN


def test_deadlines_of_ended_requests_do_not_pile_up_beside_a_waiting_one() -> None:
    machine = PendingRequests()
    machine.handle(Asked(0, "long", "a", 3600.0))
    for n in range(10_000):
        machine.handle(Asked(n / 100, f"m{n}", "a", 7200.0))
        machine.handle(Ended(n / 100, f"m{n}", Outcome.REPLIED))
    assert len(machine._due) <= 65
    assert machine.next_deadline() == 3600.0


def test_an_id_is_used_once() -> None:
    machine = PendingRequests()
    machine.handle(Asked(0.0, "m", "a", 1.0))
    with pytest.raises(ContractViolation, match="waits already"):
        machine.handle(Asked(0.0, "m", "a", 1.0))


def test_its_state_can_be_read() -> None:
    machine = PendingRequests()
    machine.handle(Asked(0.0, "m", "a", 1.0))
    assert repr(machine) == "<PendingRequests running waiting=1 due=1>"
    assert "m" in machine
