"""Lists of finds and how they become one: each counts by the share of its own best.

Scores of different searches do not compare, their shares nearly do. Ranks alone (reciprocal rank fusion) would
throw away that the first of a list may be the only good one in it; ``docs/retrieval.md`` has the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Found", "Ranked", "fused"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """What one step found.

    Attributes:
        step: The step, for people: ``words``, ``clause``, ``names``, ``hop``, ``pin`` and so on.
        scores: The passages by their number, best first; scores above 0, comparable within this list only.
        weight: What its best passage counts.
        note: What it looked for, for people.
        only_known: Whether it says nothing about passages that no other list has.
        shares: Whether the scores are shares already, and a weak best is to stay weak.
    """

    step: str
    scores: Mapping[int, float]
    weight: float = 1.0
    note: str = ""
    only_known: bool = False
    shares: bool = False


@dataclass(slots=True)
class Found:
    """A passage as the lists have it together.

    Attributes:
        passage: Its number.
        score: The sum of what it counts in each list.
        parts: For each list that has it: the list, its rank there from 1, and what that counted.
    """

    passage: int
    score: float = 0.0
    parts: list[tuple[Ranked, int, float]] = field(default_factory=list)


def fused(lists: Iterable[Ranked]) -> list[Found]:
    """Return all passages of some lists, best first; equal ones in the order of their numbers."""
    kept = [each for each in lists if each.scores]
    found: dict[int, Found] = {}
    for each in sorted(kept, key=lambda one: one.only_known):
        top = 1.0 if each.shares else max(each.scores.values())
        for rank, (passage, score) in enumerate(each.scores.items(), 1):
            if each.only_known and passage not in found:
                continue
            counted = each.weight * score / top
            one = found.setdefault(passage, Found(passage))
            one.score += counted
            one.parts.append((each, rank, counted))
    return sorted(found.values(), key=lambda one: (-one.score, one.passage))
