"""What of a scene may be put into the players' hands: its title and what is read aloud to them, and nothing else.

Everything else is for the GM by its nature, marked as a secret or not: what is hidden here, what a roll is against,
who will fight, what may come of it. Notes mark only some of their secrets, so what is not marked is no more safe.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.gm.exporting.pieces import pieces, scene_of
from fablewright.gm.reading.leaks import leaks, public_words, secrets_in
from fablewright.gm.rules.creature import plurals
from fablewright.gm.scene.scenario import Line, Origin, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fablewright.gm.answer import Answer
    from fablewright.gm.reading.notes import Passage

__all__ = ["player_safe"]

_TELLING = 12
"""Letters and digits from which on a text gives a secret away by holding it."""
_UNNAMED = Line("A scene", Origin.INVENTED)
_LEFT_OUT = "Left out, because it would tell a secret: {}."


def player_safe(answer: Answer) -> Answer:
    """Return an answer with nothing in it that players should not see.

    Citations go too: a passage has its whole paragraph, its heading and its file's name, secret or not. A title or
    a text to read aloud that holds what is marked as a secret elsewhere in the scene, or gives away one of the
    passages behind it, is left out, and ``missing`` says so.

    Raises:
        InvalidInput: There is no scene in it.
    """
    scene = scene_of(answer)
    told = _secrets_told(scene, answer.citations)
    title = _UNNAMED if told(scene.title) else replace(scene.title, sources=())
    read_aloud = tuple(replace(line, sources=()) for line in scene.read_aloud if not told(line))
    left_out = ["the title"] if title is _UNNAMED else []
    if len(read_aloud) < len(scene.read_aloud):
        left_out.append(f"{len(scene.read_aloud) - len(read_aloud)} of the texts to read aloud")
    return replace(
        answer,
        scene=Scene(title=title, read_aloud=read_aloud),
        lines=(),
        citations=(),
        variants=(),
        missing=(_LEFT_OUT.format(", ".join(left_out)),) if left_out else (),
    )


def _secrets_told(scene: Scene, citations: Sequence[Passage]) -> Callable[[Line], bool]:
    """Return what says whether a line tells a secret of the scene, or is one."""
    texts = {_squashed(piece.text) for piece in pieces(scene) if piece.secret} - {""}
    names = {form for foe in scene.foes if foe.secret and foe.name.strip() for form in (foe.name, *plurals(foe.name))}
    kept, open_words = secrets_in(citations), public_words(citations)
    named = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE) if names else None

    def told(line: Line) -> bool:
        text = _squashed(line.text)
        holds = any(secret == text or (len(secret) >= _TELLING and secret in text) for secret in texts)
        names_one = named is not None and named.search(line.text) is not None
        return line.secret or holds or names_one or bool(leaks(line.text, kept, open_words))

    return told


def _squashed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
