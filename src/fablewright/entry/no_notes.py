"""A folder without notes: most likely the wrong one, and worth more than "your notes say nothing about this"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.reading.notes import NoteFile

if TYPE_CHECKING:
    from fablewright.entry.assemble import Notes

__all__ = ["has_notes", "kinds_of_notes", "nothing_readable"]


def has_notes(notes: Notes) -> bool:
    """Whether there is any file that might be read; stops at the first."""
    return any(isinstance(each, NoteFile) for each in notes.source.files())


def nothing_readable(notes: Notes) -> str:
    """Say that there is no note in the folder, and what a note is."""
    return f"Nothing readable was found in {notes.label}: notes are {kinds_of_notes(notes)} files."


def kinds_of_notes(notes: Notes) -> str:
    """Return the endings that a note may have, for a person."""
    *most, last = sorted(notes.source.suffixes)
    return f"{', '.join(most)} and {last}"
