"""Stories out of records, against the records themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.entry.story import Remark, Sent, Story, find_story, stories
from fablewright.entry.story_file import Record
from fablewright.errors import InvalidInput

BEGAN = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


def record(after: float, what: str, message_id: str = "", story: str = "", **more: Any) -> Record:
    named = {"to": "shelf", "action": "fetch", **more}
    return Record(BEGAN + timedelta(milliseconds=after), what, message_id=message_id, correlation_id=story, **named)


def one(*records: Record) -> Story:
    (story,) = stories(records)
    return story


def test_a_request_over_two_hops() -> None:
    story = one(
        record(0, "asked", "n-1", "n-1", to="writer", action="write", words="a scene"),
        record(1, "started", "n-1", "n-1"),
        record(2, "asked", "n-2", "n-1", causation_id="n-1", sender="writer"),
        record(30, "ended", "n-2", "n-1", detail="failed: shelf failed: wet", ms=28.0),
        record(31, "asked", "n-3", "n-1", causation_id="n-1", sender="writer", attempt=2),
        record(35, "ended", "n-3", "n-1", detail="replied", ms=4.0),
        record(40, "ended", "n-1", "n-1", detail="replied", ms=40.0),
        record(41, "finished", "n-1", "n-1"),
    )
    assert (story.story_id, story.at, story.asked, story.took) == ("n-1", BEGAN, "a scene", 40.0)
    (root,) = story.parts
    assert isinstance(root, Sent)
    assert (root.started, root.finished, root.outcome) == (1.0, 41.0, "replied")
    first, second = root.sent()
    assert (first.outcome, first.why, first.took) == ("failed", "shelf failed: wet", 28.0)
    assert (second.attempt, second.at, second.ended) == (2, 31.0, 35.0)
    assert [message.message_id for message in story.sent()] == ["n-1", "n-2", "n-3"]


def test_the_story_of_several_attempts_ends_as_the_last() -> None:
    story = one(
        record(0, "asked", "n-1", "n-1"),
        record(5, "ended", "n-1", "n-1", detail="failed: wet", ms=5.0),
        record(20, "asked", "n-2", "n-1", attempt=2),
        record(30, "ended", "n-2", "n-1", detail="replied", ms=10.0),
    )
    assert story.last is not None
    assert (story.last.message_id, story.took, story.asked) == ("n-2", 30.0, "shelf.fetch")


def test_a_late_reply_knows_its_message_only() -> None:
    story = one(
        record(0, "asked", "n-1", "n-1"),
        record(10, "ended", "n-1", "n-1", detail="expired: too late", ms=10.0),
        record(15, "dead_letter", "n-1", to="", action="", detail="late"),
    )
    (root,) = story.parts
    assert isinstance(root, Sent)
    assert root.after == [Remark(15.0, "dead_letter", "", "late")]


def test_what_was_told_takes_as_long_as_its_handler() -> None:
    story = one(
        record(0, "told", "n-1", "n-1"), record(4, "started", "n-1", "n-1"), record(9, "finished", "n-1", "n-1")
    )
    assert story.took == 9.0


def test_what_an_agent_did_meanwhile_belongs_to_the_story() -> None:
    story = one(
        record(-5, "crashed", action="", detail="before"),
        record(0, "asked", "n-1", "n-1"),
        record(9, "ended", "n-1", "n-1", detail="peer_lost: shelf crashed", ms=9.0),
        record(3, "crashed", action="", detail="wet"),
        record(4, "crashed", to="another", action=""),
        record(20, "crashed", action="", detail="after"),
    )
    assert story.parts[1:] == (Remark(3.0, "crashed", "shelf", "wet"),)


def test_a_story_whose_beginning_is_gone_is_told_from_where_it_is_known() -> None:
    story = one(
        record(0, "started", "n-2", "n-1"),
        record(5, "ended", "n-2", "n-1", detail="replied", ms=50.0),
        record(6, "asked", "n-3", "n-1", causation_id="n-2"),
    )
    assert [type(part).__name__ for part in story.parts] == ["Remark", "Sent"]
    assert story.took is None


def test_a_message_that_says_it_caused_itself_is_told_once() -> None:
    story = one(record(0, "asked", "n-1", "n-1", causation_id="n-1"))
    assert [message.message_id for message in story.sent()] == ["n-1"]


TOLD = stories(
    [
        record(0, "asked", "b41c-1", "b41c-1"),
        record(1, "asked", "b41c-2", "b41c-1", causation_id="b41c-1"),
        record(2, "asked", "b41c-10", "b41c-10"),
        record(3, "asked", "77aa-1", "77aa-1"),
    ]
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("b41c-1", "b41c-1"), ("b41c-2", "b41c-1"), ("b41c-10", "b41c-10"), ("7", "77aa-1"), ("77aa", "77aa-1")],
)
def test_a_story_is_found_by_any_of_its_ids_or_the_beginning_of_one(wanted: str, found: str) -> None:
    assert find_story(TOLD, wanted).story_id == found


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("b4", "2 stories begin with 'b4'; the latest are b41c-1 and b41c-10."),
        ("b41c-3", "There is no story 'b41c-3'; the nearest are b41c-"),
        ("zz", "There is no story 'zz'; the nearest is 77aa-1. `fablewright trace --list` lists all."),
    ],
)
def test_what_is_not_found_is_told_with_the_nearest(wanted: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        find_story(TOLD, wanted)
    assert str(refused.value).startswith(said)


def test_without_any_story_it_says_so() -> None:
    with pytest.raises(InvalidInput, match="nothing was asked so far"):
        find_story([], "n-1")


IDS = st.sampled_from(["", "n-1", "n-2", "n-3", "n-4"])
WHATS = st.sampled_from(
    ["asked", "told", "joined", "started", "ended", "finished", "dead_letter", "breaker", "crashed"]
)


@given(st.lists(st.tuples(st.floats(0, 100), WHATS, IDS, IDS, IDS)))
def test_any_records_are_told_each_message_once(rows: list[tuple[float, str, str, str, str]]) -> None:
    records = [record(ms, what, me, story, causation_id=cause or None) for ms, what, me, story, cause in rows]
    sent = sum(r.what in {"asked", "told", "joined"} and bool(r.correlation_id) for r in records)
    told = stories(records)
    assert sum(1 for story in told for _ in story.sent()) >= sent
    assert len({story.story_id for story in told}) == len(told)
