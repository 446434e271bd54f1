"""A request's story: who asked whom, how long it took and how it ended, put together out of records.

The records of one story share a correlation id. What is about an agent as a whole (it crashed, it held up the loop)
belongs to each story that the agent had a part in at that time.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.campaign.memory import CampaignMemory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from fablewright.entry.story_file import Record

__all__ = ["Remark", "Sent", "Story", "find_story", "is_aside", "stories"]

_SENT = {"asked", "joined", "told"}
_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that happened beside the asking and answering.

    Attributes:
        at: Milliseconds since the story began.
        what: See ``runtime.events.What``.
        where: The agent, and its action if it is about one.
        detail: What there is to say about it.
    """

    at: float
    what: str
    where: str
    detail: str


@dataclass(slots=True)
class Sent:
    """A message, and what came of it. Times are milliseconds since the story began; None: not in the records.

    Attributes:
        message_id: Its id.
        how: ``asked``, ``joined`` or ``told``.
        sender: Who sent it; empty for a person.
        to: Which agent.
        action: Which of its actions.
        attempt: 1 for the first.
        at: When.
        started: When a handler began.
        finished: When that handler was over.
        ended: When it had its outcome.
        outcome: Which; empty while there is none, and for what was told.
        why: What went wrong.
        after: What its handler did and met, in order.
    """

    message_id: str
    how: str
    sender: str
    to: str
    action: str
    attempt: int
    at: float
    started: float | None = None
    finished: float | None = None
    ended: float | None = None
    outcome: str = ""
    why: str = ""
    after: list[Sent | Remark] = field(default_factory=list)

    @property
    def took(self) -> float | None:
        """Milliseconds until it was over, as its sender saw it; None while it is not."""
        end = self.finished if self.how == "told" else self.ended
        return None if end is None else end - self.at

    def sent(self) -> Iterator[Sent]:
        """Yield the messages that its handler sent."""
        return (each for each in self.after if isinstance(each, Sent))


@dataclass(frozen=True, slots=True)
class Story:
    """What came of one request.

    Attributes:
        story_id: Its correlation id.
        at: When it began.
        words: What a person typed; empty when no person did.
        parts: What happened on the outermost level, in order: most often one request.
    """

    story_id: str
    at: datetime
    words: str
    parts: Sequence[Sent | Remark]

    @property
    def last(self) -> Sent | None:
        """The outermost message whose outcome is that of the story: the last attempt."""
        return next((part for part in reversed(self.parts) if isinstance(part, Sent)), None)

    @property
    def asked(self) -> str:
        """What was asked, for people."""
        return self.words or (f"{self.last.to}.{self.last.action}" if self.last else "")

    @property
    def took(self) -> float | None:
        """Milliseconds from the beginning to the outcome; None while there is none."""
        last = self.last
        return None if last is None or last.took is None else last.at + last.took

    def sent(self) -> Iterator[Sent]:
        """Yield every message of the story, each before those that its handler sent."""
        waiting = [part for part in reversed(self.parts) if isinstance(part, Sent)]
        while waiting:
            message = waiting.pop()
            yield message
            waiting += reversed(list(message.sent()))


def stories(records: Iterable[Record]) -> list[Story]:
    """Return the stories that records tell, the oldest first."""
    by_id: defaultdict[str, list[Record]] = defaultdict(list)
    of_message: dict[str, str] = {}
    about_agents: list[Record] = []
    for record in records:
        story_id = record.correlation_id or of_message.get(record.message_id, "")
        if story_id:
            by_id[story_id].append(record)
            of_message[record.message_id] = story_id
        elif not record.message_id:
            about_agents.append(record)
    return [_story(story_id, mine, about_agents) for story_id, mine in by_id.items()]


def is_aside(story: Story) -> bool:
    """Return whether nobody asked for a story: the program waits by itself until a scene is kept."""
    return not story.words and all(message.to == CampaignMemory.name for message in story.sent())


def find_story(told: Sequence[Story], wanted: str) -> Story:
    """Return the story with an id, or one in which a message has it; the beginning of an id is enough.

    Raises:
        InvalidInput: There is none, or there are several.
    """
    by_id: dict[str, Story] = {}
    for story in told:
        by_id.update({message.message_id: story for message in story.sent()})
        by_id[story.story_id] = story
    if wanted in by_id:
        return by_id[wanted]
    begun = {by_id[each].story_id for each in by_id if each.startswith(wanted)}
    if len(begun) == 1:
        return by_id[begun.pop()]
    if begun:
        latest = [story.story_id for story in told if story.story_id in begun][-_NEAREST:]
        raise InvalidInput(f"{len(begun)} stories begin with {wanted!r}; the latest are {_listed(latest)}.")
    if not told:
        raise InvalidInput(f"There is no story {wanted!r}: nothing was asked so far.")
    nearest = difflib.get_close_matches(wanted, by_id, n=_NEAREST, cutoff=0.6) or [told[-1].story_id]
    kind = "the nearest is" if len(nearest) == 1 else "the nearest are"
    raise InvalidInput(
        f"There is no story {wanted!r}; {kind} {_listed(nearest)}. `fablewright trace --list` lists all."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[:-1] else "") + names[-1]


def _story(story_id: str, records: Sequence[Record], about_agents: Sequence[Record]) -> Story:
    began = records[0].at
    builder = _Builder(began)
    agents = {record.to for record in records}
    meanwhile = [each for each in about_agents if began <= each.at <= records[-1].at and each.to in agents]
    # In the order of the file, which holds also when somebody has set the clock in between.
    for record in sorted([*records, *meanwhile], key=lambda each: each.at) if meanwhile else records:
        builder.take(record)
    words = next((record.words for record in records if record.words), "")
    return Story(story_id, began, words, tuple(builder.parts))


class _Builder:
    """Puts one story together, record by record."""

    def __init__(self, began: datetime) -> None:
        self.parts: list[Sent | Remark] = []
        self._began = began
        self._sent: dict[str, Sent] = {}

    def take(self, record: Record) -> None:
        """Add what a record says."""
        at = max(0.0, 1000 * (record.at - self._began).total_seconds())
        message = self._sent.get(record.message_id)
        if record.what in _SENT:
            self._add(record, at)
        elif message is None or record.what not in {"started", "finished", "ended", "dead_letter"}:
            self._remark(record, at)
        elif record.what == "started":
            message.started = at
        elif record.what == "finished":
            message.finished = at
        elif record.what == "ended":
            message.outcome, _, message.why = record.detail.partition(": ")
            # By the bus's own clock, which nobody sets while it runs.
            message.ended = at if record.ms is None else message.at + record.ms
        else:
            message.after.append(_remark(record, at))

    def _add(self, record: Record, at: float) -> None:
        message = Sent(record.message_id, record.what, record.sender, record.to, record.action, record.attempt, at)
        self._level(record).append(message)
        self._sent[record.message_id] = message

    def _remark(self, record: Record, at: float) -> None:
        if record.what in {"started", "finished"}:  # of a message whose beginning is not in the file any more
            return
        self._level(record).append(_remark(record, at))

    def _level(self, record: Record) -> list[Sent | Remark]:
        """Return where it belongs: below the message that caused it."""
        cause = self._sent.get(record.causation_id or "")
        return self.parts if cause is None else cause.after


def _remark(record: Record, at: float) -> Remark:
    return Remark(at, record.what, f"{record.to}.{record.action}".strip("."), record.detail)
