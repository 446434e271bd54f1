"""A text file as rows: lines, of which some show a piece of a scene. How Markdown is written, and found again.

Nothing in Markdown says which line was which. So the rows that we wrote are laid beside the lines that are there:
equal lines are the same row, and what changed stands between them.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.exporting.edits import Seen

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["Reader", "Row", "lines_of"]

_MOST_LINES = 5_000
_ALIKE = 0.4
"""How alike two lines are that are the same one before and after an edit."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file.

    Attributes:
        text: The line.
        place: Of the piece that it shows; for a heading, the part that begins there; empty for everything else.
        lead: What stands before the piece, or before the pieces of the part: ``- ``.
    """

    text: str
    place: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """How one format's lines are read.

    Attributes:
        plain: Takes the markup off what stands behind the lead.
        secret: What marks a line as the GM's, right behind the lead.
        tail: The marks behind a piece: origin and sources.
        hanging: What a line begins with that hangs on the one above, and what it is to it: ``success``.
    """

    plain: Callable[[str], str]
    secret: str
    tail: re.Pattern[str]
    hanging: Mapping[str, str]

    def read(self, rows: Sequence[Row], lines: Sequence[str]) -> tuple[Seen, ...]:
        """Return what the lines show, laid beside the rows that were written.

        Raises:
            InvalidInput: There are too many lines.
        """
        if len(lines) > _MOST_LINES:
            raise InvalidInput(f"The file has {len(lines):,} lines; at most {_MOST_LINES:,} are read.")
        return tuple(self._read(rows, lines))

    def _read(self, rows: Sequence[Row], lines: Sequence[str]) -> Iterator[Seen]:
        matcher = difflib.SequenceMatcher(None, [row.text for row in rows], list(lines), autojunk=False)
        above: Row | None = None  # the last that stands for itself
        for tag, start, end, first, last in matcher.get_opcodes():
            for row, line in self._pairs(rows[start:end], lines[first:last], equal=tag == "equal"):
                if row is not None:
                    above = row if row.place and row.place.count(".") < 2 else above
                    if "." in row.place or row.place == "title":
                        yield self._seen(row.place, row.lead, line)
                elif above is not None and (seen := self._added(above, line)) is not None:
                    above = above if seen.place.count(".") == 2 else replace(above, place=seen.place)
                    yield seen

    def _added(self, above: Row, line: str) -> Seen | None:
        """Return what a person put under a row; what looks like no piece of the scene is none."""
        for lead, end in self.hanging.items():
            if line.startswith(lead) and "." in above.place:
                return self._seen(f"{above.place}.{end}", lead, line)
        if above.lead and line.startswith(above.lead):
            return self._seen(f"{above.place.partition('.')[0]}.+", above.lead, line)
        return None

    def _pairs(self, rows: Sequence[Row], lines: Sequence[str], *, equal: bool) -> Iterator[tuple[Row | None, str]]:
        """Yield each row with the line that it became, and each new line without a row, in the lines' order."""
        if equal or len(rows) == len(lines):
            yield from zip(rows, lines, strict=True)
            return
        left = list(rows)
        for line in lines:
            alike = [
                (difflib.SequenceMatcher(None, row.text, line, autojunk=False).ratio(), -at)
                for at, row in enumerate(left)
                if line.startswith(row.lead)
            ]
            best, at = max(alike, default=(0.0, 0))
            if best >= _ALIKE:
                yield left[-at], line
                del left[: -at + 1]
            else:
                yield None, line

    def _seen(self, place: str, lead: str, line: str) -> Seen:
        text = line.removeprefix(lead).strip()
        secret = text.startswith(self.secret)
        return Seen(place, self.plain(self.tail.sub("", text.removeprefix(self.secret)).strip()), secret)


def lines_of(text: str) -> list[str]:
    """Return a file's lines without their ends; blanks at the end of a line show nothing."""
    return [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
