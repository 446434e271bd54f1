"""Which part of the notes a scene is about: among the passages found, the one section to play.

Searching finds passages that share words with the request. A scene needs one place: a section with boxed
text, checks and creatures, together with its subsections ("Foes", "Treasure"). This is a judgement by visible
marks, made the same way for any notes, in two steps:

1. What is no scene is left out (rule books, advice, safety sheets, rosters, logs: see ``note_kind``), and so is
   what does not speak of what the request tells of (see ``telling``). Rather no section than a wrong one: then
   the scene is invented, and says so.
2. Of the rest the one of the greatest weight is played; the marks and their weights stand in ``_weight``.

A request that tells of nothing ("next scene") is for the opening of the adventure; where the campaign's log knows what
the party has played, ``onward`` chooses instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.gm.reading.checks import find_checks
from fablewright.gm.reading.kept import kept
from fablewright.gm.reading.statements import Role, is_secret_place, plain, statements
from fablewright.gm.rules.presence import count_here
from fablewright.gm.scene.note_kind import file_title, is_advice, is_rule_book, kept_beside_play
from fablewright.gm.scene.telling import Telling, telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.bestiary import Bestiary

__all__ = [
    "Focus",
    "Section",
    "choose_focus",
    "foci",
    "has_play",
    "is_about_here",
    "is_opening",
    "merged",
    "opening_names",
    "plays_on",
    "scenes_in",
    "search_words",
    "window",
]

_PARTS = """
    situation|set-?up|the scene|overview|background|description|read[ -]?aloud|boxed text|what is here|features?
    area features|terrain|environment|hazards?|traps?|checks?|skill checks?|foes?|enem(?:y|ies)|creatures?|monsters?
    encounters?|combat|tactics?|npcs?|who is here|roleplay(?:ing)?|development|consequences?|aftermath|outcomes?
    what happens next|if .*|loot|treasure|rewards?|clues?|secrets?|gm notes?|gm only|notes?|hooks?|options?
    connections? between areas|exits?|scaling|adjustments?|timeline|goals?|stakes
"""
_META_WORDS = """
    please|generate|create|make|write|build|prepare|set up|describe|give|show|tell|let'?s|i want|i need|we need
    can you|could you|me|us|my|our|a|an|the|of|for|with|new|next|scene|scenario|read-?aloud(?: text)?|text
    description|options?|now
"""


def _any_of(words: str) -> str:
    return "|".join(line.strip() for line in words.strip().splitlines())


_PART = re.compile(rf"^\W*(?:{_any_of(_PARTS)})\b", re.IGNORECASE)
_META = re.compile(rf"\b(?:{_any_of(_META_WORDS)})\b", re.IGNORECASE)
_OPENING = re.compile(
    r"\b(?:first|opening|initial|starting)\s+(?:encounter|scene|scenario|fight|session|battle|chapter|act)\b|"
    r"\b(?:start|open|begin)(?:ing|s)?\s+(?:of\s+)?(?:the\s+)?(?:campaign|adventure|game|session)\b",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"\b(?:next|then|now|happens?|comes?|continues?|go(?:es)? on|play on|onwards?|after|new scene|another|move on)\b",
    re.IGNORECASE,
)
_OPENING_NAMES = ("first encounter", "start", "opening", "beginning", "introduction", "prologue")
_OPENING_HEADING = re.compile(
    rf"^\W*(?:the |adventure |campaign )*"
    rf"(?:{'|'.join(_OPENING_NAMES)}|kick-?off|session (?:1|one)|scene (?:1|one))"
    r"(?: scene| encounter| of the adventure| here)?(?P<more>\W+\w.*)?\W*$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]{3,}")
_ONE_SCENE = 6000
"""Characters of notes for one scene."""
_TELLING = 300
"""Characters of a section that tells of something; one with less only names it."""
_NAME = re.compile(r"\b[A-Z][\w’'-]+(?:\s(?:of\s|the\s)?[A-Z][\w’'-]+){1,3}")
"""A proper name of several words: "Lonely Torch", "Hall of Salt"."""
_SMALL = frozenset("the and for with they".split())


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a note: a file and the headings down to it, without those that only name a part of a scene."""

    file: str
    heading: tuple[str, ...]

    @classmethod
    def of(cls, passage: Passage) -> Section:
        """Return the section that a passage belongs to."""
        return cls(passage.file, _without_parts(passage.heading))

    @property
    def title(self) -> str:
        """The innermost heading, or the file's name."""
        return self.heading[-1] if self.heading else file_title(self.file)


@dataclass(frozen=True, slots=True)
class Focus:
    """What a scene is about.

    Attributes:
        sections: The section to play; where that only gives an overview of a place, also the one of the
            same note that there is most to play in.
    """

    sections: tuple[Section, ...]

    def holds(self, passage: Passage) -> bool:
        """Return whether a passage belongs to one of the sections or to a part of it."""
        return Section.of(passage) in self.sections

    def order(self, passage: Passage) -> tuple[int, int]:
        """Return a sort key: section by section, each from its beginning."""
        return self.sections.index(Section.of(passage)), passage.start

    @property
    def title(self) -> str:
        """The first section's title; the file's name where that only says that it begins there."""
        section = self.sections[0]
        match = _OPENING_HEADING.match(section.title)
        return file_title(section.file) if match and not match["more"] else section.title


