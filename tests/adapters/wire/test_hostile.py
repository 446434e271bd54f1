"""Whatever comes over the network: it is a parcel, or ``Unreadable``, and nothing else happens."""

from __future__ import annotations

import json
import random
import tracemalloc
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.protocol.envelope import Envelope
from fablewright.protocol.message import Message
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.legacy import LegacyMessage
from fablewright.runtime.network import Chunk, Grant, Unreadable

from .conftest import WIRE, Chest, Count, Open, Opened, Potion, Sword, Weigh, envelope, nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.runtime.network import Parcel

HEADERS = {"fw-version": "1", "fw-remaining": "5000"}
OPEN, COUNT, WEIGH = Open("oak"), Count(3), Weigh((Sword(2), Potion(0.5)))
CHEST = Chest("oak", (Sword(3), Potion(float("inf"))), Sword(1), {"a": 0.5}, {(1, 2): "b"}, label=b"x")
OLD = LegacyMessage("retrieve", {"query": ("mill", {1: 2.5}, b"x"), "more": [None, {"a": True}]})
VALID: list[tuple[Parcel, Any]] = [
    (envelope(OPEN, path=("a", "b"), headers={"x": "y"}, traceparent="00-1-2-01"), None),
    (envelope(WEIGH), None),
    (envelope(OLD), None),
    (Ended(1.0, "n1-7", Outcome.REPLIED, Opened(CHEST)), OPEN),
    (Ended(1.0, "n1-7", Outcome.REPLIED, {"success": True, "found": ({"a": 1.5},)}), OLD),
    (Ended(1.0, "n1-7", Outcome.FAILED, ValueError("no")), OPEN),
    (Chunk("n1-7", 2, 40), COUNT),
    (Grant("n1-7", 8), None),
    (Withdraw("n1-7", "smith"), None),
]
BODIES = [WIRE.encode(parcel, 100.0, lambda _, request=request: request)[1] for parcel, request in VALID]  # type: ignore[misc]


def read(body: bytes, headers: Mapping[str, str] = HEADERS) -> Parcel | None:
    """Return the parcel; None: it is refused."""
    try:
        parcel = WIRE.decode(headers, body, 0.0, nothing)
    except Unreadable as error:
        if not str(error).isprintable():
            raise
        return None
    assert type(parcel) in {Envelope, Ended, Withdraw, Chunk, Grant}
    if isinstance(parcel, Envelope):
        assert isinstance(parcel.body, Message)
        assert parcel.body.action == parcel.action
    return parcel


def test_what_is_valid_is_read() -> None:
    assert all(read(body) is not None for body in BODIES)


def mutated(body: bytes, dice: random.Random) -> bytes:
    at, length = dice.randrange(len(body)), dice.randrange(1, 9)
    match dice.randrange(5):
        case 0:
            return body[:at] + bytes([body[at] ^ 1 << dice.randrange(8)]) + body[at + 1 :]
        case 1:
            return body[:at] + dice.choice([b"[", b'"', b"{", b"null,", b"1e9", b"\x00", b"\\", b"-"]) + body[at:]
        case 2:
            return body[:at] + body[at + length :]
        case 3:
            return body[: at + 1]
    other = dice.choice(BODIES)
    return body[:at] + other[dice.randrange(len(other)) :]


@pytest.mark.parametrize("seed", range(4))
def test_bytes_that_were_changed_are_a_parcel_or_refused(seed: int) -> None:
    dice = random.Random(seed)
    refused = 0
    for _ in range(5000):
        body = dice.choice(BODIES)
        for _ in range(dice.randrange(1, 4)):
            body = mutated(body, dice) or b"{"
        refused += read(body) is None
    assert 2500 < refused < 5000  # some changes are within a text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["Open", "Weigh", "replied", "failed", "$tuple", "Sword", "nan", "n1-7"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(["is", "of", "$tuple", "$set", "$dict", "$int", "float", "error"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place in a JSON value, as container and key."""
    found: list[tuple[Any, Any]] = []
    for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
        found.append((value, key))
        if isinstance(part, dict | list):
            found += places(part)
    return found


@settings(max_examples=250)
@given(st.data())
def test_values_that_were_changed_are_a_parcel_or_refused(data: st.DataObject) -> None:
    value = json.loads(data.draw(st.sampled_from(BODIES)))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(value) or [(value, "kind")]))
        if data.draw(st.booleans()) or isinstance(container, list):
            container[key] = data.draw(JSON)
        else:
            container[data.draw(st.text(max_size=4))] = container.pop(key)
    read(msgspec.json.encode(value))


@given(st.binary(max_size=60) | JSON.map(msgspec.json.encode))
def test_bytes_that_never_were_any_are_refused(body: bytes) -> None:
    assert read(body) is None


@given(
    st.dictionaries(
        st.sampled_from(["fw-version", "fw-remaining", "Fw-Version", "x"]),
        st.text(max_size=12) | st.integers().map(str) | st.just("1"),
    )
)
def test_headers_that_nobody_wrote_are_refused(headers: dict[str, str]) -> None:
    parcel = read(BODIES[0], headers)
    remaining = headers.get("fw-remaining", "")
    fits = (
        headers.get("fw-version") == "1"
        and remaining.isascii()
        and remaining.isdigit()
        and int(remaining) <= 86_400_000
    )
    assert (parcel is not None) == fits


@pytest.mark.parametrize(
    "remaining",
    ["-1", "1e3", "nan", "inf", "1.5", " 5", "５", "", "86400001", "9" * 5000, "0x10", "1_000"],  # noqa: RUF001 - a wide 5
)
def test_time_that_is_no_time_is_refused(remaining: str) -> None:
    assert read(BODIES[0], {"fw-version": "1", "fw-remaining": remaining}) is None


