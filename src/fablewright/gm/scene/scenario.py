"""A scene: what a GM needs in front of her to run the next ten minutes, each part with where it comes from."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Check", "Foe", "Line", "Option", "Origin", "Scene"]


class Origin(enum.Enum):
    """Where a sentence comes from.

    ``FROM_NOTES`` is what a passage says where it does not stand alone: a heading put before a sentence, two
    stretches joined, a capital set, or a lead of ours before it. Nothing but such leads is added.
    """

    QUOTED = "quoted"  # word for word from a passage, markup aside
    FROM_NOTES = "from_notes"  # a stretch of a passage, set in order by us: see Option
    RETOLD = "retold"  # what passages say, in a model's words: it passed ``gm.writing.gate``
    BY_RULE = "by_rule"  # computed from the rules: budgets, difficulty classes, XP
    INVENTED = "invented"  # not in the notes
    FROM_LOG = "from_log"  # what the campaign's log says happened at the table


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence or short paragraph of the scene.

    Attributes:
        text: For people, free of markup.
        origin: Where it comes from.
        sources: Indices into the answer's citations; never empty for ``QUOTED``, ``FROM_NOTES`` and
            ``RETOLD``.
        secret: For the GM's eyes only; never read aloud.
    """

    text: str
    origin: Origin
    sources: tuple[int, ...] = ()
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """An ability check or saving throw.

    Attributes:
        skill: As rules name it, e.g. ``Wisdom (Perception)`` or ``Constitution saving throw``.
        dc: Difficulty class.
        purpose: What it is for.
        success: What happens then; None where nothing is said.
        failure: What happens then; None where nothing is said.
        origin: Where skill and DC come from.
        sources: As in ``Line``.
        secret: As in ``Line``.
    """

    skill: str
    dc: int
    purpose: Line | None
    success: Line | None
    failure: Line | None
    origin: Origin
    sources: tuple[int, ...] = ()
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Foe:
    """Creatures of one kind.

    Attributes:
        name: The creature's name in the 2024 rules, or as the notes have it.
        count: How many; None where the notes do not say.
        cr: Challenge rating; None for a creature outside the SRD.
        xp: XP for one of them; None as for ``cr``.
        note: What else there is to say: who they are by name, or that the rules call them otherwise now.
        origin: Whether the notes or the rules put them here.
        sources: As in ``Line``.
        secret: For the GM's eyes only: the notes tell of them in a secret.
    """

    name: str
    count: int | None
    cr: float | None
    xp: int | None
    note: str
    origin: Origin
    sources: tuple[int, ...] = ()
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """Something the party may do, and what comes of it.

    An option made of a check is marked ``FROM_NOTES`` and has three parts: a lead of ours that says what the skill
    means in play ("Look and listen:"), then the check's purpose out of the notes, then its skill and DC as the notes
    give them. The lead is not in the notes.
    """

    action: Line
    consequence: Line | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene. Any part may be empty: an empty part was neither in the notes nor worth inventing.

    Attributes:
        title: What to call it.
        read_aloud: For the players' ears.
        here: What the GM needs to know about the place and who is in it.
        checks: With skill, DC, success and failure.
        foes: Who may be fought.
        balance: What the fight weighs for this party, by rule.
        options: What the party may do, and what comes of it.
        consequences: What happens afterwards, or if nobody does anything.
        loot: What there is to gain, or where it leads.
    """

    title: Line
    read_aloud: tuple[Line, ...] = ()
    here: tuple[Line, ...] = ()
    checks: tuple[Check, ...] = ()
    foes: tuple[Foe, ...] = ()
    balance: tuple[Line, ...] = ()
    options: tuple[Option, ...] = ()
    consequences: tuple[Line, ...] = ()
    loot: tuple[Line, ...] = ()
