"""Words and numbers of a note, with their places, read past Markdown and HTML.

Markup between two words is as transparent as a space, so that ``four _<span …>bandits</span>_`` reads "four
bandits", while every place still counts in the original text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Word", "Words", "read_words"]

# Every repetition is bounded or cannot overlap with what follows it: the time stays linear on hostile text.
_MARKUP = re.compile(
    r"</?[a-zA-Z][^<>]{0,500}>"  # tag
    r"|\]\([^()\s]{0,500}\)"  # target of a link; its words stay
    r"|https?://[^\s)>]{1,500}"
    r"|(?m:^[ \t]{0,8}>[> \t]{0,8})"  # block quote
    r"|(?<![^\W_])_+|_+(?![^\W_])"  # emphasis, but not the joints of a_file_name
    r"|[*`\[\]\\]"
)
_TOKEN = re.compile(
    r"(?<![\w.+\-−$#/])(?P<dice>\d{0,4}d\d{1,6}(?:\s?[-+−]\s?\d{1,4})?)(?!\w)"
    r"|(?<![\w.+\-−$#/])(?P<range>\d{1,4}\s?[-–]\s?\d{1,4})(?!\w)"
    r"|(?<![\w.+\-−$#/])(?<!\d,)(?P<number>\d{1,4})(?:\s?[x×](?=\s))?(?![\w.,]?\w)"
    r"|(?<!\w)(?P<word>[^\W\d_]+(?:['’-]{1,2}[^\W\d_]+)*)(?!\w)"
)
_STOP = re.compile(r"[.!?:;|#\"“”•—–]")
_MONSTER = re.compile(r"<span[^<>]{0,200}\bclass=[\"']?monster\b")


class Word(NamedTuple):
    """A word, a number, dice such as ``2d4`` or a range such as ``2-4``.

    Attributes:
        text: In small letters, with straight apostrophes.
        kind: ``word``, ``number``, ``dice`` or ``range``.
        start: First character in the original text.
        end: One past the last.
        joined: Only white space and markup stand between it and the word before.
        opens: It begins a sentence, a line of a list, a heading or a table cell.
        capital: Its first letter is a capital.
        marked: Where the ``<span class="monster …">`` that opens right before it ends; 0 when none does.
    """

    text: str
    kind: str
    start: int
    end: int
    joined: bool
    opens: bool
    capital: bool
    marked: int


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text.

    Attributes:
        plain: The text with its markup blanked, of the same length.
        words: In their order.
    """

    plain: str
    words: tuple[Word, ...]


def read_words(text: str) -> Words:
    """Read the words of a text; takes time linear in its length."""
    marks: dict[int, int] = {}
    opened = 0
    uncommented = _blank_comments(text)

    def blank(found: re.Match[str]) -> str:
        nonlocal opened
        if _MONSTER.match(found[0]):
            opened = found.end()
        elif opened and found[0].startswith("</"):
            marks[opened] = found.start()
            opened = 0
        return " " * len(found[0])

    plain = _MARKUP.sub(blank, uncommented)
    return Words(plain, tuple(_tokens(plain, marks)))


def _blank_comments(text: str) -> str:
    parts: list[str] = []
    place = 0
    while (start := text.find("<!--", place)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts += [text[place:start], " " * (end + 3 - start)]
        place = end + 3
    return "".join((*parts, text[place:])) if parts else text


def _tokens(plain: str, marks: dict[int, int]) -> Iterator[Word]:
    before = 0
    for found in _TOKEN.finditer(plain):
        kind = found.lastgroup or "word"
        start, end = found.start(), found.end()
        gap = plain[before:start]
        first = before == 0
        blank = not gap.strip()
        yield Word(
            text=found[kind].casefold().replace("’", "'"),
            kind=kind,
            start=start,
            end=end,
            joined=not first and blank and gap.count("\n") < 2,
            opens=first or (gap != " " and _is_break(gap)),
            capital=found[kind][0].isupper(),
            marked=marks.get(start, 0),
        )
        before = end


def _is_break(gap: str) -> bool:
    """Whether what stands between two words ends a sentence, a paragraph, a cell or an item of a list."""
    lines = gap.split("\n")
    return (
        _STOP.search(gap) is not None
        or any(not line.strip() for line in lines[1:-1])
        or any(line.lstrip().startswith(("- ", "+ ")) for line in lines)
    )
