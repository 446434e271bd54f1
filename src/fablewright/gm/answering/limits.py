"""Holds an answer to the lines and veils of the table.

Every answer is looked through, part by part; a scene was composed within them before. What is left out is said with
its place, never with its words. A game master who asks for something that a limit is on is shown the limit. Rules that
she looks up, and the sheet itself, are hers to read.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from fablewright.gm.reading.limits import NO_LIMITS
from fablewright.gm.scene.note_kind import is_rule_book
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene
from fablewright.gm.scene.table import weigh
from fablewright.gm.table_limits import find_limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from fablewright.gm.answer import Answer
    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.reading.limits import Limit, Limits
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.scene.table import Table
    from fablewright.gm.scene.variants import Variant

__all__ = ["drawn_within", "held_to", "within_limits"]

_TO_PLAY = re.compile(
    r"\b(?:can|may|should|could|shall|must) (?:i|we)\b|\b(?:describ|narrat|show|play|run|frame)\w*\b", re.IGNORECASE
)
"""A question that is for the table; others are for the game master's own eyes."""

_ASKS_FOR_THEM = re.compile(
    r"\b(?:lines? (?:and|&|or|/) veils?|(?:our|my|the) (?:hard )?(?:lines|veils))\b", re.IGNORECASE
)

_MOST_DRAWS = 40
"""What still crosses a limit after that many is left out."""

_Part = TypeVar("_Part", Line, Check, Foe, Option)


async def within_limits(answerer: Callable[[Asked], Awaitable[Answer]], asked: Asked) -> Answer:
    """Answer, and hold the answer to the limits of the table."""
    answer = await answerer(asked)
    if answer.status == "failed" or not asked.use_rag:
        return answer
    return held_to(await find_limits(asked.ctx), answer, asked.words, asked.table)


async def drawn_within(draw: Callable[[Random], Answer], asked: Asked) -> Answer:
    """Draw an answer from the dice, and again while it crosses a limit; then say that another took its place."""
    rng = random.Random(asked.seed)
    answer = draw(rng)
    limits = await find_limits(asked.ctx, within=asked.ctx.remaining / 2) if asked.use_rag else NO_LIMITS
    replaced_for: Limit | None = None
    for _ in range(_MOST_DRAWS):
        crossed = next(filter(None, (limits.crossed_by(line.text) for line in answer.lines)), None)
        if crossed is None:
            break
        replaced_for, answer = crossed, draw(rng)
    if replaced_for is None:
        return answer
    cited = list(answer.citations)
    source = _place(replaced_for.passage, cited)
    sheet = replaced_for.passage.file
    said = f"Drawn again, because of a {replaced_for.kind} of your table; see {sheet}."
    lines = (*answer.lines, Line(said, Origin.BY_RULE, (source,)))
    return held_to(limits, replace(answer, lines=lines, citations=tuple(cited)))


def held_to(limits: Limits, answer: Answer, request: str = "", table: Table | None = None) -> Answer:
    """Return an answer without what crosses a limit, with a line for each note in which something was left out.

    Args:
        limits: Those of the table.
        answer: Any answer.
        request: What was asked; a limit that it touches is shown.
        table: For whom what is left of a fight is weighed again; None where nobody fights.
    """
    if not limits.every:
        return answer
    if answer.want == "question" and _ASKS_FOR_THEM.search(request):
        return _listed(limits, answer)
    keeper = _Keeper(limits, answer, table)
    wanted = limits.crossed_by(request) or limits.asked_for_by(request)
    if wanted and answer.want == "question" and not (_TO_PLAY.search(request) or wanted.crossed_by(request)):
        wanted = None
    scene = keeper.scene(answer.scene) if answer.scene else None
    lines = [line for line in answer.lines if keeper.keeps(line, wanted)]
    cited = list(answer.citations)
    shown = list(_shown(wanted, cited)) if wanted and not _rests_on(answer, wanted) else []
    variants: list[Variant] = []
    left_out = keeper.left_out
    for each in answer.variants:
        other = _Keeper(limits, replace(answer, citations=each.citations), table)
        variants.append(replace(each, scene=other.scene(each.scene)))
        left_out |= other.left_out  # the same note in two scenes is one
    left = [_left_out(kind, place, count, sheet, cited) for (kind, place, sheet), count in left_out.items()]
    return replace(answer, scene=scene, lines=(*shown, *lines, *left), citations=tuple(cited), variants=tuple(variants))


