from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import ContractViolation, MailboxFull
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.mailbox import Mailbox, Overflow


def envelope(message_id: str, deadline: float | None = 10.0, priority: int = 0) -> Envelope:
    return Envelope(
        message_id=message_id,
        kind=Kind.ASK,
        sender="",
        to="a",
        action="act",
        body=None,
        correlation_id=message_id,
        deadline=deadline,
        priority=priority,
    )


def drained(box: Mailbox, now: float = 0.0) -> str:
    """Take until nothing is left; return the ids, of one letter each, in the order they came out."""
    ids = []
    while (taken := box.take(now)[0]) is not None:
        ids.append(taken.message_id)
    return "".join(ids)


class Oracle:
    """The same rules, slow and obvious: two lists, looked through from end to end each time."""

    def __init__(self, capacity: int, overflow: Overflow, room: int) -> None:
        self.capacity = capacity
        self.overflow = overflow
        self.room = room if overflow == "wait" else 0
        self.queue: list[Envelope] = []
        self.line: list[Envelope] = []

    @staticmethod
    def in_order(envelopes: list[Envelope]) -> list[Envelope]:
        return sorted(envelopes, key=lambda e: -e.priority)  # sorting is stable: first come, first served

    def put(self, new: Envelope) -> Envelope | tuple[str, ...] | None:
        if any(e.message_id == new.message_id for e in self.queue + self.line):
            return None
        if len(self.queue) < self.capacity:
            self.queue.append(new)
            return None
        if len(self.line) < self.room:
            self.line.append(new)
            return None
        if self.overflow == "drop_oldest":
            lowest = min(e.priority for e in self.queue)
            if new.priority >= lowest:
                dropped = [e for e in self.queue if e.priority == lowest][0]  # noqa: RUF015 - the list shows the choice
                self.queue.remove(dropped)
                self.queue.append(new)
                return dropped
        waiting = len(self.queue) + len(self.line)
        return f"a has {waiting} messages waiting already and takes no more for now.", "a", "act", new.message_id

    def take(self, now: float) -> tuple[Envelope | None, list[Envelope]]:
        def is_expired(e: Envelope) -> bool:
            return e.deadline is not None and e.deadline <= now

        expired = [e for e in self.in_order(self.line) if is_expired(e)]
        self.line = [e for e in self.line if not is_expired(e)]
        while self.queue:
            first = self.in_order(self.queue)[0]
            self.queue.remove(first)
            self.move_in()
            if not is_expired(first):
                return first, expired
            expired.append(first)
        return None, expired

    def move_in(self) -> None:
        while self.line and len(self.queue) < self.capacity:
            first = self.in_order(self.line)[0]
            self.line.remove(first)
            self.queue.append(first)

    def withdraw(self, message_id: str) -> bool:
        before = len(self.queue) + len(self.line)
        self.queue = [e for e in self.queue if e.message_id != message_id]
        self.line = [e for e in self.line if e.message_id != message_id]
        self.move_in()
        return len(self.queue) + len(self.line) < before

    def clear(self) -> list[Envelope]:
        rest = self.in_order(self.queue) + self.in_order(self.line)
        self.queue, self.line = [], []
        return rest


IDS = "abcdefghij"
PUT = st.builds(envelope, st.sampled_from(IDS), st.one_of(st.none(), st.integers(0, 8).map(float)), st.integers(-1, 2))
STEP = st.one_of(PUT, PUT, st.integers(0, 2), st.sampled_from([*IDS, "clear"]))


