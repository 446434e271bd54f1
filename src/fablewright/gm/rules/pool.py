"""Dice of one kind that are rolled together, and what they can be expected to show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_EXPLOSIONS", "Pick", "Pool"]

MAX_EXPLOSIONS = 10
"""Extra rolls of one exploding die."""

Pick = Literal["", "kh", "kl", "dh", "dl"]


@dataclass(frozen=True, slots=True)
class Pool:
    """Dice of one kind that are rolled together, such as ``4d6kh3``.

    Attributes:
        count: How many dice, at least 1.
        sides: Faces of each, at least 2.
        exploding: Whether a highest face is rolled again and added.
        pick: ``kh``/``kl`` keep the highest/lowest, ``dh``/``dl`` drop them, empty keeps all.
        picked: How many dice ``pick`` speaks of; 0 when it is empty.
    """

    count: int
    sides: int
    exploding: bool = False
    pick: Pick = ""
    picked: int = 0

    @property
    def kept(self) -> int:
        """How many dice count."""
        if not self.pick:
            return self.count
        return self.picked if self.pick.startswith("k") else self.count - self.picked

    @property
    def maximum(self) -> int:
        """The highest sum it can show."""
        return self.kept * self.sides * (1 + MAX_EXPLOSIONS if self.exploding else 1)

    @property
    def average(self) -> float:
        """The expected sum; exact up to floating point, also under keep and drop."""
        chains = range(1 + MAX_EXPLOSIONS if self.exploding else 1)
        everything = self.count * (self.sides + 1) / 2 * sum(float(self.sides) ** -n for n in chains)
        if self.kept == self.count:
            return everything
        # The sum of the k highest dice is the sum over t of min(k, dice that show t or more). The k lowest
        # mirror them, or, since explosions have no mirror image, are what the highest others leave over.
        if self.pick in ("kh", "dl"):
            return self._highest(self.kept)
        if not self.exploding:
            return self.kept * (self.sides + 1) - self._highest(self.kept)
        return everything - self._highest(self.count - self.kept)

    def _highest(self, number: int) -> float:
        return sum(_mean_capped(self.count, tail, number) for tail in self._tails())

    def _tails(self) -> Iterator[float]:
        """Yield the chance that one die shows 1 or more, 2 or more, and so on."""
        for chain in range(1 + MAX_EXPLOSIONS if self.exploding else 1):
            reached = float(self.sides) ** -chain
            if reached < 1e-18:  # further terms are below the rounding error of the sum
                return
            for face in range(self.sides):
                yield reached * (self.sides - face) / self.sides

    def __str__(self) -> str:
        pick = f"{self.pick}{self.picked}" if self.pick else ""
        return f"{self.count}d{self.sides}{'!' if self.exploding else ''}{pick}"


def _mean_capped(count: int, chance: float, cap: int) -> float:
    """Expect min(cap, successes) over ``count`` tries; logarithms keep 1,000 tries from underflow."""
    if chance >= 1.0:
        return float(cap)
    lost = 0.0
    for hits in range(cap):
        ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
        lost += (cap - hits) * math.exp(ways + hits * math.log(chance) + (count - hits) * math.log1p(-chance))
    return cap - lost