def _listed(limits: Limits, answer: Answer) -> Answer:
    """Return all limits, each as it stands in the notes."""
    cited: list[Passage] = []
    lines = [line for limit in limits.every for line in _shown(limit, cited)]
    return replace(
        answer,
        status="answered" if answer.status == "abstained" else answer.status,
        lines=tuple(lines),
        citations=tuple(cited),
        used_rag=True,
        generation_method="quoted",
    )


class _Keeper:
    """Decides what stays, and counts what does not."""

    def __init__(self, limits: Limits, answer: Answer, table: Table | None) -> None:
        self._limits = limits
        self._answer = answer
        self._table = table
        self.left_out: Counter[tuple[str, str, Passage]] = Counter()

    def scene(self, scene: Scene) -> Scene:
        """Return a scene without what crosses a limit."""
        foes = self._kept(scene.foes)
        balance = scene.balance if foes == scene.foes else weigh(foes, self._table) if self._table else ()
        return replace(
            scene,
            title=scene.title
            if self._keeps(scene.title)
            else replace(scene.title, text="(left out)", origin=Origin.BY_RULE),
            read_aloud=self._kept(scene.read_aloud),
            here=self._kept(scene.here),
            checks=self._kept(scene.checks),
            foes=foes,
            balance=self._kept(balance),
            options=self._kept(scene.options),
            consequences=self._kept(scene.consequences),
            loot=self._kept(scene.loot),
        )

    def keeps(self, line: Line, wanted: Limit | None) -> bool:
        """Return whether a line of an answer stays: what is asked for, rules and the sheet itself do."""
        if self._answer.want == "question":
            sources = [self._answer.citations[n] for n in line.sources]
            own = any(limit.passage.file == p.file for limit in self._limits.every for p in sources)
            crossed = self._limits.crossed_by(line.text, "line")
            if own or crossed is None or crossed == wanted or any(map(is_rule_book, sources)):
                return True
        return self._keeps(line)

    def _kept(self, parts: tuple[_Part, ...]) -> tuple[_Part, ...]:
        return tuple(part for part in parts if self._keeps(part))

    def _keeps(self, part: Line | Check | Foe | Option) -> bool:
        limit = self._limits.crossed_by(_text(part))
        if limit is None:
            return True
        sources = part.action.sources if isinstance(part, Option) else part.sources
        place = self._answer.citations[sources[0]].place if sources else ""
        self.left_out[limit.kind, place, limit.passage] += 1
        return False


def _text(part: object) -> str:
    """Return all words of a part of a scene."""
    if isinstance(part, str):
        return part
    if is_dataclass(part):
        return " ".join(filter(None, (_text(getattr(part, each.name)) for each in fields(part))))
    return ""


def _rests_on(answer: Answer, limit: Limit) -> bool:
    return any(limit.said in line.text for line in answer.lines)


def _shown(limit: Limit, cited: list[Passage]) -> list[Line]:
    return [Line(f"{limit.title}: {limit.said}", Origin.FROM_NOTES, (_place(limit.passage, cited),))]


def _left_out(kind: str, place: str, count: int, sheet: Passage, cited: list[Passage]) -> Line:
    what = "one sentence" if count == 1 else f"{count} sentences"
    where = f" of {place}" if place else ""
    return Line(
        f"A {kind} of your table left out {what}{where}; see {sheet.file}.",
        Origin.BY_RULE,
        (_place(sheet, cited),),
    )


def _place(passage: Passage, cited: list[Passage]) -> int:
    if passage not in cited:
        cited.append(passage)
    return cited.index(passage)
