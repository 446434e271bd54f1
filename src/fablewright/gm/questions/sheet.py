"""An answer in the making: what was asked and found, which lines are chosen already, and how much still fits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import asked_in, stems
from fablewright.gm.questions.topic import is_about, is_lead, is_title_case, title_of
from fablewright.gm.reading.statements import Role, readable, statements
from fablewright.gm.scene.note_kind import is_rule_book
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.gm.questions.topic import Rarity
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement

__all__ = ["Sheet", "Unit", "unit"]

_PRONOUN = re.compile(r"(?:he|she|his|her)\b", re.IGNORECASE)
_WORDS_OF_A_LIST, _WORDS_LED_IN = 60, 12
"""What a list may have behind its first line, and a sentence behind its lead, beyond what fits."""

MOST_CITED = 8
"""Passages: more is a pile of notes, and no answer."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A line of the answer and the passage that it stands in."""

    text: str
    passage: Passage
    origin: Origin = Origin.QUOTED
    secret: bool = False


def unit(statement: Statement, passage: Passage) -> Unit:
    """Return a statement as a line."""
    return Unit(statement.text, passage, secret=statement.secret)


@dataclass(slots=True)
class Sheet:
    """One answer in the making.

    Attributes:
        question: The words as typed.
        passages: What was found, best first.
        words: The stems of the question, and of what means the same.
        rarity: How much each word tells among the passages.
        named: Whether somebody or something is asked for by name, so that only what is said of them is an answer.
        head: What the question says that it is about, before a colon; empty when it does not.
        topic: The section that is called what is asked for, if there is one.
        topic_told: Whether it is a rule that the question speaks of before it asks: "They are in manacles. …"
        left: How many words still fit.
        further: How many parts come after the first, and need room too.
        house_rule: The passage of the table's own rule on it, if there is one.
        units: The lines, by their text.
        unsaid: The parts that the notes do not answer.
    """

    question: str
    passages: Sequence[Passage]
    words: frozenset[str]
    rarity: Rarity
    named: bool
    head: str
    topic: Passage | None
    left: int
    topic_told: bool = False
    further: int = 0
    house_rule: Passage | None = None
    units: dict[str, Unit] = field(default_factory=dict)
    unsaid: list[str] = field(default_factory=list)

    @property
    def subjects(self) -> list[Passage]:
        """Return the passages that the answer rests on so far, and those that are called the same or as asked."""
        own = list(dict.fromkeys(each.passage for each in self.units.values()))
        if self.topic and self.topic not in own:
            own.append(self.topic)
        names = asked_in(self.question).names
        return [
            p
            for p in self.passages
            if any(p == one or is_about(p, one) for one in own) or any(name & stems(title_of(p)) for name in names)
        ]

    def put(self, found: Iterable[Unit]) -> bool:
        """Take lines as long as they fit; the first always. Return whether there was any."""
        any_put = False
        for each in found:
            new = each.text not in self.units
            words = len(each.text.split())
            if new and any_put and words > self.left:
                break
            if new:
                self.units[each.text] = each
                self.left -= words
            any_put = True
        return any_put

    def lines(self) -> tuple[tuple[Line, ...], tuple[Passage, ...]]:
        """Return the lines as they are, and the passages that they point into."""
        whole = [one for each in self.units.values() for one in self._whole(each)]
        cited = list(dict.fromkeys(each.passage for each in whole))[:MOST_CITED]
        lines: list[Line] = []
        led_in = ""
        for each in whole:
            if each.passage not in cited:
                continue
            source = cited.index(each.passage)
            if led_in and lines and lines[-1].sources == (source,):  # "Slow." and what it leads in are one line
                lines[-1] = replace(lines[-1], text=f"{lines[-1].text} {each.text}")
            else:
                goes_on = bool(lines) and lines[-1].sources == (source,)
                named = each if goes_on else _with_its_name(each)
                lines.append(Line(named.text, named.origin, (source,), named.secret))
            led_in = each.text if _is_label(each.text) else ""
        return tuple(lines), tuple(cited)

    def _whole(self, each: Unit) -> list[Unit]:
        """Return a line with what it leads in, if that is not there: without it "the following:" says nothing.

        A lead whose sentence is too long to be added is not shown at all, unless nothing else is.
        """
        is_list = each.text.endswith(":")
        if not (is_list or _is_label(each.text)):
            return [each]
        every = statements([each.passage])
        at = next((n for n, s in enumerate(every) if s.text == each.text), len(every))
        found: list[Unit] = []
        words = _WORDS_OF_A_LIST if is_list else _WORDS_LED_IN
        for statement in every[at + 1 :] if is_list else every[at + 1 : at + 2]:
            if statement.text in self.units:
                return [each, *found]
            words -= len(statement.text.split())
            if words < 0 or (is_list and statement.role is not Role.ITEM):
                break
            found.append(unit(statement, each.passage))
        return [each, *found] if is_list or found or len(self.units) == 1 else []


def _with_its_name(said: Unit) -> Unit:
    """Return a line that begins with "he" or "she" under the name that its section has."""
    name = said.passage.heading[-1] if said.passage.heading else ""
    if not _PRONOUN.match(said.text) or not name or is_rule_book(said.passage) or not is_title_case(name.split()):
        return said
    return replace(said, text=f"{readable(name)}: {said.text}", origin=Origin.FROM_NOTES)


def _is_label(text: str) -> bool:
    """Return whether a line is a lead by its looks: "Attacks Affected." is one, "Hob owns the mill." is a sentence."""
    return is_lead(text) and is_title_case(text.split())
