from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.message import Request
from fablewright.runtime.envelopes import Envelopes, story_ids


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"


def made(envelopes: Envelopes, parent: Envelope | None = None, *, kind: Kind = Kind.ASK, story: str = "") -> Envelope:
    return envelopes.make(kind, "library", Fetch(), 5.0 if kind is Kind.ASK else None, parent, 1, story)


@given(st.lists(st.sampled_from(Kind), max_size=8))
def test_every_field_stands_where_its_name_says(kinds: list[Kind]) -> None:
    envelopes = Envelopes("n", None)
    parent: Envelope | None = None
    waiting: tuple[str, ...] = ()
    for number, kind in enumerate(kinds, start=1):
        envelope = made(envelopes, parent, kind=kind)
        # Who waits is known of an unbroken line of asks only: behind a tell nobody does.
        asked_for = parent is not None and parent.kind is kind is Kind.ASK
        waiting = (*waiting, "library") if asked_for else ()
        assert envelope == Envelope(
            message_id=f"n-{number}",
            kind=kind,
            sender="" if parent is None else "library",
            to="library",
            action="fetch",
            body=Fetch(),
            correlation_id="n-1",
            causation_id=None if parent is None else parent.message_id,
            reply_to="n" if kind is Kind.ASK else None,
            deadline=5.0 if kind is Kind.ASK else None,
            path=waiting,
        )
        parent = envelope


def test_what_goes_on_with_a_story_without_a_parent_keeps_its_id() -> None:
    assert made(Envelopes("n", None), story="n-0").correlation_id == "n-0"


def test_a_trace_is_handed_on_from_hop_to_hop() -> None:
    envelopes = Envelopes("n", lambda parent, message_id: f"{parent}>{message_id}")
    first = made(envelopes)
    assert made(envelopes, first).traceparent == "None>n-1>n-2"


@pytest.mark.parametrize("is_first", [True, False])
def test_a_log_can_be_filtered_for_one_story(*, is_first: bool) -> None:
    envelopes = Envelopes("n", None)
    first = made(envelopes)
    told = story_ids(first if is_first else made(envelopes, first))
    assert told == {
        "message_id": "n-1" if is_first else "n-2",
        "correlation_id": "n-1",
        "causation_id": None if is_first else "n-1",
    }
