"""What a model's sentences are held against, and what may be wrong with one."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.reading.limits import NO_LIMITS

if TYPE_CHECKING:
    from fablewright.gm.reading.limits import Limits
    from fablewright.gm.writing.figures import Figure

__all__ = ["Flaw", "Grounds"]


class Flaw(enum.Enum):
    """Why a sentence is not used; the value says it to a person."""

    SHAPE = "no list of sentences"
    MISSING = "it never came"
    FRAGMENT = "no whole sentence"
    LENGTH = "too long or too short"
    MARKUP = "markup or a link"
    LANGUAGE = "another language"
    UNRELATED = "it is not about this scene"
    REPEATS = "it repeats itself, or what stands there"
    MACHINE = "the model speaks of itself"
    PLANTED = "it does what a note tells a model to do"
    LINE = "something that your table does not want"
    SECRET = "it may give a secret away"  # noqa: S105 - of the story
    RULES = "rules talk in the text to read aloud"
    ACTS = "it acts for the players"
    CITATION = "a passage that it was not shown"
    FIGURE = "a number that its passages do not have"
    NAME = "a name that its passages do not have"
    UNSUPPORTED = "its passages do not say that"


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a model's sentences are held against.

    Attributes:
        shown: The statements of each passage that it was shown, in the prompt's order.
        said: What else it was told of the scene: the GM's words, the title, the foes.
        told: Its orders; a sentence that repeats them says nothing.
        standing: What the scene says already of what is here.
        secrets: Telling words that only secrets have.
        planted: Sentences of the notes that tell a model what to do.
        counts: How many foes there are, by the rules' count.
        limits: The lines and veils of the table.
    """

    shown: tuple[tuple[str, ...], ...] = ()
    said: str = ""
    told: str = ""
    standing: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    planted: tuple[str, ...] = ()
    counts: tuple[Figure, ...] = ()
    limits: Limits = NO_LIMITS

    @property
    def everything(self) -> str:
        """All that it was shown, in one text."""
        return " ".join((self.said, *(text for texts in self.shown for text in texts)))
