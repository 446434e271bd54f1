"""Whom and what the notes know by name, for somebody new to be tied to: the people and places that have a section."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from fablewright.gm.making.person import Known
from fablewright.gm.reading.statements import readable
from fablewright.gm.scene.note_kind import is_advice, is_rule_book, kept_beside_play

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.reading.notes import Passage

__all__ = ["KnownHere", "known_here", "known_in"]

_SEARCHES = ("people who live here, NPCs, innkeeper, owner", "places, locations, town, inn, house, temple")
_NAME = re.compile(r"(?:The |the )?[^\W\d_a-z][\w'’-]+(?: (?:of|the|and|[^\W\d_a-z][\w'’-]+)){0,3}")
_PERSON = re.compile(r"\b(?:he|she|his|her|him)\b", re.IGNORECASE)
_OF_PEOPLE = re.compile(
    r"(?<![^\W_])(?:people|persons|npcs?|folk|cast|who'?s who|villains|allies)(?![^\W_])", re.IGNORECASE
)
_OPENING = 250
"""Characters of a section in which it calls somebody he or she."""


class KnownHere(NamedTuple):
    """Somebody or some place, and the passage that tells of it."""

    known: Known
    passage: Passage


async def known_here(asked: Asked) -> list[KnownHere]:
    """Look up whom and what the notes know; nothing when they cannot be searched."""
    if not asked.use_rag:
        return []
    passages: dict[tuple[str, int], Passage] = {}
    enough = asked.ctx.remaining / 2
    for query in (asked.words, *_SEARCHES):
        found = await asked.look_up(query, most=24)
        for passage in found.documents.passages if found.documents else ():
            passages.setdefault((passage.file, passage.start), passage)
        if found.documents is None or asked.ctx.remaining < enough:
            break  # a bond is worth no more waiting
    return list(known_in(list(passages.values())))


def known_in(passages: Sequence[Passage]) -> Iterator[KnownHere]:
    """Yield the people and places that passages are about, each once.

    A person's section stands among people, or says he or she at its beginning; a place is one that other sections
    speak of as somewhere.
    """
    seen: set[str] = set()
    texts = [(passage, readable(passage.text)) for passage in passages]
    for passage, text in texts:
        title = re.sub(r"\s*[(\[—:–,].*$", "", passage.heading[-1]).strip() if passage.heading else ""
        if not _NAME.fullmatch(title) or title.casefold() in seen or _OF_PEOPLE.search(title):
            continue
        if kept_beside_play(passage) or is_rule_book(passage) or is_advice(passage):
            continue
        plain = re.sub(r"^the ", "", title, flags=re.IGNORECASE)
        first = plain.split()[0]
        above = " ".join((passage.file, *passage.heading[:-1]))
        named = text.count(first) > 1  # by more than its own heading: "Rumours" is nobody
        of_people = _OF_PEOPLE.search(above) and (" " in plain or named)
        if of_people or (named and plain == title and _PERSON.search(text[:_OPENING])):
            seen.add(title.casefold())
            yield KnownHere(Known(title, "person"), passage)
        elif _is_somewhere(plain, (other for at, other in texts if at is not passage)):
            seen.add(title.casefold())
            yield KnownHere(Known(title if title == plain else f"the {plain}", "place"), passage)


def _is_somewhere(name: str, texts: Iterable[str]) -> bool:
    there = re.compile(rf"\b(?:at|in|into|inside|outside|through|towards?) (?:the )?{re.escape(name)}\b")
    return any(there.search(text) for text in texts)
