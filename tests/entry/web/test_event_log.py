"""Whoever follows a log gets each event once and in order, or is told that some are gone."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.entry.web.event_log import EventLog, LoggedEvent
from fablewright.entry.web.event_stream import on_the_wire


async def all_of(log: EventLog, after: str = "") -> list[LoggedEvent]:
    return [event async for event in log.follow(after)]


def numbers(events: list[LoggedEvent]) -> list[int]:
    return [json.loads(event.data) for event in events if event.kind == "number"]


@given(count=st.integers(0, 30), kept=st.integers(1, 12), seen=st.integers(-1, 35))
def test_what_came_after_an_id_is_told_once_or_it_is_said_that_it_is_gone(count: int, kept: int, seen: int) -> None:
    log = EventLog(most_events=kept)
    ids = []
    for number in range(count):
        log.append("number", number)
        ids.append(log._events[-1].id)
    log.end()
    after = ids[seen] if 0 <= seen < count else ""
    told = asyncio.run(all_of(log, after))
    still_there = list(range(max(0, count - kept), count))
    if after and seen + 1 < count - kept:
        assert told[0].kind == "reset"
        assert numbers(told) == still_there
    else:
        assert [event.kind for event in told] == ["number"] * len(told)
        assert numbers(told) == [number for number in still_there if not after or number > seen]


@pytest.mark.parametrize("after", ["x", "deadbeef.3", ".", "1.1.1", "é", "9" * 64])
def test_an_id_of_another_log_leads_to_a_fresh_start(after: str) -> None:
    log = EventLog()
    log.append("number", 1)
    log.end()
    told = asyncio.run(all_of(log, after))
    assert [event.kind for event in told] == ["reset", "number"]


def test_bytes_are_bounded_but_the_last_event_is_always_there() -> None:
    log = EventLog(most_bytes=100)
    for number in range(50):
        log.append("number", number)
    log.append("text", "x" * 500)
    log.end()
    assert [event.kind for event in asyncio.run(all_of(log))] == ["text"]


def test_only_who_had_everything_is_told_not_to_come_again() -> None:
    log = EventLog()
    log.append("number", 1)
    first = log._events[-1].id
    assert not log.is_told(first)
    log.append("number", 2)
    log.end()
    assert not log.is_told(first)
    assert not log.is_told("")
    assert log.is_told(log._events[-1].id)


@pytest.mark.anyio
async def test_followers_are_woken_and_forgotten() -> None:
    log = EventLog()
    followers = [asyncio.ensure_future(all_of(log)) for _ in range(20)]  # noqa: TID251 - clients have no supervisor
    await asyncio.sleep(0)
    for number in range(3):
        log.append("number", number)
        await asyncio.sleep(0)
    followers[0].cancel()
    log.end()
    told = await asyncio.gather(*followers, return_exceptions=True)
    assert isinstance(told[0], asyncio.CancelledError)
    assert all(numbers(each) == [0, 1, 2] for each in told[1:] if isinstance(each, list))
    assert not log._followers


@pytest.mark.anyio
async def test_a_quiet_log_gives_a_sign_of_life() -> None:
    log = EventLog()
    events = log.follow(quiet=0.01)
    event = await anext(events)
    assert on_the_wire(event).startswith(":")
    await events.aclose()


@given(st.text())
def test_no_text_breaks_out_of_its_event(text: str) -> None:
    log = EventLog()
    log.append("note", {"text": text})
    wire = on_the_wire(log._events[-1])
    assert wire.endswith("\n\n")
    assert wire.count("\n") == 4
    assert "\r" not in wire
    assert json.loads(wire.split("\n")[2].removeprefix("data: ")) == {"text": text}
