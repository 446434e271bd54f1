"""The party: how many characters, and of which levels. All that the encounter rules need to know about it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_CHARACTERS", "MAX_LEVEL", "Party", "number_word", "parse_party", "without"]

MAX_CHARACTERS = 20
MAX_LEVEL = 20

_NUMBER_WORDS = """
    no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
    """.split()
_GROUP = re.compile(r"\s*(?:([0-9]+)\s*[x×*]\s*)?([0-9]+)\s*", re.IGNORECASE)
_ABSENT = "write for example 4x3-1x3 for three of four level-3 characters"
_SIGNS = re.compile(r"\s*([,+−–-])\s*")
_EXAMPLE = "write for example 4x2 for four level-2 characters"


@dataclass(frozen=True, slots=True)
class Party:
    """Who sits at the table.

    Attributes:
        levels: The level of each character, 1 to 20; kept from the highest down, so that equal parties are
            equal.

    Raises:
        InvalidInput: No character or more than 20, or a level outside 1 to 20.
    """

    levels: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.levels) <= MAX_CHARACTERS:
            raise InvalidInput(f"A party has 1 to {MAX_CHARACTERS} characters, not {len(self.levels)}; {_EXAMPLE}.")
        for level in self.levels:
            if not 1 <= level <= MAX_LEVEL:
                raise InvalidInput(f"A level goes from 1 to {MAX_LEVEL}, {level} does not; {_EXAMPLE}.")
        object.__setattr__(self, "levels", tuple(sorted(self.levels, reverse=True)))

    @property
    def size(self) -> int:
        """How many characters."""
        return len(self.levels)

    @property
    def average_level(self) -> float:
        """Mean level, not rounded."""
        return sum(self.levels) / len(self.levels)

    @property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """Pairs of (how many, level), the highest level first."""
        return tuple((count, level) for level, count in Counter(self.levels).items())

    @property
    def words(self) -> str:
        """For people: ``four level-2 characters``, ``three level-5 and two level-4 characters``."""
        parts = [f"{number_word(count)} level-{level}" for count, level in self.groups]
        listed = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
        return f"{listed} character{'s' if self.size > 1 else ''}"

    def __str__(self) -> str:
        """Return the canonical form, which ``parse_party`` reads back: ``3x5,2x4``."""
        return ",".join(f"{count}x{level}" for count, level in self.groups)


def parse_party(text: str) -> Party:
    """Read a party: ``4x2``, ``3x5+2x4``, ``2,2,3`` for the levels of single characters, ``4x3-1x3`` with one absent.

    Raises:
        InvalidInput: It cannot be read or is over a limit; the message says why and shows a right one.
    """
    if not text.strip():
        raise InvalidInput(f"The party is empty; {_EXAMPLE}.")
    levels: list[int] = []
    absent: list[int] = []
    first, *rest = _SIGNS.split(text)
    for sign, group in zip(("+", *rest[::2]), (first, *rest[1::2]), strict=True):
        found = _GROUP.fullmatch(group)
        if found is None:
            _fail(text, f"{_short(group)!r} is not NUMBERxLEVEL" if group.strip() else "a group is empty")
        # Ten digits are wrong anyway, and int() of thousands of them would raise an error of its own.
        count, level = (int(digits[:10]) for digits in (found[1] or "1", found[2]))
        counted = levels if sign in ",+" else absent
        if not 1 <= count <= MAX_CHARACTERS or len(counted) + count > MAX_CHARACTERS:
            _fail(text, f"a party has 1 to {MAX_CHARACTERS} characters")
        if not 1 <= level <= MAX_LEVEL:
            _fail(text, f"a level goes from 1 to {MAX_LEVEL}")
        counted += [level] * count
    return _less(Party(tuple(levels)), absent)


def without(party: Party, absent: str) -> Party:
    """Return the party without those who are not at the table tonight.

    Args:
        party: Everybody.
        absent: How many, ``1``, where all have one level; else of which level, ``1x3``; several as in a party.

    Raises:
        InvalidInput: It cannot be read, nobody has that level, or nobody would be left.
    """
    if absent.strip().isdecimal():
        if len(party.groups) > 1:
            levels = " or ".join(f"1x{level}" for _, level in party.groups)
            raise InvalidInput(f"The characters have different levels: say who is absent, {levels}.")
        return _less(party, [party.levels[0]] * min(int(absent.strip()[:3]), MAX_CHARACTERS))
    return _less(party, parse_party(absent).levels)


def _less(party: Party, absent: Iterable[int]) -> Party:
    levels = list(party.levels)
    for level in absent:
        if level not in levels:
            raise InvalidInput(f"No level-{level} character can be absent from {party.words}; {_ABSENT}.")
        levels.remove(level)
    if not levels:
        raise InvalidInput(f"Everybody is absent, so nobody is there to fight; {_ABSENT}.")
    return Party(tuple(levels))


def number_word(number: int) -> str:
    """Return the word for 0 to 20 (``no`` for 0, as in "no characters"), digits beyond."""
    return _NUMBER_WORDS[number] if 0 <= number < len(_NUMBER_WORDS) else f"{number:,}"


def _fail(text: str, what: str) -> NoReturn:
    raise InvalidInput(f"The party {_short(text)!r} cannot be read: {what}; {_EXAMPLE}.")


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 30 else text[:29] + "…"
