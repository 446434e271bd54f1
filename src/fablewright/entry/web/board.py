"""What the players see: a board on which only the GM puts something, and only what tells no secret."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fablewright.entry.web.event_log import EventLog
from fablewright.errors import InvalidInput
from fablewright.gm.answer import Answer
from fablewright.gm.exporting.pieces import scene_of
from fablewright.gm.exporting.player_safe import player_safe
from fablewright.gm.exporting.visible import visible
from fablewright.gm.reading.leaks import leaks, public_words, secrets_in
from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.scenario import Line, Origin, Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Board", "Shown", "handout", "read_aloud"]

_MOST_TOLD = 120
"""Characters of a secret by which the GM sees which one is meant."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on the board.

    Attributes:
        lines: A paragraph each; none: nothing is shown. A scene's title is not among them: it is the GM's own name for
            what will happen, and often tells it.
    """

    lines: tuple[str, ...] = ()


@dataclass(slots=True)
class Board:
    """The board, and who looks at it.

    Attributes:
        shown: What stands on it.
        log: Followed by the players' pages; it has only what stands there now, for whoever comes later need not know
            what was wiped off.
    """

    shown: Shown = Shown()
    log: EventLog = field(default_factory=lambda: EventLog(most_events=1))

    def put(self, shown: Shown) -> None:
        """Show something in place of what was there."""
        self.shown = shown
        self.log.append("board", shown)


def read_aloud(answer: Answer, lines: Sequence[int] | None) -> Shown:
    """Return text of a scene as the players may see it.

    Args:
        answer: With the scene.
        lines: Which of its texts to read aloud, from 0; None for all.

    Raises:
        InvalidInput: There is no such text, or it would tell a secret.
    """
    texts = scene_of(answer).read_aloud
    if lines is not None and any(number >= len(texts) for number in lines):
        raise InvalidInput("The scene has no such text to read aloud.")
    chosen = texts if lines is None else tuple(texts[number] for number in lines)
    return _safe(answer, chosen)


def handout(words: str, answer: Answer | None, about: Sequence[Passage] = ()) -> Shown:
    """Return a GM's own words, a paragraph a line, as the players may see them.

    Args:
        words: What she wrote.
        answer: With the scene whose secrets must not be told; None without one.
        about: What the notes have about these words, whose secrets must not be told either.

    Raises:
        InvalidInput: There are no words, or they are marked as a secret, or they would tell one.
    """
    lines = tuple(Line(text, Origin.INVENTED) for each in words.splitlines() if (text := visible(each)))
    marked = secrets_in([Passage(words, "hand-out", (), 0, len(words))])
    if marked:
        raise InvalidInput(f"The hand-out itself marks this as a secret: “{_short(marked[0])}” It is not shown.")
    for leak in leaks(words, secrets_in(about), public_words(about)):
        if len(leak.words) > 1:  # one word that a secret has too, anywhere in the notes, tells nobody anything
            raise InvalidInput(f"Your notes keep this a secret: “{_short(leak.secret)}” The hand-out is not shown.")
    return _safe(answer or _without_scene(), lines)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_TOLD else f"{text[:_MOST_TOLD]}…"


def _safe(answer: Answer, lines: tuple[Line, ...]) -> Shown:
    if not lines:
        raise InvalidInput("There is nothing to show.")
    kept = scene_of(player_safe(replace(answer, scene=replace(scene_of(answer), read_aloud=lines))))
    if len(kept.read_aloud) < len(lines):
        raise InvalidInput("That would tell the players a secret of this scene: it is not shown.")
    return Shown(tuple(visible(line.text) for line in kept.read_aloud))


def _without_scene() -> Answer:
    return Answer("scene", "answered", scene=Scene(Line("", Origin.INVENTED)))