def search_words(request: str) -> str:
    """Return what of a request is worth searching for: without the words that only ask for a scene."""
    words = " ".join(_META.sub(" ", request).split()).strip(" .,;:!?-")
    return words or request.strip()


def opening_names(request: str) -> tuple[str, ...]:
    """Return what notes call the beginning of an adventure, when the request is for that or for nothing else."""
    return _OPENING_NAMES if _OPENING.search(request) or not telling(request).words else ()


def plays_on(request: str) -> bool:
    """Return whether a request is for whatever comes next: it says so, or hardly anything, and tells of nothing."""
    return is_about_here(request) and bool(_NEXT.search(request) or not request.strip(" .!?"))


def is_about_here(request: str) -> bool:
    """Return whether a request tells of nothing and asks for no opening: it is about where the party is."""
    return not _OPENING.search(request) and not telling(request).words


def merged(answers: Iterable[tuple[float, Sequence[Passage]]]) -> list[Passage]:
    """Put the answers of several searches together, best first.

    Args:
        answers: Each with the weight of its best passage; scores of different searches do not compare, so
            each passage is scored by its share of its own search's best.

    Returns:
        Each passage once, with its highest score, from 0 to the greatest weight.
    """
    best: dict[tuple[str, int], Passage] = {}
    for weight, passages in answers:
        top = max((p.score for p in passages), default=0.0) or 1.0
        for passage in passages:
            scored = replace(passage, score=weight * max(0.0, passage.score) / top)
            place = (passage.file, passage.start)
            if place not in best or best[place].score < scored.score:
                best[place] = scored
    return sorted(best.values(), key=lambda p: (-p.score, p.file, p.start))


def choose_focus(request: str, passages: Sequence[Passage], bestiary: Bestiary) -> Focus | None:
    """Return what to play, or None when no scene was found that the request is about."""
    return next(iter(foci(request, passages, bestiary)), None)


def foci(request: str, passages: Sequence[Passage], bestiary: Bestiary) -> tuple[Focus, ...]:
    """Return everything that could be played for a request, the best first."""
    asked = _words(search_words(request))
    told = telling(request)
    opening = bool(opening_names(request))
    sections: dict[Section, list[Passage]] = {}
    for passage in passages:
        sections.setdefault(Section.of(passage), []).append(passage)
    scenes = {s: own for s, own in sections.items() if _is_scene(s, own, asked, bestiary)}
    meant = {s for s, own in scenes.items() if _is_meant(s, own, told, bestiary, opening=opening)}
    top = max((passage.score for passage in passages), default=0.0) or 1.0
    names = [match[0].casefold() for match in _NAME.finditer(request)]
    weights = {
        p: p.score / top + _weight(p, asked, opening=opening) + 0.5 * _is_named(p, names)
        for own in scenes.values()
        for p in own
    }
    ranked = sorted(weights, key=lambda passage: -weights[passage])
    found: list[Focus] = []
    for section in dict.fromkeys(map(Section.of, ranked)):
        if section in meant and not any(section in focus.sections for focus in found):
            playable = any(_is_playable(passage, bestiary) for passage in scenes[section])
            found.append(Focus((section, *(() if playable else _where_it_happens(section, ranked, bestiary)))))
    return tuple(found)


def scenes_in(passages: Sequence[Passage], bestiary: Bestiary, *, prose: bool = False) -> tuple[Focus, ...]:
    """Return every section that is plainly a scene, whatever is asked for, in the order of the passages.

    With ``prose``: also those that only tell of something, if they tell enough of it.
    """
    sections: dict[Section, list[Passage]] = {}
    for passage in passages:
        sections.setdefault(Section.of(passage), []).append(passage)
    nothing: frozenset[str] = frozenset()
    return tuple(
        Focus((section,))
        for section, own in sections.items()
        if (has_play(own, bestiary) or (prose and _tells(own))) and _is_scene(section, own, nothing, bestiary)
    )


def _tells(own: Sequence[Passage]) -> bool:
    return sum(len(passage.text) for passage in own) >= _TELLING and not any(map(is_secret_place, own))


def is_opening(section: Section) -> bool:
    """Return whether a section is where an adventure begins, by its headings."""
    return any(_opening_weight(part) for part in section.heading[-2:])


def has_play(own: Sequence[Passage], bestiary: Bestiary) -> bool:
    """Return whether passages of a section are plainly a scene: boxed text, a check or foes, and not the GM's alone."""
    return not any(map(is_secret_place, own)) and any(_is_boxed(p) or _is_playable(p, bestiary) for p in own)


