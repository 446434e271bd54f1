"""Parcels cross as they are; what is forged, oversized, or goes nowhere is refused, on either side."""

from __future__ import annotations

import timeit
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright import errors
from fablewright.adapters.wire.codec import Wire
from fablewright.adapters.wire.registry import messages_of
from fablewright.errors import (
    ContractViolation,
    DeadlineExceeded,
    InvalidInput,
    Rejected,
    RemoteError,
    RequestFailed,
)
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.protocol.size import TooLarge
from fablewright.runtime.agent import Agent, handles, hears, streams
from fablewright.runtime.channel import Streamed
from fablewright.runtime.failure import AskedWrongly, BrokenContract, Shared, failure
from fablewright.runtime.legacy import LegacyMessage
from fablewright.runtime.legacy.seat import ErrorReply
from fablewright.runtime.network import Chunk, Grant, Parcel, Unreadable

from .conftest import (
    MESSAGES,
    WIRE,
    Chest,
    Colour,
    Count,
    Open,
    Opened,
    Potion,
    Shut,
    Sword,
    Weigh,
    envelope,
    nothing,
    same,
)

if TYPE_CHECKING:
    from fablewright.runtime.context import Context

T = TypeVar("T")
TEXT = st.text(max_size=9)
NAMES = st.text(min_size=1, max_size=9)
OPEN = Open("oak")


def crossed(parcel: Parcel, *, now: float = 100.0, later: float = 7.0, request: Any = None, wire: Wire = WIRE) -> Any:
    """Send a parcel at ``now``, and read it where the clock says ``later``."""
    headers, body = wire.encode(parcel, now, lambda _: request)
    return wire.decode(headers, body, later, lambda _: request)


# ------------------------------------------------------------------ what is sent


BODIES = st.one_of(
    st.builds(Open, TEXT, st.integers(), st.frozensets(st.sampled_from(Colour))),
    st.builds(Weigh, st.lists(st.builds(Sword, st.integers()) | st.builds(Potion, st.floats()), max_size=3).map(tuple)),
    st.builds(Shut, TEXT),
)
ENVELOPES = st.builds(
    lambda body, kind, **rest: Envelope(action=body.action, body=body, kind=kind, deadline=9.0, **rest),
    BODIES,
    st.sampled_from(Kind),
    message_id=NAMES,
    sender=TEXT,
    to=TEXT,
    correlation_id=TEXT,
    causation_id=st.none() | TEXT,
    reply_to=st.none() | TEXT,
    attempt=st.integers(1, 99),
    priority=st.integers(),
    path=st.lists(TEXT, max_size=4).map(tuple),
    idempotency_key=st.none() | TEXT,
    traceparent=st.none() | TEXT,
    headers=st.dictionaries(TEXT, TEXT, max_size=3),
)


@given(ENVELOPES)
def test_an_envelope_arrives_as_it_was(sent: Envelope) -> None:
    got = crossed(sent, now=9.0, later=9.0)
    assert type(got) is Envelope
    assert same(got._replace(body=None), sent._replace(body=None))
    assert same(got.body, sent.body)


@given(
    now=st.floats(-1e6, 1e6),
    left=st.floats(0, 86_400, allow_subnormal=False),
    later=st.floats(-1e6, 1e6),
)
def test_a_deadline_travels_as_what_is_left_of_it_and_never_grows(now: float, left: float, later: float) -> None:
    got = crossed(envelope(OPEN, deadline=now + left), now=now, later=later)
    assert later + left - 0.0011 <= got.deadline <= later + left + 1e-6


def test_a_deadline_that_has_passed_is_now_and_a_tell_may_have_none() -> None:
    assert crossed(envelope(OPEN, deadline=50.0)).deadline == 7.0
    assert crossed(envelope(Shut(), kind=Kind.TELL, deadline=None)).deadline is None
    with pytest.raises(ContractViolation, match="without a deadline"):
        WIRE.encode(envelope(OPEN, deadline=None), 0.0, nothing)


def test_the_time_that_is_left_stands_where_it_is_seen_without_reading() -> None:
    headers, body = WIRE.encode(envelope(OPEN, deadline=101.25), 100.0, nothing)
    assert headers == {"fw-version": "1", "fw-remaining": "1250"}
    assert b"1250" not in body


def test_a_message_of_the_old_api_is_the_action_that_it_says() -> None:
    old = LegacyMessage("retrieve", {"query": "mill", "pages": (1, 2)})
    got = crossed(envelope(old)).body
    assert (got.action, got.data, got.message) == ("retrieve", {"query": "mill", "pages": (1, 2)}, None)


# ------------------------------------------------------------------ what comes back


