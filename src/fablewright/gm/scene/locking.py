"""Some parts of a scene kept word for word, and the others out of another one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from fablewright.gm.scene.composer import Composed
from fablewright.gm.scene.scenario import Check, Foe, Line, Option
from fablewright.gm.scene.table import weigh
from fablewright.gm.scene.wishes import LOCKABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.scene.table import Table
    from fablewright.gm.scene.wishes import Kept

__all__ = ["locked"]

_T = TypeVar("_T")


def locked(kept: Kept, new: Composed, table: Table) -> Composed:
    """Return a scene of the kept parts and, for the others, those of ``new``; what the fight weighs is worked out.

    Citations are those that its lines point to: first those of the kept parts, then the others.
    """
    old_numbers: dict[int, int] = {}
    new_numbers: dict[int, int] = {}
    citations: list[Passage] = []
    parts = {}
    for name in sorted(LOCKABLE, key=lambda part: part not in kept.parts):
        stays = name in kept.parts
        scene, cited = (kept.scene, kept.citations) if stays else (new.scene, new.citations)
        value = getattr(scene, name)
        numbers = old_numbers if stays else new_numbers
        for source in dict.fromkeys(_sources(value)):
            if source not in numbers:
                numbers[source] = _place_of(cited[source], citations)
        parts[name] = _renumbered(value, numbers)
    return Composed(replace(new.scene, **parts, balance=weigh(parts["foes"], table)), tuple(citations))


def _place_of(passage: Passage, citations: list[Passage]) -> int:
    """Return a passage's number among the citations; the same stretch of a note is cited once."""
    for number, cited in enumerate(citations):
        if (cited.file, cited.start, cited.end, cited.text) == (passage.file, passage.start, passage.end, passage.text):
            return number
    citations.append(passage)
    return len(citations) - 1


def _sources(value: object) -> Iterator[int]:
    """Yield what a part of a scene points to."""
    if isinstance(value, tuple):
        for each in value:
            yield from _sources(each)
    elif isinstance(value, Line | Check | Foe):
        yield from value.sources
    for line in _lines_in(value).values():
        yield from line.sources


def _renumbered(value: _T, numbers: Mapping[int, int]) -> _T:
    """Return the same part of a scene, pointing to the same passages by their new numbers."""
    if isinstance(value, tuple):
        return tuple(_renumbered(each, numbers) for each in value)  # type: ignore[return-value] # of the same kind
    changes: dict[str, object] = {name: _renumbered(line, numbers) for name, line in _lines_in(value).items()}
    if isinstance(value, Line | Check | Foe):
        changes["sources"] = tuple(dict.fromkeys(numbers[source] for source in value.sources))
    return replace(value, **changes)  # type: ignore[type-var] # every part is a record


def _lines_in(value: object) -> dict[str, Line]:
    """Return the lines that are parts of a check or of an option."""
    names = {Check: ("purpose", "success", "failure"), Option: ("action", "consequence")}.get(type(value), ())
    return {name: line for name in names if isinstance(line := getattr(value, name), Line)}
