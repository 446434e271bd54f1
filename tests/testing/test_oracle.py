"""The oracle on traces made by hand: a good one, and each with one thing wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from fablewright.testing.breaker_watch import BreakerWatch
from fablewright.testing.faults import FaultPlan
from fablewright.testing.oracle import judge
from fablewright.testing.scenario import Cast, Rule, Scenario

Event = tuple[float, str, Any, Any]

SCENARIO = Scenario(
    seed=0,
    cast=(Cast("ada", 1, 1, "reject"), Cast("bob", 1, 1, "reject")),
    rules=(Rule("ada", "read", 1, 0, 0, 1, 16, 0, 0),),
    errands=(),
    load=(),
    plan=FaultPlan(),
    stop=0,
    drain=0,
)
STORY: list[Event] = [
    (0.0, "asked", 1, ("", "ada", "read", 128, 0)),
    (0.0, "sent", "n-1", (1, True, "ada", None, 1.0, 1)),
    (0.0, "reached", "n-1", None),
    (0.0, "started", "n-1", None),
    (0.5, "stopped", "n-1", "done"),
    (0.5, "ended", "n-1", ("replied", "n-1")),
    (0.5, "told", "n-1", ("replied", "n-1")),
    (0.5, "got", 1, ("replied", "n-1")),
    (2.0, "stopping", "bus", None),
    (2.0, "counted", "bus", (1, {"replied": 1}, 0)),
]


def changed(*changes: tuple[int, Event | None], after: dict[int, list[Event]] | None = None) -> list[Event]:
    """The story with some events exchanged (by their index), left out (None), or put in after others."""
    exchanged = dict(changes)
    story: list[Event] = []
    for index, event in enumerate(STORY):
        kept = exchanged.get(index, event)
        if kept is not None:
            story.append(kept)
        story += (after or {}).get(index, [])
    return story


def test_there_is_nothing_wrong_with_the_story() -> None:
    assert judge(SCENARIO, STORY, default_timeout=2.0) == []


@pytest.mark.parametrize(
    ("wrong", "events"),
    [
        ("I1 .* never got anything", changed((7, None))),
        ("I1 .* got replied after replied", changed(after={7: [STORY[7]]})),
        ("I1 .* got replied, though n-1 was not over", changed((6, None))),
        ("I1 .* which nobody replied", changed((7, (0.5, "got", 1, ("replied", "n-2"))))),
        ("I1 .* got PeerLost, though n-1 was replied", changed((7, (0.5, "got", 1, ("PeerLost", "n-1"))))),
        ("I1 .* sent twice under one id", changed(after={1: [STORY[1]]})),
        ("I1 .* started before it had arrived", changed((2, None))),
        ("I1 .* 2 asked, but 1 were", changed((9, (2.0, "counted", "bus", (2, {"replied": 2}, 0))))),
        ("I1 .*'failed', 1.*'replied', 1", changed((9, (2.0, "counted", "bus", (1, {"failed": 1}, 0))))),
        ("I1 .* refused with BulkheadFull for no reason", changed((7, (0.5, "got", 1, ("BulkheadFull", ""))))),
        ("I1 .* nobody knows of it", changed(after={3: [(0.1, "started", "n-7", None)]})),
        ("I1 .* answered with 'n-2'", changed((5, (0.5, "ended", "n-1", ("replied", "n-2"))))),
        ("I2 .* 1 late dead letters, but 0", changed((9, (2.0, "counted", "bus", (1, {"replied": 1}, 1))))),
        ("I2 .* 0 late dead letters, but 1", changed(after={7: [(0.7, "told", "n-1", ("replied", "n-1"))]})),
        ("I3 .* has time until 1.5 s", changed((1, (0.0, "sent", "n-1", (1, True, "ada", None, 1.5, 1))))),
        ("I5 .* started after its deadline", changed((3, (1.0, "started", "n-1", None)))),
        ("I6 .* 0.25 s after n-1 was settled", changed((7, (0.75, "got", 1, ("replied", "n-1"))))),
        ("I6 .* after its deadline", changed((7, (1.5, "got", 1, ("replied", "n-1"))))),
        ("I7 .* never stopped", changed((4, None))),
        ("I7 .* 2 pending, but 0 wait", changed(after={7: [(0.6, "calm", "bus", (3, 1, 2, (), ()))]})),
        ("I1 .* 5 asked, but 1 settled", changed(after={7: [(0.6, "calm", "bus", (5, 1, 0, (), ()))]})),
        ("I7 .* says that 1 handlers", changed(after={7: [(0.6, "calm", "bus", (1, 1, 0, (("ada", 0, 1),), ()))]})),
        ("I8 .* 2 messages wait", changed(after={7: [(0.6, "calm", "bus", (1, 1, 0, (("ada", 2, 0),), ()))]})),
        ("I9 .* only 0 handlers", changed(after={7: [(0.6, "calm", "bus", (1, 1, 0, (("ada", 1, 0),), ()))]})),
        (
            "I13 .* one too many",
            changed(after={7: [(0.6, "sent", f"n-{n}", (1, True, "ada", None, 1.0, n)) for n in (2, 3)]}),
        ),
        ("I13 .* although n-1 was replied", changed(after={7: [(0.6, "sent", "n-2", (1, True, "ada", None, 1.0, 2))]})),
        ("I14 .* started at 0 s already", changed(after={3: [(0.1, "started", "n-1", None)]})),
        (
            "I15 .* after it was withdrawn",
            changed(after={3: [(0.2, "withdrawn", "n-1", None), (0.2, "recalled", "n-1", None)]}),
        ),
        ("I15 .* withdrawn after it was replied", changed(after={7: [(0.6, "withdrawn", "n-1", None)]})),
        ("I15 .* s after its deadline", changed((4, (1.5, "stopped", "n-1", "done")))),
        ("I20 .* its asker was told never", changed((5, None))),
        ("I20 .* told at 0.75 s", changed((5, (0.75, "ended", "n-1", ("replied", "n-1"))))),
        ("I20 .* twice", changed(after={7: [(0.6, "wrong", "n-1", "answered twice")]})),
    ],
)
def test_what_is_wrong_is_named(wrong: str, events: list[Event]) -> None:
    violations = judge(SCENARIO, events, default_timeout=2.0)
    assert any(re.search(wrong, words) for words in violations), violations


def test_a_request_that_is_not_idempotent_is_sent_once() -> None:
    events = [
        (0.0, "asked", 1, ("", "ada", "write", 128, 0)),
        (0.0, "sent", "n-1", (1, True, "ada", None, 1.0, 1)),
        (0.1, "told", "n-1", ("failed", "Poisoned")),
        (0.2, "sent", "n-2", (1, True, "ada", None, 1.0, 2)),
        (0.3, "told", "n-2", ("replied", "n-2")),
        (0.3, "got", 1, ("replied", "n-2")),
    ]
    assert any(words.startswith("I14") for words in judge(SCENARIO, events, default_timeout=2.0))


def test_a_crash_settles_whoever_waits_for_that_agent_and_ends_its_handlers() -> None:
    story = [*STORY[:4], (0.25, "crashed", "ada", None), (0.25, "stopped", "n-1", "cancelled")]
    story += [(0.25, "ended", "n-1", ("peer_lost", "x")), (0.25, "told", "n-1", ("peer_lost", "x"))]
    good = [*story, (0.25, "got", 1, ("PeerLost", "n-1"))]
    assert judge(SCENARIO, good, default_timeout=2.0) == []
    late = [*story, (1.0, "got", 1, ("DeadlineExceeded", "n-1"))]
    assert any("n-1 was peer_lost" in words for words in judge(SCENARIO, late, default_timeout=2.0))


def test_a_stop_without_draining_settles_everybody_at_once() -> None:
    stopped = replace(SCENARIO, stop=32)
    story = [*STORY[:4], (0.25, "stopping", "bus", None), (0.25, "stopped", "n-1", "cancelled")]
    assert judge(stopped, [*story, (0.25, "got", 1, ("PeerLost", "n-1"))], default_timeout=2.0) == []
    assert judge(stopped, [*story, (0.5, "got", 1, ("PeerLost", "n-1"))], default_timeout=2.0) != []


# ------------------------------------------------------------------ the breaker


class Attempt:
    def __init__(self, sent: float, *, holds_permit: bool = True) -> None:
        self.sent = sent
        self.holds_permit = holds_permit


def failed_twice() -> BreakerWatch:
    watch = BreakerWatch(Rule("ada", "read", 0, 0, 2, 1, 128, 0, 0))  # opens after 2 failures, for a second
    for at in (1.0, 2.0):
        attempt = Attempt(at)
        assert watch.sent(attempt) == ""
        watch.ended(attempt, at + 0.5, failed=True)
    return watch


def test_after_enough_failures_one_probe_may_go_and_no_second_within_the_reset_time() -> None:
    watch = failed_twice()
    assert watch.may_refuse
    assert watch.sent(Attempt(3.6)) == ""
    assert "2 let through" in watch.sent(Attempt(4.5))
    assert failed_twice().sent(Attempt(3.6)) == ""


def test_the_next_probe_may_go_when_the_reset_time_is_over() -> None:
    watch = failed_twice()
    assert watch.sent(Attempt(3.5)) == ""
    assert watch.sent(Attempt(4.5)) == ""


def test_a_probe_that_came_to_nothing_gives_its_permit_back() -> None:
    watch = failed_twice()
    assert watch.sent(Attempt(3.6, holds_permit=False)) == ""
    assert watch.sent(Attempt(3.7)) == ""


def test_a_success_begins_the_row_again_and_older_attempts_do_not_count() -> None:
    watch = failed_twice()
    probe, old = Attempt(3.6), Attempt(2.6)
    watch.sent(probe)
    watch.ended(probe, 3.7, failed=False)
    for _ in range(3):
        watch.ended(old, 3.8, failed=True)
    assert all(watch.sent(Attempt(4.0)) == "" for _ in range(5))


def test_what_goes_out_at_the_instant_of_the_last_failure_was_not_refused_yet() -> None:
    watch = failed_twice()
    assert all(watch.sent(Attempt(2.5)) == "" for _ in range(5))


def test_a_probe_whose_asker_was_cancelled_is_neutral_though_it_failed() -> None:
    watch = failed_twice()
    probe = Attempt(3.6)
    watch.sent(probe)
    watch.ended(probe, 3.7, failed=True)
    watch.cancelled(probe)
    assert watch.sent(Attempt(3.8)) == ""
    assert "2 let through" in watch.sent(Attempt(3.9))


def test_a_breaker_without_failures_has_no_reason_to_refuse() -> None:
    watch = BreakerWatch(Rule("ada", "read", 0, 0, 2, 1, 128, 0, 0))
    assert not watch.may_refuse
    watch.expired()
    assert not watch.may_refuse
    watch.expired()
    assert watch.may_refuse
