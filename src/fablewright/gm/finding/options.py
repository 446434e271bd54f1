"""The steps of a search and how much each counts; every one can be switched off by itself."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALL_STEPS", "FindingOptions"]


@dataclass(frozen=True, slots=True)
class FindingOptions:
    """Which steps are taken, and their weights.

    A list of passages counts by the share of its own best score, from 0 to 1, times its weight; the list that was
    found by the words of the question has weight 1.

    Attributes:
        dense: Whether passages near in meaning are looked for, where there are vectors.
        rare: Whether rare words of the question count by themselves.
        clauses: Whether a compound question is also searched clause by clause.
        names: Whether the sections that are called what the question names are offered.
        kinds: Whether the kind of a question adds what such a question is always about.
        pins: Whether pinned notes (house rules, safety sheet, party, last session) are offered.
        state: Whether what happened last decides between passages that are otherwise alike.
        hop: Whether the sections are fetched that explain what the first finds mention.
        neighbours: Whether the passage before and after a find in the same section is offered.
        spread: Whether a second passage of the same section counts less.
        deep: How many passages of each list are looked at.
        sources: From how many of the first finds a second hop goes.
    """

    dense: bool = True
    rare: bool = True
    clauses: bool = True
    names: bool = True
    kinds: bool = True
    pins: bool = True
    state: bool = True
    hop: bool = True
    neighbours: bool = True
    spread: bool = True
    sorts: bool = True
    characters: bool = True
    character_weight: float = 0.9
    wanted_places: tuple[float, ...] = (5.0, 7.0)
    inexact: float = 0.6
    topic: float = 1.2
    overlap: float = 0.3
    dense_weight: float = 0.7
    rare_weight: float = 0.5
    clause_weight: float = 0.2
    name_weight: float = 0.8
    kind_weight: float = 0.6
    pin_weight: float = 0.45
    state_weight: float = 0.15
    hop_weight: float = 0.4
    neighbour_weight: float = 0.35
    spread_factor: float = 0.85
    sharp: float = 2.0
    rare_power: float = 1.5
    unique: float = 0.5
    unique_most: int = 2
    overlap_least: float = 0.6
    rare_most: int = 500
    rare_part: int = 50
    next_door: float = 0.7
    deep: int = 120
    considered: int = 60
    deciding: int = 30
    sources: int = 3


ALL_STEPS = FindingOptions()
