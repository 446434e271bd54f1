"""Puts what passed the gate into the scene. Nothing that the GM wrote is lost by it."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from fablewright.gm.scene.scenario import Line, Option, Origin
from fablewright.gm.writing.parts import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.scene.scenario import Scene
    from fablewright.gm.writing.parts import Sentence

__all__ = ["weave"]


def weave(scene: Scene, part: Part, sentences: Sequence[Sentence], sources: Sequence[int]) -> Scene:
    """Return the scene with a part in a model's words.

    Args:
        scene: As it is so far.
        part: Which one.
        sentences: What passed the gate, at least one.
        sources: For each passage by its number in the prompt, less 1, the index among the citations.
    """
    lines = [_line([sentence], sources) for sentence in sentences]
    match part:
        case Part.READ_ALOUD:
            runs = groupby(sentences, key=lambda sentence: bool(sentence.sources))
            return replace(scene, read_aloud=tuple(_line(list(run), sources) for _, run in runs))
        case Part.HERE:
            return replace(scene, here=(*lines, *_kept(scene.here)))
        case Part.OPTIONS:
            own = [option for option in scene.options if option.action.origin is not Origin.INVENTED]
            rest = [option for option in scene.options if option.action.origin is Origin.INVENTED]
            options = (*own, *map(Option, lines), *rest)
            return replace(scene, options=options[: max(len(scene.options), len(own) + len(lines))])
        case Part.CONSEQUENCES:
            return replace(scene, consequences=(*lines, *_kept(scene.consequences)))


def _kept(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.origin is not Origin.INVENTED]


def _line(sentences: Sequence[Sentence], sources: Sequence[int]) -> Line:
    """Make one line of sentences that are all retold, or all invented."""
    cited = tuple(dict.fromkeys(sources[number - 1] for sentence in sentences for number in sentence.sources))
    text = " ".join(sentence.text for sentence in sentences)
    return Line(text, Origin.RETOLD if cited else Origin.INVENTED, cited)
