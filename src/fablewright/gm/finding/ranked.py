"""Lists of finds and how they become one: each counts by the share of its own best.

Scores of different searches do not compare, their shares nearly do. Ranks alone (reciprocal rank fusion) would
throw away that the first of a list may be the only good one in it; ``docs/retrieval.md`` has the comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Found", "Ranked", "best_first", "fused", "placed"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """What one step found.

    Attributes:
        step: The step, for people: ``words``, ``clause``, ``names``, ``hop``, ``pin`` and so on.
        scores: The passages by their number, best first; scores above 0, comparable within this list only.
        weight: What its best passage counts.
        note: What it looked for, for people.
        sharp: The power that shares are raised to: the greater, the less the lower ranks count.
        places: Whether the scores are places in the outcome, from 1, instead.
        shares: Whether the scores are shares already, and a weak best is to stay weak.
    """

    step: str
    scores: Mapping[int, float]
    weight: float = 1.0
    note: str = ""
    shares: bool = False
    sharp: float = 1.0
    places: bool = False


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

    @property
    def is_offered(self) -> bool:
        """Whether no word of the question found it: it is there because such a question calls for it."""
        return all(each.places and each.step != "unique" for each, _, _ in self.parts)


def best_first(scores: Mapping[int, float]) -> dict[int, float]:
    """Return scores in the order in which a list has them."""
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def fused(given: Sequence[Ranked]) -> list[Found]:
    """Return all passages of some lists, best first; equal ones in the order of their numbers.

    Of several lists of one step, such as the clauses of a question, the one counts in which a passage is best.
    """
    kept = [each for each in given if each.scores and not each.places]
    found: dict[int, Found] = {}
    best: dict[str, dict[int, float]] = {}
    for each in kept:
        top = 1.0 if each.shares else max(each.scores.values())
        of_step = best.setdefault(each.step, {})
        weight, sharp = each.weight, each.sharp
        for rank, (passage, score) in enumerate(each.scores.items(), 1):
            counted = weight * (score / top) ** sharp
            one = found.get(passage)
            if one is None:
                one = found[passage] = Found(passage)
            before = of_step.get(passage, 0.0)
            if counted > before:
                of_step[passage] = counted
                one.score += counted - before
            one.parts.append((each, rank, counted))
    return sorted(found.values(), key=lambda one: (-one.score, one.passage))


def placed(ordered: Sequence[Found], lists: Sequence[Ranked]) -> list[Found]:
    """Move what a list has a place for up to that place; what stands higher by itself stays there.

    Args:
        ordered: Passages, best first.
        lists: Those with ``places``: their scores are places from 1, the nearest first.
    """
    places: dict[int, tuple[float, Ranked, int]] = {}
    for each in lists:
        for rank, (passage, place) in enumerate(each.scores.items(), 1):
            if each.places and (passage not in places or place < places[passage][0]):
                places[passage] = (place, each, rank)
    moved = {passage: Found(passage) for passage in places} | {
        one.passage: one for one in ordered if one.passage in places
    }
    before = {one.passage: number for number, one in enumerate(ordered, 1)}
    result: list[Found] = []
    rest = iter([one for one in ordered if one.passage not in places])
    waiting = sorted(places, key=lambda p: (min(places[p][0], before.get(p, 1e9)), places[p][2], p))
    following = next(rest, None)
    while waiting or following is not None:
        due = waiting and min(places[waiting[0]][0], before.get(waiting[0], 1e9)) <= len(result) + 1
        if waiting and (due or following is None):
            passage = waiting.pop(0)
            place, each, rank = places[passage]
            one = moved[passage]
            gained = max(0.0, following.score - one.score) if following is not None else 0.0
            one.score += gained
            one.parts.append((each, rank, gained))
            result.append(one)
        elif following is not None:
            result.append(following)
            following = next(rest, None)
    return result
