"""What the options of ``fablewright scene`` wish for, made of words on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.entry.import_scene import read_scene
from fablewright.entry.last_scene import last_scene
from fablewright.errors import InvalidInput
from fablewright.gm.scene.tone import TONES
from fablewright.gm.scene.wishes import LENGTHS, LOCKABLE, Kept, Wishes

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.entry.config import Settings

__all__ = ["scene_wishes"]


def scene_wishes(
    settings: Settings, *, variants: int, tone: str | None, length: str | None, source: Path | None, lock: str
) -> Wishes:
    """Return the wishes.

    Args:
        settings: Whose last scene is meant when no file is named.
        variants: How many scenes.
        tone: As it was typed.
        length: As it was typed.
        source: A file with a scene to keep parts of; None for the scene that was asked for last.
        lock: The parts, with commas between.

    Raises:
        InvalidInput: A word is none of those that there are, or the file has no scene.
    """
    kept = None
    if source is not None or lock:
        parts = tuple(part.strip().replace("-", "_").replace(" ", "_") for part in lock.split(",") if part.strip())
        if not parts:
            raise InvalidInput(f"Say what is to stay of the scene with --lock: {', '.join(LOCKABLE)}.")
        if variants > 1:
            raise InvalidInput("Variants and locked parts do not go together: ask for one of them.")
        answer = last_scene(settings) if source is None else read_scene(source)
        assert answer.scene is not None  # noqa: S101 - both have looked
        kept = Kept(answer.scene, answer.citations, parts)
    return Wishes(
        variants,
        next((known for known in TONES if known == tone), None) if _known("--tone", tone, TONES) else None,
        next((known for known in LENGTHS if known == length), None) if _known("--length", length, LENGTHS) else None,
        kept,
    )


def _known(option: str, word: str | None, words: tuple[str, ...]) -> bool:
    if word is not None and word not in words:
        raise InvalidInput(f"{option} is {', '.join(words[:-1])} or {words[-1]}, not {word[:40]!r}.")
    return word is not None
