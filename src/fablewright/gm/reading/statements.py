"""Reads a passage the way a GM does: what is boxed text, what is advice, what is a fact, what is a secret.

A passage becomes statements: sentences free of markup, each with its role. Nothing is added or reworded,
so a statement can be quoted: its words stand in the passage, in that order.
"""

from __future__ import annotations

import enum
import re
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from fablewright.gm.reading import secrecy
from fablewright.gm.reading.boxes import Voice, parts
from fablewright.gm.reading.kept import kept
from fablewright.gm.reading.markdown_blocks import blocks
from fablewright.gm.reading.searchable import searchable
from fablewright.gm.reading.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.reading.markdown_blocks import Block
    from fablewright.gm.reading.notes import Passage

__all__ = ["Role", "Statement", "columns_of", "is_secret_place", "plain", "readable", "statements"]


class Role(enum.Enum):
    """What a statement is to the GM."""

    READ_ALOUD = "read_aloud"  # boxed text for the players' ears
    SPEECH = "speech"  # what somebody in the scene says
    FACT = "fact"  # the note's own prose
    ITEM = "item"  # an entry of a list
    ASIDE = "aside"  # advice to the GM: a tip, a sidebar, a stat block in a box
    ROW = "row"  # a row of a table


class Statement(NamedTuple):
    """One sentence of a passage.

    Attributes:
        text: The sentence without markup.
        role: What it is.
        passage: Index of the passage that it stands in.
        block: Which block of the passage; sentences of one block belong together.
        heading: The headings above it.
        secret: Whether the note says that it is for the GM only.
    """

    text: str
    role: Role
    passage: int
    block: int
    heading: tuple[str, ...]
    secret: bool


_LIST_ITEM = re.compile(r"^[ \t]*+(?:[-+*]|\d{1,3}[.)])[ \t]++", re.MULTILINE)
_MAY_HAVE_LABEL = re.compile(r"(?<=\n)[ \t]*+[^\w\s]{0,4}[^\W\d_][^\n:\uff1a—–)\]]{0,60}[:\uff1a—–)\]][^\n]*")
_HAS_WORDS = re.compile(r"[^\W_]")
_PLUGIN_COMMENT = re.compile(r"%%.*?%%", re.DOTALL)
_WIKILINK = re.compile(r"!?\[\[(?:[^\[\]|\n]*+\|)?([^\[\]|#\n]*+)(?:#[^\[\]|\n]*+)?\]\]")
_HARD_BREAK = re.compile(r"(?P<bold>\*\*|__)?(?<![ \t])[ \t]*+\\[ \t]*+$", re.MULTILINE)
_LEAD = re.compile(r"^(?:Tip|Note|Hint|Warning|Info|Important)\b:?(?:\s+(?=\S)|$)", re.IGNORECASE)

_LONGEST = 12_000
"""Characters of a passage that are read, twice what the largest chunk has; whoever brings larger ones must not
hold up everybody else on the event loop."""


def statements(passages: list[Passage]) -> list[Statement]:
    """Return the statements of several passages, in their order."""
    return [
        statement._replace(passage=number) if number else statement
        for number, passage in enumerate(passages)
        for statement in _read(passage)
    ]


def columns_of(passage: Passage) -> str:
    """Return what the columns are called of the table that a passage begins in the middle of, read as a row is."""
    header = replace(passage, text=passage.table_header)
    return next((each.text for each in statements([header]) if each.role is Role.ROW), "") if header.text else ""