REPLIES: list[tuple[Any, Any]] = [
    (OPEN, Opened(Chest("oak", (Sword(3), Potion(float("inf")))))),
    (Weigh(()), (1.5, float("nan"), -0.0)),
    (Count(3), Streamed(3)),
    (LegacyMessage("retrieve"), {"success": True, "documents": [{"content": b"x"}]}),
]


@pytest.mark.parametrize(("request_", "reply"), REPLIES)
def test_a_reply_arrives_as_it_was(request_: Any, reply: Any) -> None:
    got = crossed(Ended(100.0, "n1-7", Outcome.REPLIED, reply), request=request_)
    assert same(got, Ended(7.0, "n1-7", Outcome.REPLIED, reply))


def test_pieces_and_grants_and_withdrawals_arrive_as_they_were() -> None:
    for parcel in (Chunk("n1-7", 2, 40), Grant("n1-7", 8), Withdraw("n1-7", "smith")):
        assert same(crossed(parcel, request=Count(3)), parcel)


def test_a_late_reply_is_read_by_the_name_that_it_brings() -> None:
    sent = Ended(1.0, "n1-7", Outcome.REPLIED, (1.0,))
    headers, body = WIRE.encode(sent, 1.0, lambda _: Weigh(()))
    assert WIRE.decode(headers, body, 1.0, nothing) == sent


def test_a_reply_to_another_question_is_none() -> None:
    for parcel, request in (
        (Ended(1.0, "n1-7", Outcome.REPLIED, (1.0,)), Weigh(())),
        (Chunk("n1-7", 0, 1), Count(1)),
    ):
        headers, body = WIRE.encode(parcel, 1.0, lambda _, request=request: request)  # type: ignore[misc]
        with pytest.raises(Unreadable, match="Open was asked") as caught:
            WIRE.decode(headers, body, 1.0, lambda _: OPEN)
        assert caught.value.message_id == "n1-7"


@pytest.mark.parametrize(
    ("parcel", "request_", "why"),
    [
        (Ended(1.0, "n1-7", Outcome.REPLIED, "open"), OPEN, "str is no Opened"),
        (Ended(1.0, "n1-7", Outcome.REPLIED, Opened(Chest("oak", (3,)))), OPEN, "int is none of Sword, Potion"),  # type: ignore[arg-type]
        (Ended(1.0, "n1-7", Outcome.REPLIED, None), Shut(), "no reply"),
        (Ended(1.0, "n1-7", Outcome.REPLIED, None), None, "Nobody knows the request n1-7"),
        (Chunk("n1-7", 0, "a"), Count(1), "str is no int"),
        (Chunk("n1-7", 0, 1), OPEN, "in one piece"),
        (envelope(Open("\ud800")), None, "Open cannot travel"),
        (envelope(Open("oak", 10**5000)), None, "Open cannot travel"),
        (envelope(LegacyMessage("x", [object()])), None, "a object among what has no declared type"),
    ],
)
def test_what_cannot_travel_is_said_where_it_would_leave(parcel: Parcel, request_: Any, why: str) -> None:
    with pytest.raises(ContractViolation, match=why):
        WIRE.encode(parcel, 1.0, lambda _: request_)


# ------------------------------------------------------------------ what comes instead of a reply


def of_the_tree() -> list[errors.FablewrightError]:
    made = []
    for name in errors.__all__:
        kind = getattr(errors, name)
        words = f"{name} of “the mill”\nwas it"
        error = (
            kind(words, to="smith", action="open", message_id="n1-9")
            if issubclass(kind, RequestFailed)
            else kind(words)
        )
        made.append(error)
    unstarted = DeadlineExceeded("late")
    unstarted.started = False
    return [*made, unstarted]


def told(ended: Ended) -> BaseException:
    """Return what the asker raises."""
    return failure(ended.outcome, ended.value, envelope(OPEN), handled=True)


def chain(error: BaseException | None) -> list[tuple[type, str, dict[str, Any]]]:
    said = []
    while error is not None:
        said.append((type(error), str(error), vars(error)))
        error = error.__cause__
    return said


@pytest.mark.parametrize("error", of_the_tree(), ids=lambda error: type(error).__name__)
def test_an_error_of_ours_is_told_as_on_one_bus(error: errors.FablewrightError) -> None:
    outcome = Outcome.REJECTED if isinstance(error, Rejected) else Outcome.FAILED
    sent = Ended(1.0, "n1-7", outcome, error)
    here = chain(told(sent._replace(value=copy(error))))
    assert chain(told(crossed(sent))) == here
    assert chain(told(crossed(sent._replace(value=Shared(error))))) == here


def raised() -> RemoteError:
    """Return an error that went through two agents."""
    error = RemoteError("miller failed on grind: InvalidInput: no corn", to="miller", action="grind", message_id="n2-3")
    error.__cause__ = InvalidInput("no corn")
    return error


