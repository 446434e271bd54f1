"""Reads a scene from a file that was exported, or from what ``scene --json`` printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.adapters.exports.formats import read_export
from fablewright.entry.given_file import name_of, read_given
from fablewright.entry.print_answer import print_answer
from fablewright.entry.terminal import set_up_streams
from fablewright.errors import InvalidInput
from fablewright.gm.rules.bestiary import load_bestiary

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.gm.answer import Answer

__all__ = ["import_scene", "read_scene"]

_MOST = 20_000_000
"""Bytes of a file; a scene has some ten thousand, its PDF some hundred thousand."""


def import_scene(file: Path, *, as_json: bool) -> None:
    """Print the scene of a file.

    Raises:
        InvalidInput: See ``read_scene``.
    """
    set_up_streams(utf_8=as_json)
    print_answer(read_scene(file), as_json=as_json)


def read_scene(file: Path) -> Answer:
    """Return the answer that a file holds; ``-`` is standard input.

    Raises:
        InvalidInput: The file cannot be read, or has no scene in it.
    """
    name = name_of(file)
    if file.is_dir():
        raise InvalidInput(f"{name} is a folder; name a file in it: of a Foundry export, journal.json.")
    content = read_given(file, most=_MOST)
    try:
        answer = read_export(content, load_bestiary())
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from error
    if answer.scene is None:
        raise InvalidInput(f"{name}: there is an answer in it, and no scene.")
    return answer
