from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.campaign.events import KINDS, TOP, Event, Fact
from fablewright.gm.campaign.history import history, in_order, live

DAYS = ("2026-11-20", "2026-11-27")
NAMES = ("Ilse", "the mill", "The Mill!", "Old Hob", "14 gp", "to come back")
IDS = [f"e{number}" for number in range(8)]

facts = st.builds(
    Fact,
    kind=st.sampled_from([kind for kind in KINDS if kind != "undo"]),
    text=st.sampled_from(NAMES),
    detail=st.sampled_from(("", *NAMES[:2])),
    number=st.integers(0, 8),
    secret=st.booleans(),
)
undos = st.builds(Fact, kind=st.just("undo"), text=st.sampled_from([*IDS, "nobody"]))
events = st.builds(
    Event,
    id=st.sampled_from(IDS),
    on=st.sampled_from(DAYS),
    fact=st.one_of(facts, facts, undos),
    after=st.sampled_from(["", "", TOP, *IDS]),
)
logs = st.lists(events, max_size=12)
"""Ids come more than once, and undos and anchors name what is earlier, later or not there."""


def note(event: str, text: str = "", on: str = DAYS[0], after: str = "") -> Event:
    return Event(event, on, Fact("note", text or event), after)


def undo(event: str, of: str) -> Event:
    return Event(event, DAYS[0], Fact("undo", of))


def slowly(log: list[Event]) -> list[Event]:
    """The rules one by one, as they are written at the top of the module: an oracle."""
    once: list[Event] = []
    for event in log:
        if event.id not in [each.id for each in once]:
            once.append(event)
    # Order: put each into a list by hand.
    ordered: list[Event] = []
    for event in once:
        ids = [each.id for each in ordered]
        if event.after == TOP:
            ordered.insert(0, event)
        elif event.after in ids:
            ordered.insert(ids.index(event.after) + 1, event)
        else:
            ordered.append(event)
    by_day = [event for day in sorted({event.on for event in once}) for event in ordered if event.on == day]
    # Undo: the last event that is an undo goes, and what it names with it, as if neither had been; and again.
    left = list(once)
    checked: set[str] = set()
    while True:
        last = next((e for e in reversed(left) if e.fact.kind == "undo" and e.id not in checked), None)
        if last is None:
            break
        checked.add(last.id)
        at = left.index(last)
        left = [e for n, e in enumerate(left) if not (e.id == last.fact.text and n < at)]
    return [event for event in by_day if event in left and event.fact.kind != "undo"]


@settings(max_examples=60, deadline=None)
@given(logs)
def test_what_counts_is_what_the_rules_say_one_by_one(log: list[Event]) -> None:
    assert list(history(log)) == slowly(log)


@settings(max_examples=60, deadline=None)
@given(logs, st.data())
def test_to_send_events_twice_changes_nothing(log: list[Event], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(log))) if log else []
    assert history([*log, *again]) == history(log)


@settings(max_examples=60, deadline=None)
@given(logs)
def test_the_undo_of_an_undo_brings_back_what_was(log: list[Event]) -> None:
    target = log[-1].id if log else "nobody"
    before = live(log)
    once = [*log, undo("u1", target)]
    twice = [*once, undo("u2", "u1")]
    assert history(twice) == history(log)
    if target in before and next(e for e in log if e.id == target).fact.kind != "undo":
        assert [e.id for e in history(once)] == [e.id for e in history(log) if e.id != target]


def test_an_undo_of_what_comes_later_does_nothing() -> None:
    assert [e.id for e in history([undo("u", "a"), note("a")])] == ["a"]
    assert [e.id for e in history([undo("u", "u"), note("a")])] == ["a"]


def test_what_stands_behind_another_stays_there_when_that_is_taken_back() -> None:
    log = [note("a"), note("b"), note("c"), undo("u", "b"), note("d", after="b")]
    assert [e.id for e in history(log)] == ["a", "d", "c"]


def test_of_two_behind_the_same_the_later_is_nearer_and_top_is_before_all() -> None:
    log = [note("a"), note("b"), note("x", after="a"), note("y", after="a"), note("t", after=TOP)]
    assert [e.id for e in in_order(log)] == ["t", "a", "y", "x", "b"]


def test_days_come_in_their_order_whenever_they_were_written_down() -> None:
    assert [e.id for e in history([note("b", on=DAYS[1]), note("a", on=DAYS[0])])] == ["a", "b"]
