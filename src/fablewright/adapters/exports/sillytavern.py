"""A scene as a lorebook (World Info) for SillyTavern: the scene, its secrets apart, and each note that it rests on.

An entry comes up when one of its keys is named in the chat. What is secret is an entry of its own, so that it can be
switched off. The scene's data is in the book's ``extensions``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fablewright.adapters.exports.carried import parsed_json, written_json
from fablewright.adapters.exports.rows import Reader, Row, lines_of
from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_data, answer_from_data
from fablewright.gm.exporting.edits import edited
from fablewright.gm.exporting.pieces import LEADS, PARTS, pieces, scene_of
from fablewright.gm.exporting.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.answer import Answer
    from fablewright.gm.exporting.edits import Seen
    from fablewright.gm.exporting.pieces import Piece

__all__ = ["read_sillytavern", "write_sillytavern"]

_LEADS = {"title": "# ", "read_aloud": "> "}
_HANGING = {f"  {lead}: ": end for end, lead in LEADS.items()}
_READER = Reader(visible, "\x00", re.compile(r"(?!)"), _HANGING)  # no marks in the text: a model reads it
_SETTINGS: dict[str, Any] = {
    "keysecondary": [],
    "constant": False,
    "vectorized": False,
    "selective": True,
    "selectiveLogic": 0,
    "addMemo": True,
    "order": 100,
    "position": 0,
    "disable": False,
    "excludeRecursion": False,
    "preventRecursion": False,
    "probability": 100,
    "useProbability": True,
    "depth": 4,
    "group": "",
    "scanDepth": None,
    "caseSensitive": None,
    "matchWholeWords": None,
    "role": 0,
    "sticky": None,
    "cooldown": None,
    "delay": None,
}


def write_sillytavern(answer: Answer) -> str:
    """Return the lorebook as JSON."""
    title = visible(scene_of(answer).title.text) or "Scene"
    entries = [_entry([title, *_foe_names(answer)], title, _text(_rows(answer, secret=False)))]
    secrets = _text(_rows(answer, secret=True))
    if secrets:
        entries.append(_entry([title], f"{title} (GM only)", secrets))
    entries += _notes(answer)
    book = {
        "entries": {str(uid): {"uid": uid, **entry} for uid, entry in enumerate(entries)},
        "extensions": {"fablewright": {"scene": answer_data(answer)}},
    }
    return written_json(book)


def read_sillytavern(text: str) -> Answer:
    """Return the scene of a lorebook that we wrote, as its entries read now.

    Raises:
        InvalidInput: It is no lorebook of ours, or it was damaged.
    """
    book = parsed_json(text)
    try:
        answer = answer_from_data(book["extensions"]["fablewright"]["scene"])  # type: ignore[index]
        entries = book["entries"]  # type: ignore[index]
        scene = entries["0"]["content"]
        secrets = entries.get("1", {}).get("content", "") if _text(_rows(answer, secret=True)) else ""
    except (KeyError, TypeError, AttributeError):
        raise InvalidInput("This is no lorebook that Fablewright exported, or its first entry is gone.") from None
    if not isinstance(scene, str) or not isinstance(secrets, str):
        raise InvalidInput("An entry of the lorebook has no text.")
    written = _read(answer, _text(_rows(answer, secret=False)), _text(_rows(answer, secret=True)))
    return edited(answer, written, _read(answer, scene, secrets))


def _read(answer: Answer, scene: str, secrets: str) -> list[Seen]:
    open_, hidden = (
        _READER.read(list(_rows(answer, secret=secret)), lines_of(text))
        for secret, text in ((False, scene), (True, secrets))
    )
    return [*open_, *(type(each)(each.place, each.text, secret=True) for each in hidden)]


def _rows(answer: Answer, *, secret: bool) -> Iterator[Row]:
    """Yield the lines about what is secret, or about what is not; what hangs on a secret is one."""
    part = ""
    for piece in pieces(scene_of(answer)):
        if piece.secret != secret:
            continue
        if piece.part != part and piece.part not in _LEADS:
            yield Row(f"{PARTS[piece.part]}:", piece.part, "- ")
        part = piece.part
        lead = _lead(piece)
        yield Row(f"{lead}{piece.text}".rstrip(), piece.place, lead)


def _lead(piece: Piece) -> str:
    return f"  {LEADS[piece.hangs_on]}: " if piece.hangs_on else _LEADS.get(piece.part, "- ")


def _text(rows: Iterator[Row]) -> str:
    return "\n".join(row.text for row in rows)


def _foe_names(answer: Answer) -> list[str]:
    return [name for foe in scene_of(answer).foes if not foe.secret and (name := visible(foe.name))]


def _notes(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield an entry for each note, called up by its name and its headings."""
    for file in dict.fromkeys(passage.file for passage in answer.citations):
        own = [passage for passage in answer.citations if passage.file == file]
        name = visible(file.rsplit("/", 1)[-1].rsplit(".", 1)[0])
        keys = [name, *(visible(heading) for passage in own for heading in passage.heading)]
        text = "\n\n".join(dict.fromkeys(passage.text for passage in own))
        yield _entry(keys, f"{name} (notes of the GM)", text)


def _entry(keys: list[str], comment: str, content: str) -> dict[str, Any]:
    named = [key for key in dict.fromkeys(keys) if key]
    return {"key": named, "comment": comment, "content": content, **_SETTINGS}
