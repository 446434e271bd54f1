"""Words that tell something: what is left of a sentence without the words that any sentence has.

Forms of one word count as one ("lanterns", "lantern"; "sleeping", "sleeps"), as far as cutting off endings goes.
"""

from __future__ import annotations

import re

from fablewright.gm.reading.query_terms import STOP_WORDS, without_apostrophes
from fablewright.gm.rules.count import FUNCTION_WORDS

__all__ = ["names", "stem", "telling"]

_WORD = re.compile(r"[^\W\d_]{3,}")
_ENDINGS = ("ing", "ers", "ies", "ed", "es", "er", "ly", "y", "s", "e")
_SHORTEST = 3
_COMMON = (
    STOP_WORDS
    | FUNCTION_WORDS
    | frozenset(
        """
    anybody anyone anything everybody everyone everything nobody nothing somebody someone
    across along already also although always among another around away back behind beside beyond
    come comes came else even ever every first here however instead keep keeps last less like
    look looks made many much near never next one ones open others perhaps quite rather really
    seem seems seemed see sees seen something soon still take takes taken thing things though toward
    upon way ways well yet
    two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty hundred dozen pair couple
    """.split()
    )
)
_NAME = re.compile(r"(?<=[\w,;:’'”)-]\s)(?P<name>[A-Z][\w’'-]+)|^\W*(?P<first>[A-Z][\w’'-]+)(?=(?:[’']s)?\s[A-Z])")


def stem(word: str) -> str:
    """Return a word in small letters without its ending."""
    word = word.casefold()
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word.removesuffix(ending)
    return word


def telling(text: str) -> frozenset[str]:
    """Return the stems of the words that tell something."""
    words = (word.casefold() for word in _WORD.findall(without_apostrophes(text)))
    return frozenset(stem(word) for word in words if word not in _COMMON)


def names(sentence: str) -> frozenset[str]:
    """Return the stems of what is named: capitalised words, but not the first of a sentence unless one follows."""
    found = (match["name"] or match["first"] for match in _NAME.finditer(sentence))
    words = (without_apostrophes(name).casefold() for name in found)
    return frozenset(stem(word) for word in words if word not in _COMMON and len(word) >= _SHORTEST)