@settings(max_examples=1500, deadline=None)
@given(
    st.integers(1, 4),
    st.sampled_from(["reject", "drop_oldest", "wait"]),
    st.one_of(st.none(), st.integers(1, 4)),
    st.lists(STEP, min_size=8, max_size=60),
)
def test_it_does_what_two_plain_lists_do(
    capacity: int, overflow: Overflow, room: int | None, steps: list[Envelope | int | str]
) -> None:
    box = Mailbox("a", capacity, overflow=overflow, waiting_room=room if overflow == "wait" else None)
    oracle = Oracle(capacity, overflow, capacity if room is None else room)
    now = 0.0
    for step in steps:
        if isinstance(step, Envelope):
            try:
                did: Envelope | tuple[str, ...] | None = box.put(step)
            except MailboxFull as full:
                did = (str(full), full.to, full.action, full.message_id)
            assert did == oracle.put(step)
        elif isinstance(step, int):
            now += step
            taken, expired = box.take(now)
            assert (taken, list(expired)) == oracle.take(now)
            assert now < box._line_due  # until then no take looks through the line again
        elif step == "clear":
            assert box.clear() == oracle.clear()
        else:
            assert box.withdraw(step) == oracle.withdraw(step)
        assert (len(box), box.waiting) == (len(oracle.queue), len(oracle.line))
        assert len(box) == capacity or not box.waiting
        line = f" +{len(oracle.line)}/{oracle.room} in line" if overflow == "wait" else ""
        assert repr(box) == f"<Mailbox a {len(oracle.queue)}/{capacity}{line}>"
    assert box.clear() == oracle.clear()


def test_first_in_first_out() -> None:
    box = Mailbox("a", 3)
    for name in "xyz":
        assert box.put(envelope(name)) is None
    assert drained(box) == "xyz"
    assert box.take(0.0) == (None, ())


def test_higher_priority_goes_first_and_keeps_its_own_order() -> None:
    box = Mailbox("a", 9)
    for name, priority in zip("abcdefgh", [0, 2, 0, -1, 2, 1, 0, 2], strict=True):
        box.put(envelope(name, priority=priority))
    assert drained(box) == "behfacgd"


def test_nothing_expired_costs_no_list() -> None:
    box = Mailbox("a", 3)
    assert box.take(0.0)[1] is box.take(0.0)[1] == ()
    box.put(envelope("x"))
    assert box.take(0.0)[1] is box.take(0.0)[1] == ()


def test_priorities_that_are_gone_leave_nothing_behind() -> None:
    box = Mailbox("a", 5)
    for priority in range(1000):
        box.put(envelope(str(priority), priority=priority))
        box.put(envelope(f"{priority} again", priority=-priority))
        box.take(0.0)
        box.withdraw(f"{priority} again")
    assert len(box) == 0
    assert len(box.queue._lanes) == 1


def test_one_too_many_is_refused_at_once_and_names_the_owner() -> None:
    box = Mailbox("generator", 1)
    box.put(envelope("x"))
    with pytest.raises(MailboxFull, match="generator has 1 messages waiting") as caught:
        box.put(envelope("y", priority=9))
    assert (caught.value.to, caught.value.message_id) == ("generator", "y")
    assert repr(box) == "<Mailbox generator 1/1>"


def test_the_oldest_of_the_lowest_priority_makes_room() -> None:
    box = Mailbox("a", 3, overflow="drop_oldest")
    for name, priority in [("x", 1), ("y", 0), ("z", 0)]:
        box.put(envelope(name, priority=priority))
    dropped = [box.put(envelope(name, priority=priority)) for name, priority in [("p", 0), ("q", 1), ("r", 1)]]
    assert [e.message_id for e in dropped if e is not None] == ["y", "z", "p"]
    with pytest.raises(MailboxFull, match="a has 3 messages waiting"):
        box.put(envelope("low", priority=0))
    assert drained(box) == "xqr"


def test_who_waits_moves_in_when_a_place_becomes_free() -> None:
    box = Mailbox("a", 1, overflow="wait", waiting_room=3)
    for name, priority in [("x", 0), ("p", 0), ("q", 0), ("u", 5)]:
        assert box.put(envelope(name, priority=priority)) is None
    assert repr(box) == "<Mailbox a 1/1 +3/3 in line>"
    with pytest.raises(MailboxFull, match="a has 4 messages waiting"):
        box.put(envelope("z"))
    assert box.withdraw("p")
    box.put(envelope("z"))
    assert box.withdraw("x")
    assert (len(box), box.waiting) == (1, 2)
    assert drained(box) == "uqz"


def test_the_line_is_as_long_as_the_queue_unless_said_otherwise() -> None:
    box = Mailbox("a", 2, overflow="wait")
    assert repr(box) == "<Mailbox a 0/2 +0/2 in line>"


