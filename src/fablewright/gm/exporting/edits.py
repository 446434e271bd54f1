"""A scene that a person edited after it was exported: what she sees wins over what we remember.

A format reads its own file twice: as it is, and as it was when we wrote it. Where both readings agree the remembered
line stays, with where it comes from and every character; where they differ the line becomes what is seen. What a
person wrote is in no note, so it is marked as invented and points to nothing; what she only moved is still what it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from fablewright.errors import InvalidInput
from fablewright.gm.exporting.pieces import PARTS, check_head, foe_head, scene_of
from fablewright.gm.exporting.visible import visible
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fablewright.gm.answer import Answer

__all__ = ["Seen", "edited"]

_CHECK = re.compile(r"(?P<skill>.*?\S),?\s+DC\s*(?P<dc>\d{1,3})", re.IGNORECASE)
_FOE = re.compile(
    r"(?:(?P<count>\d{1,4}(?=\s*[×x]\s)|some)(?:\s*[×x])?\s+)?(?P<name>.*?\S)"
    r"(?:\s*\(CR (?P<cr>\d{1,2}(?:/[248])?),\s*(?P<xp>\d[\d,]{0,9}) XP(?: each)?\))?",
    re.IGNORECASE,
)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Seen:
    """A stretch of text found in a file.

    Attributes:
        place: As in ``Piece``; for one that was added by hand, with ``+`` for its number: ``checks.+``, and
            ``checks.+.success`` for what hangs on it.
        text: What is seen.
        secret: Whether it is marked as the GM's.
    """

    place: str
    text: str
    secret: bool = False


def edited(answer: Answer, written: Sequence[Seen], seen: Sequence[Seen]) -> Answer:
    """Return the answer as it is after somebody edited its export.

    Args:
        answer: What was exported.
        written: What the export says.
        seen: What the file says now.

    Raises:
        InvalidInput: A check or a foe can no longer be read.
    """
    if tuple(written) == tuple(seen):
        return answer
    scene = scene_of(answer)
    then, now = ({each.place: each for each in reading if "+" not in each.place} for reading in (written, seen))
    changes = {place: now.get(place) for place in (*then, *now) if now.get(place) != then.get(place)}
    title = changes.get("title")
    work = _Edit(scene, changes, _added(seen))
    return replace(
        answer,
        scene=Scene(
            title=work.hand(title) if title is not None and title.text else scene.title,
            read_aloud=work.listed("read_aloud", scene.read_aloud, work.line, work.new_line),
            here=work.listed("here", scene.here, work.line, work.new_line),
            checks=work.listed("checks", scene.checks, work.check, work.new_check),
            foes=work.listed("foes", scene.foes, work.foe, work.new_foe),
            balance=work.listed("balance", scene.balance, work.line, work.new_line),
            options=work.listed("options", scene.options, work.option, work.new_option),
            consequences=work.listed("consequences", scene.consequences, work.line, work.new_line),
            loot=work.listed("loot", scene.loot, work.line, work.new_line),
        ),
    )


@dataclass(slots=True)
class _Added:
    """What was added behind a number of a part, with what hangs on it."""

    part: str
    after: int
    seen: Seen
    ends: dict[str, Seen] = field(default_factory=dict)


def _added(seen: Sequence[Seen]) -> list[_Added]:
    added: list[_Added] = []
    last: dict[str, int] = {}
    for each in seen:
        part, _, rest = each.place.partition(".")
        number, _, end = rest.partition(".")
        if number == "+" and end and added:
            added[-1].ends[end] = each
        elif number == "+" and part in PARTS:
            added.append(_Added(part, last.get(part, -1), each))
        elif number.isdecimal():
            last[part] = int(number)
    return added


class _Edit:
    """What changed (None: it is gone), what was added, and what there was, to be known again where it was moved to."""

    def __init__(self, scene: Scene, changes: Mapping[str, Seen | None], added: Sequence[_Added]) -> None:
        self._changes = changes
        self._added = added
        self._lines = {(visible(line.text), line.secret): line for line in _lines(scene)}
        self._checks = {(check_head(check), check.secret): check for check in scene.checks}
        self._foes = {(foe_head(foe), foe.secret): foe for foe in scene.foes}

    def hand(self, seen: Seen) -> Line:
        """Return a line that was put where it is by hand."""
        moved = self._lines.get((seen.text, seen.secret))
        return moved or Line(seen.text, Origin.INVENTED, secret=seen.secret)

    def listed(
        self,
        part: str,
        items: Sequence[_Item],
        change: Callable[[str, _Item], _Item | None],
        make: Callable[[_Added], _Item],
    ) -> tuple[_Item, ...]:
        """Return a part of the scene with what changed and what was added."""
        kept: list[_Item] = []
        for number in range(-1, len(items)):
            if number >= 0 and (item := change(f"{part}.{number}", items[number])) is not None:
                kept.append(item)
            last = number == len(items) - 1
            kept += [
                make(each)
                for each in self._added
                if each.part == part and (each.after == number or (last and each.after > number))
            ]
        return tuple(kept)

    def line(self, place: str, line: Line) -> Line | None:
        if place not in self._changes:
            return line
        seen = self._changes[place]
        return None if seen is None else self.hand(seen)

    def check(self, place: str, check: Check) -> Check | None:
        if place in self._changes:
            seen = self._changes[place]
            if seen is None:
                return None
            check = replace(_check(seen), purpose=check.purpose, success=check.success, failure=check.failure)
        return replace(
            check,
            purpose=self._hanging(f"{place}.purpose", check.purpose),
            success=self._hanging(f"{place}.success", check.success),
            failure=self._hanging(f"{place}.failure", check.failure),
        )

    def foe(self, place: str, foe: Foe) -> Foe | None:
        if place in self._changes:
            seen = self._changes[place]
            if seen is None:
                return None
            foe = replace(_foe(seen), note=foe.note)
        note = self._changes.get(f"{place}.note", ...)
        return foe if note is ... else replace(foe, note="" if note is None else note.text)

    def option(self, place: str, option: Option) -> Option | None:
        action = self.line(place, option.action)
        if action is None:
            return None
        return Option(action, self._hanging(f"{place}.consequence", option.consequence))

    def _hanging(self, place: str, line: Line | None) -> Line | None:
        seen = self._changes.get(place)
        return self.hand(seen) if seen is not None else None if place in self._changes else line

    def new_line(self, added: _Added) -> Line:
        return self.hand(added.seen)

    def new_option(self, added: _Added) -> Option:
        return Option(self.hand(added.seen), self._end(added, "consequence"))

    def new_check(self, added: _Added) -> Check:
        return replace(
            self._checks.get((added.seen.text, added.seen.secret)) or _check(added.seen),
            purpose=self._end(added, "purpose"),
            success=self._end(added, "success"),
            failure=self._end(added, "failure"),
        )

    def new_foe(self, added: _Added) -> Foe:
        note = added.ends.get("note")
        foe = self._foes.get((added.seen.text, added.seen.secret)) or _foe(added.seen)
        return replace(foe, note=note.text if note else "")

    def _end(self, added: _Added, name: str) -> Line | None:
        return self.hand(added.ends[name]) if name in added.ends else None


def _lines(scene: Scene) -> Iterator[Line]:
    for part in (scene.read_aloud, scene.here, scene.balance, scene.consequences, scene.loot):
        yield from part
    for check in scene.checks:
        yield from filter(None, (check.purpose, check.success, check.failure))
    for option in scene.options:
        yield from filter(None, (option.action, option.consequence))


def _check(seen: Seen) -> Check:
    match = _CHECK.fullmatch(seen.text.strip())
    if match is None:
        raise InvalidInput(f"The check {_short(seen.text)} cannot be read: write it as 'Wisdom (Perception), DC 13'.")
    return Check(match["skill"], int(match["dc"]), None, None, None, Origin.INVENTED, secret=seen.secret)


def _foe(seen: Seen) -> Foe:
    match = _FOE.fullmatch(seen.text.strip())
    if match is None:
        raise InvalidInput(
            f"The foe {_short(seen.text)} cannot be read: write it as '2 × Bandit (CR 1/8, 25 XP each)'."
        )
    count = match["count"] or "1"
    cr = xp = None
    if match["cr"]:
        above, _, below = match["cr"].partition("/")
        cr, xp = int(above) / int(below or 1), int(match["xp"].replace(",", ""))
    return Foe(
        match["name"], None if count.lower() == "some" else int(count), cr, xp, "", Origin.INVENTED, secret=seen.secret
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
