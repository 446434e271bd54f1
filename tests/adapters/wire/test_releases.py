"""An older and a newer release talk to each other; what was written once is understood for ever."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from fablewright.adapters.wire.codec import Wire
from fablewright.adapters.wire.declared import argument_of
from fablewright.errors import DeadlineExceeded, InvalidInput, MailboxFull, RemoteError
from fablewright.gm.haystack_pipeline import DescribeNotes
from fablewright.gm.reranking import RerankTexts
from fablewright.protocol.envelope import Kind
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.failure import BrokenContract
from fablewright.runtime.legacy.seat import ErrorReply
from fablewright.runtime.network import Chunk, Grant, Unreadable

from .conftest import envelope, nothing

GOLDEN = Path(__file__).with_name("golden-version-1.jsonl")
"""A line a parcel, as a release wrote it: lines are added, and none is ever changed or taken away."""


class Before:
    class State(enum.Enum):
        OPEN = "open"
        SHUT = "shut"

    @dataclass(frozen=True, slots=True)
    class Door:
        state: Before.State

    @dataclass(frozen=True, slots=True)
    class Seen:
        door: Before.Door
        light: float = 1.0

    @dataclass(frozen=True, slots=True)
    class Look(Request[Seen]):
        action: ClassVar[str] = "look"
        where: str


class After:
    class State(enum.Enum):
        OPEN = "open"
        SHUT = "shut"
        AJAR = "ajar"

    @dataclass(frozen=True, slots=True)
    class Lock:
        dc: int

    @dataclass(frozen=True, slots=True)
    class Door:
        state: After.State
        lock: After.Lock | None = None

    @dataclass(frozen=True, slots=True)
    class Seen:
        door: After.Door
        light: float = 1.0
        sounds: tuple[str, ...] = ()
        warmth: float | None = None

    @dataclass(frozen=True, slots=True)
    class Look(Request[Seen]):
        action: ClassVar[str] = "look"
        where: str
        closely: bool = False


BEFORE, AFTER = Wire([Before.Look]), Wire([After.Look])
WAS, IS = Before.Look("the door"), After.Look("the door", closely=True)


def carried(parcel: Any, out: Wire, into: Wire, asked: tuple[Any, Any] = (None, None)) -> Any:
    headers, body = out.encode(parcel, 100.0, lambda _: asked[0])
    return into.decode(headers, body, 100.0, lambda _: asked[1])


def test_a_newer_release_reads_an_older_one_with_its_defaults() -> None:
    assert carried(envelope(WAS), BEFORE, AFTER).body == After.Look("the door")
    for light in (0.5, float("inf")):  # read at once, and field by field
        seen = Before.Seen(Before.Door(Before.State.SHUT), light)
        got = carried(Ended(1.0, "n1-7", Outcome.REPLIED, seen), BEFORE, AFTER, (WAS, IS))
        assert got.value == After.Seen(After.Door(After.State.SHUT), light)


def test_an_older_release_reads_a_newer_one_without_what_it_does_not_know() -> None:
    assert carried(envelope(IS), AFTER, BEFORE).body == WAS
    for light in (0.5, float("inf")):
        seen = After.Seen(After.Door(After.State.OPEN, After.Lock(15)), light, ("wind",), 2.5)
        got = carried(Ended(1.0, "n1-7", Outcome.REPLIED, seen), AFTER, BEFORE, (IS, WAS))
        assert got.value == Before.Seen(Before.Door(Before.State.OPEN), light)


def test_what_an_older_release_has_no_word_for_is_said() -> None:
    seen = After.Seen(After.Door(After.State.AJAR))
    with pytest.raises(Unreadable, match=r"Invalid enum value 'ajar' - at `\$.door.state`") as caught:
        carried(Ended(1.0, "n1-7", Outcome.REPLIED, seen), AFTER, BEFORE, (IS, WAS))
    assert caught.value.message_id == "n1-7"  # so its asker can be told


def test_what_a_newer_release_puts_around_a_message_is_skipped() -> None:
    headers, body = AFTER.encode(envelope(IS), 100.0, nothing)
    newer = {**json.loads(body), "colour": {"of": "the envelope"}}
    got = BEFORE.decode({**headers, "fw-colour": "red"}, json.dumps(newer).encode(), 100.0, nothing)
    assert got == envelope(WAS)


# ------------------------------------------------------------------ what was written once


def example(kind: Any) -> Any:  # noqa: PLR0911 - a line a kind
    """Return a value of a type in which nothing is left out."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {UnionType, Union}:
        return example(next(each for each in arguments if each is not NoneType))
    if origin is Literal:
        return arguments[-1]
    if origin is tuple:
        return tuple(example(each) for each in arguments if each is not ...)
    if origin is frozenset:
        return frozenset({example(arguments[0])})
    if origin in {dict, Mapping}:
        return {example(arguments[0]): example(arguments[1])}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[-1]
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{each.name: example(hints[each.name]) for each in dataclasses.fields(kind)})  # type: ignore[operator]
    return {Any: ("here", 1), str: "here", int: 3, float: 2.5, bool: True, bytes: b"\x00\xff", NoneType: None}[kind]


