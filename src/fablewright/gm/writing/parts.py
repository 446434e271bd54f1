"""What a model may write: prose for a few parts of a scene, sentence by sentence, each with what it rests on.

Numbers, checks, foes and loot are none of them: those are read off the notes or computed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from fablewright.gm.scene.scenario import Scene

__all__ = ["LONGEST", "Part", "Sentence", "schema", "wanted"]

LONGEST = 300
"""Characters of a sentence. A small model that begins to repeat itself does not end a sentence by itself."""


class Part(enum.Enum):
    """A part of a scene that a model may write; the value is its name in the model's answer."""

    READ_ALOUD = "read_aloud"
    HERE = "here"
    OPTIONS = "options"
    CONSEQUENCES = "consequences"

    @property
    def words(self) -> str:
        """What to call it, for people."""
        return _WORDS[self]

    @property
    def most(self) -> int:
        """Sentences that it may have."""
        return _MOST[self]

    @property
    def holds_together(self) -> bool:
        """Whether its sentences are one text, so that none of them is used without the others."""
        return self is Part.READ_ALOUD


_WORDS = {
    Part.READ_ALOUD: "the text to read aloud",
    Part.HERE: "what is here",
    Part.OPTIONS: "the options",
    Part.CONSEQUENCES: "the consequences",
}
_MOST = {Part.READ_ALOUD: 4, Part.HERE: 2, Part.OPTIONS: 2, Part.CONSEQUENCES: 2}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a model.

    Attributes:
        text: As it came.
        sources: Numbers of the passages that it says it rests on, as the prompt counts them; empty: invented.
    """

    text: str
    sources: tuple[int, ...] = ()


def wanted(scene: Scene, *, boxed: bool, locked: Container[str] = ()) -> tuple[Part, ...]:
    """Return the parts that a model is asked for: only what the GM has not written herself.

    Her boxed text, her options and her consequences stay as they are. What is here is told in front of her own
    sentences, not instead of them.

    Args:
        scene: As the composer or the improviser wrote it.
        boxed: Whether its text to read aloud is boxed text of the notes.
        locked: Parts that are to stay as they are.
    """
    parts = [] if boxed else [Part.READ_ALOUD]
    parts.append(Part.HERE)
    if any(option.action.origin is Origin.INVENTED for option in scene.options):
        parts.append(Part.OPTIONS)
    if all(line.origin is Origin.INVENTED for line in scene.consequences):
        parts.append(Part.CONSEQUENCES)
    return tuple(part for part in parts if part.value not in locked)


def schema(parts: Sequence[Part], passages: int) -> Mapping[str, object]:
    """Return the JSON schema of an answer, as strict servers want it: all keys required, and no others.

    Args:
        parts: Which parts, in the order in which they are to be written.
        passages: How many there are to rest on.
    """
    numbers = {"type": "integer", "enum": list(range(1, passages + 1))} if passages else {"type": "integer"}
    sentence = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": LONGEST},
            "from": {"type": "array", "items": numbers, "maxItems": min(3, passages)},
        },
        "required": ["text", "from"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            part.value: {"type": "array", "items": sentence, "minItems": 1, "maxItems": part.most} for part in parts
        },
        "required": [part.value for part in parts],
        "additionalProperties": False,
    }
