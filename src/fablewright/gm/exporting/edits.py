"""A scene that a person edited after it was exported: what she sees wins over what we remember.

A format reads its own file twice: as it is, and as it was when we wrote it. Where both readings agree the remembered
line stays, with where it comes from and every character; where they differ the line becomes what is seen. What a
person wrote is in no note, so it is marked as invented and points to nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from fablewright.errors import InvalidInput
from fablewright.gm.exporting.pieces import PARTS, scene_of
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    work = _Edit(changes, _added(seen))
    return replace(
        answer,
        scene=Scene(
            title=_by_hand(title) if title is not None and title.text else scene.title,
            read_aloud=work.listed("read_aloud", scene.read_aloud, work.line, _new_line),
            here=work.listed("here", scene.here, work.line, _new_line),
            checks=work.listed("checks", scene.checks, work.check, _new_check),
            foes=work.listed("foes", scene.foes, work.foe, _new_foe),
            balance=work.listed("balance", scene.balance, work.line, _new_line),
            options=work.listed("options", scene.options, work.option, _new_option),
            consequences=work.listed("consequences", scene.consequences, work.line, _new_line),
            loot=work.listed("loot", scene.loot, work.line, _new_line),
        ),
    )


@dataclass(slots=True)
class _Added:
    """What was added behind a number of a part, with what hangs on it."""

    part: str
    after: int
    seen: Seen
    ends: dict[str, Seen] = field(default_factory=dict)

    def end(self, name: str) -> Line | None:
        """Return what hangs on it under that name."""
        return _by_hand(self.ends[name]) if name in self.ends else None


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
    """What changed (None: it is gone), and what was added."""

    def __init__(self, changes: Mapping[str, Seen | None], added: Sequence[_Added]) -> None:
        self._changes = changes
        self._added = added

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
            kept += [make(each) for each in self._added if (each.part, each.after) == (part, number)]
        return tuple(kept)

    def line(self, place: str, line: Line) -> Line | None:
        if place not in self._changes:
            return line
        seen = self._changes[place]
        return None if seen is None else _by_hand(seen)

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
        return _by_hand(seen) if seen is not None else None if place in self._changes else line


def _by_hand(seen: Seen) -> Line:
    return Line(seen.text, Origin.INVENTED, secret=seen.secret)


def _new_line(added: _Added) -> Line:
    return _by_hand(added.seen)


def _new_option(added: _Added) -> Option:
    return Option(_by_hand(added.seen), added.end("consequence"))


def _new_check(added: _Added) -> Check:
    return replace(
        _check(added.seen), purpose=added.end("purpose"), success=added.end("success"), failure=added.end("failure")
    )


def _new_foe(added: _Added) -> Foe:
    note = added.ends.get("note")
    return replace(_foe(added.seen), note=note.text if note else "")


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
