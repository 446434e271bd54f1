"""Reads a passage the way a GM does: what is boxed text, what is advice, what is a fact, what is a secret.

A passage becomes statements: sentences free of markup, each with its role. Nothing is added or reworded,
so a statement can be quoted: its words stand in the passage, in that order.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
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
        for at, (role, secret, text) in enumerate(_joined(_blocks(passage.text))):
            for sentence in [text] if role is Role.SPEECH else sentences(text):
                hidden = secret or secret_place or bool(_MARKED_SECRET.search(sentence))
                found.append(Statement(sentence, role, number, at, passage.heading, hidden))
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


def _blocks(text: str) -> Iterator[tuple[Role, bool, str]]:
    """Yield role, secrecy and plain text of each block of a passage; list items one by one."""
    for block in blocks(_PLUGIN_COMMENT.sub(lambda match: " " * len(match[0]), text)):
        source = text[block.start : block.end]
        match block.kind:
            case "heading" | "front_matter" | "comment" | "raw" | "fence":
                continue
            case "quote":
                yield from _quote(source)
            case "table" | "html_table":
                yield from _rows(source, block)
            case _:
                for role, part in _items(source):
                    plain = readable(part)
                    if plain:
                        yield role, False, plain


def _joined(found: Iterator[tuple[Role, bool, str]]) -> Iterator[tuple[Role, bool, str]]:
    """Put speech to the sentence that leads up to it: "… shouts out," and then what is shouted."""
    before: tuple[Role, bool, str] | None = None
    for block in found:
        if before is not None and block[0] is Role.SPEECH and before[2].endswith((",", ":")):
            before = (before[0], before[1] or block[1], f"{before[2]} {block[2]}")
            continue
        if before is not None:
            yield before
        before = block
    if before is not None:
        yield before


def _quote(source: str) -> Iterator[tuple[Role, bool, str]]:
    """Tell boxed text for the players from advice for the GM, by what the box says of itself."""
    inner = re.sub(r"^[ \t]*>[ \t]?", "", source, flags=re.MULTILINE).strip()
    role = Role.READ_ALOUD
    secret = False
    callout = _CALLOUT.match(inner)
    if callout:
        kind = f"{callout[1]} {callout[2]}"
        inner = inner[callout.end() :].strip()
        secret = bool(_SECRET.search(kind))
        role = Role.READ_ALOUD if _READ_ALOUD.search(kind) else Role.ASIDE
    else:
        label = _LABEL.match(inner)
        if label and _READ_ALOUD.search(label[0]):
            inner = inner[label.end() :].strip()
        elif label or _RULES_TALK.search(inner):
            role = Role.ASIDE
            secret = bool(label and _SECRET.search(label[0]))
        elif _OPENS_SPEECH.match(inner):
            role = Role.SPEECH
    for part_role, part in _items(inner):
        plain = readable(part)
        if role is Role.ASIDE:
            plain = _LEAD.sub("", plain)
        if plain:
            yield (Role.ITEM if part_role is Role.ITEM and role is Role.READ_ALOUD else role), secret, plain


def _items(source: str) -> Iterator[tuple[Role, str]]:
    """Split a block of text into the paragraph before a list, and the list's items."""
    starts = [match.start() for match in _LIST_ITEM.finditer(source)]
    if not starts or source[: starts[0]].strip():
        yield Role.FACT, source[: starts[0]] if starts else source
    for start, end in pairwise([*starts, len(source)]):
        yield Role.ITEM, source[start:end]


def _rows(source: str, block: Block) -> Iterator[tuple[Role, bool, str]]:
    separator = r"</tr\s*>" if block.kind == "html_table" else r"\n"
    for row in re.split(separator, source):
        plain = readable(row.replace("</td>", " · ").replace("</th>", " · ").replace("|", " · "))
        plain = plain.strip(" ·")
        if plain:
            yield Role.ROW, False, plain
