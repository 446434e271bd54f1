"""What the log has to say about a scene: that somebody in it is dead, that the party was there before."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING

from fablewright.gm.reading.name_key import name_key
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.campaign.state import CampaignState, Person
    from fablewright.gm.scene.scenario import Scene

__all__ = ["with_remarks"]


def with_remarks(scene: Scene, state: CampaignState) -> Scene:
    """Return a scene with the log's remarks before what is here, and its dead foes marked."""
    dead = [person for person in state.dead if _is_named(person, scene)]
    lines = [_logged(_dead(person)) for person in dead]
    key = name_key(scene.title.text)
    if key in state.visited:
        was = "played this scene" if key in state.played else "been here"
        lines.insert(0, _logged(f"The party has {was} already, on {state.visited[key][1]}."))
    if not lines:
        return scene
    foes = tuple(
        replace(foe, note=f"{foe.note}; dead by your log: leave {_them(foe.count)} out")
        if any(_has(foe.note, person) for person in dead) and "dead by your log" not in foe.note
        else foe
        for foe in scene.foes
    )
    told = (line for line in scene.here if line.origin is not Origin.FROM_LOG)  # not twice, when a part was kept
    return replace(scene, here=(*lines, *told), foes=foes)


def _dead(person: Person) -> str:
    since = f" since {person.since}" if person.since else ""
    return f"{person.name} is dead{since}, by your log; your notes may still tell of them alive."


def _them(count: int | None) -> str:
    return "it" if count == 1 else "that one"


def _logged(text: str) -> Line:
    return Line(text, Origin.FROM_LOG, secret=True)


def _is_named(person: Person, scene: Scene) -> bool:
    return any(_has(text, person) for text in _texts(scene))


def _has(text: str, person: Person) -> bool:
    """Return whether a text names a person, by the whole name, or by the last part of one that has several."""
    words = person.name.split()
    names = {person.name, words[-1]} if len(words) > 1 and words[-1][:1].isupper() else {person.name}
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _texts(getattr(value, each.name))
