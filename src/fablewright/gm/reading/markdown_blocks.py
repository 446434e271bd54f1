"""Cuts Markdown into blocks by line: what is a heading, and what must not be torn apart.

It follows CommonMark where a GM's notes depend on it, in one pass and in linear time whatever the input.
Three rules are kinder than CommonMark, because notes are written in a hurry: a comment or ``<pre>`` that is
never closed is ordinary text (it does not swallow the file), only a single line can be a setext title
(``---`` under a paragraph is a rule), and a heading after a blank line ends an HTML table left open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Block", "BlockKind", "Line", "blocks", "lines"]

BlockKind = Literal["front_matter", "heading", "quote", "table", "html_table", "fence", "comment", "raw", "text"]

_LINE_END = re.compile(r"\r\n?|\n")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(?:={2,}+|-{2,}+)[ \t]*+$")
_FENCE = re.compile(r"[ \t]*+(`{3,}+|~{3,}+)")
_LIST_ITEM = re.compile(r"[ \t]*+(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")
_TABLE_TAG = re.compile(r"<(/?)table\b", re.IGNORECASE)
_RAW_OPEN = re.compile(r" {0,3}<(pre|script|style|textarea)(?:[ \t>]|$)", re.IGNORECASE)
_SPACE = " \t"
_LONGEST_TITLE = 200
"""Characters of a setext title, and of any title that is kept: each passage below repeats it."""


class Line(NamedTuple):
    """One line: ``text`` without its line end; ``start`` and ``end`` (line end included) in the file."""

    text: str
    start: int
    end: int

    @property
    def blank(self) -> bool:
        """Whether there is nothing on it but white space."""
        return not self.text or self.text.isspace()


@dataclass(frozen=True, slots=True)
class Block:
    """A run of lines that belong together.

    Attributes:
        kind: What it is; ``text`` for paragraphs, lists and everything else.
        start: First character in the whole text.
        end: One past its last character, line end included.
        spaced: Whether a blank line, a heading or the beginning of the file stands before it.
        level: 1 to 6 for a heading, 0 for everything else.
        title: A heading's words with their markup, at most 200 characters; empty for everything else.
    """

    kind: BlockKind
    start: int
    end: int
    spaced: bool
    level: int = 0
    title: str = ""


def lines(text: str) -> list[Line]:
    r"""Split at ``\n``, ``\r\n`` and ``\r`` only: a form feed or U+2028 stands inside a line."""
    found: list[Line] = []
    start = 0
    if "\r" not in text:
        for line in text.split("\n"):
            found.append(Line(line, start, start + len(line) + 1))
            start += len(line) + 1
        last = found.pop()  # behind the last line end nothing is left, or a line without any
        return [*found, Line(last.text, last.start, len(text))] if last.text else found
    for match in _LINE_END.finditer(text):
        found.append(Line(text[start : match.start()], start, match.end()))
        start = match.end()
    if start < len(text):
        found.append(Line(text[start:], start, len(text)))
    return found


def blocks(text: str) -> list[Block]:
    """Return the blocks of a Markdown text in order; between them are only blank lines."""
    return list(_Scanner(text).scan())


class _Scanner:
    """One pass over the lines; ``at`` is the line to look at next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = lines(text)
        if text.startswith("\ufeff"):  # a byte order mark is no part of the first line's words
            first = self.lines[0]
            self.lines[0] = Line(first.text[1:], first.start, first.end)
        self.at = 0
        self.spaced = True
        self.in_list = False
        # Closing marks that were searched for and are not in the rest of the text: never searched for again.
        self.never_closed: set[str] = set()

    def scan(self) -> Iterator[Block]:
        front_matter = self._front_matter_end()
        if front_matter:
            yield self._take("front_matter", front_matter)
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.blank:
                self.at += 1
                self.spaced = True
                continue
            yield self._next_block(line)

    def _next_block(self, line: Line) -> Block:
        """Take the block that begins at ``line``, which is not blank."""
        atx = _ATX.match(line.text)
        if atx:
            return self._take("heading", self.at + 1, level=len(atx[1]), title=_atx_title(line.text[atx.end(1) :]))
        if self._is_setext_title():
            level = 1 if "=" in self.lines[self.at + 1].text else 2
            return self._take("heading", self.at + 2, level=level, title=line.text.strip())
        special = self._special_block(line)
        if special:
            return self._take(*special)
        kind = _line_kind(line)
        if kind == "text":
            self._note_list(line)
        stop = self.at + 1
        while stop < len(self.lines) and self._continues(kind, stop):
            stop += 1
        if kind == "text":  # a comment opened in the middle of a line hides what stands in it
            stop = max(stop, self._end_of_inline_comment(self.at, stop))
        return self._take(kind, stop)

    def _take(self, kind: BlockKind, stop: int, *, level: int = 0, title: str = "") -> Block:
        first, last = self.lines[self.at], self.lines[stop - 1]
        block = Block(kind, first.start, last.end, self.spaced, level, title[:_LONGEST_TITLE])
        self.at = stop
        self.spaced = kind == "heading"
        if kind == "heading":
            self.in_list = False
        return block

    # ------------------------------------------------------------ what a line begins

    def _front_matter_end(self) -> int:
        """Return the line after YAML front matter, or 0 when the text does not begin with any."""
        if not self.lines or self.lines[0].text.rstrip(_SPACE) != "---":
            return 0
        for number, line in enumerate(self.lines[1:], start=1):
            if line.text.rstrip(_SPACE) in {"---", "..."}:
                return number + 1
        return 0

    def _special_block(self, line: Line) -> tuple[BlockKind, int] | None:
        """Return kind and end of a block that may hold blank and ``#`` lines, if ``line`` begins one."""
        indent = len(line.text) - len(line.text.lstrip(_SPACE))
        fence = _FENCE.match(line.text)
        if fence and (indent < 4 or self.in_list) and not ("`" in fence[1] and "`" in line.text[fence.end() :]):
            return "fence", self._fence_end(fence[1])
        if indent >= 4:
            return None
        if line.text.startswith("<!--", indent):
            stop = self._closing_line("-->", line.start + indent + 2, self.at)
            return ("comment", stop) if stop else None
        raw = _RAW_OPEN.match(line.text)
        if raw:
            stop = self._closing_line(f"</{raw[1].lower()}>", line.start, self.at)
            return ("raw", stop) if stop else None
        opens_table = _TABLE_TAG.match(line.text, indent)
        if opens_table and not opens_table[1]:
            return "html_table", self._html_table_end()
        return None

    def _is_setext_title(self) -> bool:
        line = self.lines[self.at]
        if self.at + 1 >= len(self.lines) or not _SETEXT.match(self.lines[self.at + 1].text):
            return False
        plain = not line.text.startswith(("    ", "\t")) and _line_kind(line) == "text"
        is_rule = not line.text.strip(" \t-=*_")
        return (
            plain
            and not is_rule
            and len(line.text) <= _LONGEST_TITLE
            and not _LIST_ITEM.match(line.text)
            and not _FENCE.match(line.text)
            and not line.text.lstrip(_SPACE).startswith("<")
        )

    def _note_list(self, line: Line) -> None:
        if _LIST_ITEM.match(line.text):
            self.in_list = True
        elif self.spaced and not line.text.startswith(("  ", "\t")):
            self.in_list = False

    # ------------------------------------------------------------ where a block ends

    def _continues(self, kind: BlockKind, number: int) -> bool:
        line = self.lines[number]
        if line.blank or _ATX.match(line.text):
            return False
        following = _line_kind(line)
        if kind == "text" and _LIST_ITEM.match(line.text):
            self.in_list = True
        if kind == "quote" and following == "text":  # a lazy continuation line still belongs to the quotation
            return not _LIST_ITEM.match(line.text) and not self._begins_special(line)
        return following == kind and not (kind == "text" and self._begins_special(line))

    def _begins_special(self, line: Line) -> bool:
        stripped = line.text.lstrip(_SPACE)
        if not stripped.startswith(("<", "`", "~")):
            return False
        if stripped.startswith("<!--"):
            return True
        return bool(_FENCE.match(line.text) or _TABLE_TAG.match(stripped) or _RAW_OPEN.match(line.text))

    def _fence_end(self, mark: str) -> int:
        """Return the line after the closing fence, or the end of the text: an open fence runs to the end."""
        for number in range(self.at + 1, len(self.lines)):
            stripped = self.lines[number].text.strip(_SPACE)
            if len(stripped) >= len(mark) and stripped.startswith(mark) and not stripped.strip(mark[0]):
                return number + 1
        return len(self.lines)

    def _html_table_end(self) -> int:
        """Return the line after ``</table>``; a heading after a blank line, or the end, closes it too."""
        depth = 0
        after_blank = False
        for number in range(self.at, len(self.lines)):
            line = self.lines[number]
            if after_blank and _ATX.match(line.text):
                return number
            for tag in _TABLE_TAG.finditer(line.text):
                depth += -1 if tag[1] else 1
            if depth <= 0:
                return number + 1
            after_blank = line.blank
        return len(self.lines)

    def _closing_line(self, mark: str, position: int, number: int) -> int:
        """Return the number of the line after the one that holds ``mark``, 0 when it never comes.

        The search begins at ``position``, which lies in the line ``number``.
        """
        if mark in self.never_closed:
            return 0
        found = self.text.find(mark, position)
        if found < 0 and mark != "-->":  # tags close in any case of letters
            match = re.compile(re.escape(mark), re.IGNORECASE).search(self.text, position)
            found = match.start() if match else -1
        if found < 0:
            self.never_closed.add(mark)
            return 0
        while self.lines[number].end <= found:
            number += 1
        return number + 1

    def _end_of_inline_comment(self, first: int, stop: int) -> int:
        """Return the line after a comment that opens in the lines ``first:stop``, at least ``stop``."""
        number = first
        while number < stop:
            line = self.lines[number]
            number += 1
            opened = line.text.rfind("<!--")
            if opened < 0 or "-->" in line.text[opened:] or line.text.count("`", 0, opened) % 2:
                continue
            number = self._closing_line("-->", line.start + opened + 2, number - 1) or number
        return max(number, stop)


def _line_kind(line: Line) -> BlockKind:
    stripped = line.text.lstrip(_SPACE)
    if stripped.startswith(">"):
        return "quote"
    return "table" if stripped.startswith("|") else "text"


def _atx_title(rest: str) -> str:
    """Drop the closing row of ``#`` that a heading may have: ``## Title ##``."""
    title = rest.strip()
    without = title.rstrip("#")
    return without.rstrip() if not without or without[-1] in _SPACE else title