def _is_scene(section: Section, own: Sequence[Passage], asked: frozenset[str], bestiary: Bestiary) -> bool:
    """Return whether a section can be played at all; one whose title the request names is given the benefit."""
    sheet = next(filter(None, map(kept_beside_play, own)), "")
    if sheet:
        title = _words(sheet)
        return title <= asked and (len(title) > 1 or asked <= title)
    if any(map(_is_boxed, own)):
        return True
    named = bool(_words(section.title)) and _words(section.title) <= asked
    if any(map(is_rule_book, own)):
        opens = _OPENING_HEADING.match(section.title) is not None
        creature = bestiary.find(section.title) is not None
        return (named or opens) and not creature and any(_is_playable(passage, bestiary) for passage in own)
    return named or any(map(_has_checks, own)) or not any(is_advice(p) or _is_table(p) for p in own)


def _is_meant(section: Section, own: Sequence[Passage], told: Telling, bestiary: Bestiary, *, opening: bool) -> bool:
    """Return whether a section speaks of what the request tells of."""
    if opening:
        if is_opening(section) or (told.words and not told.names):
            return True
        if not told.words:
            return any(_is_boxed(p) or _is_playable(p, bestiary) for p in own)
    titles = (file_title(section.file), *section.heading)
    title = telling(section.title).words
    return bool(title and title <= told.words) or told.covered_by(*titles, *map(plain, own))


def _where_it_happens(overview: Section, ranked: Sequence[Passage], bestiary: Bestiary) -> tuple[Section, ...]:
    """Return the section that goes with one that is only looked at: its first part, or one that speaks of it."""
    same_note = [p for p in ranked if p.file == overview.file and Section.of(p) != overview]
    depth = len(overview.heading)
    parts = [p for p in same_note if p.heading[:depth] == overview.heading and depth]
    title = _words(overview.title)
    neighbours = [p for p in same_note if title <= _words(p.text)]
    for passage in (*sorted(parts, key=lambda p: p.start), *neighbours):
        if _is_playable(passage, bestiary):
            return (Section.of(passage),)
    return ()


def _weight(passage: Passage, asked: frozenset[str], *, opening: bool) -> float:
    """Weigh the marks of a playable section: names asked for, boxed text, checks, speech; not rules, not advice."""
    found = statements([passage])
    title = _words(Section.of(passage).title)
    weight = 0.9 * len(title & asked) / len(title) if title else 0.0
    if opening:
        weight += max((_opening_weight(part) for part in Section.of(passage).heading[-2:]), default=0.0)
    if _is_boxed(passage):
        weight += 0.5
    elif is_advice(passage):
        weight -= 0.5
    if any(statement.role is Role.SPEECH for statement in found):
        weight += 0.1
    if _has_checks(passage):
        weight += 0.15
    if is_rule_book(passage):
        weight -= 0.6
    if is_secret_place(passage):
        weight -= 0.3
    return weight


def _is_named(passage: Passage, names: Sequence[str]) -> bool:
    """Return whether a proper name of the request stands in the headings."""
    title = " ".join(passage.heading).casefold()
    return any(name in title for name in names)


def _opening_weight(heading: str) -> float:
    """Weigh a heading as that of the opening: most when it says that and nothing else."""
    match = _OPENING_HEADING.match(heading)
    if match is None:
        return 0.0
    return 0.4 if match["more"] and not match["more"].lstrip().startswith(":") else 0.9


def window(passages: Sequence[Passage], anchor: Passage | None) -> tuple[Passage, ...]:
    """Return as much of a long section as one scene needs, from the passage that was found on.

    A chapter of a novel is one section too; a scene plays where the search led, not at the chapter's beginning.
    """
    ordered = sorted(passages, key=lambda p: p.start)
    if sum(len(p.text) for p in ordered) <= _ONE_SCENE or anchor is None:
        return tuple(ordered)
    kept: list[Passage] = []
    for passage in ordered:
        if passage.start >= anchor.start and sum(len(p.text) for p in kept) < _ONE_SCENE:
            kept.append(passage)
    return tuple(kept)


def _is_playable(passage: Passage, bestiary: Bestiary) -> bool:
    """Return whether there is something to do or to fight, and not only something to see."""
    if _has_checks(passage):
        return True
    return any(
        count_here(statement.text, mention)
        for statement in statements([passage])
        for mention in bestiary.mentions(statement.text)
    )


@kept
def _is_boxed(passage: Passage) -> bool:
    return any(statement.role is Role.READ_ALOUD for statement in statements([passage]))


def _is_table(passage: Passage) -> bool:
    """Return whether a passage is a table and little else: something to roll on."""
    rows = [statement.role is Role.ROW for statement in statements([passage])]
    return len(rows) >= 5 and sum(rows) >= 0.8 * len(rows)


@kept
def _has_checks(passage: Passage) -> bool:
    found = statements([passage])
    return bool(find_checks([s.text for s in found], together=[s.block for s in found]))


def _without_parts(heading: tuple[str, ...]) -> tuple[str, ...]:
    """Drop the innermost headings that name a part of a scene, unless nothing would be left."""
    kept = heading
    while len(kept) > 1 and _PART.match(kept[-1]):
        kept = kept[:-1]
    return kept


def _words(text: str) -> frozenset[str]:
    """Return the words to compare by, plural and singular alike, without the smallest."""
    return frozenset(word.lower().rstrip("s") for word in _WORD.findall(text) if word.lower() not in _SMALL)
