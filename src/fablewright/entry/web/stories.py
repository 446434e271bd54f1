"""The latest stories of requests, out of the file that they are written to: for the waterfall of the system page."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations at run time
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from fablewright.entry.story import Remark, Sent, Story, find_story, is_aside, stories
from fablewright.entry.story_file import read_records, story_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Stories", "StoriesReply", "StoryReply"]

_MOST = 50


class StoryHead(msgspec.Struct, frozen=True):
    """A story in one line."""

    id: Annotated[str, Meta(description="Its correlation id.")]
    at: Annotated[datetime, Meta(description="When it began.")]
    asked: Annotated[str, Meta(description="What was typed, or what was asked of whom.")]
    typed: Annotated[bool, Meta(description="Whether a person asked.")]
    action: Annotated[str, Meta(description="What was asked first: handle_request, or write_prose for a model's.")]
    outcome: Annotated[str, Meta(description="Empty while there is none.")]
    ms: Annotated[float | None, Meta(description="Until it was over; null while it is not.")]


class StoriesReply(msgspec.Struct, frozen=True):
    """The latest stories, the latest first."""

    stories: tuple[StoryHead, ...]


class Span(msgspec.Struct, frozen=True):
    """A message, and how long it took; times are milliseconds since the story began."""

    id: str
    depth: Annotated[int, Meta(description="0 for the outermost; what its handler sent is one deeper, and follows.")]
    how: Annotated[str, Meta(description="asked, joined or told")]
    sender: Annotated[str, Meta(description="Empty for a person.")]
    to: str
    action: str
    attempt: int
    at_ms: float
    started_ms: Annotated[float | None, Meta(description="When a handler began.")]
    finished_ms: Annotated[float | None, Meta(description="When that handler was over.")]
    ended_ms: Annotated[float | None, Meta(description="When it had its outcome.")]
    outcome: str
    why: Annotated[str, Meta(description="What went wrong.")]


class SpanRemark(msgspec.Struct, frozen=True):
    """Something that happened beside: a retry, a breaker that moved, a dead letter."""

    at_ms: float
    depth: int
    what: str
    where: str
    detail: str


class StoryReply(msgspec.Struct, frozen=True):
    """One story."""

    story: StoryHead
    spans: tuple[Span, ...]
    remarks: tuple[SpanRemark, ...]


class Stories:
    """Reads the file, and keeps what it read until the file has changed; its methods block for some milliseconds.

    Args:
        data_dir: The folder that it is in.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._read: tuple[tuple[int, int], Sequence[Story]] = ((0, 0), ())

    def latest(self) -> StoriesReply:
        """Return the latest stories, the latest first."""
        return StoriesReply(tuple(_head(story) for story in self._stories()[: -_MOST - 1 : -1]))

    def find(self, wanted: str) -> StoryReply:
        """Return the story with an id, or one in which a message has it.

        Raises:
            InvalidInput: There is none, or there are several that begin so.
        """
        story = find_story(self._stories(), wanted)
        walked = list(_walk(story.parts, 0))
        spans = tuple(_span(part, depth) for depth, part in walked if isinstance(part, Sent))
        remarks = tuple(
            SpanRemark(round(part.at, 3), depth, part.what, part.where, part.detail)
            for depth, part in walked
            if isinstance(part, Remark)
        )
        return StoryReply(_head(story), spans, remarks)

    def _stories(self) -> Sequence[Story]:
        try:
            found = story_file(self._data_dir).stat()
        except OSError:
            return ()
        seen = (found.st_mtime_ns, found.st_size)
        if seen != self._read[0]:
            told = [story for story in stories(read_records(self._data_dir)) if not is_aside(story)]
            self._read = (seen, told)
        return self._read[1]


def _head(story: Story) -> StoryHead:
    last = story.last
    outcome = last.outcome if last else ""
    action = last.action if last else ""
    return StoryHead(story.story_id, story.at, story.asked, bool(story.words), action, outcome, _rounded(story.took))


def _walk(parts: Sequence[Sent | Remark], depth: int) -> Iterator[tuple[int, Sent | Remark]]:
    for part in parts:
        yield depth, part
        if isinstance(part, Sent):
            yield from _walk(part.after, depth + 1)


def _span(part: Sent, depth: int) -> Span:
    return Span(
        part.message_id,
        depth,
        part.how,
        part.sender,
        part.to,
        part.action,
        part.attempt,
        round(part.at, 3),
        _rounded(part.started),
        _rounded(part.finished),
        _rounded(part.ended),
        part.outcome,
        part.why,
    )


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 3)
