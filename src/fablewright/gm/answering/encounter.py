"""A fight: rated as it stands in the words or the notes, or built to a difficulty."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer, Timings
from fablewright.gm.intent import difficulty_in, is_about_stats, is_to_be_rated
from fablewright.gm.rules import rating
from fablewright.gm.rules.encounter import build
from fablewright.gm.scene.composer import compose
from fablewright.gm.scene.focus import choose_focus, search_words
from fablewright.gm.scene.scenario import Line, Origin
from fablewright.gm.scene.table import balance_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.rules.bestiary import Bestiary, Mention
    from fablewright.gm.scene.table import Table

__all__ = ["answer_encounter"]

_NO_SUCH_FIGHT = "Your notes name no foes for this; here is a fight that would suit your party."


async def answer_encounter(asked: Asked) -> Answer:
    """Rate the creatures that the words name; else those of the place they name; else build a fight."""
    words = asked.words
    mentions = asked.bestiary.mentions(words)
    counted = [mention for mention in mentions if mention.count]
    rated = is_to_be_rated(words)
    if rated and asked.use_rag:
        # "Gardo and his four bandits": the notes may know the fight that is meant, and who Gardo is.
        answer = await _rate_place(asked, with_all={m.creature.name for m in counted})
        if answer is not None:
            return answer
    if counted:
        return _weighed(counted, asked.table)
    if mentions and (rated or is_about_stats(words)):
        return _weighed(mentions, asked.table)
    built = _build(asked)
    return replace(built, status="degraded", missing=(_NO_SUCH_FIGHT,)) if rated and asked.use_rag else built


async def _rate_place(asked: Asked, *, with_all: set[str]) -> Answer | None:
    """Rate the fight at the place that the words name, if everything that they count is in it."""
    words = asked.words
    found = await asked.look_up(search_words(words))
    focus = choose_focus(words, found.documents.passages, asked.bestiary) if found.documents else None
    if found.documents is None or focus is None:
        return None
    composed = compose(words, focus, found.documents.passages, asked.table)
    if not composed.scene.foes or not with_all <= {foe.name for foe in composed.scene.foes}:
        return None
    foes = [
        Line(f"{foe.count} × {foe.name} ({foe.xp} XP each)", Origin.FROM_NOTES, foe.sources)
        for foe in composed.scene.foes
    ]
    return Answer(
        want="encounter",
        status="degraded" if found.missing else "answered",
        lines=(*foes, *composed.scene.balance),
        citations=composed.citations,
        used_rag=True,
        generation_method="rules",
        missing=found.missing,
        timings=Timings(retrieve_ms=found.took_ms),
    )


def _build(asked: Asked) -> Answer:
    rng = random.Random(asked.seed)
    theme = _theme_in(asked.words, asked.bestiary)
    table = asked.table
    encounter = build(table.party, difficulty_in(asked.words), table.bestiary, rng, theme=theme)
    head = Line(f"{encounter.text}.", Origin.BY_RULE)
    lines = (head, *balance_lines(encounter.foes, table))
    return Answer("encounter", "answered", lines=lines, generation_method="rules")


def _theme_in(words: str, bestiary: Bestiary) -> str | None:
    """Return the kinds and creatures that the words name, as a theme to build from."""
    types = [t for t in sorted(bestiary.types) if f" {t}" in f" {words.lower()}"]
    names = [m.creature.name for m in bestiary.mentions(words)]
    return " ".join([*types, *names]) or None


def _weighed(mentions: Sequence[Mention], table: Table) -> Answer:
    """Rate the creatures that the words name; one of each whose number they do not give."""
    foes = [rating.Foe.of(m.creature, m.count or 1) for m in mentions]
    return Answer("encounter", "answered", lines=balance_lines(foes, table), generation_method="rules")
