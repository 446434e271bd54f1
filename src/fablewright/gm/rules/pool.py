"""Dice of one kind that are rolled together, and what they can be expected to show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_EXPLOSIONS", "MAX_REROLLS", "Comparison", "Pick", "Pool", "Sign"]

MAX_EXPLOSIONS = 10
"""Extra rolls of one exploding die."""
MAX_REROLLS = 10
"""Times that one die is rolled again; what it shows then counts, whatever it is."""

Pick = Literal["", "kh", "kl", "dh", "dl"]
Sign = Literal["=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition on a face, such as ``>=5``."""

    sign: Sign
    number: int

    def holds(self, face: int) -> bool:
        """Return whether a face meets it."""
        match self.sign:
            case "=":
                return face == self.number
            case "<":
                return face < self.number
            case "<=":
                return face <= self.number
            case ">":
                return face > self.number
        return face >= self.number

    def __str__(self) -> str:
        return f"{self.sign}{self.number}"


@dataclass(frozen=True, slots=True)
class Pool:
    """Dice of one kind that are rolled together, such as ``4d6kh3``.

    Attributes:
        count: How many dice, at least 1.
        sides: Faces of each, at least 2.
        exploding: Whether a highest face is rolled again and added.
        pick: ``kh``/``kl`` keep the highest/lowest, ``dh``/``dl`` drop them, empty keeps all.
        picked: How many dice ``pick`` speaks of; 0 when it is empty.
        fudge: Whether the faces are minus, blank and plus; then there are 3 sides.
        reroll: Faces that are rolled again; None for none.
        once: Whether only once, rather than until the face is another.
        least: A lower face counts as this; 0 for no such floor.
        success: Which faces are counted, instead of adding faces up; None to add up.
    """

    count: int
    sides: int
    exploding: bool = False
    pick: Pick = ""
    picked: int = 0
    fudge: bool = False
    reroll: Comparison | None = None
    once: bool = False
    least: int = 0
    success: Comparison | None = None

    @property
    def faces(self) -> range:
        """What one of the dice can show."""
        return range(-1, 2) if self.fudge else range(1, self.sides + 1)

    @property
    def kept(self) -> int:
        """How many dice count."""
        if not self.pick:
            return self.count
        return self.picked if self.pick.startswith("k") else self.count - self.picked

    @property
    def rerolls(self) -> int:
        """How many times a die may be rolled again."""
        return 0 if self.reroll is None else 1 if self.once else MAX_REROLLS

    @property
    def minimum(self) -> int:
        """The lowest sum it can show."""
        return 0 if self.success else self.kept * max(self.faces[0], self.least or self.faces[0])

    @property
    def maximum(self) -> int:
        """The highest sum it can show."""
        rolls = 1 + MAX_EXPLOSIONS if self.exploding else 1
        return self.kept * rolls * (1 if self.success else self.faces[-1])

    @property
    def average(self) -> float:
        """The expected sum; exact up to floating point, also under keep and drop."""
        if self.kept == self.count and not (self.reroll or self.least or self.success):
            # The middle face of each, whatever the number of sides: texts are full of dice, and are read quickly.
            chains = range(1 + MAX_EXPLOSIONS if self.exploding else 1)
            return self.count * (self.faces[0] + self.faces[-1]) / 2 * sum(float(self.sides) ** -n for n in chains)
        chances = self._chances()
        rolls = sum(chances[-1] ** n for n in range(1 + MAX_EXPLOSIONS)) if self.exploding else 1.0
        if self.success:
            hits = sum(c for face, c in zip(self.faces, chances, strict=True) if self.success.holds(face))
            return self.count * rolls * hits
        everything = self.count * rolls * sum(face * c for face, c in zip(self.faces, chances, strict=True))
        if self.kept == self.count:
            return everything
        # The sum of the k highest dice is the sum over t of min(k, dice that show t or more). The k lowest
        # mirror them, or, where the dice have no mirror image, are what the highest others leave over.
        if self.pick in ("kh", "dl"):
            return self._highest(self.kept, chances)
        if not self.exploding and self.reroll is None and not self.least:
            return self.kept * (self.faces[0] + self.faces[-1]) - self._highest(self.kept, chances)
        return everything - self._highest(self.count - self.kept, chances)

    def _chances(self) -> list[float]:
        """Return how likely each face is, in their order, once it has been rolled again and lifted."""
        faces = self.faces
        again = [self.reroll is not None and self.reroll.holds(face) for face in faces]
        share = sum(again) / self.sides
        stays = sum(share**n for n in range(self.rerolls + 1)) / self.sides
        chances = [share**self.rerolls / self.sides if rolled else stays for rolled in again]
        lifted = max(0, self.least - faces[0]) if self.least else 0
        if lifted:
            chances[lifted] = sum(chances[: lifted + 1])
            chances[:lifted] = [0.0] * lifted
        return chances

    def _highest(self, number: int, chances: list[float]) -> float:
        from_zero = number * (self.faces[0] - 1)
        return from_zero + sum(_mean_capped(self.count, tail, number) for tail in self._tails(chances))

    def _tails(self, chances: list[float]) -> Iterator[float]:
        """Yield the chance that one die shows its lowest face or more, the next or more, and so on."""
        tails = [1.0]
        for chance in chances[:-1]:
            tails.append(max(0.0, tails[-1] - chance))
        for chain in range(1 + MAX_EXPLOSIONS if self.exploding else 1):
            reached = chances[-1] ** chain
            if reached < 1e-18:  # further terms are below the rounding error of the sum
                return
            for tail in tails:
                yield reached * tail

    def __str__(self) -> str:
        sides = "F" if self.fudge else self.sides
        again = f"r{'o' if self.once else ''}{self.reroll}" if self.reroll else ""
        least = f"mi{self.least}" if self.least else ""
        pick = f"{self.pick}{self.picked}" if self.pick else ""
        return f"{self.count}d{sides}{'!' if self.exploding else ''}{again}{least}{pick}{self.success or ''}"


def _mean_capped(count: int, chance: float, cap: int) -> float:
    """Expect min(cap, successes) over ``count`` tries; logarithms keep 1,000 tries from underflow."""
    if chance >= 1.0:
        return float(cap)
    if chance <= 0.0:
        return 0.0
    lost = 0.0
    for hits in range(cap):
        ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
        lost += (cap - hits) * math.exp(ways + hits * math.log(chance) + (count - hits) * math.log1p(-chance))
    return cap - lost
