"""Scenes that differ, and how much: by a distance over their parts, not by taste.

Candidates come in the order in which they are worth having: other sections of the notes, then the same section with
another emphasis, or without notes other throws of the dice. One is taken if it is far enough from all that were taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.gm.reading.notes import Passage  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.scene.scenario import Line, Option, Origin, Scene

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

__all__ = ["EMPHASES", "Emphasis", "Variant", "choose_variants", "differing_parts", "distance", "emphasised"]

Emphasis: TypeAlias = Literal["fight", "talk", "stealth", "discovery"]

LEAST = 0.15
"""Distance from which two scenes are worth having side by side."""

_PARTS = ("title", "read_aloud", "here", "checks", "foes", "options", "consequences", "loot")


@dataclass(frozen=True, slots=True)
class _Sort:
    """What belongs to an emphasis: what to call it, skills, words, and a way on that can always be tried."""

    name: str
    skills: re.Pattern[str]
    words: re.Pattern[str]
    action: str
    result: str


def _sort(name: str, skills: str, words: str, action: str, result: str) -> _Sort:  # a row of the table below
    return _Sort(name, re.compile(skills), re.compile(rf"\b(?:{words})", re.IGNORECASE), action, result)


EMPHASES: dict[Emphasis, _Sort] = {
    "fight": _sort(
        "with the fight first",
        "Athletics|Acrobatics|Intimidation|saving throw",
        "attack|fight|round|initiative|flee|weapon|ambush|hit point|cover|terrain|charge",
        "Strike first, from two sides at once.",
        "The other side is off its balance for a round; whoever is near hears it.",
    ),
    "talk": _sort(
        "with talking first",
        "Persuasion|Deception|Insight|Intimidation|Performance|Charisma",
        "say|ask|talk|want|offer|bargain|brib|lie|know|tell|promise|persuad|convinc|name",
        "Talk, and let the other side speak first.",
        "What it wants comes out; from there it can be bargained with, or lied to.",
    ),
    "stealth": _sort(
        "by stealth",
        "Stealth|Sleight of Hand|Deception|Acrobatics",
        "hid|sneak|dark|fog|quiet|silent|unseen|behind|steal|guard|watch|shadow",
        "Go round unseen: one scouts ahead, the others wait for a sign.",
        "The party chooses where and when it is noticed, unless somebody is careless.",
    ),
    "discovery": _sort(
        "as a search for clues",
        "Perception|Investigation|Survival|Nature|History|Arcana|Religion|Medicine",
        "find|search|look|clue|track|trace|hidden|secret|mark|sign|read|notice|learn",
        "Look the place over before anything is touched.",
        "One thing is noticed that does not fit; it tells who was here last, or why.",
    ),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """A scene beside another one.

    Attributes:
        differs: How it differs, in words.
        distance: How far it is from the nearest of those before it, from 0 (the same) to 1 (nothing in common).
        scene: The scene.
        citations: What its lines point to.
    """

    differs: str
    distance: float
    scene: Scene
    citations: tuple[Passage, ...] = ()


def distance(one: Scene, other: Scene) -> float:
    """Return how far two scenes are from each other: the mean over the parts that either has, 0 to 1.

    A part's distance is the share of its lines that are not found in the other in the same order.
    """
    parts = [_apart(_items(one, part), _items(other, part)) for part in _PARTS]
    counted = [apart for apart in parts if apart is not None]
    return sum(counted) / len(counted) if counted else 0.0


def differing_parts(one: Scene, other: Scene) -> tuple[str, ...]:
    """Return the names of the parts that are not the same in two scenes."""
    return tuple(part for part in _PARTS if _apart(_items(one, part), _items(other, part)))


def choose_variants(first: Scene, candidates: Iterable[Variant], wanted: int) -> tuple[Variant, ...]:
    """Return up to ``wanted`` candidates that differ from the first scene and from each other by ``LEAST``.

    Args:
        first: The scene that there is already.
        candidates: The best come first; each says what it is, and gets said how it differs.
        wanted: How many.
    """
    chosen: list[Variant] = []
    for candidate in candidates:
        if len(chosen) == wanted:
            break
        nearest = min(distance(candidate.scene, scene) for scene in (first, *(each.scene for each in chosen)))
        if nearest >= LEAST:
            parts = ", ".join(part.replace("_", " ") for part in differing_parts(first, candidate.scene))
            chosen.append(replace(candidate, differs=f"{candidate.differs}: other {parts}", distance=round(nearest, 2)))
    return tuple(chosen)


def emphasised(scene: Scene, emphasis: Emphasis) -> Scene:
    """Return the scene with what belongs to an emphasis first, little of the rest, and one more way on for it.

    Nothing is reworded; checks and ways on that belong to something else are left out but for one.
    """
    sort = EMPHASES[emphasis]
    here = sorted(scene.here, key=lambda line: sort.words.search(line.text) is None)
    checks = sorted(scene.checks, key=lambda check: sort.skills.search(check.skill) is None)
    fitting = sum(sort.skills.search(check.skill) is not None for check in checks)
    options = [option for option in scene.options if _fits(option, sort)]
    others = [option for option in scene.options if not _fits(option, sort)]
    own = Option(Line(sort.action, Origin.INVENTED), Line(sort.result, Origin.INVENTED))
    return replace(
        scene,
        here=tuple(here),
        checks=tuple(checks[: fitting + 1]),
        options=(*options, own, *others[: max(0, 2 - len(options))]),
    )


def _fits(option: Option, sort: _Sort) -> bool:
    return bool(sort.skills.search(option.action.text) or sort.words.search(option.action.text))


def _items(scene: Scene, part: str) -> Sequence[Hashable]:
    """Return a part's lines as what can be compared; where a line comes from makes no difference."""
    found = getattr(scene, part)
    items = found if isinstance(found, tuple) else (found,)
    return [_said(item) for item in items]


def _said(item: object) -> Hashable:
    return tuple(
        getattr(value, "text", value)
        for name in getattr(item, "__slots__", ())
        if name not in {"origin", "sources", "secret"}
        for value in (getattr(item, name),)
    )


def _apart(one: Sequence[Hashable], other: Sequence[Hashable]) -> float | None:
    """Return the share of lines outside the longest common sequence; None where there are no lines at all."""
    if not one and not other:
        return None
    above = [0] * (len(other) + 1)
    for left in one:
        row = [0]
        for at, right in enumerate(other):
            row.append(above[at] + 1 if left == right else max(above[at + 1], row[at]))
        above = row
    return 1 - 2 * above[-1] / (len(one) + len(other))
