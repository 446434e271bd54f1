"""Which creatures a fight may be made of: those of a theme and a habitat, or what a party could meet anywhere."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.rules.creature import Creature, plurals
from fablewright.gm.rules.habitat import habitats_of, is_bound_to_water

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.rules.bestiary import Bestiary

__all__ = ["fitting", "is_kin"]


def fitting(bestiary: Bestiary, theme: str, habitat: str) -> Sequence[Creature]:
    """Return the creatures of a theme that could be met in a habitat.

    Args:
        bestiary: Out of which.
        theme: Types or words of names; empty for creatures that are not of good alignment.
        habitat: One of ``habitats()``; empty for dry land, unless the theme says otherwise.

    Raises:
        InvalidInput: There is none.
    """
    themed = _themed(bestiary, theme)
    here = [one for one in themed if habitat in habitats_of(one)] if habitat else themed
    if not here:
        where = f"in the habitat {habitat}" if habitat != "underwater" else habitat
        raise InvalidInput(f"No creature of the theme {theme!r} lives {where}: name another theme or habitat.")
    if theme:
        return here
    return [one for one in here if _is_foe(one) and (habitat or not is_bound_to_water(one))]


def is_kin(creature: Creature, leader: Creature) -> bool:
    """Return whether their names share a word: Goblin Boss and Goblin Warrior, Bandit Captain and Bandit."""
    return not _name_words(creature.name).isdisjoint(_name_words(leader.name))


@cache
def _name_words(name: str) -> frozenset[str]:
    return frozenset(name.split()) - {"of", "Giant", "Captain", "Swarm", "Boss", "Warrior"}


def _themed(bestiary: Bestiary, theme: str) -> Sequence[Creature]:
    words = theme.casefold().replace(",", " ").split()
    if not words:
        return bestiary.creatures
    matches = [
        [creature for creature in bestiary.creatures if _is_about(creature, word, bestiary)]
        for word in (" ".join(words), *words)
    ]
    names = [{creature.name for creature in found} for found in matches[1:]]
    # "red dragon" means both words, "goblin wolf" either.
    wanted = {creature.name for creature in matches[0]} or set.intersection(*names) or set.union(*names)
    if not wanted:
        known = ", ".join(sorted(bestiary.types))
        raise InvalidInput(f"No creature fits the theme {' '.join(words)[:40]!r}: name a creature or a type ({known}).")
    return [creature for creature in bestiary.creatures if creature.name in wanted]


def _is_about(creature: Creature, word: str, bestiary: Bestiary) -> bool:
    """Whether a word is its type, a word of its name, or a name of it or its kin, in singular or plural."""
    stems = (creature.type, *creature.name.casefold().split())
    forms = {*stems, *(form for stem in stems for form in plurals(stem))}
    if forms & {word, *plurals(word)}:
        return True
    found = bestiary.find(word)
    return found is not None and (found.creature == creature or is_kin(creature, found.creature))


def _is_foe(creature: Creature) -> bool:
    return not creature.alignment.endswith("good")
