"""The lines of a PDF's pages as Markdown: headings by their size, paragraphs, lists and tables.

Pure. What a page repeats at its head or foot, and its number, is left out: "12 THE SUNKEN MILL" in the middle of
a sentence is no part of it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.adapters.documents.markdown_writer import escaped, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.adapters.documents.pdf_columns import Line

__all__ = ["markdown"]

_LARGER = 1.15
"""How much larger than the body a heading is."""
_LONGEST_HEADING = 120
_LONGEST_BOLD_HEADING = 60
_NEW_PARAGRAPH = 1.65
"""Distance between two lines, in font sizes, that parts two paragraphs."""
_INDENT = 0.8
"""Font sizes that the first line of a paragraph is set in."""
_EDGE_LINES = 2
"""Lines at the head and at the foot of a page that may be repeated ones."""
_SMALL_PRINT = 13.0
"""Points up to which a line at the edge of a page may be its number with a title."""
_BULLET = re.compile(r"[•●▪■◦‣⁃∙·–]\s+(?=\S)|[-*]\s+(?=\S)")  # noqa: RUF001 - as they stand in books
_NUMBERED = re.compile(r"\d{1,2}[.)]\s+(?=\S)")
_ENDS_SENTENCE = re.compile(r"[.!?:;…][\"'”’)\]*]*$")
_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]{2}")


def markdown(pages: Sequence[Sequence[Line]]) -> tuple[str, tuple[int, ...]]:
    """Return the Markdown of a document, and where in it each page begins."""
    repeated = _repeated(pages)
    kept = [_without_edges(page, repeated) for page in pages]
    levels = _levels(kept)
    written: list[str] = []
    starts: list[int] = []
    at = 0
    for page in kept:
        starts.append(at)
        text = "".join(f"{block}\n\n" for block in _Page(levels).blocks(page))
        written.append(text)
        at += len(text)
    return "".join(written), tuple(starts)


# ---------------------------------------------------------------- heads and feet


def _repeated(pages: Sequence[Sequence[Line]]) -> frozenset[str]:
    """Return what many pages have at their edges: the same words, in small print also with another number."""
    seen = Counter(words for page in pages for words in {_pattern(line) for line in _edges(page)})
    enough = max(3, len(pages) // 10)
    return frozenset(words for words, count in seen.items() if count >= enough)


def _edges(page: Sequence[Line]) -> list[Line]:
    upright = sorted(page, key=lambda line: line.bottom)
    return [*upright[:_EDGE_LINES], *upright[-_EDGE_LINES:]]


def _pattern(line: Line) -> str:
    """Return a line as it is on every page; "Chapter 3" in large letters is a heading of its own."""
    text = line.text.strip().lower()
    return text if line.size > _SMALL_PRINT else _DIGITS.sub("#", text)


def _without_edges(page: Sequence[Line], repeated: frozenset[str]) -> list[Line]:
    edges = _edges(page) if len(page) > 1 else []
    gone = {id(line) for line in edges if _pattern(line) == "#" or _pattern(line) in repeated}
    return [line for line in page if id(line) not in gone]


# ---------------------------------------------------------------- headings


@dataclass(frozen=True, slots=True)
class _Levels:
    """Which sizes are headings, largest first, and what is the body's."""

    body: float
    sizes: tuple[float, ...]

    def of(self, line: Line) -> int:
        """Return the level of a heading by its size; 0: none."""
        if line.size < _LARGER * self.body or len(line.text) > _LONGEST_HEADING or not _LETTERS.search(line.text):
            return 0
        return min(6, sum(1 for size in self.sizes if size > line.size) + 1)

    @property
    def lowest(self) -> int:
        """The level of a heading that is no larger than the body, only bold."""
        return min(6, len(self.sizes) + 1)


def _levels(pages: Sequence[Sequence[Line]]) -> _Levels:
    letters: Counter[float] = Counter()
    for page in pages:
        for line in page:
            letters[line.size] += len(line.text)
    body = max(letters, key=lambda size: (letters[size], -size), default=10.0)
    plain = _Levels(body, ())
    sizes = {line.size for page in pages for line in page if plain.of(line)}
    return _Levels(body, tuple(sorted(sizes, reverse=True)[:5]))


# ---------------------------------------------------------------- blocks


