"""One creature of the rules, by name and numbers, and how its name is written in the plural."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Creature", "Finding", "cr_text", "plurals"]

_FRACTIONS = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2"}
_IRREGULAR = {
    "deer": ("deer",),
    "djinni": ("djinn", "djinnis"),
    "efreeti": ("efreet", "efreetis"),
    "elk": ("elk", "elks"),
    "erinyes": ("erinyes",),
    "fungus": ("fungi", "funguses"),
    "hippopotamus": ("hippopotamuses", "hippopotami"),
    "homunculus": ("homunculi", "homunculuses"),
    "incubus": ("incubi", "incubuses"),
    "infantry": ("infantry",),
    "lizardfolk": ("lizardfolk",),
    "merfolk": ("merfolk",),
    "octopus": ("octopuses", "octopi"),
    "pegasus": ("pegasi", "pegasuses"),
    "succubus": ("succubi", "succubuses"),
    "triceratops": ("triceratops",),
}


@dataclass(frozen=True, slots=True)
class Creature:
    """What the rules say about a creature in names and numbers (SRD 5.2.1).

    Attributes:
        name: As the rules write it.
        size: ``tiny`` to ``gargantuan``, or ``medium or small`` where the rules leave it open.
        type: One of the fourteen types, in small letters.
        alignment: In small letters.
        ac: Armor Class.
        hp: Average Hit Points.
        hit_dice: The dice behind ``hp``, such as ``2d8+2``.
        speed: Pairs of way and feet per turn, such as ``("walk", 30)``.
        hover: Whether its flight is a hover.
        abilities: Scores of Str, Dex, Con, Int, Wis, Cha.
        initiative: Modifier.
        passive_perception: Score.
        darkvision: Range in feet, 0 for none.
        languages: As the rules list them, empty for none.
        cr: Challenge Rating; 1/8, 1/4 and 1/2 are exact as floats.
        xp: Experience points for one of it.
    """

    name: str
    size: str
    type: str
    alignment: str
    ac: int
    hp: int
    hit_dice: str
    speed: tuple[tuple[str, int], ...]
    hover: bool
    abilities: tuple[int, int, int, int, int, int]
    initiative: int
    passive_perception: int
    darkvision: int
    languages: str
    cr: float
    xp: int

    @property
    def plural(self) -> str:
        """The name for several of it, in the letters of ``name``: ``Swarms of Rats``."""
        return plurals(self.name)[0]

    @property
    def speed_text(self) -> str:
        """Its ways to move: ``30 ft., fly 60 ft. (hover)``."""
        ways = [f"{'' if way == 'walk' else f'{way} '}{feet} ft." for way, feet in self.speed]
        return f"{', '.join(ways)}{' (hover)' if self.hover else ''}"

    @property
    def senses_text(self) -> str:
        """What it perceives by: ``darkvision 60 ft., passive Perception 12``."""
        darkvision = f"darkvision {self.darkvision} ft., " if self.darkvision else ""
        return f"{darkvision}passive Perception {self.passive_perception}"

    @property
    def cr_text(self) -> str:
        """The Challenge Rating as written: ``1/8``, ``3``."""
        return cr_text(self.cr)


@dataclass(frozen=True, slots=True)
class Finding:
    """A creature and the name under which it was known in 2014, where that is how it was asked for.

    Attributes:
        creature: The creature of the 2024 rules.
        name_2014: The old name; empty when it was asked for by its present one.
    """

    creature: Creature
    name_2014: str = ""

    @property
    def name(self) -> str:
        """The name by which it was asked for."""
        return self.name_2014 or self.creature.name

    @property
    def remark(self) -> str:
        """For the reader: ``Thug (2014) is Tough in the 2024 rules``; empty when nothing was renamed."""
        return f"{self.name_2014} (2014) is {self.creature.name} in the 2024 rules" if self.name_2014 else ""


def cr_text(cr: float) -> str:
    """Write a Challenge Rating as the rules do: 0.125 is ``1/8``, 3.0 is ``3``."""
    return _FRACTIONS.get(cr, f"{cr:g}")


def plurals(name: str) -> tuple[str, ...]:
    """Return the plural forms of a name, the usual one first: ``Wolves``, ``Swarms of Rats``.

    The word that changes is the last one, or the one before "of".
    """
    before, of, after = name.partition(" of ")
    first, _, head = before.rpartition(" ")
    lead = f"{first} " if first else ""
    return tuple(f"{lead}{form}{of}{after}" for form in _word_plurals(head))


def _word_plurals(word: str) -> tuple[str, ...]:
    low = word.lower()
    if low in _IRREGULAR:
        forms = _IRREGULAR[low]
        return tuple(form.capitalize() if word[0].isupper() else form for form in forms)
    if low.endswith(("lf", "ief")):
        return (word[:-1] + "ves",)
    if low.endswith("y") and low[-2:-1] not in "aeiou":
        return (word[:-1] + "ies",)
    if low.endswith(("s", "x", "z", "ch", "sh")):
        return (word + "es",)
    return (word + "s",)
