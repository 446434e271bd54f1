"""What the assistant answers, whatever was asked: one shape for the command line, the page and the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from fablewright.gm.reading.notes import Passage  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.scene.scenario import Line, Scene  # noqa: TC001 - as above
from fablewright.gm.scene.variants import Variant  # noqa: TC001 - as above

__all__ = ["Answer", "Status", "Timings", "Want"]

Want: TypeAlias = Literal[
    "scene", "question", "encounter", "npc", "loot", "rules", "dice", "status", "help", "choose", "log", "undo", "recap"
]
"""What a person may want; ``help``: a greeting or less, answered with examples of what can be asked."""

Status: TypeAlias = Literal["answered", "degraded", "abstained", "failed"]
"""``degraded``: answered, but something is missing; ``abstained``: the notes do not say; ``failed``: no answer."""


@dataclass(frozen=True, slots=True)
class Timings:
    """How long it took, in milliseconds; a step that did not happen took 0."""

    retrieve_ms: float = 0.0
    compose_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        want: What was understood to be wanted.
        status: How well it could be answered.
        scene: For a scene; None otherwise.
        lines: For everything else: the answer's sentences.
        citations: The passages that scene and lines point to by index.
        used_rag: Whether anything in the answer rests on the notes.
        generation_method: Who wrote it: ``composer`` (out of passages), ``improviser`` (without), ``model`` (a part
            of it is in a model's words), ``quoted``, ``rules``, ``tables``,
            ``log`` (the campaign's).
        missing: What could not be had and why, a sentence each, for people.
        timings: How long it took.
        variants: Other scenes for the same request, each with its own citations.
    """

    want: Want
    status: Status
    scene: Scene | None = None
    lines: tuple[Line, ...] = ()
    citations: tuple[Passage, ...] = ()
    used_rag: bool = False
    generation_method: str = ""
    missing: tuple[str, ...] = ()
    timings: Timings = Timings()
    variants: tuple[Variant, ...] = ()