@dataclass(slots=True)
class _Page:
    """Makes blocks of one page's lines."""

    levels: _Levels
    found: list[str] = field(default_factory=list)
    paragraph: list[str] = field(default_factory=list)
    mark: str = ""

    def blocks(self, lines: Sequence[Line]) -> list[str]:
        """Return the page's blocks in order."""
        at = 0
        while at < len(lines):
            rows = _table_at(lines, at)
            if rows:
                self._end()
                self.found.append(table([list(row) for row in rows.cells]))
                at = rows.end
                continue
            level = self._level(lines, at)
            if level:
                at = self._heading(lines, at, level)
                continue
            self._line(lines[at], lines[at - 1] if at else None)
            at += 1
        self._end()
        return self.found

    def _level(self, lines: Sequence[Line], at: int) -> int:
        line = lines[at]
        level = self.levels.of(line)
        if level or not line.bold or len(line.text) > _LONGEST_BOLD_HEADING or line.size < 0.95 * self.levels.body:
            return level
        apart = at == 0 or _is_apart(lines[at - 1], line)
        alone = at + 1 < len(lines) and not lines[at + 1].bold and lines[at + 1].column == line.column
        is_title = not line.text.endswith((".", ",", ";", ":")) and bool(_LETTERS.search(line.text))
        return self.levels.lowest if apart and alone and is_title else 0

    def _heading(self, lines: Sequence[Line], at: int, level: int) -> int:
        """Write a heading with the lines that it goes on in; return where it ends."""
        self._end()
        words = lines[at].text
        end = at + 1
        while (
            end < len(lines)
            and lines[end].size == lines[at].size
            and self.levels.of(lines[end]) == level
            and lines[end].column == lines[at].column
            and not _is_apart(lines[end - 1], lines[end])
            and len(words) < _LONGEST_HEADING
        ):
            words = _joined(words, lines[end].text)
            end += 1
        self.found.append(f"{'#' * level} {words.replace('**', '').strip()}")
        return end

    def _line(self, line: Line, before: Line | None) -> None:
        words = f"**{line.text}**" if line.bold and len(line.text) > 1 else line.text
        bullet = _BULLET.match(line.text) or _NUMBERED.match(line.text)
        if before is None or bullet or self._begins(line, before):
            self._end()
        if bullet:
            words = line.text[bullet.end() :]
            self.mark = f"{bullet[0].strip()} " if bullet[0][0].isdigit() else "- "
        self.paragraph.append(words)

    def _begins(self, line: Line, before: Line) -> bool:
        """Whether a paragraph begins with this line."""
        if not self.paragraph:
            return False
        if line.column != before.column:
            goes_on = line.text[:1].islower() and not _ENDS_SENTENCE.search(before.text)
            return not goes_on
        if _is_apart(before, line):
            return True
        indented = line.left > line.column[0] + _INDENT * line.size
        return not self.mark and indented and before.left <= line.column[0] + 0.5 * line.size

    def _end(self) -> None:
        if self.paragraph:
            words = self.paragraph[0]
            for more in self.paragraph[1:]:
                words = _joined(words, more)
            words = words.replace("** **", " ").replace("<", "&lt;").replace("\u00ad", "")
            self.found.append(self.mark + words if self.mark else escaped(words))
        self.paragraph, self.mark = [], ""


def _is_apart(before: Line, line: Line) -> bool:
    """Whether there is more room between two lines than within a paragraph, or they are no neighbours."""
    if before.column != line.column:
        return True
    step = line.bottom - before.bottom
    return not 0 < step <= _NEW_PARAGRAPH * max(line.size, before.size)


def _joined(words: str, more: str) -> str:
    """Put the next line to a paragraph; a word that was parted at the end of a line is made whole."""
    if words.endswith("\u00ad"):
        return words[:-1] + more
    if len(words) > 1 and words.endswith("-") and words[-2].isalpha() and more[:1].islower():
        return words[:-1] + more
    return f"{words} {more}"


# ---------------------------------------------------------------- tables


@dataclass(slots=True)
class _Rows:
    """A table, and the number of the line after it."""

    cells: list[list[str]]
    end: int


def _table_at(lines: Sequence[Line], at: int) -> _Rows | None:
    """Return the table that begins at a line; a row has as many cells as the first, and they begin alike."""
    first = lines[at]
    if len(first.cells) < 2:
        return None
    rows = [[cell.text for cell in first.cells]]
    full = 1
    end = at + 1
    while end < len(lines) and lines[end].column == first.column:
        line = lines[end]
        if line.bottom - lines[end - 1].bottom > 3 * line.size:
            break
        columns = _columns(line, first)
        if columns == list(range(len(first.cells))):
            rows.append([cell.text for cell in line.cells])
            full += 1
        elif columns and columns[0] > 0 and not _is_apart(lines[end - 1], line):  # the rest of what is in a cell
            for number, cell in zip(columns, line.cells, strict=True):
                rows[-1][number] = _joined(rows[-1][number], cell.text)
        else:
            break
        end += 1
    return _Rows(rows, end) if full > 2 else None


def _columns(line: Line, first: Line) -> list[int] | None:
    """Return in which columns of a table the cells of a line stand; None if one stands in none."""
    found: list[int] = []
    for cell in line.cells:
        matching = [
            number
            for number, head in enumerate(first.cells)
            if abs(cell.left - head.left) < line.size
            or abs(cell.right - head.right) < line.size
            or abs(cell.left + cell.right - head.left - head.right) < 2 * line.size
        ]
        if not matching or (found and matching[0] <= found[-1]):
            return None
        found.append(matching[0])
    return found
