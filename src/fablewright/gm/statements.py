"""Reads a passage the way a GM does: what is boxed text, what is advice, what is a fact, what is a secret.

A passage becomes statements: sentences free of markup, each with its role. Nothing is added or reworded,
so a statement can be quoted: its words stand in the passage, in that order.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from fablewright.gm.markdown_blocks import blocks
from fablewright.gm.searchable import searchable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.markdown_blocks import Block
    from fablewright.gm.notes import Passage

__all__ = ["Role", "Statement", "is_secret_place", "readable", "sentences", "statements"]


class Role(enum.Enum):
    """What a statement is to the GM."""

    READ_ALOUD = "read_aloud"  # boxed text for the players' ears
    SPEECH = "speech"  # what somebody in the scene says
    FACT = "fact"  # the note's own prose
    ITEM = "item"  # an entry of a list
    ASIDE = "aside"  # advice to the GM: a tip, a sidebar, a stat block in a box
    ROW = "row"  # a row of a table


@dataclass(frozen=True, slots=True)
class Statement:
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


_SECRET = re.compile(
    r"\bgm[ -]only\b|\bsecrets?\b(?! (?:door|passage|room|stair))|\bspoilers?\b|\bfor the gm\b", re.IGNORECASE
)
_MARKED_SECRET = re.compile(r"\bSECRET\b|\bGM[ -]only\b")
_CALLOUT = re.compile(r"\[!([\w-]+)\][+-]?[ \t]*([^\n]*)")
_READ_ALOUD = re.compile(r"read[ -]?aloud|boxed text|quote|narrati|descripti", re.IGNORECASE)
_LABEL = re.compile(r"^\s*(?:\*\*|__)\s*_?[^*\n]{1,60}?(?:\*\*|__)\s*:?|^\s*[A-Z][\w' ]{1,30}:\s*$")
_RULES_TALK = re.compile(
    r"\bDC \d|\b\d+d\d+\b|\byou can (?:read|also)\b|\bstat block\b|\bhit points?\b|\bHP\b", re.IGNORECASE
)
_LIST_ITEM = re.compile(r"^[ \t]*(?:[-+*]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_OPENS_SPEECH = re.compile(r"^[\"“‘„«]")
_HAS_WORDS = re.compile(r"[^\W_]")
_PLUGIN_COMMENT = re.compile(r"%%.*?%%", re.DOTALL)
_WIKILINK = re.compile(r"!?\[\[(?:[^\[\]|\n]*+\|)?([^\[\]|#\n]*+)(?:#[^\[\]|\n]*+)?\]\]")
_HARD_BREAK = re.compile(r"(?P<bold>\*\*|__)?[ \t]*\\[ \t]*$", re.MULTILINE)
_LEAD = re.compile(r"^(?:Tip|Note|Hint|Warning|Info|Important)\b:?\s+(?=\S)", re.IGNORECASE)
_ABBREVIATION = re.compile(
    r"(?:\b(?:ft|Dr|Mr|Mrs|Ms|St|vs|etc|no|approx|ca|e\.g|i\.e|lb|sq|min|max|Sgt|Capt|Lt)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s+[\"'“‘(\[]?[A-Z0-9À-Ý“])")


def statements(passages: list[Passage]) -> list[Statement]:
    """Return the statements of several passages, in their order."""
    found: list[Statement] = []
    for number, passage in enumerate(passages):
        secret_place = is_secret_place(passage)
        for at, piece in enumerate(_joined(_pieces(passage))):
            for sentence in [piece.text] if piece.role is Role.SPEECH else sentences(piece.text):
                if not _HAS_WORDS.search(sentence):
                    continue
                hidden = piece.secret or secret_place or bool(_MARKED_SECRET.search(sentence))
                found.append(Statement(sentence, piece.role, number, at, piece.heading, hidden))
    return found


def is_secret_place(passage: Passage) -> bool:
    """Return whether file or headings say that everything in the passage is for the GM only."""
    return any(_SECRET.search(part) for part in (passage.file, *passage.heading))


def readable(source: str) -> str:
    """Return Markdown as one line of words the way a reader sees it: of a link only what it shows."""
    text = _PLUGIN_COMMENT.sub(" ", source)
    text = _HARD_BREAK.sub(lambda match: "**:" if match["bold"] else "", text)  # a title on a line of its own
    return searchable(_WIKILINK.sub(r"\1", text))


def sentences(text: str) -> list[str]:
    """Split one line of prose at the ends of sentences; abbreviations and initials end none."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()]
        if _inside_speech(piece, text[match.end() :]):
            continue
        if text[match.start()] == "." and _ABBREVIATION.search(text[max(start, match.start() - 8) : match.start() + 1]):
            continue
        found.append(piece.strip())
        start = match.end()
    rest = text[start:].strip()
    return [*found, rest] if rest else found


