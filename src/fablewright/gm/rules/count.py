"""How many of something a text speaks of: "six", "4x", "2d4", "a dozen", "a pair of", "Bandits (6)"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.rules import dice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.rules.word import Word

__all__ = ["FUNCTION_WORDS", "Count", "count_after", "count_before"]

_UNITS = """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty
    """.split()
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_NUMBERS = {
    **{word: number for number, word in enumerate(_UNITS, 1)},
    **_TENS,
    **{f"{ten}-{unit}": tens + number for ten, tens in _TENS.items() for number, unit in enumerate(_UNITS[:9], 1)},
}
_COLLECTIVES = {"pair": 2, "couple": 2, "brace": 2, "trio": 3, "quartet": 4, "dozen": 12}
_ARTICLES = frozenset(("a", "an", "another"))
_LABELS = frozenset(
    """
    ac act area chapter cr dc hp level levels page part room session step table xp
    """.split()
)
_MAX_GAP = 3  # words between number and name: "four Night Blade bandits"
FUNCTION_WORDS = frozenset(
    """
    about after against and are as at be been before being between but by can could did do does
    during every for from had has have he her here his i if in inside into is it its may me might
    must my near no nor not now of on once onto or our outside over she should than that the their
    them then there these they this those to toward towards under until upon was we were when where
    which while who whom whose will with within without would you your
    """.split()
)
"""Words that no number reaches across: in "two of the bandits", the two is not the number of bandits."""
_COUNTED = frozenset(
    """
    damage day feet foot ft gp hour men mile minute people percent round sp turn women children
    """.split()
)
_AFTER = re.compile(r"\s{0,300}(?:\(\s{0,300}([a-z]+(?:-[a-z]+)?|\d{1,4})\s{0,300}\)|[x×]\s?(\d{1,4})\b)")


@dataclass(frozen=True, slots=True)
class Count:
    """A number of creatures as a text gives it.

    Attributes:
        number: How many; for dice and ranges the average, rounded down as the rules round.
        start: Its first character in the text.
        end: One past its last.
        article: It is only "a", "an" or "another".
        simile: The article follows "as" or "like": nothing is counted, something is compared.
    """

    number: int
    start: int
    end: int
    article: bool = False
    simile: bool = False


def count_before(words: Sequence[Word], at: int, floor: int) -> Count | None:
    """Return the count that stands before ``words[at]``, at most three words away.

    Args:
        words: The words of the text.
        at: Which of them is counted.
        floor: The first word that may belong to the count; earlier ones belong to something else.
    """
    for place in range(at - 1, max(floor, at - 1 - _MAX_GAP) - 1, -1):
        if not words[place + 1].joined:
            return None
        word = words[place]
        collective = place - 1 if word.text == "of" and word.joined else place
        if words[collective].text in _COLLECTIVES and collective >= floor:
            return _collective(words, collective, floor, words[place].end)
        if (number := _number(word)) is not None:
            return _numbered(words, place, floor, number)
        if word.text in _ARTICLES:
            simile = place > 0 and words[place - 1].text in ("as", "like") and word.joined
            return Count(1, word.start, word.end, article=True, simile=simile)
        if word.text in FUNCTION_WORDS or word.text in _COUNTED or _is_plural(word.text):
            return None
    return None


def count_after(plain: str, end: int) -> Count | None:
    """Return the count right after a name that ends at ``end``: "(6)", "(six)", "x4".

    Args:
        plain: The text with its markup blanked.
        end: Where the name ends.
    """
    found = _AFTER.match(plain, end)
    if found is None:
        return None
    which = 1 if found[1] else 2
    written = found[which]
    number = int(written) if written.isdecimal() else _NUMBERS.get(written, 0)
    return Count(number, *found.span(which)) if number else None


def _number(word: Word) -> int | None:
    if word.kind == "number":
        return int(word.text) or None
    if word.kind == "word":
        return _NUMBERS.get(word.text)
    if word.kind == "range":
        low, high = (int(end) for end in re.split(r"\s?[-–]\s?", word.text))
        return (low + high) // 2 if 0 < low < high else None
    try:
        return max(1, int(dice.parse(word.text).average))
    except InvalidInput:
        return None


def _numbered(words: Sequence[Word], place: int, floor: int, number: int) -> Count | None:
    """Look at what stands before a number: "DC 15 guards" is no count, "two or three wolves" is a range."""
    first = place
    if place > floor and words[place].joined:
        before = words[place - 1]
        if before.text in _LABELS:
            return None
        low = _number(words[place - 2]) if place - 1 > floor and before.joined else None
        if low is not None and before.text in ("or", "to") and low < number:
            first, number = place - 2, (low + number) // 2
    return Count(number, words[first].start, words[place].end)


def _collective(words: Sequence[Word], place: int, floor: int, end: int) -> Count:
    """Read "a dozen", "two dozen", "half a dozen", "a pair of" with the collective at ``place``."""
    number = _COLLECTIVES[words[place].text]
    first = place
    if place > floor and words[place].joined:
        before = words[place - 1]
        if before.text in _ARTICLES:
            first = place - 1
            if first > floor and before.joined and words[first - 1].text == "half":
                first, number = first - 1, number // 2
        elif (times := _number(before)) is not None:
            first, number = place - 1, number * times
    return Count(number, words[first].start, end)


def _is_plural(word: str) -> bool:
    """Whether a word between number and name looks like the thing that is really counted: "two rooms"."""
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))