def lines_of(wire: Wire, message: type[Message]) -> dict[str, str]:
    """Return what a message and its answers look like today, by name."""
    request = example(message)
    parcels: dict[str, Any] = {message.__name__: envelope(request)}
    if (reply := argument_of(message, Request)) is not None:
        parcels[f"{message.__name__}, replied"] = Ended(1.0, "n1-7", Outcome.REPLIED, example(reply))
    if (piece := argument_of(message, StreamRequest)) is not None:
        parcels[f"{message.__name__}, a piece"] = Chunk("n1-7", 2, example(piece))
    lines = {}
    for name, parcel in parcels.items():
        headers, body = wire.encode(parcel, 100.0, lambda _: request)
        lines[name] = json.dumps({"what": name, "headers": dict(headers), "body": json.loads(body)}, ensure_ascii=False)
    return lines


def other_lines(wire: Wire) -> dict[str, str]:
    """Return what everything looks like that is not about one message, by name."""
    full = envelope(
        DescribeNotes(),
        causation_id="n1-6",
        attempt=2,
        priority=-1,
        path=("front", "guard"),
        idempotency_key="k",
        traceparent="00-1-2-01",
        headers={"room": "8"},
    )
    error = MailboxFull("full", to="smith", action="open", message_id="n1-7")
    failed = RemoteError("smith failed", to="smith", action="open", message_id="n1-8")
    failed.__cause__ = InvalidInput("no “oak”")
    late = DeadlineExceeded("late", to="smith", action="open", message_id="n1-8")
    late.started = False
    parcels: dict[str, Any] = {
        "all that an envelope has": full,
        "a message that is told": full._replace(kind=Kind.TELL, deadline=None, reply_to=None),
        "failed": Ended(1.0, "n1-7", Outcome.FAILED, failed),
        "failed, too late": Ended(1.0, "n1-7", Outcome.FAILED, late),
        "failed on something else": Ended(1.0, "n1-7", Outcome.FAILED, KeyError("oak")),
        "failed, a contract broken": Ended(1.0, "n1-7", Outcome.FAILED, BrokenContract("It answered twice.")),
        "failed, of the old API": Ended(1.0, "n1-7", Outcome.FAILED, ErrorReply({"error": "x", "tried": (1, b"2")})),
        "rejected": Ended(1.0, "n1-7", Outcome.REJECTED, error),
        "lost": Ended(1.0, "n1-7", Outcome.PEER_LOST, "smith stopped"),
        "withdrawn": Withdraw("n1-7", "smith"),
        "granted": Grant("n1-7", 16),
        "odd numbers": Ended(1.0, "n1-7", Outcome.REPLIED, (float("nan"), float("-inf"), 1e300)),
    }
    lines = {}
    for name, parcel in parcels.items():
        headers, body = wire.encode(parcel, 100.0, lambda _: RerankTexts("oak", ()))
        lines[name] = json.dumps({"what": name, "headers": dict(headers), "body": json.loads(body)}, ensure_ascii=False)
    return lines


def includes(now: Any, then: Any) -> bool:
    """Return whether everything that was written then is there now."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(key in now and includes(now[key], part) for key, part in then.items())
    if isinstance(then, list):
        return isinstance(now, list) and len(now) == len(then) and all(map(includes, now, then))
    return bool(now == then)


def written() -> list[Any]:
    return [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("line", written(), ids=lambda line: line["what"])
def test_what_was_written_once_is_understood(line: Any, own_wire: Wire) -> None:
    names = {entry.name: entry.cls for entry in own_wire._registry.by_name.values()}
    body = line["body"]
    request = example(names[body["type"]]) if "type" in body else None
    parcel = own_wire.decode(line["headers"], json.dumps(body).encode(), 100.0, lambda _: request)
    headers, again = own_wire.encode(parcel, 100.0, lambda _: request)
    assert headers == line["headers"]
    assert includes(json.loads(again), body)


def test_everything_that_travels_was_written_once(own_wire: Wire) -> None:
    today = other_lines(own_wire)
    for entry in own_wire._registry.by_name.values():
        today |= lines_of(own_wire, entry.cls)
    missing = today.keys() - {line["what"] for line in written()}
    assert not missing, "Put these lines into the file:\n" + "\n".join(today[name] for name in sorted(missing))
