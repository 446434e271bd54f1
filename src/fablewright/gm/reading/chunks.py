"""Cuts a note into passages that can stand alone: one section each, or whole blocks of a long one.

The rules, in order:

1. A section (a heading and what follows up to the next heading) is one chunk while it fits.
2. A heading with nothing below it joins the section that follows, a nearly empty one only a subsection.
3. A long section is cut where a blank line stands between two blocks, into parts of about equal size.
4. A block alone beyond the hard bound is cut at the ends of lines (table rows), a line after a sentence.
5. A stat block is one chunk with its subsections (actions, reactions) as long as it is within the hard bound.

A chunk that begins in the middle of a table says what the table's header is, for ``14 | dawn`` alone says nothing.

Every chunk is a slice of the text; slices are in order, do not overlap, and leave out only white space (and a
byte order mark) around them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.gm.reading.markdown_blocks import Block, blocks, lines
from fablewright.gm.reading.searchable import searchable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["RULES_VERSION", "Chunk", "ChunkSizes", "chunks"]

RULES_VERSION = 3
"""Raised whenever the same text would be cut differently, so that stored indexes are rebuilt."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A slice ``text[start:end]`` and the headings above it, outermost first.

    Attributes:
        start: First character.
        end: One past the last.
        heading: The headings.
        table_header: The header of the table that the slice begins inside of, as it stands; else empty.
    """

    start: int
    end: int
    heading: tuple[str, ...] = ()
    table_header: str = ""


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """How large chunks become, in characters.

    Attributes:
        usual: A section up to about this size (an eighth more is tolerated) stays whole.
        most: No chunk is larger; a blockquote, table or fence up to this size stays whole.
        slight: A section with fewer visible characters than this joins its first subsection.
    """

    usual: int = 1800
    most: int = 6000
    slight: int = 40


_USUAL = ChunkSizes()
_STATS_BEGIN_WITHIN = 3000
"""Characters from the heading within which the three marks of a stat block stand."""
_ARMOR_CLASS = re.compile(r"\b(?:AC|Armor Class)\b[^\w\n]{0,12}\d")
_HIT_POINTS = re.compile(r"\b(?:HP|Hit Points)\b[^\w\n]{0,12}\d")
_ABILITIES = re.compile(r"\bSTR\b.{0,2000}?\bCHA\b", re.DOTALL)
_LONGEST_HEADER = 1000
"""Characters of a table's header that are repeated; what is longer is no header."""
_DELIMITER_ROW = re.compile(r"[ \t]*+\|(?=[ \t|:]*+-)[ \t|:-]*+$")
_THEAD = re.compile(r"</thead\s*>", re.IGNORECASE)
_FIRST_ROW = re.compile(r"(?:(?!</tr\b).)*+</tr\s*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is not cut any further. ``leads`` pieces (headings, comments) stay with the piece that follows."""

    start: int
    end: int
    leads: bool = False

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _Section:
    heading: tuple[str, ...]
    level: int
    blocks: Sequence[Block]
    whole: bool = False

    @property
    def size(self) -> int:
        return self.blocks[-1].end - self.blocks[0].start


def chunks(text: str, *, markdown: bool = True, sizes: ChunkSizes = _USUAL) -> list[Chunk]:
    """Cut a decoded file into chunks.

    Args:
        text: The decoded file, with its line ends as they stand.
        markdown: False for plain text: no headings, paragraphs are grouped to the same sizes.
        sizes: The bounds, in characters.

    Returns:
        The chunks in order; none for a text of white space only. Time is linear in the length of the text.
    """
    cut = blocks(text) if markdown else _paragraphs(text)
    sections = _with_stat_blocks(text, _sections(cut), sizes) if markdown else [_Section((), 0, cut)]
    found: list[Chunk] = []
    for section in _joined(text, sections, sizes):
        if section.whole:
            bounds = _trimmed(text, section.blocks[0].start, section.blocks[-1].end)
            found.extend([Chunk(*bounds, section.heading)] if bounds else [])
            continue
        pieces = [piece for unit in _units(section.blocks) for piece in _pieces(text, unit, sizes)]
        found.extend(
            Chunk(*bounds, section.heading)
            for start, end in _packed(pieces, sizes)
            if (bounds := _trimmed(text, start, end))
        )
    return _with_table_headers(text, _without_bare_end(text, found, sections, sizes), cut)


# ---------------------------------------------------------------- sections


def _sections(found: Iterable[Block]) -> list[_Section]:
    sections: list[_Section] = []
    path: list[tuple[int, str]] = []
    level, body = 0, list[Block]()
    for block in found:
        if block.kind == "heading":
            if body:
                sections.append(_Section(tuple(title for _, title in path if title), level, body))
            while path and path[-1][0] >= block.level:
                path.pop()
            path.append((block.level, searchable(block.title)))
            level, body = block.level, []
        body.append(block)
    if body:
        sections.append(_Section(tuple(title for _, title in path if title), level, body))
    return sections


def _paragraphs(text: str) -> list[Block]:
    found: list[Block] = []
    start: int | None = None
    end = 0
    for line in lines(text):
        if line.blank:
            if start is not None:
                found.append(Block("text", start, end, spaced=True))
            start = None
            continue
        start = line.start if start is None else start
        end = line.end
    if start is not None:
        found.append(Block("text", start, end, spaced=True))
    return found


def _with_stat_blocks(text: str, sections: Sequence[_Section], sizes: ChunkSizes) -> list[_Section]:
    """Put a stat block's subsections to it if all of them fit into one chunk."""
    found: list[_Section] = []
    at = 0
    while at < len(sections):
        section = sections[at]
        at += 1
        if section.level and _is_stat_block(text, section):
            last = at
            while last < len(sections) and sections[last].level > section.level:
                last += 1
            start, end = section.blocks[0].start, sections[last - 1].blocks[-1].end
            if end - start <= sizes.most:
                together = [block for each in sections[at - 1 : last] for block in each.blocks]
                section = _Section(section.heading, section.level, together, whole=True)
                at = last
        found.append(section)
    return found


def _is_stat_block(text: str, section: _Section) -> bool:
    head = text[section.blocks[0].start : section.blocks[-1].end][:_STATS_BEGIN_WITHIN]
    return bool(_ARMOR_CLASS.search(head) and _HIT_POINTS.search(head) and _ABILITIES.search(head))


def _joined(text: str, sections: Sequence[_Section], sizes: ChunkSizes) -> Iterator[_Section]:
    """Put sections with little or nothing of their own in front of the section that follows."""
    carried: list[Block] = []
    for number, section in enumerate(sections):
        following = sections[number + 1] if number + 1 < len(sections) else None
        carried.extend(section.blocks)
        if section.whole:
            fits = carried[-1].end - carried[0].start <= sizes.most
            if not fits:  # the small sections before it stand alone
                lead = carried[: -len(section.blocks)]
                yield _Section(section.heading, section.level, lead)
                carried = list(section.blocks)
            yield _Section(section.heading, section.level, carried, whole=True)
            carried = []
            continue
        if following and carried[-1].end - carried[0].start <= sizes.usual:
            visible = _visible(text, section.blocks, sizes.slight)
            if visible == 0 or (visible < sizes.slight and following.level > section.level > 0):
                continue
        yield _Section(section.heading, section.level, carried)
        carried = []


def _visible(text: str, found: Sequence[Block], enough: int) -> int:
    """Count the characters that a reader sees below the heading; stop counting at ``enough``."""
    seen = 0
    for block in found:
        if block.kind in {"heading", "comment", "front_matter"}:
            continue
        # A prefix decides: a block of a megabyte need not be read to see that it is not empty.
        seen += len(searchable(text[block.start : min(block.end, block.start + 10 * enough)]))
        if seen >= enough:
            break
    return seen


def _without_bare_end(text: str, found: list[Chunk], sections: Sequence[_Section], sizes: ChunkSizes) -> list[Chunk]:
    """Let a last section without a body join the chunk before it, for there is nothing that follows."""
    if len(found) < 2 or not sections:
        return found
    before, last = found[-2], found[-1]
    own_start = sections[-1].blocks[0].start
    bare = last.start >= own_start and _visible(text, sections[-1].blocks, 1) == 0
    if bare and last.end - before.start <= sizes.most:
        return [*found[:-2], Chunk(before.start, last.end, before.heading)]
    return found


# ---------------------------------------------------------------- headers of tables


def _with_table_headers(text: str, found: list[Chunk], cut: Sequence[Block]) -> list[Chunk]:
    """Give each chunk that begins inside a table, behind its header, that header."""
    tables = [block for block in cut if block.kind in {"table", "html_table"}][::-1]  # the next one last
    headed: list[Chunk] = []
    for chunk in found:
        while tables and tables[-1].end <= chunk.start:
            tables.pop()
        if tables and tables[-1].start < chunk.start:
            end = _header_end(text, tables[-1])
            if tables[-1].start < end <= chunk.start:
                header = text[tables[-1].start : end].strip()
                headed.append(replace(chunk, table_header=header))
                continue
        headed.append(chunk)
    return headed


def _header_end(text: str, table: Block) -> int:
    """Return where the header of a table ends; where the table begins if it has none."""
    head = text[table.start : min(table.end, table.start + _LONGEST_HEADER)]
    if table.kind == "html_table":
        ends = _THEAD.search(head)
        row = _FIRST_ROW.match(head)
        if ends is None and row and "<th" in row[0].lower():
            ends = row
        return table.start + ends.end() if ends else table.start
    rows = lines(head)
    return table.start + rows[1].end if len(rows) > 2 and _DELIMITER_ROW.match(rows[1].text) else table.start


# ---------------------------------------------------------------- pieces of one section


def _units(found: Sequence[Block]) -> Iterator[list[Block]]:
    """Group blocks that no blank line separates; a cut is made between groups only."""
    unit: list[Block] = []
    for block in found:
        if unit and block.spaced and unit[-1].kind != "heading":
            yield unit
            unit = []
        unit.append(block)
    if unit:
        yield unit


def _pieces(text: str, unit: Sequence[Block], sizes: ChunkSizes) -> Iterator[_Piece]:
    leads = all(block.kind in {"heading", "comment", "front_matter"} for block in unit)
    whole = _Piece(unit[0].start, unit[-1].end, leads)
    if whole.size <= sizes.most:
        yield whole
    elif len(unit) > 1:
        for block in unit:
            yield from _pieces(text, [block], sizes)
    else:
        yield from _pieces_of_block(text, unit[0], sizes)


def _pieces_of_block(text: str, block: Block, sizes: ChunkSizes) -> Iterator[_Piece]:
    """Cut one block that is too large by itself: rows of an HTML table, else lines."""
    row_start = block.start
    for line in lines(text[block.start : block.end]):
        start, end = block.start + line.start, block.start + line.end
        if block.kind == "html_table" and "</tr" not in line.text.lower() and end - row_start <= sizes.usual:
            continue
        if end - row_start > sizes.most:
            if start > row_start:
                yield _Piece(row_start, start)
            yield from _pieces_of_line(text, start, end, sizes)
        else:
            yield _Piece(row_start, end)
        row_start = end
    if row_start < block.end:
        yield _Piece(row_start, block.end)


def _pieces_of_line(text: str, start: int, end: int, sizes: ChunkSizes) -> Iterator[_Piece]:
    while end - start > sizes.usual:
        cut = _cut(text, start + sizes.usual // 2, start + sizes.usual)
        yield _Piece(start, cut)
        start = cut
    yield _Piece(start, end)


def _cut(text: str, low: int, high: int) -> int:
    """Return the best place to cut in ``low:high``: after a sentence, else a space, else at ``high``."""
    for mark in (". ", "! ", "? ", "; ", " ", "\t"):
        found = text.rfind(mark, low, high)
        if found >= 0:
            return found + len(mark)
    return high


def _packed(pieces: Sequence[_Piece], sizes: ChunkSizes) -> Iterator[tuple[int, int]]:
    """Put pieces together to parts of about equal size, none of them larger than it must be."""
    if not pieces:
        return
    total = pieces[-1].end - pieces[0].start
    tolerated = sizes.usual + sizes.usual // 8
    if total <= tolerated:
        yield pieces[0].start, pieces[-1].end
        return
    wanted = total // -(-total // sizes.usual)
    start, end, leads = pieces[0].start, pieces[0].end, pieces[0].leads
    for piece in pieces[1:]:
        size = piece.end - start
        keep_lead = leads and size <= sizes.most
        keep_tail = pieces[-1].end - start <= tolerated  # no short remainder at the end
        if keep_lead or keep_tail or (end - start < wanted and size <= sizes.usual):
            leads = leads and piece.leads
            end = piece.end
            continue
        yield start, end
        start, end, leads = piece.start, piece.end, piece.leads
    yield start, end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Leave out blank lines and the byte order mark in front, white space behind; None if nothing is left."""
    if start == 0 and text.startswith("\ufeff"):
        start = 1
    slice_ = text[start:end]
    end = start + len(slice_.rstrip())
    lead = len(slice_) - len(slice_.lstrip())
    # Keep the indentation of the first line: it means something in Markdown (code, nested lists).
    line_start = max(slice_.rfind(mark, 0, lead) for mark in "\r\n") + 1
    start += line_start
    return (start, end) if start < end else None
