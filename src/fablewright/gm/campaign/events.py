"""What a campaign's log is made of: facts, and events that put a fact into the log on a day.

A log only grows. What turns out wrong is taken back by a further event, ``undo``; what is changed is taken back and
put in again in the same place (``after``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

__all__ = ["KINDS", "LONGEST", "TOP", "Event", "Fact", "Kind", "Outcome", "plain"]

Kind: TypeAlias = Literal[
    "played",  # a scene
    "chose",  # an option of it
    "visited",  # a place
    "met",  # a person
    "alive",
    "dead",
    "promised",
    "kept",
    "broken",
    "clock",  # started
    "advanced",
    "filled",
    "gained",  # loot
    "spent",
    "note",
    "undo",  # of an earlier event
]
KINDS: tuple[Kind, ...] = get_args(Kind)

Outcome: TypeAlias = Literal["", "success", "failure"]

LONGEST = 2000
"""Characters of one text in the log."""

TOP = "top"
"""As ``Event.after``: before everything."""

_FORBIDDEN = str.maketrans({"→": "-", "[": "(", "]": ")", "^": "'", "\x00": ""})  # what a line of the log is cut at
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is so, or that happened.

    Attributes:
        kind: What sort of thing.
        text: The scene, the option's words, the place, the person, the promise, the clock's name, the loot or the
            note; for ``undo`` the id of the event that is taken back.
        detail: For ``met`` where; for ``chose`` what came of it; else empty.
        check: For ``chose`` the check that was rolled, such as ``Wisdom (Perception) DC 13``; empty without one.
        number: For ``chose`` what was rolled, for ``clock`` its size, for ``advanced`` by how much; else 0.
        outcome: Of the check.
        secret: For the GM's eyes only; never in a recap for the players.
    """

    kind: Kind
    text: str
    detail: str = ""
    check: str = ""
    number: int = 0
    outcome: Outcome = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """A fact in the log.

    Attributes:
        id: Its own; of events that belong together (a choice and the scene that it was made in) those after the
            first have the first one's with ``-2``, ``-3`` and so on behind it.
        on: The day at the table, as ``2026-11-27``.
        fact: What.
        after: The id of the event behind which it stands, whether that one was taken back or not; ``TOP``, or empty
            for the end of its day.
    """

    id: str
    on: str
    fact: Fact
    after: str = ""

    @property
    def batch(self) -> str:
        """What events have in common that belong together."""
        return self.id.partition("-")[0]


def plain(text: str) -> str:
    """Return words as they can stand in one line of the log: single blanks, none of the signs that cut a line."""
    return " ".join(_CONTROLS.sub(" ", text).translate(_FORBIDDEN).split())[:LONGEST].strip()
