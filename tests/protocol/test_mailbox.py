from __future__ import annotations

import pytest

from fablewright.errors import ContractViolation, MailboxFull
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.mailbox import Mailbox


def envelope(message_id: str, deadline: float | None = 10.0) -> Envelope:
    return Envelope(
        message_id=message_id,
        kind=Kind.ASK,
        sender="",
        to="a",
        action="act",
        body=None,
        correlation_id=message_id,
        deadline=deadline,
    )


def test_first_in_first_out() -> None:
    box = Mailbox("a", 3)
    for name in "xyz":
        box.put(envelope(name))
    assert [box.take(0.0)[0].message_id for _ in range(3)] == ["x", "y", "z"]  # type: ignore[union-attr] # three were put
    assert box.take(0.0) == (None, [])


def test_one_too_many_is_refused_at_once_and_names_the_owner() -> None:
    box = Mailbox("generator", 1)
    box.put(envelope("x"))
    with pytest.raises(MailboxFull, match="generator has 1 messages waiting") as caught:
        box.put(envelope("y"))
    assert (caught.value.to, caught.value.message_id) == ("generator", "y")
    assert repr(box) == "<Mailbox generator 1/1>"


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


def test_it_needs_room() -> None:
    with pytest.raises(ContractViolation, match="at least 1"):
        Mailbox("a", 0)
