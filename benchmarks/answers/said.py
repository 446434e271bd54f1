"""What an answer itself says: every line and part of a scene, but not the passages that it cites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.rules.creature import plurals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.answer import Answer
    from fablewright.gm.scene.scenario import Check, Line, Option, Scene

__all__ = ["lines_of", "said_by"]


def said_by(answer: Answer) -> str:
    """Return all that an answer says, a line a line; what could not be had is said too."""
    return "\n".join([*lines_of(answer), *answer.missing])


def lines_of(answer: Answer) -> list[str]:
    """Return the lines of an answer, without what it says of itself."""
    scene = list(_scene(answer.scene)) if answer.scene else []
    return [*scene, *(line.text for line in answer.lines)]


def _scene(scene: Scene) -> Iterator[str]:
    yield scene.title.text
    yield from _texts(*scene.read_aloud, *scene.here)
    for check in scene.checks:
        yield _check(check)
    for foe in scene.foes:
        name = foe.name if foe.count == 1 else plurals(foe.name)[0]
        xp = "" if foe.xp is None else f"{foe.xp:,} XP"
        yield " ".join(filter(None, [str(foe.count or ""), name, xp, foe.note]))
    yield from _texts(*scene.balance)
    for option in scene.options:
        yield _option(option)
    yield from _texts(*scene.consequences, *scene.loot)


def _check(check: Check) -> str:
    parts = (check.purpose, check.success, check.failure)
    return " ".join((f"{check.skill} DC {check.dc}", f"DC {check.dc} {check.skill}", *_texts(*filter(None, parts))))


def _option(option: Option) -> str:
    return " ".join(_texts(option.action, *filter(None, [option.consequence])))


def _texts(*lines: Line) -> Iterator[str]:
    return (line.text for line in lines)
