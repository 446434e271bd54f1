"""The whole answer, carried in a file where nobody sees it: packed into letters that end no comment and no attribute.

Base64 of zlib of the JSON; about 8 KB for a scene with a dozen passages.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_data, answer_from_data

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer

__all__ = ["MARK", "carried", "packed", "packed_lines", "parsed_json", "unpacked", "written_json"]

MARK = "fablewright-scene"
"""Stands before the packed answer."""
_MOST = 20_000_000
"""Bytes of JSON that are unpacked at most: more is no scene but an attack on the memory."""
_LETTERS = r"((?:[A-Za-z0-9+/]+={0,2}\n?)+)"
_IN_LINES = re.compile(rf"^{MARK}\n{_LETTERS}", re.MULTILINE)
_IN_HEAD = re.compile(rf"<meta name=\"{MARK}\" content=\"{_LETTERS}\"")
_LOST = (
    "There is no scene in this file, or it was damaged. What Fablewright exports carries the scene's data; the part "
    "that looks like a heap of letters has to stay."
)


def packed(answer: Answer) -> str:
    """Return an answer as letters, digits, ``+``, ``/`` and ``=``."""
    data = json.dumps(answer_data(answer), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(data.encode("ascii"), 9)).decode("ascii")


def packed_lines(answer: Answer) -> list[str]:
    """Return the same with its mark, in lines that an editor can show."""
    text = packed(answer)
    return [MARK, *(text[at : at + 120] for at in range(0, len(text), 120))]


def carried(text: str) -> Answer:
    """Return the answer that a text carries.

    Raises:
        InvalidInput: It carries none, or what it carries was damaged.
    """
    for pattern in (_IN_HEAD, _IN_LINES):
        found = pattern.findall(text)
        if found:
            return unpacked(found[-1])  # the last one is ours: the same words may stand in the scene before
    raise InvalidInput(_LOST)


def unpacked(letters: str) -> Answer:
    """Return the answer that was packed.

    Raises:
        InvalidInput: It was damaged, or is something else.
    """
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(base64.b64decode("".join(letters.split()), validate=True), _MOST)
    except (binascii.Error, zlib.error):
        raise InvalidInput(_LOST) from None
    if not unpacking.eof:
        raise InvalidInput(_LOST)
    return answer_from_data(parsed_json(data.decode("utf-8", "replace")))


def parsed_json(text: str) -> object:
    """Return what a JSON text says.

    Raises:
        InvalidInput: It is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("This is no JSON, or it was damaged.") from None


def written_json(content: object) -> str:
    """Return JSON text that a file in UTF-8 can hold and a terminal can show: what they cannot is escaped."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
    return re.sub("[\x7f-\x9f\ud800-\udfff]", lambda sign: f"\\u{ord(sign[0]):04x}", text) + "\n"
