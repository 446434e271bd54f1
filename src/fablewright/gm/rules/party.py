"""The party: how many characters, and of which levels. All that the encounter rules need to know about it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import NoReturn

from fablewright.errors import InvalidInput

__all__ = ["MAX_CHARACTERS", "MAX_LEVEL", "Party", "number_word", "parse_party"]

MAX_CHARACTERS = 20
MAX_LEVEL = 20

_NUMBER_WORDS = """
    no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
    """.split()
_GROUP = re.compile(r"\s*(?:([0-9]+)\s*[x×*]\s*)?([0-9]+)\s*", re.IGNORECASE)
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
    """Read a party: ``4x2``, ``3x5+2x4``, or ``2,2,3`` for the levels of single characters.

    Raises:
        InvalidInput: It cannot be read or is over a limit; the message says why and shows a right one.
    """
    if not text.strip():
        raise InvalidInput(f"The party is empty; {_EXAMPLE}.")
    levels: list[int] = []
    for group in re.split(r"[,+]", text):
        found = _GROUP.fullmatch(group)
        if found is None:
            _fail(text, f"{_short(group)!r} is not NUMBERxLEVEL" if group.strip() else "a group is empty")
        # Ten digits are wrong anyway, and int() of thousands of them would raise an error of its own.
        count, level = (int(digits[:10]) for digits in (found[1] or "1", found[2]))
        if not 1 <= count <= MAX_CHARACTERS or len(levels) + count > MAX_CHARACTERS:
            _fail(text, f"a party has 1 to {MAX_CHARACTERS} characters")
        if not 1 <= level <= MAX_LEVEL:
            _fail(text, f"a level goes from 1 to {MAX_LEVEL}")
        levels += [level] * count
    return Party(tuple(levels))


def number_word(number: int) -> str:
    """Return the word for 0 to 20 (``no`` for 0, as in "no characters"), digits beyond."""
    return _NUMBER_WORDS[number] if 0 <= number < len(_NUMBER_WORDS) else f"{number:,}"


def _fail(text: str, what: str) -> NoReturn:
    raise InvalidInput(f"The party {_short(text)!r} cannot be read: {what}; {_EXAMPLE}.")


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 30 else text[:29] + "…"
