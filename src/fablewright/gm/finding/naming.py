"""The sections that are called what a question names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.finding.names import plain_of, runs
from fablewright.gm.finding.ranked import Ranked, best_first
from fablewright.gm.finding.rarity import rarity

if TYPE_CHECKING:
    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.finding.options import Weights

__all__ = ["OF_STRENGTH", "named"]

OF_STRENGTH = {4: 1.0, 3: 0.8, 2: 0.55, 1: 0.45}
"""What it counts how a passage explains a name: as its heading, file, part of either, or head of a paragraph."""
_MOST_SECTIONS = 12
"""A name that more sections have is no name: "Actions", "Treasure"."""
_A_HEADING = 0.5
"""What a heading of a single word tells at least, if the question has just that word."""


def named(question: str, lookups: Lookups, weights: Weights) -> Ranked:
    """Return the sections that are called what the question names; of two names that hold each other the longer."""
    scores: dict[int, float] = {}
    taken: set[str] = set()
    plain = f" {plain_of(question)} "
    for key in runs(question):
        words = set(key.split())
        there = [] if words <= taken else lookups.named(key, _MOST_SECTIONS + 1)
        if not 0 < len(there) <= _MOST_SECTIONS:
            continue
        if len(words) > 1 and max(strength for _, strength, _ in there) >= 3:
            taken |= words
        telling = 1.0 if len(words) > 1 else rarity(key, lookups)
        for passage, strength, name in there:
            told = telling
            is_exact = f" {name} " in plain
            if is_exact and strength == 4:
                told = weights.topic if plain.startswith(f" {name} ") else max(telling, _A_HEADING)
            share = told * (1.0 if is_exact else weights.inexact) * OF_STRENGTH[strength] / len(there) ** 0.33
            scores[passage] = max(scores.get(passage, 0.0), share)
    return Ranked("names", best_first(scores), weights.name, shares=True)