@kept
def _read(passage: Passage) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for at, piece in enumerate(_joined(_pieces(passage))):
        said = [piece.text] if piece.role is Role.SPEECH else sentences(piece.text)
        said = [sentence for sentence in said if _HAS_WORDS.search(sentence)]
        # A mark that stands alone behind its sentences, "Pru is dead. (GM only)", speaks of them.
        secret = piece.secret or (len(said) > 1 and secrecy.is_bare_mark(said[-1]))
        for sentence in said:
            # and of all that follows in the paragraph
            secret = secret or secrecy.marks_sentence(sentence) or secrecy.is_labelled_secret(sentence)
            role = Role.ASIDE if secret and piece.role is Role.READ_ALOUD else piece.role
            text = secrecy.without_mark(sentence) if secret else sentence
            found.append(Statement(text, role, 0, at, piece.heading, secret))
    return tuple(found)


def is_secret_place(passage: Passage) -> bool:
    """Return whether file or headings say that everything in the passage is for the GM only."""
    return _is_secret_file(passage.file) or any(map(secrecy.is_secret_title, passage.heading))


@kept
def plain(passage: Passage) -> str:
    """Return the words of a passage on one line, as a reader sees them."""
    return readable(passage.text)


@lru_cache(maxsize=4096)
def _is_secret_file(file: str) -> bool:
    *folders, name = file.split("/")
    return any(map(secrecy.is_secret_title, (*folders, name.rpartition(".")[0] or name)))


def readable(source: str) -> str:
    """Return Markdown as one line of words the way a reader sees it: of a link only what it shows."""
    text = _PLUGIN_COMMENT.sub(" ", source) if "%%" in source else source
    if "\\" in text:
        text = _HARD_BREAK.sub(lambda match: "**:" if match["bold"] else "", text)  # a title on a line of its own
    return searchable(_WIKILINK.sub(r"\1", text) if "[[" in text else text)


class _Piece(NamedTuple):
    """A block, or one item of a list, as plain text."""

    role: Role
    text: str
    secret: bool = False
    heading: tuple[str, ...] = ()


def _pieces(passage: Passage) -> Iterator[_Piece]:
    """Yield the pieces of a passage, each with the heading that it stands under, and whether it is secret."""
    text = passage.text[:_LONGEST]
    if "%%" in text:
        text = _PLUGIN_COMMENT.sub(lambda match: " " * len(match[0]), text)
    place = _Place(passage, secrecy.hidden_spans(text))
    announced = False  # the block before was a mark and nothing else
    for block in blocks(text):
        source = text[block.start : block.end]
        if block.kind == "heading":
            place.enter(block)
            announced = False
        elif block.kind == "front_matter":
            place.secret_file = place.secret_file or secrecy.is_secret_front_matter(source)
        elif block.kind not in {"comment", "raw", "fence"}:
            secret = announced or place.is_secret(block) or _has_secret_column(source, block, passage)
            announced = False
            for piece in _pieces_of(source, block):
                if secrecy.is_bare_mark(piece.text):
                    secret = announced = True
                    continue
                announced = False
                yield piece._replace(heading=place.heading, secret=piece.secret or secret)


def _pieces_of(source: str, block: Block) -> Iterator[_Piece]:
    """Yield the pieces of one block, secret where they say so of themselves."""
    match block.kind:
        case "quote":
            yield from _quote(source)
        case "table" | "html_table":
            yield from _rows(source, block)
        case _:
            yield from _prose(source)


class _Place:
    """Where in a passage the reader is: under which headings, and whether one of them says "GM only"."""

    def __init__(self, passage: Passage, hidden: list[tuple[int, int]]) -> None:
        self.passage = passage
        self.heading = passage.heading
        self.secret_file = _is_secret_file(passage.file)
        self._levels: list[int] = []  # of the secret headings above, outermost first
        self._above = any(map(secrecy.is_secret_title, passage.heading))
        self._hidden = hidden[::-1]  # the next one last

    def enter(self, block: Block) -> None:
        """Go on below a heading."""
        title = readable(block.title)
        self.heading = _heading_at(self.passage, title)
        self._above = any(map(secrecy.is_secret_title, self.heading[:-1]))
        while self._levels and self._levels[-1] >= block.level:
            self._levels.pop()
        if secrecy.is_secret_title(title):
            self._levels.append(block.level)

    def is_secret(self, block: Block) -> bool:
        """Return whether file, headings or a hidden element make a block secret; asked block after block."""
        while self._hidden and self._hidden[-1][1] <= block.start:
            self._hidden.pop()
        inside = bool(self._hidden) and self._hidden[-1][0] < block.end
        return self.secret_file or self._above or bool(self._levels) or inside