def test_the_expired_keep_no_living_newcomer_out_of_the_line() -> None:
    box = Mailbox("a", 1, overflow="wait", waiting_room=3)
    for name, deadline in [("x", 9.0), ("p", 9.0), ("dead", 2.0), ("later", 3.0)]:
        box.put(envelope(name, deadline))
    with pytest.raises(MailboxFull):
        box.put(envelope("y"))
    taken, expired = box.take(2.0)
    assert taken is not None
    assert (taken.message_id, [e.message_id for e in expired]) == ("x", ["dead"])
    assert (len(box), box.waiting) == (1, 1)  # p moved in; later stands
    box.put(envelope("y"))
    assert [e.message_id for e in box.take(3.5)[1]] == ["later"]


def test_what_is_past_its_deadline_is_never_handed_out() -> None:
    box = Mailbox("a", 5)
    for name, deadline in [("old", 1.0), ("due", 2.0), ("fresh", 2.5), ("patient", None)]:
        box.put(envelope(name, deadline))
    taken, expired = box.take(2.0)
    assert taken is not None
    assert taken.message_id == "fresh"
    assert [e.message_id for e in expired] == ["old", "due"]
    assert box.take(1e9)[0] is not None  # no deadline, never expires


def test_what_is_withdrawn_frees_its_place() -> None:
    box = Mailbox("a", 1)
    box.put(envelope("x"))
    assert box.withdraw("x")
    assert not box.withdraw("x")
    box.put(envelope("y"))
    assert [e.message_id for e in box.clear()] == ["y"]
    assert len(box) == 0


@pytest.mark.parametrize("overflow", ["reject", "drop_oldest", "wait"])
def test_a_duplicate_changes_nothing_even_when_full(overflow: Overflow) -> None:
    box = Mailbox("a", 2, overflow=overflow)
    box.put(envelope("x"))
    box.put(envelope("x", 99.0, priority=3))
    assert len(box) == 1
    box.put(envelope("y"))
    assert box.put(envelope("x")) is None
    assert (len(box), box.waiting) == (2, 0)
    assert box.take(0.0)[0] == envelope("x")


def test_nonsense_is_refused() -> None:
    with pytest.raises(ContractViolation, match=r"^The mailbox of a needs room for at least 1 envelope, not 0\.$"):
        Mailbox("a", 0)
    cannot = r"^The mailbox of a cannot 'explode' on overflow; it can: reject, drop_oldest, wait\.$"
    with pytest.raises(ContractViolation, match=cannot):
        Mailbox("a", 1, overflow="explode")  # type: ignore[arg-type] # that is the nonsense
    with pytest.raises(ContractViolation, match=r"^The mailbox of a has a waiting room, but its overflow is reject\.$"):
        Mailbox("a", 1, waiting_room=1)
    with pytest.raises(ContractViolation, match=r"^The waiting room of a needs at least 1 place, not 0\.$"):
        Mailbox("a", 1, overflow="wait", waiting_room=0)


def test_spare_places_are_used_while_there_are_any_and_not_handed_on() -> None:
    box = Mailbox("a", 1, overflow="wait", waiting_room=3)
    assert [box.put(envelope(str(n)), spare=1) for n in range(2)] == [None, None]
    assert len(box) == 2
    box.put(envelope("2"), spare=0)
    assert (len(box), box.waiting) == (2, 1)
    first, _ = box.take(0.0)
    assert first is not None
    assert "2" in box
    assert (first.message_id, len(box), box.waiting) == ("0", 1, 1)  # back at its bound, not refilled beyond it
    box.withdraw("1")
    assert (len(box), box.waiting) == (1, 0)
    assert "1" not in box


def test_it_knows_what_waits_in_the_queue_and_in_the_line() -> None:
    box = Mailbox("a", 1, overflow="wait")
    box.put(envelope("queued"))
    box.put(envelope("in line"))
    assert [message_id in box for message_id in ("queued", "in line", "elsewhere")] == [True, True, False]
    box.take(0.0)
    assert [message_id in box for message_id in ("queued", "in line", "elsewhere")] == [False, True, False]
