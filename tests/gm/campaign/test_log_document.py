from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.campaign.events import KINDS, Event, Fact, plain
from fablewright.gm.campaign.history import history
from fablewright.gm.campaign.log_document import Changes, changes_in, document_of
from fablewright.gm.campaign.log_line import line_of

TODAY = "2026-11-28"
DAYS = ("2026-11-20", "2026-11-27")

said = st.lists(st.sampled_from("Ilse the mill old Hob’s 14 gp at in: „ja“ → [x] ^y".split()), min_size=1).map(" ".join)
facts = st.builds(
    Fact,
    kind=st.sampled_from([kind for kind in KINDS if kind != "undo"]),
    text=said,
    detail=st.one_of(st.just(""), said),
    number=st.integers(0, 9),
    outcome=st.sampled_from(("", "success", "failure")),
    check=st.just("Wisdom (Perception) DC 13"),
    secret=st.booleans(),
).filter(lambda fact: fact.kind != "clock" or not fact.text[-1:].isdigit())  # "Clock: Flood 6" has six segments
logs = st.lists(st.tuples(st.sampled_from(DAYS), facts, st.booleans()), max_size=8).map(
    lambda parts: [
        event
        for number, (day, fact, undone) in enumerate(parts)
        for event in (
            Event(f"e{number}", day, fact),
            *([Event(f"u{number}", day, Fact("undo", f"e{number}"))] if undone else []),
        )
    ]
)


def read(text: str, log: list[Event]) -> Changes:
    ids = (f"n{number}" for number in itertools.count())
    return changes_in(text, log, today=TODAY, new_id=lambda: next(ids))


def lines_by_day(log: list[Event]) -> dict[str, list[str]]:
    days: dict[str, list[str]] = {}
    for event in history(log):
        days.setdefault(event.on, []).append(line_of(event.fact))
    return days


@settings(max_examples=40, deadline=None)
@given(logs)
def test_a_document_that_nobody_touched_changes_nothing(log: list[Event]) -> None:
    assert read(document_of(log, "My table"), log) == Changes()


@settings(max_examples=40, deadline=None)
@given(logs)
def test_a_document_makes_the_same_log_in_an_empty_campaign(log: list[Event]) -> None:
    changes = read(document_of(log, "My table"), [])
    assert lines_by_day(list(changes.events)) == lines_by_day(log)


edits = st.lists(
    st.tuples(st.sampled_from(("delete", "change", "insert", "copy", "move")), st.integers(0, 40), facts), max_size=6
)


@settings(max_examples=60, deadline=None)
@given(logs, edits)
def test_after_edits_the_log_says_what_the_document_says(log: list[Event], edits: list[tuple[str, int, Fact]]) -> None:
    """Lines deleted, changed, copied, moved and put in anywhere below a day: the log has them, in this order."""
    lines = document_of(log, "My table").split("\n")
    for what, where, fact in edits:
        bullets = [n for n, line in enumerate(lines) if line.startswith(("- ", "## "))]
        if not bullets:
            continue
        at = bullets[where % len(bullets)]
        is_day = lines[at].startswith("## ")
        if what == "insert":
            lines.insert(at + 1, f"- {line_of(fact)}")
        elif is_day:
            continue
        elif what == "delete":
            del lines[at]
        elif what == "copy":
            lines.insert(at, lines[at])
        elif what == "move":
            lines.insert(bullets[fact.number % len(bullets)] + 1, lines.pop(at))
        else:
            mark = lines[at].rpartition(" ^")[2] if " ^" in lines[at] else ""
            lines[at] = f"- {line_of(fact)} ^{mark}".removesuffix(" ^")
    wanted: dict[str, list[str]] = {}
    day = ""
    for line in lines:
        if line.startswith("## "):
            day = line[3:]
        elif line.startswith("- "):
            wanted.setdefault(day, []).append(line[2:].rpartition(" ^")[0] if " ^" in line else line[2:])
    changes = read("\n".join(lines), log)
    after = [*log, *changes.events]
    assert {day: sorted(them) for day, them in lines_by_day(after).items()} == {
        day: sorted(them) for day, them in wanted.items()
    }
    assert lines_by_day(after) == wanted
    assert read(document_of(after, "My table"), after) == Changes()
    twice = changes_in("\n".join(lines), after, today=TODAY, new_id=iter(f"m{n}" for n in range(99)).__next__)
    assert (twice.events, twice.added, twice.changed, twice.deleted) == ((), 0, 0, 0)


