"""What things are called, in a form that a title, a mention and a question share.

A **key** is the stems of a name's telling words, sorted: "Potion of Healing (50 GP)", "healing potions" and
"``[[Potion of Healing]]``" have one key. Nothing here knows which names there are: an index keeps the keys of what
it holds, and a question is looked up in it by all of its runs of words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.gm.reading.links import links_of
from fablewright.gm.reading.query_terms import STOP_WORDS
from fablewright.gm.reading.searchable import searchable
from fablewright.gm.reading.stem import stem
from fablewright.gm.scene.note_kind import file_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["Defined", "Strength", "defined_in", "key_of", "mentioned_in", "plain_of", "runs", "words_in"]

Strength: TypeAlias = Literal[1, 2, 3, 4]
"""How a passage explains a name: 4 it is the heading; 3 the file, or another name of it; 2 a word of such a name;
1 the head of a paragraph or of a table's row."""

_MOST_WORDS = 5
_LONGEST_TITLE = 90
_MOST_MENTIONS = 40
_MOST_HEADS = 60
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_PARTS = re.compile(r":\s|\s[—–-]+\s|--")
_ASIDE = re.compile(r"[(\[][^()\[\]]*[)\]]")
_MARK = re.compile(r"[<>*_`\[\]&\\|~=#]")
_SMALL = frozenset("a an the of in on at to for from by with and or is are was s its his her their your my our".split())
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(?P<title>[^\n]+)$", re.MULTILINE)
_HEAD = re.compile(
    r"^[ \t>*+-]*(?:\*{2,3}|_{1,2})(?P<bold>[^*_\n]{2,60})(?:\*{2,3}|_{1,2})|"
    r"<tr[^<>]*>\s*<td[^<>]*>(?P<cell>[^<>\n]{2,60})</td>|^\|[ \t]*(?P<bar>[^|\n]{2,60}?)[ \t]*\|",
    re.MULTILINE,
)
_MARKED = re.compile(r"\*{1,3}(?P<stars>[^*\n]{3,60})\*{1,3}|(?<![^\W_])_{1,3}(?P<lines>[^_\n]{3,60})_{1,3}(?![^\W_])")
_SPAN = re.compile(r"<(?:span|a|b|i|em|strong)\b[^<>]*>([^<>\n]{3,60})</")
_TAG = re.compile(r"<[^<>]*>")
_CAPITALS = re.compile(r"[A-Z][\w’'-]+(?:\s(?:of\s|the\s|of\sthe\s)?[A-Z][\w’'-]+){1,3}|(?<=[a-z,;]\s)[A-Z][\w’'-]{2,}")
_LINK_TEXT = re.compile(r"\[([^\[\]\n]{2,60})\]\(")


@dataclass(frozen=True, slots=True)
class Defined:
    """A name that a passage explains; ``plain``: its words as they stand, in lower case."""

    key: str
    strength: Strength
    plain: str


def key_of(words: Iterable[str]) -> str:
    """Return the key of a name; empty when nothing in it tells."""
    return " ".join(sorted({stem(word) for word in words if word.lower() not in _SMALL}))


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _plain(text: str) -> str:
    """Return the words of a short text without marks; most have none."""
    return searchable(text) if _MARK.search(text) else text


@lru_cache(maxsize=4096)
def _title_key(title: str) -> str:
    title = title[:_LONGEST_TITLE]
    words = _words(_ASIDE.sub(" ", title)) or _words(title)
    return key_of(words) if len(words) <= _MOST_WORDS + 3 else ""


def runs(text: str) -> list[str]:
    """Return the keys of all runs of up to five telling words of a question, the longest first, each once."""
    found: dict[str, None] = {}
    sentences = [
        [word for word in _words(part) if word.lower() not in _SMALL] for part in re.split(r"[.?!;:,()\n]+", text)
    ]
    for size in range(_MOST_WORDS, 0, -1):
        for words in sentences:
            for at in range(len(words) - size + 1):
                if key := key_of(words[at : at + size]):
                    found.setdefault(key)
    return list(found)


