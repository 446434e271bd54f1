"""What could be played next: of the sections that belong to where the party is, those that it has not played.

In this order: what follows the scene played last, where sections or notes are numbered ("2. The Toll Hall", "ch08.md");
then what speaks of what happened last, best first: plain scenes, with boxed text, checks or foes, where there are any.
Where an adventure begins is not where it goes on, also if the log does not know that it has begun.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.reading.name_key import name_key
from fablewright.gm.reading.statements import is_secret_place
from fablewright.gm.scene.focus import Focus, Section, choose_focus, has_play, is_opening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.bestiary import Bestiary

__all__ = ["is_played", "next_note", "onward", "sections_called"]

_LAST_NUMBER = re.compile(r"(?P<number>\d{1,4})(?=\D*$)")
_NUMBERED = re.compile(
    r"^ {0,3}#{1,6}[ \t]+(?:(?:area|room|scene|chapter|part|act|day|encounter)\s+)?(?:\d{1,3}|[A-Z]\d{1,2})\b"
    r"(?P<title>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
"""A heading as it stands in the note: the names of sections are without their numbers."""


def is_played(section: Section, played: frozenset[str]) -> bool:
    """Return whether a section, or the scene that was made of it, is among those played; ``played``: name keys."""
    return not played.isdisjoint((name_key(section.title), name_key(Focus((section,)).title)))


def sections_called(title: str, passages: Sequence[Passage]) -> tuple[Section, ...]:
    """Return the sections of which a scene of this title was made."""
    return tuple(s for s in dict.fromkeys(map(Section.of, passages)) if is_played(s, frozenset((name_key(title),))))


def onward(
    last: str, lately: str, passages: Sequence[Passage], behind: frozenset[str], bestiary: Bestiary, *, most: int = 3
) -> tuple[Focus, ...]:
    """Return what could be played next, best first.

    Args:
        last: The title of the scene that was played last.
        lately: What happened last, in words.
        passages: What was found about that, best first, and all of the note that it was played out of.
        behind: The keys of what is no scene to come: those played, and people; see ``name_key``.
        bestiary: The creatures that the rules know.
        most: How many to return at most.
    """
    sections: dict[Section, list[Passage]] = {}
    for passage in passages:
        sections.setdefault(Section.of(passage), []).append(passage)
    fresh = {s: own for s, own in sections.items() if not is_played(s, behind) and not is_opening(s)}
    before = [own for s, own in sections.items() if is_played(s, frozenset((name_key(last),)))]
    # Where the scene played last was prose, the next one will be too; else prose tells about scenes, and is none.
    wants_play = any(has_play(own, bestiary) for own in before)
    left = {s: own for s, own in fresh.items() if has_play(own, bestiary)}
    if not left and not wants_play:
        left = {s: own for s, own in fresh.items() if not any(map(is_secret_place, own))}
    chosen: list[Focus] = []
    following = next((s for s in _following(last, sections) if s in fresh), None)
    if following is not None:
        chosen.append(Focus((following,)))
        left.pop(following, None)
    while len(chosen) < most and left and lately.strip():
        rest = [passage for passage in passages if Section.of(passage) in left]
        focus = choose_focus(lately, rest, bestiary)
        if focus is None:
            break
        chosen.append(focus)
        for section in focus.sections:
            left.pop(section, None)
    return tuple(chosen)


def next_note(file: str) -> str:
    """Return the name of the note that is numbered next: of ``ch07.md`` ``ch08.md``; empty for one without number."""
    match = _LAST_NUMBER.search(file)
    if match is None:
        return ""
    number = str(int(match["number"]) + 1).zfill(len(match["number"]))
    return f"{file[: match.start('number')]}{number}{file[match.end('number') :]}"


def _following(last: str, sections: Mapping[Section, Sequence[Passage]]) -> Iterator[Section]:
    """Yield what stands behind the scene played last: numbered sections beside it, then the note numbered next."""
    starts = {s: min(passage.start for passage in own) for s, own in sections.items()}
    ordered = sorted(sections, key=starts.__getitem__)
    numbered = {s for s, own in sections.items() if _is_numbered(s, own)}
    before = [s for s in ordered if is_played(s, frozenset((name_key(last),)))]
    for section in before:
        for other in ordered:
            beside = other.file == section.file and other.heading[:-1] == section.heading[:-1]
            if beside and starts[other] > starts[section] and other in numbered:
                yield other
    files = {next_note(section.file) for section in before if section not in numbered}
    yield from (section for section in ordered if section.file in files)


def _is_numbered(section: Section, own: Sequence[Passage]) -> bool:
    key = name_key(section.title)
    return any(
        name_key(match["title"]) == key or name_key(match[0]) == key
        for passage in own
        for match in _NUMBERED.finditer(passage.text)
    )