def test_what_an_error_was_raised_from_comes_along() -> None:
    sent = Ended(1.0, "n1-7", Outcome.FAILED, raised())
    got = chain(told(crossed(sent)))
    assert got == chain(told(sent))
    assert [kind for kind, _, _ in got] == [RemoteError, RemoteError, InvalidInput]
    assert got[0][1] == "smith failed on open: miller failed on grind: InvalidInput: no corn"


def test_any_other_error_comes_as_its_words() -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise ValueError

    for error, words in (
        (ValueError("no such scroll"), "ValueError: no such scroll"),
        (KeyError("scroll"), "KeyError: 'scroll'"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (Unprintable(), "Unprintable"),
        (OSError("name \udcff"), "OSError: name \\udcff"),
    ):
        sent = Ended(1.0, "n1-7", Outcome.FAILED, error)
        got = told(crossed(sent))
        assert type(got.__cause__) is RemoteError
        assert str(got) == f"smith failed on open: {words}"


def test_an_error_that_derives_from_one_of_ours_is_that_one() -> None:
    got = told(crossed(Ended(1.0, "n1-7", Outcome.FAILED, TooLarge(9))))
    assert type(got.__cause__) is ContractViolation
    assert "9 bytes" in str(got)


@pytest.mark.parametrize("value", [BrokenContract("It answered twice."), AskedWrongly("It answered twice.")])
def test_a_broken_contract_is_the_askers_to_know(value: Any) -> None:
    got = told(crossed(Ended(1.0, "n1-7", Outcome.FAILED, value)))
    assert (type(got), str(got)) == (ContractViolation, "It answered twice.")


def test_the_other_outcomes_are_told_as_on_one_bus() -> None:
    for outcome, value in (
        (Outcome.PEER_LOST, "smith stopped on open"),
        (Outcome.CANCELLED, None),
        (Outcome.EXPIRED, None),
        (Outcome.REJECTED, None),
    ):
        sent = Ended(1.0, "n1-7", outcome, value)
        got = crossed(sent)
        assert chain(told(got)) == chain(told(sent))
        assert got.value == value


def test_an_error_of_the_old_api_keeps_its_data() -> None:
    sent = ErrorReply({"success": False, "error": "no scroll", "tried": ("a", "b")})
    got = crossed(Ended(1.0, "n1-7", Outcome.FAILED, sent)).value
    assert type(got) is ErrorReply
    assert got.data == sent.data


@pytest.mark.parametrize("name", ["NewError", "SystemExit", "ValueError", "_TREE", "errors"])
def test_an_error_that_this_release_has_not_comes_as_its_words(name: str) -> None:
    for outcome, kind in (("failed", RemoteError), ("rejected", Rejected)):
        failures = [{"error": name, "text": "no corn"}]
        body = msgspec.json.encode({"kind": "ended", "message_id": "a", "outcome": outcome, "failures": failures})
        got = WIRE.decode({"fw-version": "1"}, body, 0.0, nothing)
        assert isinstance(got, Ended)
        assert (type(got.value), str(got.value)) == (kind, f"{name}: no corn")


def test_long_words_and_long_chains_are_cut() -> None:
    error = ValueError("x" * 5000)
    error.__cause__ = error
    got = crossed(Ended(1.0, "n1-7", Outcome.FAILED, error)).value
    assert len(str(got)) == 2000
    assert len(chain(got)) == 8


@pytest.mark.parametrize(
    ("outcome", "failures"),
    [
        ("failed", []),
        ("failed", [{"error": "", "text": "words"}]),
        ("rejected", [{"error": "InvalidInput", "text": "x"}]),
        ("peer_lost", [{"error": "MailboxFull", "text": "x"}]),
        ("peer_lost", []),
        ("cancelled", [{"error": "Cancelled", "text": "x"}]),
        ("failed", [{"error": "ErrorReply", "text": "x", "data": 3}]),
        ("failed", [{"error": "ErrorReply", "text": "x", "data": {"$tuple": []}}]),
        ("failed", [{"error": "RemoteError", "text": "x" * 2001}]),
        ("failed", [{"error": "RemoteError", "text": "x"}] * 9),
        ("lost", []),
    ],
)
def test_an_outcome_that_makes_no_sense_is_refused(outcome: str, failures: list[Any]) -> None:
    body = msgspec.json.encode({"kind": "ended", "message_id": "a", "outcome": outcome, "failures": failures})
    with pytest.raises(Unreadable):
        WIRE.decode({"fw-version": "1"}, body, 0.0, nothing)


# ------------------------------------------------------------------ what may travel


@dataclass(frozen=True, slots=True)
class Fetch(Request[T], Generic[T]):
    action: ClassVar[str] = "fetch"


@dataclass(frozen=True, slots=True)
class FetchSwords(Fetch[tuple[T, ...]], Generic[T]):
    pass


@dataclass(frozen=True, slots=True)
class FetchOne(FetchSwords[Sword]):
    pass


def test_the_reply_is_found_behind_bases_with_brackets_of_their_own() -> None:
    wire = Wire([FetchOne])
    sent = Ended(1.0, "n1-7", Outcome.REPLIED, (Sword(1), Sword(2)))
    assert crossed(sent, request=FetchOne(), wire=wire) == sent._replace(now=7.0)


def test_what_is_not_registered_neither_leaves_nor_arrives() -> None:
    few = Wire([Shut])
    with pytest.raises(ContractViolation, match="Open is not registered"):
        few.encode(envelope(OPEN), 1.0, nothing)
    headers, body = WIRE.encode(envelope(OPEN), 1.0, nothing)
    with pytest.raises(Unreadable, match="knows no message 'Open'") as caught:
        few.decode(headers, body, 1.0, nothing)
    assert (caught.value.message_id, caught.value.reply_to) == ("n1-7", "n1")


def test_messages_that_cannot_be_told_apart_or_answered_are_refused() -> None:
    other = dataclass(frozen=True)(type("Open", (Message,), {"action": "open"}))
    with pytest.raises(ContractViolation, match="Two messages that travel are called Open"):
        Wire([Open, other])
    silent = dataclass(frozen=True)(type("Silent", (Request,), {"action": "silent"}))
    with pytest.raises(ContractViolation, match="Silent does not say what it is answered with"):
        Wire([silent])
    with pytest.raises(ContractViolation, match="The reply to Fetch"):
        Wire([Fetch])


class Smith(Agent):
    name = "smith"

    @handles(Open)
    async def open(self, request: Open, ctx: Context) -> Opened:
        raise NotImplementedError

    @hears(Shut)
    async def shut(self, message: Shut, ctx: Context) -> None:
        raise NotImplementedError

    @streams(Count)
    async def count(self, request: Count, ctx: Context) -> Any:
        yield 1


def test_an_agent_says_what_it_is_asked_with() -> None:
    assert messages_of([Smith, Smith()]) == {Open, Shut, Count}
    assert issubclass(Count, StreamRequest)


# ------------------------------------------------------------------ bounds


def test_what_is_too_large_neither_leaves_nor_is_read() -> None:
    small = Wire(MESSAGES, most_bytes=2000)
    fits = envelope(Open("x" * 1500))
    assert crossed(fits, wire=small).body == fits.body
    for wire, most in ((small, "2,000"), (Wire(MESSAGES, most_bytes=20_000), "20,000")):
        with pytest.raises(ContractViolation, match=f"a message may have {most}"):
            wire.encode(envelope(Open("x" * 20_000)), 1.0, nothing)
    headers, body = WIRE.encode(envelope(Open("x" * 2500)), 1.0, nothing)
    with pytest.raises(Unreadable, match="at most 2,000"):
        small.decode(headers, body, 1.0, nothing)


@pytest.mark.parametrize(
    "changed",
    [{"headers": {"a": "x" * 20_000}}, {"path": ("smith",) * 4000}, {"correlation_id": "x" * 20_000}],
)
def test_what_stands_around_a_message_is_bounded(changed: dict[str, Any]) -> None:
    large = envelope(Open("x" * 30_000))
    assert crossed(large).body == large.body  # the message itself may be
    with pytest.raises(ContractViolation, match="stands around"):
        WIRE.encode(large._replace(**changed), 1.0, nothing)
    headers, body = WIRE.encode(large, 1.0, nothing)
    forged = {**msgspec.json.decode(body), **changed}
    with pytest.raises(Unreadable, match="stands around"):
        WIRE.decode(headers, msgspec.json.encode(forged), 1.0, nothing)


def test_small_things_that_are_large_are_bounded_too() -> None:
    with pytest.raises(ContractViolation, match="stands around"):
        WIRE.encode(Withdraw("n1-7", "x" * 20_000), 1.0, nothing)
    body = msgspec.json.encode({"kind": "withdraw", "message_id": "n1-7", "to": "x" * 20_000})
    with pytest.raises(Unreadable):
        WIRE.decode({"fw-version": "1"}, body, 1.0, nothing)


def test_it_says_what_it_is() -> None:
    assert repr(WIRE) == "<Wire version=1 <Registry 5> most_bytes=1,048,576>"


# ------------------------------------------------------------------ what it costs


@pytest.mark.benchmark
def test_a_small_message_is_written_and_read_in_15_microseconds(slowness: float) -> None:
    ask = envelope(OPEN, path=("front", "guard"))
    reply = Ended(100.0, "n1-7", Outcome.REPLIED, (1.5,))
    for parcel, request in ((ask, OPEN), (reply, Weigh(()))):
        took = min(timeit.repeat(lambda p=parcel, r=request: crossed(p, request=r), number=1000, repeat=7)) / 1000  # type: ignore[misc]
        assert took < 15e-6 * slowness
