"""What the GM's notes look like from inside: files, passages of files, and what became of each file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Document", "FileReport", "FileStamp", "NoteFile", "NoteText", "Passage"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one note, exactly as it stands there.

    Attributes:
        text: The characters ``start:end`` of the decoded file, unchanged.
        file: Path of the file inside the notes folder, with ``/`` between its parts.
        heading: The headings above the passage, outermost first; empty before the first heading.
        start: First character, counted from 0 in the decoded file (line ends count as they stand).
        end: One past the last character.
        score: How well it fits the query; higher is better, comparable only within one answer.
        page: The page that it begins on, counted from 1; None where the file has no pages.
        table_header: The header of the table that it begins in the middle of, as it stands further up in the
            file; empty otherwise. It is searched and shown with the passage, and is no part of ``text``.
    """

    text: str
    file: str
    heading: tuple[str, ...]
    start: int
    end: int
    score: float = 0.0
    page: int | None = None
    table_header: str = ""

    @property
    def place(self) -> str:
        """File, page and headings in one line, for people."""
        file = self.file if self.page is None else f"{self.file}, p. {self.page}"
        return " › ".join((file, *self.heading))


@dataclass(frozen=True, slots=True)
class FileStamp:
    """How a file looked when it was read: enough to see that nothing changed without reading it again.

    Attributes:
        size: In bytes.
        modified_ns: Time of the last change, in nanoseconds since 1970.
        sha256: Of its bytes.
        refusal: Why nothing of it can be read, so that it is not tried again and again; empty when it was read.
    """

    size: int
    modified_ns: int
    sha256: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class NoteFile:
    """A file that a notes folder offers for reading.

    Attributes:
        name: Path inside the notes folder, with ``/``; what a passage carries as its ``file``.
        stamp: Size and time of the last change; the hash is empty until the file is read.
    """

    name: str
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class Document:
    """What a document that is no text file says, as Markdown.

    Attributes:
        text: The Markdown; the same for the same bytes.
        pages: Where in ``text`` each page begins, first page first; empty for a document without pages.
        remark: For a person: what could not be read of it; empty when all is well.
    """

    text: str
    pages: tuple[int, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class NoteText:
    """A file's decoded text.

    Attributes:
        text: The characters of a text file, or what a document was converted to.
        sha256: Of the file's bytes.
        remark: What had to be bent to decode it; empty: nothing.
        pages: As in :class:`Document`.
        refusal: Why these bytes are not to be read, now or later; then there is no text. Empty when they were.
    """

    text: str
    sha256: str
    remark: str = ""
    pages: tuple[int, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file when the notes were read.

    Attributes:
        name: Path inside the notes folder.
        outcome: ``read`` (new or changed), ``unchanged``, ``removed`` (gone from the folder) or ``skipped``.
        passages: How many passages of it the index now holds.
        remark: For a person: why it was skipped, or what was odd about it; empty when all is well.
    """

    name: str
    outcome: Literal["read", "unchanged", "removed", "skipped"]
    passages: int = 0
    remark: str = ""
