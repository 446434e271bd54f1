"""A document on its way into a converter, and the two ways out: Markdown, or a refusal in words for a person."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Converted", "RefusedDocument", "Source", "sound", "spool"]

_IN_MEMORY = 16_000_000
"""Bytes of a document that are held in memory; a larger one is kept in a file that has no name."""
_MOST_TEXT = 20_000_000


class RefusedDocument(Exception):
    """A document that is not to be read; the message says why, in one line for a person."""


@dataclass(frozen=True, slots=True)
class Converted:
    """The Markdown of a document; the fields are those of :class:`fablewright.gm.reading.notes.Document`."""

    text: str
    pages: tuple[int, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A document to be converted.

    Attributes:
        file: Its bytes, from the beginning; can be searched.
        size: How many there are, at least 1.
        progress: To be called now and then by a converter that takes long.
        most: Bytes of Markdown that are of use; a converter may refuse as soon as it has more.
    """

    file: BinaryIO
    size: int
    progress: Callable[[], None]
    most: int

    def head(self, size: int = 1024) -> bytes:
        """Return the first bytes, and go back to the beginning."""
        self.file.seek(0)
        data = self.file.read(size)
        self.file.seek(0)
        return data

    def whole(self) -> bytes:
        """Return all bytes of a document that is only text.

        Raises:
            RefusedDocument: There are too many for that.
        """
        if self.size > _MOST_TEXT:
            raise RefusedDocument(
                f"too large ({self.size / 1e6:.3g} MB of text; the limit is {_MOST_TEXT / 1e6:.0f} MB)"
            )
        self.file.seek(0)
        return self.file.read()


def spool() -> BinaryIO:
    """Return a file for a document that is just arriving: in memory, and on disk when it becomes large."""
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))


def sound(text: str) -> str:
    """Return text that can be stored anywhere: no NUL, no half characters, one kind of line end."""
    text = text.replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
