"""What can be seen of a model's sentence alone: whether it is one, in the scene's language, and says it once."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from fablewright.gm.writing.grounds import Flaw
from fablewright.gm.writing.parts import LONGEST
from fablewright.gm.writing.telling import telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.writing.grounds import Grounds

__all__ = ["bad_shape"]

_LENGTH = range(12, LONGEST + 1)  # characters of a sentence
_SAME = 0.75  # share of its telling words that stand in another one
_COMMON_SHARE = 0.3
_BRIEF = 4  # letters of the words by which languages are told apart: the, and, you; der, und, wir

_MARKUP = re.compile(
    r"[<>{}|`\\#*_~^@]|\[\[|\]\(|\[\d|https?:|www\.|\b\w+\.(?:com|org|net|io)\b|&\w+;|javascript:", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_WHOLE = re.compile(r"^[“\"'‘(]?\w.*[.!?…][”\"'’)]*$", re.DOTALL)
_ENGLISH = frozenset(
    """
    a after an and are as at be but by for from has have he her his if in into is it its no not of off on one or our
    out over past she so some than that the then they this to up us was way we were what when who will with you your
    """.split()
)


def bad_shape(text: str, before: Iterable[str], grounds: Grounds) -> Flaw | None:
    """Return what is wrong with a sentence by itself; ``before``: what it stands beside, and must not repeat."""
    if _MARKUP.search(text) or _CONTROL.search(text):
        return Flaw.MARKUP
    if len(text) not in _LENGTH:
        return Flaw.LENGTH
    letters = sum(mark.isalpha() or mark.isspace() for mark in text)
    if not _WHOLE.match(text) or letters < 0.8 * len(text) or len(text.split()) < 3:
        return Flaw.FRAGMENT
    if not _same_language(text, grounds):
        return Flaw.LANGUAGE
    if _loops(text) or any(_says_the_same(text, other) for other in before):
        return Flaw.REPEATS
    return None


def _same_language(text: str, grounds: Grounds) -> bool:
    """Compare letters, and the short words that every sentence of a language has."""
    given = grounds.everything
    letters = {mark for mark in text if mark.isalpha() and not mark.isascii()}
    if any(ord(mark) > 0x24F for mark in letters) and not letters <= set(given):  # beyond Latin, and not in the notes
        return False
    given_words = set(re.findall(r"[^\W\d_]+", given.casefold()))
    known = given_words | _ENGLISH if len(given_words & _ENGLISH) >= 2 or len(given_words) < 20 else given_words
    brief = [word for word in re.findall(r"[^\W\d_]+", text.casefold()) if len(word) <= _BRIEF]
    return not brief or sum(word in known for word in brief) >= _COMMON_SHARE * len(brief)


def _loops(text: str) -> bool:
    words = re.findall(r"\w+", text.casefold())
    fours = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
    return any(count > 1 for count in fours.values()) or any(
        left == right and len(left) > 1 for left, right in pairwise(words)
    )


def _says_the_same(text: str, other: str) -> bool:
    ours = telling(text)
    return bool(ours) and len(ours & telling(other)) >= _SAME * len(ours)
