"""The scenes for one request: the one that is asked for, others that differ, and one with parts kept of an older one.

Composed out of the notes where there is something to play, else improvised. Equal requests, notes and seeds give equal
scenes, variants included.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.scene.composer import Composed, compose
from fablewright.gm.scene.improviser import improvise
from fablewright.gm.scene.locking import locked
from fablewright.gm.scene.variants import EMPHASES, Variant, choose_variants, distance, emphasised

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.scene.focus import Focus
    from fablewright.gm.scene.table import Table
    from fablewright.gm.scene.wishes import Wishes

__all__ = ["Drafts", "Scenes", "Source"]

_THROWS = 4
"""Improvised scenes that are tried for each that is wished for."""


@dataclass(frozen=True, slots=True)
class Source:
    """What to compose a scene of: the section to play and what was found."""

    focus: Focus
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Scenes:
    """What was written.

    Attributes:
        first: The scene.
        variants: Others.
        missing: A sentence if there are fewer than were wished for.
    """

    first: Composed
    variants: tuple[Variant, ...] = ()
    missing: tuple[str, ...] = ()


class Drafts:
    """Writes scenes.

    Args:
        words: The GM's.
        table: For whom.
        seed: For what is left to chance; None for new dice.
        wishes: What she wishes beside.
    """

    def __init__(self, words: str, table: Table, seed: int | None, wishes: Wishes) -> None:
        self._words = words
        self._table = table
        self._seed = seed
        self._wishes = wishes

    def write(self, source: Source | None, others: Sequence[Source] = ()) -> Scenes:
        """Write the scene and its variants.

        Args:
            source: What the notes have; None to improvise.
            others: What else of the notes could be played, the best first.
        """
        wanted = self._wishes.variants - 1
        first = self._improvised(0) if source is None else self._composed(source)
        if self._wishes.kept is not None:
            return Scenes(self._rewritten(first, grounded=source is not None))
        if not wanted:
            return Scenes(first)
        candidates = self._thrown(wanted) if source is None else self._of_the_notes(first, others)
        variants = choose_variants(first.scene, candidates, wanted)
        missing = () if len(variants) == wanted else (_too_few(len(variants) + 1, wanted + 1),)
        return Scenes(first, variants, missing)

    def _of_the_notes(self, first: Composed, others: Sequence[Source]) -> Iterator[Variant]:
        for source in others:
            composed = self._composed(source)
            place = " › ".join((source.focus.sections[0].file, *source.focus.sections[0].heading[-1:]))
            yield Variant(f"Another scene of your notes, {place}", 0.0, composed.scene, composed.citations)
        yield from self._emphases(first)

    def _emphases(self, first: Composed) -> Iterator[Variant]:
        for emphasis, sort in EMPHASES.items():
            composed = Composed(emphasised(first.scene, emphasis), first.citations)
            yield Variant(f"The same scene, {sort.name}", 0.0, composed.scene, composed.citations)

    def _thrown(self, wanted: int) -> Iterator[Variant]:
        for number in range(1, 1 + _THROWS * wanted):
            yield Variant("Invented by another throw of the dice", 0.0, self._improvised(number).scene)

    def _rewritten(self, first: Composed, *, grounded: bool) -> Composed:
        """Return the scene that keeps what is to stay and is farthest from the old one for the rest."""
        kept = self._wishes.kept
        assert kept is not None  # noqa: S101 - for the type checker: who calls this has looked
        if grounded:
            drafts = [first, *(Composed(each.scene, each.citations) for each in self._emphases(first))]
        else:
            drafts = [first, *(self._improvised(number) for number in range(1, 1 + _THROWS))]
        made = [locked(kept, draft, self._table) for draft in drafts]
        # Of two that are as far, chance takes one, so that asking again brings something else.
        self._random("again").shuffle(made)
        return max(made, key=lambda each: round(distance(kept.scene, each.scene), 1))

    def _composed(self, source: Source) -> Composed:
        wishes = self._wishes
        return compose(self._words, source.focus, source.passages, self._table, amount=wishes.amount, tone=wishes.tone)

    def _improvised(self, number: int) -> Composed:
        rng = random.Random(self._seed) if not number else self._random(f"{number}")
        return Composed(improvise(self._words, self._table, rng, self._wishes), ())

    def _random(self, name: str) -> random.Random:
        return random.Random() if self._seed is None else random.Random(f"{self._seed}/{name}")


def _too_few(found: int, wanted: int) -> str:
    scenes = "1 scene" if found == 1 else f"{found} scenes"
    return f"There are only {scenes} that differ enough for this; you asked for {wanted}."
