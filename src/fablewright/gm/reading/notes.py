"""What the GM's notes look like from inside: files, passages of files, and what became of each file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FileReport", "FileStamp", "NoteFile", "NoteText", "Passage"]


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
    """

    text: str
    file: str
    heading: tuple[str, ...]
    start: int
    end: int
    score: float = 0.0

    @property
    def place(self) -> str:
        """File and headings in one line, for people."""
        return " › ".join((self.file, *self.heading))


@dataclass(frozen=True, slots=True)
class FileStamp:
    """How a file looked when it was read: enough to see that nothing changed without reading it again."""

    size: int
    modified_ns: int
    sha256: str = ""


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
class NoteText:
    """A file's decoded text, with its hash, and what had to be bent to decode it (empty: nothing)."""

    text: str
    sha256: str
    remark: str = ""


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
