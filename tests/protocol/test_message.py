from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from hypothesis import given
from hypothesis import strategies as st

from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.mailbox import Mailbox
from fablewright.protocol.message import Message, Request, StreamRequest

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True, slots=True)
class Found:
    titles: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Find(Request[Found]):
    action: ClassVar[str] = "find"
    idempotent: ClassVar[bool] = True
    query: str = ""
    top: int = 5
    asked_by: str = ""

    def key(self) -> Hashable:
        return self.query.casefold(), self.top

    def mark_stale(self, reply: Found, age: float) -> Found:
        return replace(reply, note=f"{age:.0f} s old")


@dataclass(frozen=True, slots=True)
class Roll(Request[int]):
    action: ClassVar[str] = "roll"
    dice: str = "1d6"


@dataclass(frozen=True, slots=True)
class Alarm(Message):
    action: ClassVar[str] = "alarm"
    priority: int = 0
    number: int = 0


@given(st.text(), st.text())
def test_requests_that_say_the_same_share_a_key_and_others_do_not(first: str, second: str) -> None:
    keys = {Roll(first).key(): "first", Roll(second).key(): "second"}
    assert (len(keys) == 1) == (first == second)
    assert Roll(first).key() == Roll(str(first)).key()


def test_a_request_may_say_itself_what_tells_it_from_others() -> None:
    assert Find("Goblins", asked_by="ann").key() == Find("goblins", asked_by="bob").key()
    assert Find("goblins").key() != Find("goblins", top=6).key()


def test_requests_of_two_kinds_never_share_a_key() -> None:
    @dataclass(frozen=True, slots=True)
    class Throw(Request[int]):
        action: ClassVar[str] = "throw"
        dice: str = "1d6"

    assert Roll("1d6").key() != Throw("1d6").key()


def test_a_stale_reply_is_handed_on_as_it_is_or_says_so() -> None:
    reply = Found(("The Goblin Cave",))
    assert Request[Found]().mark_stale(reply, 60.0) is reply
    assert Find("goblins").mark_stale(reply, 60.0) == Found(("The Goblin Cave",), "60 s old")


def test_nothing_is_idempotent_unless_it_says_so() -> None:
    assert not Roll.idempotent
    assert not Request.idempotent
    assert not StreamRequest.idempotent
    assert Find.idempotent


def test_a_message_takes_no_room_beyond_its_fields() -> None:
    assert not hasattr(Roll("2d6"), "__dict__")
    assert not hasattr(Alarm(), "__dict__")
    assert StreamRequest.__slots__ == ()


@given(st.lists(st.integers(-3, 3)))
def test_of_two_messages_that_with_the_higher_priority_goes_first(priorities: list[int]) -> None:
    assert Roll().priority == 0
    alarms = [Alarm(priority, number) for number, priority in enumerate(priorities)]
    mailbox = Mailbox("watch", 100)
    for alarm in alarms:
        envelope = Envelope(f"n-{alarm.number}", Kind.TELL, "", "watch", alarm.action, alarm, "n")
        mailbox.put(envelope._replace(priority=alarm.priority))
    taken = [mailbox.take(0.0)[0] for _ in alarms]
    assert [envelope and envelope.body for envelope in taken] == sorted(alarms, key=lambda alarm: -alarm.priority)
