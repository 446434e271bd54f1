"""Creatures and fights as actors of Foundry's dnd5e system: names and numbers of the SRD 5.2.1 (CC-BY-4.0)."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.rules.creature import Creature
    from fablewright.gm.scene.scenario import Foe

__all__ = ["STATS", "actor", "compendium_uuid", "encounter"]

STATS = {"systemId": "dnd5e", "systemVersion": "5.3.3", "coreVersion": "13.351"}
"""What a document was made with; without it Foundry takes the data for that of version 9, and converts it."""

_ABILITIES = ("str", "dex", "con", "int", "wis", "cha")
_SIZES = {"tiny": "tiny", "small": "sm", "medium": "med", "large": "lg", "huge": "huge", "gargantuan": "grg"}
_HOSTILE = -1


def compendium_uuid(creature: Creature) -> str:
    """Return where the system's compendium has the creature: its ids are ``mm``, the name, and zeros up to 16 letters.

    Holds for all 330 of them in dnd5e 5.3.3 (``packs/_source/actors24``).
    """
    words = (re.sub("[^a-z]", "", word).capitalize() for word in creature.name.lower().split())
    return f"Compendium.dnd5e.actors24.Actor.{('mm' + ''.join(words))[:16]:0<16}"


def actor(creature: Creature) -> dict[str, Any]:
    """Return the creature as an actor, without its actions: we know numbers only."""
    movement: dict[str, Any] = {way: str(feet) for way, feet in creature.speed}
    size = creature.size.split()[0]
    system = {
        "abilities": {short: {"value": score} for short, score in zip(_ABILITIES, creature.abilities, strict=True)},
        "attributes": {
            "ac": {"flat": creature.ac, "calc": "flat"},
            "hp": {"value": creature.hp, "max": creature.hp, "formula": creature.hit_dice},
            "movement": {**movement, "hover": creature.hover},
            "senses": {"ranges": {"darkvision": creature.darkvision}},
        },
        "details": {
            "cr": creature.cr,
            "type": {"value": creature.type, "subtype": ""},
            "alignment": creature.alignment.title(),
            "biography": {"value": ""},
        },
        "traits": {"size": _SIZES[size], "languages": {"value": [], "custom": creature.languages}},
        "source": {"rules": "2024", "license": "CC-BY-4.0", "custom": "SRD 5.2.1"},
    }
    return _document(creature.name, "npc", system)


def encounter(name: str, foes: Sequence[tuple[Foe, Creature]]) -> dict[str, Any]:
    """Return a fight; Foundry shows its own difficulty bar for it. Foes without a number count as one."""
    members = [{"uuid": compendium_uuid(creature), "quantity": {"value": foe.count or 1}} for foe, creature in foes]
    return _document(name or "Encounter", "encounter", {"members": members})


def _document(name: str, kind: str, system: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(f"{kind}\x00{name}\x00{system}".encode("utf-8", "replace")).hexdigest()
    return {
        "_id": digest[:16],
        "name": name,
        "type": kind,
        "img": "icons/svg/mystery-man.svg",
        "system": system,
        "items": [],
        "effects": [],
        "prototypeToken": {"name": name, "disposition": _HOSTILE},
        "folder": None,
        "sort": 0,
        "ownership": {"default": 0},
        "flags": {},
        "_stats": STATS,
    }
