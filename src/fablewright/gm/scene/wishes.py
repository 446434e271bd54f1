"""What a GM may wish of a scene beside the words of her request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from fablewright.errors import InvalidInput
from fablewright.gm.reading.notes import Passage  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.scene.focus import Section  # noqa: TC001 - as above
from fablewright.gm.scene.scenario import Scene  # noqa: TC001 - as above
from fablewright.gm.scene.tone import Tone  # noqa: TC001 - as above

__all__ = ["LENGTHS", "LOCKABLE", "MOST_VARIANTS", "Kept", "Length", "Wishes"]

Length: TypeAlias = Literal["short", "long"]
LENGTHS: tuple[Length, ...] = get_args(Length)

LOCKABLE = ("title", "read_aloud", "here", "checks", "foes", "options", "consequences", "loot")
"""Parts of a scene that can be kept; what the fight weighs is worked out from the foes, always."""

MOST_VARIANTS = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """A scene of which some parts are to stay.

    Attributes:
        scene: The scene.
        citations: What its lines point to.
        parts: Which of ``LOCKABLE`` stay, word for word.

    Raises:
        InvalidInput: There is no such part.
    """

    scene: Scene
    citations: tuple[Passage, ...]
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        unknown = [part for part in self.parts if part not in LOCKABLE]
        if unknown:
            raise InvalidInput(f"There is no part {unknown[0][:40]!r} to lock: it is one of {', '.join(LOCKABLE)}.")


@dataclass(frozen=True, slots=True)
class Wishes:
    """See the attributes; without any, a scene is as it always was.

    Attributes:
        variants: How many scenes that differ, 1 to 5.
        tone: What comes first, and which rows of the tables chance may draw; nothing is reworded.
        length: How much of the notes is shown: half, or twice as much as usual.
        kept: A scene to keep parts of; the others are written anew.
        sections: Which sections of the notes to play, whatever the words; such a scene is written ahead, and the table
            goes on with the one that it has.

    Raises:
        InvalidInput: Too many variants, or variants of a scene with kept parts.
    """

    variants: int = 1
    tone: Tone | None = None
    length: Length | None = None
    kept: Kept | None = None
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.variants <= MOST_VARIANTS:
            raise InvalidInput(f"There are 1 to {MOST_VARIANTS} variants, not {self.variants}.")

    @property
    def amount(self) -> float:
        """How much is shown, 1 being the usual."""
        return {None: 1.0, "short": 0.5, "long": 2.0}[self.length]