@pytest.mark.parametrize("version", [None, "", "0", "2", "1.0", "01", "1 ", "x" * 9999])
def test_a_version_that_is_not_known_is_said(version: str | None) -> None:
    headers = {} if version is None else {"fw-version": version}
    with pytest.raises(Unreadable, match="this release reads 1") as caught:
        WIRE.decode(headers, BODIES[0], 0.0, nothing)
    assert len(str(caught.value)) < 100


def with_body(body: bytes, kind: str = "Open", action: str = "open") -> bytes:
    return b'{"kind":"ask","message_id":"a","to":"b","action":"%s","type":"%s","body":%s}' % (
        action.encode(),
        kind.encode(),
        body,
    )


OLD_BODY = b'{"action":"retrieve","data":%s}'
DEEP = 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP,
        b'{"a":' * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        with_body(b"[" * DEEP + b"]" * DEEP),
        with_body(b'{"chest":"x","more":' + b"[" * DEEP + b"]" * DEEP + b"}"),
        with_body(OLD_BODY % (b"[" * DEEP + b"]" * DEEP), "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % (b"[" * 150 + b"]" * 150), "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % (b'{"$tuple":[' * 100 + b"]}" * 100), "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % (b'{"$tuple":' * 100 + b"[]" + b"}" * 100), "LegacyMessage", "retrieve"),
        with_body(b'{"chest":' + b"9" * DEEP + b"}"),
        with_body(b'{"chest":"x","tries":' + b"9" * DEEP + b"}"),
        with_body(b'{"chest":"x","tries":1e999}'),
        with_body(b'{"chest":"x","tries":NaN}'),
        with_body(b'{"chest":"\\ud800"}'),
        with_body(b'{"chest":"\xff"}'),
        with_body(b'{"chest":"x","colours":["red","blue"]}'),
        with_body(b'{"chest":null}'),
        with_body(b"{}"),
        with_body(b"null"),
        with_body(b'{"chest":"x"}', action="weigh"),
        with_body(b'{"chest":"x"}', kind="Chest"),
        with_body(b'{"chest":"x"}', kind="os.system"),
        with_body(b'{"chest":"x"}', kind="__builtins__"),
        with_body(b'{"things":[{"is":"Open","of":{"chest":"x"}}]}', "Weigh", "weigh"),
        with_body(b'{"things":[{"is":"builtins.print","of":"x"}]}', "Weigh", "weigh"),
        with_body(b'{"things":[{"length":1}]}', "Weigh", "weigh"),
        with_body(b'{"things":[{"is":"Potion","of":{"strength":{"float":"1"}}}]}', "Weigh", "weigh"),
        with_body(OLD_BODY % b'{"$object":"x"}', "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % b'{"$int":"1","more":2}', "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % (b'{"$int":"' + b"9" * 9999 + b'"}'), "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % b'{"$set":[[]]}', "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % b'{"$dict":[[[],1]]}', "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % b'{"$bytes":"%%"}', "LegacyMessage", "retrieve"),
        with_body(OLD_BODY % b"1", "LegacyMessage", "open"),
        b'{"kind":"ask","message_id":"","to":"b","action":"open","type":"Open","body":{"chest":"x"}}',
        b'{"kind":"ask","message_id":"a","to":"b","action":"open","type":"Open","body":{"chest":"x"},"attempt":0}',
        b'{"kind":"chunk","message_id":"a","type":"Count","sequence":-1,"body":1}',
        b'{"kind":"chunk","message_id":"a","type":"Open","sequence":1,"body":1}',
        b'{"kind":"grant","message_id":"a","granted":-1}',
        b'{"kind":"grant","message_id":"a","granted":1e3}',
        b'{"kind":"grant","message_id":"a","granted":99999999999999999999}',
        b'{"kind":"ended","message_id":"a","outcome":"replied"}',
        b'{"kind":"ended","message_id":"a","outcome":"replied","type":"Shut","body":null}',
        b'{"kind":"cancel","message_id":"a"}',
    ],
    ids=lambda body: body[:60].decode(errors="replace"),
)
def test_what_is_forged_is_refused(body: bytes) -> None:
    assert read(body) is None


def test_a_tag_that_is_met_again_inside_is_no_way_to_a_class() -> None:
    made = read(with_body(OLD_BODY % b'{"is":"Sword","of":{"length":1}}', "LegacyMessage", "retrieve"))
    assert isinstance(made, Envelope)
    assert made.body.data == {"is": "Sword", "of": {"length": 1}}  # type: ignore[attr-defined] # mere data


@pytest.mark.parametrize("filling", [b"[],", b"{},", b'"",', b"0,", b'{"$tuple":[]},', b'{"a":0},', b"[[[[]]]],"])
def test_what_a_parcel_takes_is_bounded_by_its_bytes(filling: bytes) -> None:
    room = 100_000
    data = b"[" + (filling * (room // len(filling)))[:-1] + b"]"
    body = with_body(OLD_BODY % data, "LegacyMessage", "retrieve")
    tracemalloc.start()
    try:
        made = read(body)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made is not None
    assert taken < 120 * len(body)


def test_a_reply_is_refused_with_what_its_asker_can_be_told() -> None:
    headers, body = WIRE.encode(envelope(OPEN), 100.0, nothing)
    with pytest.raises(Unreadable, match=r"Expected `int`, got `str` - at `\$.tries`") as caught:
        WIRE.decode(headers, body.replace(b'"tries":1', b'"tries":"1"'), 0.0, nothing)
    assert (caught.value.message_id, caught.value.reply_to) == ("n1-7", "n1")
    with pytest.raises(Unreadable) as caught:
        WIRE.decode(headers, body[:-1], 0.0, nothing)
    assert (caught.value.message_id, caught.value.reply_to) == ("", "")
