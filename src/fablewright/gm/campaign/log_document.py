"""The log as a Markdown document, and what was changed in it, as events.

::

    ---
    campaign: The Thirteenth Night
    events: 12
    ---

    # Campaign log

    ## 2026-11-27

    - Played: The Landing Stage ^k3f9
    - Met: Joss Tarrow, at the Full Measure ^k3f9-2

Each line ends with the id of its event, as Obsidian marks a block. A line without one is new; one that reads otherwise
than its event was changed; one that is gone was deleted. ``events`` says how long the log was when it was written, so
that what others logged since then is not taken for deleted, and a file that is read twice adds nothing twice. Every
line below the title that holds words is kept: what cannot be understood becomes a note, and is reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.gm.campaign.events import TOP, Event, Fact, plain
from fablewright.gm.campaign.history import history
from fablewright.gm.campaign.log_line import line_of
from fablewright.gm.campaign.said import fact_said, is_understood
from fablewright.gm.campaign.state import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Changes", "Remark", "changes_in", "document_of"]

_INTRODUCTION = (
    "What happened at the table, a line each. Change, delete or add lines as you like, then read this file back with",
    "`fablewright log import`. A new line needs no mark; leave the marks of the others (`^…`) where they are.",
)
_DAY = re.compile(r"\b(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))\b")
_HEADING = re.compile(r"#{1,6}\s+(?P<title>.*?)\s*#*")
_BULLET = re.compile(r"(?P<indent>\s*)(?:[-+*]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(?P<said>.*)")
_ID = re.compile(r"(?P<said>.*?)\s*\^(?P<id>[A-Za-z0-9-]{1,40})\s*")
_EVENTS = re.compile(r"events:\s*(\d{1,9})\s*")
_LONGEST = 5_000_000


@dataclass(frozen=True, slots=True)
class Remark:
    """What there is to say of a line of a document: its number, counted from 1, and a sentence."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.text}" if self.line else self.text


@dataclass(frozen=True, slots=True)
class Changes:
    """What was changed in a document.

    Attributes:
        events: What makes the log say what the document says; all new.
        added: How many lines are new, of these.
        changed: How many read otherwise than before.
        deleted: How many are gone.
        remarks: What could not be understood and is kept as a note, and what else there is to know.
    """

    events: tuple[Event, ...] = ()
    added: int = 0
    changed: int = 0
    deleted: int = 0
    remarks: tuple[Remark, ...] = ()


def document_of(log: Sequence[Event], campaign: str) -> str:
    """Return a log as a document."""
    parts = ["---", f"campaign: {plain(campaign)}", f"events: {len(log)}", "---", "", "# Campaign log", ""]
    parts += _INTRODUCTION
    day = ""
    for event in history(log):
        if event.on != day:
            day = event.on
            parts += ["", f"## {day}", ""]
        parts.append(f"- {line_of(event.fact)} ^{event.id}")
    return "\n".join(parts) + "\n"


def changes_in(text: str, log: Sequence[Event], *, today: str, new_id: Callable[[], str]) -> Changes:
    """Return what was changed in a document since it was written.

    Args:
        text: The document as it is now.
        log: The log as it is now.
        today: The day for lines that stand under none.
        new_id: Gives each new event its id.
    """
    lines = text[:_LONGEST].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    length, start = _front_matter(lines)
    reading = _Reading(log, today, new_id, length or 0)
    if length is None:
        reading.remarks.append(Remark(0, "The lines at its top are gone (`events: …`), so nothing counts as deleted."))
    for entry in _entries(lines, start):
        reading.take(entry)
    reading.delete()
    order = sorted(reading.remarks, key=lambda remark: remark.line)
    return Changes(tuple(reading.events), reading.added, reading.changed, reading.deleted, tuple(order))


def _front_matter(lines: Sequence[str]) -> tuple[int | None, int]:
    """Return how long the log was, or None where it does not say, and the line after the front matter."""
    if not lines or lines[0].strip("\ufeff ") != "---":
        return None, 0
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        return None, 1
    found = next((match for line in lines[1:end] if (match := _EVENTS.fullmatch(line.strip()))), None)
    return (int(found[1]) if found else None), end + 1


@dataclass(frozen=True, slots=True)
class _Entry:
    """One thing said in a document: a list item with what hangs below it, a paragraph's line, or a heading."""

    line: int
    said: str
    is_heading: bool = False