def _inside_speech(before: str, after: str) -> bool:
    """Return whether somebody is still speaking: a quotation mark is open and will be closed."""
    if before.count("“") > before.count("”"):
        return "”" in after
    return before.count('"') % 2 == 1 and '"' in after


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block, or one item of a list, as plain text."""

    role: Role
    text: str
    secret: bool = False
    heading: tuple[str, ...] = ()


def _pieces(passage: Passage) -> Iterator[_Piece]:
    """Yield the pieces of a passage, each with the heading that it stands under."""
    text = _PLUGIN_COMMENT.sub(lambda match: " " * len(match[0]), passage.text)
    heading = passage.heading
    for block in blocks(text):
        source = text[block.start : block.end]
        match block.kind:
            case "heading":
                heading = _heading_at(passage, readable(block.title))
            case "front_matter" | "comment" | "raw" | "fence":
                continue
            case "quote":
                yield from (replace(piece, heading=heading) for piece in _quote(source))
            case "table" | "html_table":
                yield from (_Piece(Role.ROW, row, heading=heading) for row in _rows(source, block))
            case _:
                for role, part in _items(source):
                    plain = readable(part)
                    if plain:
                        yield _Piece(role, plain, heading=heading)


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
            before = replace(before, text=f"{before.text} {piece.text}", secret=before.secret or piece.secret)
            continue
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before


def _quote(source: str) -> Iterator[_Piece]:
    """Tell boxed text for the players from advice for the GM, by what the box says of itself."""
    inner = re.sub(r"^[ \t]*>[ \t]?", "", source, flags=re.MULTILINE).strip()
    role, secret, inner = _box(inner)
    for part_role, part in _items(inner):
        plain = readable(part)
        if role is Role.ASIDE:
            plain = _LEAD.sub("", plain)
        if plain:
            is_list = part_role is Role.ITEM and role is Role.READ_ALOUD
            yield _Piece(Role.ITEM if is_list else role, plain, secret)


def _box(inner: str) -> tuple[Role, bool, str]:
    """Return role and secrecy of a box, and what is in it besides its label."""
    callout = _CALLOUT.match(inner)
    if callout:
        kind = f"{callout[1]} {callout[2]}"
        role = Role.READ_ALOUD if _READ_ALOUD.search(kind) else Role.ASIDE
        return role, bool(_SECRET.search(kind)), inner[callout.end() :].strip()
    label = _LABEL.match(inner)
    if label and _READ_ALOUD.search(label[0]):
        return Role.READ_ALOUD, False, inner[label.end() :].strip()
    if label or _RULES_TALK.search(inner):
        return Role.ASIDE, bool(label and _SECRET.search(label[0])), inner
    return (Role.SPEECH if _OPENS_SPEECH.match(inner) else Role.READ_ALOUD), False, inner


def _items(source: str) -> Iterator[tuple[Role, str]]:
    """Split a block of text into the paragraph before a list, and the list's items."""
    starts = [match.start() for match in _LIST_ITEM.finditer(source)]
    if not starts or source[: starts[0]].strip():
        yield Role.FACT, source[: starts[0]] if starts else source
    for start, end in pairwise([*starts, len(source)]):
        yield Role.ITEM, source[start:end]


def _rows(source: str, block: Block) -> Iterator[str]:
    separator = r"</tr\s*>" if block.kind == "html_table" else r"\n"
    for row in re.split(separator, source):
        plain = readable(row.replace("</td>", " · ").replace("</th>", " · ").replace("|", " · ")).strip(" ·")
        if plain:
            yield plain
