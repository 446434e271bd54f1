"""What could be played next: of the sections that belong to where the party is, those that it has not played.

In this order: the section that follows the one played last, where its note numbers them ("2. The Toll Hall"); then
those that speak of what happened last, best first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.reading.name_key import name_key
from fablewright.gm.scene.focus import Focus, Section, choose_focus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.bestiary import Bestiary

__all__ = ["is_played", "onward", "sections_called"]

_NUMBERED = re.compile(
    r"^\W*(?:(?:area|room|scene|chapter|part|act|day|encounter)\s+)?(?:\d{1,3}|[A-Z]\d{1,2})\b", re.IGNORECASE
)


def is_played(section: Section, played: frozenset[str]) -> bool:
    """Return whether a section, or the scene that was made of it, is among those played; ``played``: name keys."""
    return not played.isdisjoint((name_key(section.title), name_key(Focus((section,)).title)))


def sections_called(title: str, passages: Sequence[Passage]) -> tuple[Section, ...]:
    """Return the sections of which a scene of this title was made."""
    return tuple(s for s in dict.fromkeys(map(Section.of, passages)) if is_played(s, frozenset((name_key(title),))))


def onward(
    last: str, lately: str, passages: Sequence[Passage], played: frozenset[str], bestiary: Bestiary, *, most: int = 3
) -> tuple[Focus, ...]:
    """Return what could be played next, best first.

    Args:
        last: The title of the scene that was played last.
        lately: What happened last, in words.
        passages: What was found about that, best first, and all of the note that it was played out of.
        played: The keys of the scenes that were played; see ``name_key``.
        bestiary: The creatures that the rules know.
        most: How many to return at most.
    """
    fresh = [passage for passage in passages if not is_played(Section.of(passage), played)]
    chosen: list[Focus] = []
    for section in _following(last, passages):
        own = [passage for passage in fresh if Section.of(passage) == section]
        focus = choose_focus(section.title, own, bestiary) if own else None
        if focus is not None:
            chosen.append(focus)
            break
    while len(chosen) < most:
        rest = [passage for passage in fresh if not any(focus.holds(passage) for focus in chosen)]
        focus = choose_focus(lately, rest, bestiary) if rest and lately else None
        if focus is None:
            break
        chosen.append(focus)
    return tuple(chosen)


def _following(last: str, passages: Sequence[Passage]) -> Iterator[Section]:
    """Yield the numbered sections that stand behind the one played last, beside it in its note."""
    for before in sections_called(last, passages):
        if not _NUMBERED.match(before.title):
            continue
        starts: dict[Section, int] = {}
        for passage in passages:
            section = Section.of(passage)
            if section.file == before.file and section.heading[:-1] == before.heading[:-1]:
                starts[section] = min(passage.start, starts.get(section, passage.start))
        ordered = sorted(starts, key=starts.__getitem__)
        yield from (section for section in ordered[ordered.index(before) + 1 :] if _NUMBERED.match(section.title))
