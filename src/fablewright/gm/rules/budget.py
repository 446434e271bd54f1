"""What the rules let an encounter cost: XP by Challenge Rating, and the marks against which XP is measured.

Two editions, two meanings. In the 2024 rules (SRD 5.2.1, Gameplay Toolbox, "XP Budget per Character") a mark
is a
*ceiling*: a low encounter costs at most the low budget. In the 2014 rules (thresholds per character,
multiplied XP) a mark is a *floor*: an encounter is hard from the hard threshold on. Parties of mixed levels
add up their characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from fablewright.gm.rules.party import Party

__all__ = ["Budget", "Rules", "day_budget", "multiplier", "xp_for_cr"]

Rules = Literal["2014", "2024"]

# Low, moderate, high per character, levels 1 to 20.
_MARKS_2024 = (
    (50, 75, 100),
    (100, 150, 200),
    (150, 225, 400),
    (250, 375, 500),
    (500, 750, 1100),
    (600, 1000, 1400),
    (750, 1300, 1700),
    (1000, 1700, 2100),
    (1300, 2000, 2600),
    (1600, 2300, 3100),
    (1900, 2900, 4100),
    (2200, 3700, 4700),
    (2600, 4200, 5400),
    (2900, 4900, 6200),
    (3300, 5400, 7800),
    (3800, 6100, 9800),
    (4500, 7200, 11700),
    (5000, 8700, 14200),
    (5500, 10700, 17200),
    (6400, 13200, 22000),
)
# Easy, medium, hard, deadly per character, levels 1 to 20.
_MARKS_2014 = (
    (25, 50, 75, 100),
    (50, 100, 150, 200),
    (75, 150, 225, 400),
    (125, 250, 375, 500),
    (250, 500, 750, 1100),
    (300, 600, 900, 1400),
    (350, 750, 1100, 1700),
    (450, 900, 1400, 2100),
    (550, 1100, 1600, 2400),
    (600, 1200, 1900, 2800),
    (800, 1600, 2400, 3600),
    (1000, 2000, 3000, 4500),
    (1100, 2200, 3400, 5100),
    (1250, 2500, 3800, 5700),
    (1400, 2800, 4300, 6400),
    (1600, 3200, 4800, 7200),
    (2000, 3900, 5900, 8800),
    (2100, 4200, 6300, 9500),
    (2400, 4900, 7300, 10900),
    (2800, 5700, 8500, 12700),
)
# Adjusted XP that a character can be expected to deal with between two long rests, levels 1 to 20.
_DAY_2014 = (
    *(300, 600, 1200, 1700, 3500, 4000, 5000, 6000, 7500, 9000),
    *(10500, 11500, 13500, 15000, 18000, 20000, 25000, 27000, 30000, 40000),
)
_TABLES: dict[Rules, tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]] = {
    "2024": (("low", "moderate", "high"), _MARKS_2024),
    "2014": (("easy", "medium", "hard", "deadly"), _MARKS_2014),
}
_XP_FROM_1 = (
    *(200, 450, 700, 1100, 1800, 2300, 2900, 3900, 5000, 5900),
    *(7200, 8400, 10000, 11500, 13000, 15000, 18000, 20000, 22000, 25000),
    *(33000, 41000, 50000, 62000, 75000, 90000, 105000, 120000, 135000, 155000),
)
_XP_BY_CR = {0.0: 10, 0.125: 25, 0.25: 50, 0.5: 100} | {float(cr): xp for cr, xp in enumerate(_XP_FROM_1, 1)}
_LADDER_2014 = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
_STEPS_2014 = ((15, 6), (11, 5), (7, 4), (3, 3), (2, 2))  # from so many monsters on, this rung of the ladder


@dataclass(frozen=True, slots=True)
class Budget:
    """A party's marks.

    Attributes:
        rules: The edition.
        marks: Pairs of difficulty and XP for the whole party, the lowest first.
    """

    rules: Rules
    marks: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, party: Party, rules: Rules = "2024") -> Budget:
        """Add up the marks of a party's characters.

        Raises:
            InvalidInput: There are no such rules.
        """
        if rules not in _TABLES:
            raise InvalidInput(f"The rules are 2024 or 2014, not {rules!r}.")
        words, table = _TABLES[rules]
        sums = (sum(table[level - 1][column] for level in party.levels) for column in range(len(words)))
        return cls(rules, tuple(zip(words, sums, strict=True)))

    def __getitem__(self, difficulty: str) -> int:
        """Return the XP of a mark, such as ``budget["moderate"]``.

        Raises:
            InvalidInput: These rules have no such mark.
        """
        for word, xp in self.marks:
            if word == difficulty:
                return xp
        known = ", ".join(word for word, _ in self.marks)
        raise InvalidInput(f"The {self.rules} rules know the difficulties {known}, not {difficulty!r}.")

    def difficulty(self, xp: int) -> str:
        """Return the word for an encounter of so many XP (2014: adjusted XP).

        2024: the lowest budget that is not exceeded, since a budget is a ceiling; 575 against 400/600/800 is
        ``moderate``. No XP at all is ``trivial``, more than the highest budget is ``above high``.

        2014: the highest threshold that is reached; below the first one it is ``trivial``.
        """
        if self.rules == "2024":
            if xp <= 0:
                return "trivial"
            return next((word for word, mark in self.marks if xp <= mark), f"above {self.marks[-1][0]}")
        return next((word for word, mark in reversed(self.marks) if xp >= mark), "trivial")

    def __str__(self) -> str:
        return " / ".join(f"{xp:,} {word}" for word, xp in self.marks)


def day_budget(party: Party) -> int:
    """Return the adjusted XP of a party's adventuring day by the 2014 rules; the 2024 rules have no such number."""
    return sum(_DAY_2014[level - 1] for level in party.levels)


def multiplier(monsters: int, characters: int, rules: Rules = "2024") -> float:
    """Return what the XP are multiplied by before they are measured: 1 in 2024, by numbers in 2014.

    2014: 1 monster 1, 2 1.5, 3-6 2, 7-10 2.5, 11-14 3, 15 and more 4; one step up for a party of one or two,
        one
    step down for six or more.
    """
    if rules == "2024":
        return 1.0
    rung = next((rung for least, rung in _STEPS_2014 if monsters >= least), 1)
    return _LADDER_2014[rung + (characters < 3) - (characters >= 6)]


def xp_for_cr(cr: float) -> int:
    """Return the XP for one creature of a Challenge Rating; 10 for CR 0, though a few of those give none.

    Raises:
        InvalidInput: The rules have no such Challenge Rating.
    """
    if cr not in _XP_BY_CR:
        raise InvalidInput(f"There is no Challenge Rating {cr:g}: it is 0, 1/8, 1/4, 1/2 or 1 to 30.")
    return _XP_BY_CR[cr]