def _entries(lines: Sequence[str], start: int) -> Iterator[_Entry]:
    open_entry: _Entry | None = None
    for number, line in enumerate(lines[start:], start + 1):
        heading, bullet = _HEADING.fullmatch(line), _BULLET.fullmatch(line)
        if open_entry is not None and line.startswith((" ", "\t")) and line.strip() and bullet is None:
            open_entry = replace(open_entry, said=f"{open_entry.said} {line.strip()}")  # goes on below its bullet
            continue
        if open_entry is not None:
            yield open_entry
        open_entry = None
        if heading is not None:
            open_entry = _Entry(number, heading["title"], is_heading=True)
        elif bullet is not None:
            open_entry = _Entry(number, bullet["said"])
        elif line.strip() and line.strip() not in _INTRODUCTION:
            open_entry = _Entry(number, line.strip())
    if open_entry is not None:
        yield open_entry


class _Reading:
    """A document being compared with the log."""

    def __init__(self, log: Sequence[Event], today: str, new_id: Callable[[], str], length: int) -> None:
        self.written = {event.id for event in log[:length]}  # what the document had when it was written
        self.today = today
        self.new_id = new_id
        self.events: list[Event] = []
        self.remarks: list[Remark] = []
        self.added = self.changed = self.deleted = 0
        self.state = state_of(log)
        self.known = {event.id: event for event in history(log)}
        self.places = {each: place for place, each in enumerate(self.known)}
        self.seen: set[str] = set()
        self.furthest = -1  # the place in the log of the last event that stands where it stood
        self.day = ""
        self.before = TOP  # the id of the event that stands before, of the same day
        self.last: dict[str, str] = {}  # by day, the id of the event that stands last

    def take(self, entry: _Entry) -> None:
        if entry.is_heading and self._begins_a_day(entry):
            return
        match = _ID.fullmatch(entry.said)
        said, marked = (match["said"], match["id"]) if match else (entry.said, "")
        if not plain(said):
            return
        event = self.known.get(marked)
        if event is None or marked in self.seen:  # a copied line is a new one
            self._add(entry, said)
            return
        self.seen.add(marked)
        place = self.places[marked]
        if (self.day and self.day != event.on) or place < self.furthest:
            self._change(entry, said, event, self.before)  # moved to where it stands now
        elif " ".join(said.split()) != line_of(event.fact):
            self._change(entry, said, event, event.id)
        else:
            self.before = marked
        self.furthest = max(place, self.furthest)

    def _begins_a_day(self, entry: _Entry) -> bool:
        day = _DAY.search(entry.said)
        if day is not None:
            self.last[self.day] = self.before
            self.day = day[1]
            self.before = self.last.get(self.day, TOP)
        return day is not None or entry.said == "Campaign log"

    def _add(self, entry: _Entry, said: str) -> None:
        day = self.day or self.today
        known = self._read_before(day, said)
        if known:
            self.seen.add(known)
            self.before = known
            return
        self.added += 1
        event = Event(self.new_id(), day, self._fact(entry, said), self.before)
        self.events.append(event)
        self.before = event.id

    def _read_before(self, day: str, said: str) -> str:
        """Return the event that an earlier reading of this document made of a line without a mark; empty: none."""
        line = line_of(fact_said(said, self.state))
        for event in self.known.values():
            new = event.id not in self.written and event.id not in self.seen
            if new and event.on == day and line_of(event.fact) == line:
                return event.id
        return ""

    def _change(self, entry: _Entry, said: str, event: Event, after: str) -> None:
        self.changed += 1
        self._take_back(event)
        fact = event.fact if " ".join(said.split()) == line_of(event.fact) else self._fact(entry, said)
        self.events.append(Event(self.new_id(), self.day or event.on, fact, after))
        self.before = self.events[-1].id

    def _fact(self, entry: _Entry, said: str) -> Fact:
        fact = fact_said(said, self.state)
        if entry.is_heading or not is_understood(fact, said):
            shown = plain(said)[:60]
            self.remarks.append(
                Remark(entry.line, f"kept as a note, for it tells nothing that is kept track of: {shown}")
            )
        return fact

    def _take_back(self, event: Event) -> None:
        self.events.append(Event(self.new_id(), event.on, Fact("undo", event.id)))

    def delete(self) -> None:
        """Take back what the document does not have any more, of what the log had when it was written."""
        for event in self.known.values():
            if event.id in self.written and event.id not in self.seen:
                self.deleted += 1
                self._take_back(event)
