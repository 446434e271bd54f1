"""Reads a model's answer while it comes: gives out each part of the JSON object as soon as its list is closed.

Around the object may stand what models put there: a fence, thoughts, a few polite words. Inside it nothing is
mended: a part that is not a list of sentences is no part. What comes after the object is not looked at.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fablewright.errors import FablewrightError
from fablewright.gm.writing.parts import Part, Sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["PartReader", "Unreadable"]

_MOST_CHARACTERS = 20_000
"""A whole scene in prose is a tenth of it."""
_DEEPEST = 8
_THOUGHTS = ("<think>", "</think>")
_PARTS = {part.value: part for part in Part}


class Unreadable(FablewrightError):
    """What a model sent is not what it was asked for; the message says how, for people."""


class PartReader:
    """Takes an answer in pieces of any size.

    Args:
        parts: What was asked for; the rest of an answer is passed over, and so is a part that comes twice.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._open = set(parts)
        self._text = ""
        self._at = 0  # the first character that was not looked at
        self._depth = 0
        self._in_string = self._escaped = False
        self._value = self._string = 0  # where the value of a key, and where the latest string of the object, began
        self._key = ""
        self._state = "before"  # the object; then "inside", then "after"

    @property
    def is_complete(self) -> bool:
        """Whether the object is closed: what comes now is of no interest."""
        return self._state == "after"

    def feed(self, piece: str) -> Iterator[tuple[Part, tuple[Sentence, ...] | None]]:
        """Yield each part that ends in this piece: its sentences, or None where it has another shape.

        Raises:
            Unreadable: It is too long, or nested without sense.
        """
        if self._state == "after":
            return
        self._text += piece
        if len(self._text) > _MOST_CHARACTERS:
            raise Unreadable("The model does not stop writing.")
        if self._state == "before" and not self._find_object():
            return
        while self._at < len(self._text) and self._state == "inside":
            found = self._step(self._text[self._at])
            self._at += 1
            if found is not None:
                yield found

    def end(self) -> tuple[Part, ...]:
        """Say that this was all; return the parts that were asked for and did not come.

        Raises:
            Unreadable: There was no object in it at all.
        """
        if self._state == "before":
            said = " ".join(self._text.split())
            raise Unreadable("The model declined or wrote something else." if said else "The model wrote nothing.")
        return tuple(part for part in Part if part in self._open)

    def _find_object(self) -> bool:
        """Go to the first brace; thoughts before it may hold braces of their own, and are passed over as a whole."""
        begin, end = _THOUGHTS
        start = 0
        if self._text.lstrip().startswith(begin[: max(1, len(self._text.lstrip()))]):
            start = self._text.find(end)
            if start < 0:
                return False
        self._at = self._text.find("{", start)
        if self._at >= 0:
            self._state = "inside"
        return self._at >= 0

    def _step(self, mark: str) -> tuple[Part, tuple[Sentence, ...] | None] | None:
        """Look at one character inside the object; return the part that ends with it, if one does."""
        if self._in_string:
            self._in_text(mark)
        elif mark == '"':
            self._in_string, self._string = True, self._at
        elif mark in "{[":
            self._depth += 1
            if self._depth > _DEEPEST:
                raise Unreadable("The model wrote something without sense.")
        elif mark in "}]":
            self._depth -= 1
            if self._depth == 0:
                self._state = "after"
                return self._ended()
        elif self._depth == 1 and mark == ":":
            self._value = self._at + 1
        elif self._depth == 1 and mark == ",":
            return self._ended()
        return None

    def _in_text(self, mark: str) -> None:
        if self._escaped:
            self._escaped = False
        elif mark == "\\":
            self._escaped = True
        elif mark == '"':
            self._in_string = False
            if self._depth == 1 and not self._value:
                self._key = self._text[self._string + 1 : self._at]

    def _ended(self) -> tuple[Part, tuple[Sentence, ...] | None] | None:
        """Take the value that ends here, if it is that of a part that is still open."""
        value, self._value = self._text[self._value : self._at], 0
        part = _PARTS.get(self._key)
        if part not in self._open or part is None:
            return None
        self._open.discard(part)
        return part, _sentences(value, part.most)


def _sentences(value: str, most: int) -> tuple[Sentence, ...] | None:
    try:
        items = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        return None
    sentences: list[Sentence] = []
    for item in items:
        if not isinstance(item, dict) or item.keys() != {"text", "from"}:
            return None
        text, sources = item["text"], item["from"]
        if not isinstance(text, str) or not isinstance(sources, list):
            return None
        if not all(type(number) is int for number in sources):
            return None
        sentences.append(Sentence(text.strip(), tuple(dict.fromkeys(sources))))
    return tuple(sentences)
