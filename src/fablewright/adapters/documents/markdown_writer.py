"""Writes Markdown block by block: paragraphs, lists, boxes and tables, nested as they come.

What it is given as text stays text: a paragraph that happens to begin with ``#`` or ``>`` gets a backslash in
front, so that a document cannot pretend to be a heading or a box that it does not have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fablewright.adapters.documents.source import RefusedDocument

__all__ = ["MarkdownWriter", "escaped", "table"]

_DEEPEST = 8
"""Boxes and lists inside each other that are written as such; what is deeper stands at that depth."""
_LOOKS_LIKE_MARKUP = re.compile(r"[ \t]*(?:#{1,6}(?=\s|$)|>|\||[-+*](?=\s|$)|`{3}|~{3}|-{2,}\s*$|={2,}\s*$)")
_NUMBERED = re.compile(r"^([ \t]*\d{1,9})([.)])(?=\s|$)")
_BLANK = re.compile(r"[ \t\n\r\f\v\u00a0]+")


def escaped(line: str) -> str:
    """Return one line of text so that Markdown takes it for text."""
    if _LOOKS_LIKE_MARKUP.match(line):
        stripped = line.lstrip(" \t")
        return f"{line[: len(line) - len(stripped)]}\\{stripped}"
    return _NUMBERED.sub(r"\1\\\2", line, count=1)


def table(rows: list[list[str]]) -> str:
    """Return a table whose first row is its header; short rows are filled up, bars and line ends are taken out."""
    width = max(map(len, rows))
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


@dataclass(slots=True)
class _Container:
    """A box or a list item around what is written: the mark before its first line, and before the others."""

    first: str
    rest: str
    begun: bool = False


@dataclass(slots=True)
class MarkdownWriter:
    """Collects blocks; between two of them stands a blank line, except between the items of a list.

    Args:
        most: Characters after which a document is refused.
    """

    most: int
    _lines: list[str] = field(default_factory=list)
    _containers: list[_Container] = field(default_factory=list)
    _size: int = 0
    _tight: bool = False

    def text(self, words: str) -> None:
        """Write a paragraph of inline Markdown, each of its lines for itself; without words, nothing."""
        lines = [_BLANK.sub(" ", line).strip() for line in words.split("\n")]
        lines = [escaped(line) for line in lines if line]
        if lines:
            self.block("\n".join(lines))

    def heading(self, level: int, words: str) -> None:
        """Write a heading; without words, nothing."""
        title = _BLANK.sub(" ", words).strip()
        if title:
            self.block(f"{'#' * max(1, min(level, 6))} {title}")

    def code(self, words: str) -> None:
        """Write text that keeps its lines and blanks."""
        longest = max(map(len, re.findall(r"`{3,}", words)), default=2)
        fence = "`" * (longest + 1)
        if words.strip():
            self.block(f"{fence}\n{words.strip(chr(10))}\n{fence}")

    def block(self, markdown: str) -> None:
        """Write Markdown as it stands.

        Raises:
            RefusedDocument: There is more than anybody has a use for.
        """
        inside = self._containers[:_DEEPEST]
        fresh_item = bool(inside) and not inside[-1].begun and inside[-1].rest.isspace()
        in_an_item = len(inside) > 1 and inside[-2].rest.isspace() and inside[-2].begun
        if self._lines and not (fresh_item and (self._tight or in_an_item)):
            self._put("".join(container.rest for container in inside if container.begun).rstrip())
        for line in markdown.split("\n"):
            prefix = ""
            for container in inside:
                prefix += container.rest if container.begun else container.first
                container.begun = True
            self._put((prefix + line).rstrip())
        self._tight = False

    def enter(self, first: str, rest: str) -> None:
        """Begin a box or an item: ``> `` before each line, or ``- `` and then two blanks."""
        self._containers.append(_Container(first, rest))

    def leave(self) -> None:
        """End the box or item that was begun last."""
        if self._containers and self._containers.pop().begun:
            self._tight = True

    def result(self) -> str:
        """Return what was written."""
        return "\n".join(self._lines) + "\n" if self._lines else ""

    def _put(self, line: str) -> None:
        self._size += len(line) + 1
        if self._size > self.most:
            raise RefusedDocument(f"there is more text in it than {self.most / 1e6:.3g} MB")
        self._lines.append(line)