@settings(max_examples=40, deadline=None)
@given(logs, st.lists(st.text(max_size=80), max_size=6))
def test_nothing_that_is_written_into_it_is_lost(log: list[Event], texts: list[str]) -> None:
    document = document_of(log, "My table")
    text = document + "".join(f"{line}\n" for line in texts)
    changes = read(text, log)
    kept = plain(" ".join(f"{e.fact.text} {e.fact.detail}" for e in changes.events if e.fact.kind != "undo"))
    for line in texts:
        for word in plain(line).split():
            if word.isalnum() and len(word) > 3 and not word[:4].isdigit():
                assert word in kept or word in document


@given(st.text(max_size=500))
def test_any_text_can_be_read(text: str) -> None:
    changes = read(text, [])
    assert changes.deleted == changes.changed == 0


LOG = [
    Event("a1", DAYS[0], Fact("played", "The Mill")),
    Event("b2", DAYS[0], Fact("met", "Ilse")),
    Event("c3", DAYS[1], Fact("gained", "14 gp")),
]


def test_a_deleted_line_is_taken_back_and_a_changed_one_put_in_its_place() -> None:
    text = (
        document_of(LOG, "My table").replace("- Met: Ilse ^b2", "- Met: Ilsabet ^b2").replace("- Loot: 14 gp ^c3\n", "")
    )
    changes = read(text, LOG)
    assert (changes.added, changes.changed, changes.deleted) == (0, 1, 1)
    assert [event.fact for event in history([*LOG, *changes.events])] == [
        Fact("played", "The Mill"),
        Fact("met", "Ilsabet"),
    ]
    assert len(LOG) == 3  # the log itself only grows


def test_what_others_logged_since_it_was_written_is_not_deleted() -> None:
    text = document_of(LOG[:2], "My table")
    changes = read(text, LOG)
    assert changes == Changes()


def test_a_line_that_is_not_understood_is_kept_as_a_note_and_reported_with_its_number() -> None:
    text = document_of(LOG, "My table").replace("- Met: Ilse ^b2", "- Met: Ilse ^b2\n- The bell, again\n  and again")
    changes = read(text, LOG)
    assert [event.fact for event in changes.events] == [Fact("note", "The bell, again and again")]
    assert changes.events[0].on == DAYS[0]
    assert [remark.line for remark in changes.remarks] == [text.split("\n").index("- The bell, again") + 1]
    assert "The bell, again" in changes.remarks[0].text


def test_a_sentence_will_do_for_a_line() -> None:
    changes = read(document_of(LOG, "My table") + "\n## 2026-12-04\n\n- They killed Hob\n* went to the sea\n", LOG)
    assert [(event.on, event.fact.kind, event.fact.text) for event in changes.events] == [
        ("2026-12-04", "dead", "Hob"),
        ("2026-12-04", "visited", "the sea"),
    ]
    assert changes.remarks == ()


def test_without_its_first_lines_nothing_counts_as_deleted() -> None:
    changes = read("## 2026-11-20\n\n- Met: Ilse ^b2\n", LOG)
    assert (changes.events, changes.deleted) == ((), 0)
    assert "nothing counts as deleted" in str(changes.remarks[0])


def test_a_line_under_another_day_happened_on_that_day() -> None:
    text = document_of(LOG, "My table").replace("- Met: Ilse ^b2\n", "").rstrip("\n") + "\n- Met: Ilse ^b2\n"
    after = [*LOG, *read(text, LOG).events]
    assert [(event.on, event.fact.text) for event in history(after)] == [
        (DAYS[0], "The Mill"),
        (DAYS[1], "14 gp"),
        (DAYS[1], "Ilse"),
    ]