def defined_in(passage: Passage, *, first: bool) -> list[Defined]:
    """Return the names that a passage explains, each with its greatest strength.

    Args:
        passage: A passage of any note.
        first: Whether it is the first of its file, which stands for the file as a whole.
    """
    found: dict[str, Defined] = {}

    def add(name: str, strength: Strength) -> None:
        key = _title_key(name)
        if key and (key not in found or found[key].strength < strength):
            found[key] = Defined(key, strength, plain_of(_ASIDE.sub(" ", name)))

    titles, others = _titles(passage), _other_titles(passage) if first else []
    for title in titles:
        add(title, 4)
        for part in _parts(title):
            add(part, 4)
    for title in others:
        add(title, 3)
    for word in _words_of_titles([*titles, *others]):
        add(word, 2)
    for count, match in enumerate(_HEAD.finditer(passage.text)):
        if count >= _MOST_HEADS:
            break
        add(_plain(match["bold"] or match["cell"] or match["bar"]), 1)
    return list(found.values())


def _titles(passage: Passage) -> list[str]:
    return [*passage.heading[-1:], *(_plain(m["title"]) for m in _HEADING.finditer(passage.text))]


def _other_titles(passage: Passage) -> list[str]:
    """Return what the file is called, and its other names: they stand in front matter, so in its first passage."""
    has_front_matter = passage.text.startswith("---")
    return [file_title(passage.file), *(links_of(passage.text, passage.file).aliases if has_front_matter else ())]


def _words_of_titles(titles: Iterable[str]) -> Iterator[str]:
    """Yield the words of names of several: people say "Ruth" and "the Sheriff" for Sheriff Ruth Willowby."""
    for title in titles:
        words = [word for word in _words(_ASIDE.sub(" ", title)) if word.lower() not in _SMALL]
        if 1 < len(words) <= _MOST_WORDS:
            yield from (word for word in words if word[0].isupper() and len(word) > 2)


def plain_of(text: str) -> str:
    """Return the words of a text in lower case with one space between them."""
    return " ".join(_words(text)).lower()


@lru_cache(maxsize=512)  # the pinned notes are read for nearly every question
def words_in(text: str) -> frozenset[str]:
    """Return the stems of the telling words of a text."""
    words = _words(searchable(text))
    return frozenset(stem(word) for word in words if len(word) > 2 and word.lower() not in STOP_WORDS)


def _parts(title: str) -> list[str]:
    """Return what stands on both sides of a colon or dash: "Chapter 3: The Black Spot" is called by either."""
    parts = [part.strip() for part in _PARTS.split(title)]
    return [part for part in parts if part] if len(parts) > 1 else []


def mentioned_in(passage: Passage, plain: str) -> list[str]:
    """Return the keys of what a passage points to or speaks of by name, at most 40: links first, then marked words.

    Args:
        passage: The passage.
        plain: Its words, as ``searchable`` has them.
    """
    own = {_title_key(title) for title in passage.heading}
    return [key for key in _first(_mentions(passage, plain), _MOST_MENTIONS) if key not in own]


def _mentions(passage: Passage, plain: str) -> Iterator[str]:
    has_links = "](" in passage.text or "[[" in passage.text
    for link in links_of(passage.text, passage.file).targets if has_links else ():
        yield _title_key(file_title(link.target)) if link.target else ""
        yield _title_key(link.heading.replace("_", " ").lstrip("^"))
    for match in _LINK_TEXT.finditer(passage.text):
        yield _title_key(match[1].strip("*_"))
    for match in _SPAN.finditer(passage.text):
        yield _title_key(match[1])
    for match in _MARKED.finditer(_TAG.sub("", passage.text)):
        yield _title_key((match["stars"] or match["lines"]).strip(" .:,"))
    for match in _CAPITALS.finditer(plain):
        yield _title_key(match[0])


def _first(keys: Iterable[str], most: int) -> Sequence[str]:
    found: dict[str, None] = {}
    for key in keys:
        if key:
            found.setdefault(key)
        if len(found) >= most:
            break
    return list(found)
