"""What the words of a question lead to: all of them, the rare ones, those of one clause, and what they mean."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from fablewright.gm.finding.asked_words import asked_words
from fablewright.gm.finding.clauses import clauses
from fablewright.gm.finding.names import key_of
from fablewright.gm.finding.ranked import Ranked, best_first
from fablewright.gm.finding.rarity import most_of_a_rare_word
from fablewright.gm.reading.query_terms import STOP_WORDS, query_terms, without_apostrophes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.finding.options import Weights

__all__ = ["by_clause", "meaning", "rare", "unique_names", "whole", "without_characters"]

_NAME = re.compile(r"\b[A-Z]\w{3,}")
_WORD = re.compile(r"[\w'’]+")
_UNIQUE = 2
"""In so many passages at the most a word stands that is next to unique."""
_UNIQUE_PLACE = 3.0


def whole(question: str, lookups: Lookups, weights: Weights) -> Ranked:
    """Return what shares words with the question."""
    return Ranked("words", lookups.by_words(asked_words(question), weights.deep), sharp=weights.sharp)


def meaning(model: str, vector: bytes, lookups: Lookups, weights: Weights) -> Ranked:
    """Return what is near in meaning. Cosines count from that of the last: they are all alike, differences tell."""
    near = lookups.by_meaning(model, vector, weights.deep)
    least = min(near.values(), default=0.0)
    scores = {passage: cosine - least + 1e-6 for passage, cosine in near.items()}
    return Ranked("dense", scores, weights.dense, model, sharp=weights.sharp)


def without_characters(question: str, lookups: Lookups, weights: Weights) -> Iterator[Ranked]:
    """Yield what is found without the names of the players' characters, if there are any in the question.

    They act in every scene and stand in few notes: "Wren picks the lock" is about locks.
    """
    party = {word for sheet, _ in lookups.pinned("party") for key in lookups.heads(sheet) for word in key.split()}
    words = _WORD.findall(question)
    named = {word for word in words if word[0].isupper() and key_of([without_apostrophes(word)]) in party}
    rest = asked_words(" ".join(word for word in words if word not in named))
    if named and len(query_terms(rest).words) > 1:
        scores = lookups.by_words(rest, weights.deep, related=False)
        yield Ranked("words", scores, weights.characters, f"without {', '.join(sorted(named))}", sharp=weights.sharp)


def unique_names(question: str, lookups: Lookups) -> Iterator[Ranked]:
    """Yield what has a name of the question that next to nothing else has: that must be it."""
    for name in dict.fromkeys(_NAME.findall(question)):
        there = [] if name.lower() in STOP_WORDS else lookups.with_word(name, _UNIQUE + 1)
        if 0 < len(there) <= _UNIQUE:
            yield Ranked("unique", dict.fromkeys(there, _UNIQUE_PLACE), note=name, places=True)


def rare(question: str, lookups: Lookups, weights: Weights) -> Ranked:
    """Return what has the rare words of the question, by the share of all their rarity."""
    most = most_of_a_rare_word(lookups)
    told: dict[int, float] = {}
    total = 0.0
    unique: set[int] = set()
    for word in query_terms(asked_words(question)).words:
        there = lookups.with_word(word, most + 1)
        if 0 < len(there) <= most:
            weight = math.log(1 + lookups.count() / len(there)) ** weights.rare_power
            total += weight
            for passage in there:
                told[passage] = told.get(passage, 0.0) + weight
            if len(there) <= _UNIQUE:
                unique.update(there)
    stats = {p for p, (sort, _) in lookups.about(list(told)).items() if sort == "stats"}
    scores = {
        p: weight / total * (weights.stats if p in stats else 1.0)
        + (weights.unique if p in unique and p not in stats else 0.0)
        for p, weight in told.items()
    }
    return Ranked("rare", best_first(scores), weights.rare, shares=True)


def by_clause(question: str, lookups: Lookups, weights: Weights) -> Iterator[Ranked]:
    """Yield what shares words with each clause, together with the two rarest words of the others: its subject."""
    parts = clauses(question)
    most = most_of_a_rare_word(lookups)
    counts = ((len(lookups.with_word(w, most + 1)), w) for w in query_terms(asked_words(question)).words if parts)
    subjects = [word for count, word in sorted(counts) if 0 < count <= most]
    for clause in parts:
        others = [word for word in subjects if word not in clause.lower()][:2]
        text = " ".join([asked_words(clause), *others])
        scores = lookups.by_words(text, weights.deep // 4, related=False)
        yield Ranked("clause", scores, weights.clause, text, sharp=weights.sharp)
