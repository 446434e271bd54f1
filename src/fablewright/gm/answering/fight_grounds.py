"""What the notes themselves say to a fight: the rules it is measured by, ground to move on, and ways to ease it.

A fight is weighed by our own tables. Where the notes have the rule book, or a house rule on it, the game master is
shown the place: her house rule first, then the rule, an example for just her party, and the warning that her numbers
call for. Everything is quoted; where the notes say nothing of it, nothing is added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.gm.answering.encounter import answer_encounter
from fablewright.gm.intent import is_to_be_rated
from fablewright.gm.reading.statements import Role, statements
from fablewright.gm.rules.party import number_word
from fablewright.gm.scene.note_kind import file_title, is_sheet_title
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.answer import Answer
    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement
    from fablewright.gm.rules.party import Party

__all__ = ["answer_fight"]

_MOST_CITED = 8
_RULES = "XP budget for a combat encounter: deduct each creature's XP, house rules on encounters"
_EASE = "adjust an encounter on the fly: creatures flee, reinforcements, fewer hit points, easier or harder"
_WARNED = "many creatures per character in an encounter, powerful creatures with a CR higher than the party's level"
_GROUND = "terrain features for a battle: difficult terrain, hazards, high ground"
_BUDGET = re.compile(
    r"\bXP\b.{0,60}\bbudgets?\b|\bbudgets?\b.{0,60}\bXP\b|\bencounter (?:budget|difficulty)\b", re.IGNORECASE
)
_SPENDS = re.compile(r"\b(?:deduct|subtract|spend|add up|total)\w*\b", re.IGNORECASE)
_COMPUTES = re.compile(r"\bmultipl\w+|\bcross-reference|\btimes the number\b", re.IGNORECASE)
_EASIER = re.compile(r"\b(?:flee\w*|easier|weaker|fewer|surrender\w*|retreat\w*|withdraw\w*|reduc\w+)\b", re.IGNORECASE)
_IN_A_FIGHT = re.compile(r"\b(?:encounter|battle|fight|combat|monsters?|creatures?)\b", re.IGNORECASE)
_GROUND_TITLE = re.compile(r"\b(?:terrain|positions?|hazards?|battlefields?|interactive objects?)\b", re.IGNORECASE)
_MANY = re.compile(r"\bmore than (?:two|2) (?:creatures|monsters) (?:per|for each) character", re.IGNORECASE)
_STRONG = re.compile(r"\b(?:CR|Challenge Rating)\b.{0,30}\bhigher than the party", re.IGNORECASE)
_WANTS_EASE = re.compile(
    r"\b(?:easier|ease|scale|tone|turn|goes? (?:badly|wrong)|hate|struggl\w+|too hard)\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_OF_EVERY_FIGHT = frozenset(
    "fight encounter combat battle terrain interesting level characters monsters please".split()
)
_OVER = re.compile(r"\bcreatures are more than two\b")
_ABOVE = re.compile(r"\bis above the party's level\b")


async def answer_fight(asked: Asked) -> Answer:
    """Rate or build a fight, and quote what the notes say to it."""
    answer = await answer_encounter(asked)
    if not asked.use_rag or answer.status == "failed":
        return answer
    notes = _Notes(asked, until=asked.ctx.now + asked.ctx.remaining / 2)  # the fight is there already
    found = await _grounds(asked, answer, notes)
    cited = list(answer.citations)
    lines = list(answer.lines)
    for statement, passage in found:
        if passage not in cited:
            if len(cited) >= _MOST_CITED:
                continue
            cited.append(passage)
        lines.append(Line(statement.text, Origin.QUOTED, (cited.index(passage),), statement.secret))
    if len(lines) == len(answer.lines):
        return answer
    return replace(answer, lines=tuple(lines), citations=tuple(cited), used_rag=True)


async def _grounds(asked: Asked, answer: Answer, notes: _Notes) -> list[tuple[Statement, Passage]]:
    built = not answer.citations and not is_to_be_rated(asked.words)
    said = _numbers_said(answer)
    found = list(_rules(await notes.find(_RULES), asked.table.party))
    if _OVER.search(said) or _ABOVE.search(said):
        found += _warned(await notes.find(_WARNED), said)
    if built or _WANTS_EASE.search(asked.words):
        found += _eased(await notes.find(_EASE))
    if built:
        found += _ground(asked.words, await notes.find(f"{_GROUND} {asked.words}"))
    return list({statement.text: (statement, passage) for statement, passage in found}.values())


@dataclass(slots=True)
class _Notes:
    """The notes, as long as it is worth waiting for them.

    Attributes:
        asked: Who asks.
        until: Until when.
        silent: Whether a search has failed.
    """

    asked: Asked
    until: float
    silent: bool = False

    async def find(self, words: str) -> Sequence[Passage]:
        """Return passages; none after a search that failed: the next one would wait as long."""
        if self.silent:
            return ()
        found = await self.asked.look_up(words, most=24, within=max(0.0, self.until - self.asked.ctx.now))
        self.silent = found.documents is None
        return found.documents.passages if found.documents else ()


def _numbers_said(answer: Answer) -> str:
    scene = answer.scene.balance if answer.scene else ()
    return " ".join(line.text for line in (*scene, *answer.lines))


def _rules(passages: Sequence[Passage], party: Party) -> Iterator[tuple[Statement, Passage]]:
    """Yield the house rule, how a budget is made and spent, and an example for just this party."""
    every = [(s, p) for p in passages for s in statements([p]) if s.role is not Role.ROW]
    of_budget = [(s, p) for s, p in every if _BUDGET.search(s.text)]
    level = party.levels[0]
    alike = re.compile(
        rf"\b(?:{number_word(party.size)}|{party.size})\b.{{0,20}}\blevel[- ]{level}\b(?! and)", re.IGNORECASE
    )
    yield from [(s, p) for s, p in of_budget if any(map(is_sheet_title, (file_title(p.file), *p.heading)))][:1]
    yield from [(s, p) for s, p in of_budget if _COMPUTES.search(s.text)][:1]
    yield from [(s, p) for s, p in of_budget if _SPENDS.search(s.text)][:1]
    yield from [(s, p) for s, p in of_budget if alike.search(s.text)][:1]


def _warned(passages: Sequence[Passage], said: str) -> Iterator[tuple[Statement, Passage]]:
    """Yield the rules behind the warnings that the numbers call for."""
    for warning, rule in ((_OVER, _MANY), (_ABOVE, _STRONG)):
        if warning.search(said):
            yield from [(s, p) for p in passages for s in statements([p]) if rule.search(s.text)][:1]


def _eased(passages: Sequence[Passage]) -> list[tuple[Statement, Passage]]:
    """Return the two sentences that say most of how a fight gets easier while it runs."""
    weighed = [
        (len(set(map(str.lower, _EASIER.findall(s.text)))), -rank, s, p)
        for rank, p in enumerate(passages)
        for s in statements([p])
        if s.role is not Role.ROW and _IN_A_FIGHT.search(s.text)
    ]
    best = sorted((each for each in weighed if each[0]), key=lambda each: each[:2], reverse=True)
    return [(s, p) for _, _, s, p in best[:2]]


def _ground(words: str, passages: Sequence[Passage]) -> list[tuple[Statement, Passage]]:
    """Return two features of the ground, those with a word of the request first."""
    asked = set(_words(words)) - _OF_EVERY_FIGHT
    features = [
        (s, p)
        for p in passages
        if _GROUND_TITLE.search(" ".join(p.heading[-1:]))
        for s in statements([p])
        if s.role in {Role.ITEM, Role.FACT} and not s.text.endswith(":")
    ]
    features.sort(key=lambda each: (each[0].role is Role.FACT, -len(asked & set(_words(each[0].text)))))
    return features[:2]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