def _heading_at(passage: Passage, title: str) -> tuple[str, ...]:
    """Return the headings down to ``title``: a passage may begin with a small section and hold the next one too."""
    if title in passage.heading:
        return passage.heading[: passage.heading.index(title) + 1]
    return (*passage.heading[:-1], title)


def _joined(found: Iterator[_Piece]) -> Iterator[_Piece]:
    """Put speech to the sentence that leads up to it: "… shouts out," and then what is shouted."""
    before: _Piece | None = None
    for piece in found:
        if before is not None and piece.role is Role.SPEECH and before.text.endswith((",", ":")):
            before = before._replace(text=f"{before.text} {piece.text}", secret=before.secret or piece.secret)
            continue
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


_ROLES = {Voice.PLAYERS: Role.READ_ALOUD, Voice.SPEAKER: Role.SPEECH, Voice.ASIDE: Role.ASIDE}


def _quote(source: str) -> Iterator[_Piece]:
    """Tell boxed text for the players from advice for the GM, by what the box says of itself."""
    for part in parts(source):
        role = _ROLES[part.voice]
        for piece in _prose(part.source):
            plain = _LEAD.sub("", piece.text) if role is Role.ASIDE else piece.text
            if plain:
                is_list = piece.role is Role.ITEM and role is Role.READ_ALOUD
                yield _Piece(Role.ITEM if is_list else role, plain, part.secret or piece.secret)


def _prose(source: str) -> Iterator[_Piece]:
    """Split a block of text into the paragraph before a list, and the list's items."""
    labelled = (line for line in _MAY_HAVE_LABEL.finditer(source) if _says_secret(line[0], readable(line[0])))
    starts = sorted({0, *(each.start() for each in (*_LIST_ITEM.finditer(source), *labelled))})
    secret_indent: int | None = None  # what hangs below a secret item is secret too
    for start, end in pairwise([*starts, len(source)]):
        part = source[start:end]
        plain = readable(part)
        if not plain:
            continue
        indent = len(part) - len(part.lstrip(" \t"))
        if secret_indent is not None and indent <= secret_indent:
            secret_indent = None
        item = _LIST_ITEM.match(part)
        if secret_indent is None and item and _says_secret(part, plain):
            secret_indent = indent
        secret = secret_indent is not None or _says_secret(part, plain)
        yield _Piece(Role.ITEM if item else Role.FACT, plain, secret)


def _has_secret_column(source: str, block: Block, passage: Passage) -> bool:
    """Return whether a table has a column of secrets; whoever reads one of its rows out reads that out too."""
    if block.kind not in {"table", "html_table"}:
        return False
    is_cut = bool(passage.table_header) and not passage.text[: block.start].strip()
    header = next(_rows(passage.table_header if is_cut else source, block), None)
    cells = header.text.split("·") if header else []
    return len(cells) > 1 and any(map(secrecy.is_secret_title, cells))


def _says_secret(source: str, plain: str) -> bool:
    return secrecy.has_spoiler(source) or secrecy.is_labelled_secret(plain) or secrecy.is_marked_up_secret(source)


def _rows(source: str, block: Block) -> Iterator[_Piece]:
    separator = r"</tr\s*>" if block.kind == "html_table" else r"\n"
    for row in re.split(separator, source):
        plain = readable(row.replace("</td>", " · ").replace("</th>", " · ").replace("|", " · ")).strip(" ·")
        if plain:
            yield _Piece(Role.ROW, plain, secrecy.is_spoiler_row(row) or secrecy.is_labelled_secret(plain))
