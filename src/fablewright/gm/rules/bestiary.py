"""The creatures that we know, found by name, type and Challenge Rating.

The data file holds names and numbers of the SRD 5.2.1 (see ``NOTICE.md``). Names of the 2014 rules lead to
their 2024 heirs, and the finding says so. Five creatures of the 2014 SRD have no heir in the 2024 one and
are not found: orc, lizardfolk, drow, duergar and deep gnome.
"""

from __future__ import annotations

import json
import re
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING

from fablewright.gm.rules.creature import Creature, Finding, plurals
from fablewright.gm.rules.mention import Lexicon, Mention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["GONE", "Bestiary", "Creature", "Finding", "Mention", "load_bestiary"]

GONE = frozenset(("orc", "lizardfolk", "drow", "duergar", "deep gnome"))
"""Creatures of the 2014 SRD that the SRD 5.2.1 does not have, under no name."""


class Bestiary:
    """A set of creatures, each found by name in singular or plural, in any capitals.

    Args:
        creatures: The creatures; of two with one name the later one counts, so that a table's own can be put
            after
            those of the rules.
        names_2014: Old name to present name; present names always win.
    """

    def __init__(self, creatures: Iterable[Creature], names_2014: Mapping[str, str] | None = None) -> None:
        by_name = {creature.name: creature for creature in creatures}
        self.creatures: tuple[Creature, ...] = tuple(by_name.values())
        self._names_2014 = dict(names_2014 or {})
        self._findings: dict[str, Finding] = {}
        for old, new in self._names_2014.items():
            if new in by_name:
                self._name(Finding(by_name[new], old), old)
        for creature in self.creatures:
            self._name(Finding(creature), creature.name)

    def __repr__(self) -> str:
        return f"Bestiary({len(self.creatures)} creatures)"

    def find(self, name: str) -> Finding | None:
        """Return the creature of that name, or None: "stirges", "The Bandit Captain", "thug"."""
        words = re.sub(r"^(?:the|an?) ", "", " ".join(name.replace("’", "'").casefold().split()))
        return self._findings.get(words)

    def mentions(self, text: str) -> list[Mention]:
        """Return the creatures that a text names, in its order; ``gm/rules/mention.py`` says what counts as naming.

        Takes time linear in the length of the text.
        """
        return self._lexicon.mentions(text)

    def where(self, keeps: Callable[[Creature], bool]) -> Bestiary:
        """Return the creatures that are kept; this one itself where all are."""
        kept = tuple(filter(keeps, self.creatures))
        return self if len(kept) == len(self.creatures) else Bestiary(kept, self._names_2014)

    def of_type(self, kind: str) -> tuple[Creature, ...]:
        """Return the creatures of a type such as ``undead``, in the order of the data."""
        return tuple(creature for creature in self.creatures if creature.type == kind.strip().casefold())

    def with_cr(self, low: float, high: float) -> tuple[Creature, ...]:
        """Return the creatures with a Challenge Rating from ``low`` to ``high``, both included."""
        return tuple(creature for creature in self.creatures if low <= creature.cr <= high)

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that occur."""
        return frozenset(creature.type for creature in self.creatures)

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(self._findings)

    def _name(self, finding: Finding, name: str) -> None:
        for form in (name, *plurals(name)):
            self._findings[form.casefold()] = finding


@cache
def load_bestiary() -> Bestiary:
    """Return the creatures of the SRD 5.2.1; read on the first call, shared afterwards."""
    data = resources.files("fablewright.gm.rules").joinpath("data")
    rows = json.loads(data.joinpath("creatures_2024.json").read_text(encoding="utf-8"))
    names = json.loads(data.joinpath("names_2014.json").read_text(encoding="utf-8"))
    for row in rows:
        row["speed"] = tuple(row["speed"].items())
        row["abilities"] = tuple(row["abilities"])
        row["cr"] = float(row["cr"])
    return Bestiary((Creature(**row) for row in rows), names)
