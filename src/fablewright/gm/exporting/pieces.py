"""A scene as stretches of visible text, each with its place: what formats write, and what they find again.

A place is ``title``, ``here.0``, ``checks.2`` (its skill and DC), ``checks.2.success``, ``foes.0``, ``foes.0.note``,
``options.1`` (what is done) or ``options.1.consequence``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.exporting.visible import visible
from fablewright.gm.rules.creature import cr_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.answer import Answer
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.scene.scenario import Check, Foe, Line, Origin, Scene

__all__ = ["LEADS", "PARTS", "Piece", "check_head", "foe_head", "pieces", "scene_of", "source_name"]

PARTS = {
    "read_aloud": "Read aloud",
    "here": "What is here",
    "checks": "Checks",
    "foes": "Foes",
    "balance": "Balance",
    "options": "Options",
    "consequences": "Consequences",
    "loot": "Loot",
}
"""The parts of a scene in the order of play, with their headings."""

LEADS = {"purpose": "For", "success": "Success", "failure": "Failure", "note": "Who", "consequence": "Then"}
"""What goes before a text that hangs on another."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of visible text.

    Attributes:
        place: Where in the scene it belongs.
        text: What is seen, on one line; no markup of any format.
        origin: As in ``Line``.
        sources: As in ``Line``.
        secret: As in ``Line``.
    """

    place: str
    text: str
    origin: Origin
    sources: tuple[int, ...] = ()
    secret: bool = False

    @property
    def part(self) -> str:
        """The part of the scene: ``checks``."""
        return self.place.partition(".")[0]

    @property
    def hangs_on(self) -> str:
        """What it is to the text that it hangs on: ``success``; empty where it stands for itself."""
        last = self.place.rpartition(".")[2]
        return last if last in LEADS else ""


def scene_of(answer: Answer) -> Scene:
    """Return an answer's scene.

    Raises:
        InvalidInput: It has none.
    """
    if answer.scene is None:
        raise InvalidInput("There is no scene in this answer, and only scenes can be exported.")
    return answer.scene


def pieces(scene: Scene) -> tuple[Piece, ...]:
    """Return everything that can be seen of a scene, in the order of play."""
    return tuple(_pieces(scene))


def check_head(check: Check) -> str:
    """Return what is rolled, and against what: ``Wisdom (Perception), DC 13``."""
    return f"{visible(check.skill)}, DC {check.dc}"


def foe_head(foe: Foe) -> str:
    """Return who, how many, and what they weigh: ``2 × Bandit (CR 1/8, 25 XP each)``."""
    words = f"{'some' if foe.count is None else f'{foe.count} ×'} {visible(foe.name)}"
    if foe.cr is None or foe.xp is None:
        return words
    return f"{words} (CR {cr_text(foe.cr)}, {foe.xp:,} XP{'' if foe.count == 1 else ' each'})"


def source_name(passage: Passage) -> str:
    """Return where a passage stands, for people; a first heading that only repeats the file's name is left out."""
    name = passage.file.rpartition("/")[2].rpartition(".")[0].casefold()
    headings = passage.heading
    if len(headings) > 1 and headings[0].casefold().startswith(name):
        headings = headings[1:]
    return visible(replace(passage, heading=headings).place)


def _pieces(scene: Scene) -> Iterator[Piece]:
    yield _of("title", scene.title)
    for part in ("read_aloud", "here"):
        yield from _listed(part, getattr(scene, part))
    for number, check in enumerate(scene.checks):
        place = f"checks.{number}"
        yield Piece(place, check_head(check), check.origin, check.sources, check.secret)
        for end in ("purpose", "success", "failure"):
            line: Line | None = getattr(check, end)
            if line is not None:
                yield _of(f"{place}.{end}", line)
    for number, foe in enumerate(scene.foes):
        place = f"foes.{number}"
        yield Piece(place, foe_head(foe), foe.origin, foe.sources, foe.secret)
        if foe.note:
            yield Piece(f"{place}.note", visible(foe.note), foe.origin, foe.sources, foe.secret)
    yield from _listed("balance", scene.balance)
    for number, option in enumerate(scene.options):
        yield _of(f"options.{number}", option.action)
        if option.consequence is not None:
            yield _of(f"options.{number}.consequence", option.consequence)
    for part in ("consequences", "loot"):
        yield from _listed(part, getattr(scene, part))


def _listed(part: str, lines: tuple[Line, ...]) -> Iterator[Piece]:
    for number, line in enumerate(lines):
        yield _of(f"{part}.{number}", line)


def _of(place: str, line: Line) -> Piece:
    return Piece(place, visible(line.text), line.origin, line.sources, line.secret)
