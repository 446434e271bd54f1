"""The steps of a search and how much each counts; every one can be switched off by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ALL_STEPS", "STEPS", "FindingOptions", "Weights"]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each step counts, and how far it looks.

    A list of passages counts by the share of its own best score, from 0 to 1, times its weight; the list that was
    found by the words of the question has weight 1. The numbers were tried out on questions of our own, one at a
    time, and lie on plateaus: none of them is to be had to two digits.

    Attributes:
        sharp: The power that shares of lists found by words are raised to; their lower ranks are all alike.
        dense: Of passages near in meaning.
        characters: Of passages found without the names of the players' characters.
        rare: Of passages with the rare words.
        rare_power: The power that the rarity of a word is raised to.
        unique: What a word adds that next to no other passage has.
        stats: What a rare word counts that stands in a stat block: each has some, and is found by its name.
        clause: Of passages found by one clause.
        name: Of sections that are called what the question names.
        inexact: What a name counts that is written in another form, or in another order.
        topic: What a section counts whose heading is what the question begins with.
        rule: The places of the rules for what happens in a question.
        called: How much more urgent a pinned note is that speaks of what was found.
        rarity: How rare a word must be to show that, from 0 (on every page) to 1 (on one).
        state: Of passages that speak of what happened last.
        chain: The places of the sections on those whom a question in a chain turns out to be about.
        hop: Of sections that explain what is mentioned.
        wanted: The places of those that such a question wants, such as stat blocks.
        near: Of neighbours in the same section, its parent or its parts.
        next_door: What another neighbour counts of that.
        spread: What a second passage of a section counts of what it would; a third counts that squared.
        deep: How many passages of a list are looked at.
        considered: How many of the fused list are still put in another order.
        deciding: Of how many it is looked at whether they speak of what happened last.
        sources: From how many of the first finds a hop goes.
    """

    sharp: float = 2.0
    dense: float = 0.7
    characters: float = 0.9
    rare: float = 0.35
    rare_power: float = 1.5
    unique: float = 0.7
    stats: float = 0.5
    clause: float = 0.2
    name: float = 0.8
    inexact: float = 0.6
    topic: float = 1.2
    rule: tuple[float, ...] = (3.0, 4.5, 6.0)
    called: float = 0.3
    rarity: float = 0.6
    state: float = 0.15
    chain: tuple[float, ...] = (3.0, 5.0, 7.0)
    hop: float = 0.4
    wanted: tuple[float, ...] = (5.0, 7.0)
    near: float = 0.35
    next_door: float = 0.7
    spread: float = 0.85
    deep: int = 120
    considered: int = 60
    deciding: int = 30
    sources: int = 3


@dataclass(frozen=True, slots=True)
class FindingOptions:
    """Which steps are taken; without any of them a search goes by words alone.

    Attributes:
        dense: Passages near in meaning are looked for, where there are vectors.
        characters: The names of the players' characters, who are in every scene, are also left out for once.
        rare: Rare words of the question count by themselves.
        clauses: A compound question is also searched clause by clause.
        names: Sections that are called what the question names are offered.
        kinds: What a question of a kind is always about is offered: the budget for a fight.
        rules: For what happens in a question, what the rule book calls it is offered: a dive is Underwater Combat.
        sorts: Sorts of text count more or less by the kind of question: a scene is seldom in the rule book.
        pins: Pinned notes (house rules, safety sheet, party, last session) are offered where they are called for.
        state: What happened last decides between passages that are otherwise alike.
        chain: Where a second half asks about somebody whom only the first half finds, sections on those are offered.
        hop: Sections are fetched that explain what the first finds mention.
        neighbours: The passages before and after a find are offered.
        spread: A second passage of a section counts less.
        weights: How much each counts.
    """

    dense: bool = True
    characters: bool = True
    rare: bool = True
    clauses: bool = True
    names: bool = True
    kinds: bool = True
    rules: bool = True
    sorts: bool = True
    pins: bool = True
    state: bool = True
    chain: bool = True
    hop: bool = True
    neighbours: bool = True
    spread: bool = True
    weights: Weights = field(default_factory=Weights)


ALL_STEPS = FindingOptions()

STEPS = tuple(name for name in FindingOptions.__slots__ if name != "weights")
"""The names of the steps, in the order in which they are taken."""
