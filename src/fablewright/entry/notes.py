"""The GM's notes, as the settings name them: folders of files, and the index of what is in them."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.adapters.documents.process import DocumentProcess
from fablewright.adapters.notes_folder import NotesFolder
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.gm.reading.indexing import refresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fablewright.adapters.postgres_index import PostgresIndex
    from fablewright.entry.config import Settings
    from fablewright.gm.reading.notes import FileReport

__all__ = ["Notes", "most_document_bytes", "notes_key", "open_notes", "sample_campaign"]

_MB = 1_000_000
_ROOM_FOR_PICTURES = 10
"""How many times larger than a text file a document may be that holds pictures too."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Folders of notes and the index of what is in them.

    Attributes:
        source: The files.
        index: The passages; kept on disk or in a database between runs.
        label: What to call the notes, for people.
        is_sample: Whether this is the campaign that we ship.
        key: What tells these folders from others, in the names of files and databases.
    """

    source: NotesFolder
    index: SqliteIndex | PostgresIndex
    label: str
    is_sample: bool = False
    key: str = "notes"

    def read(self, stop: Callable[[], bool] = lambda: False, *, again: bool = False) -> Iterator[FileReport]:
        """Bring the index up to date, a report a file; blocks, so run it off the event loop; see ``refresh``."""
        return refresh(self.source, self.index, now_ns=time.time_ns(), stop=stop, again=again)

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()


def sample_campaign() -> Path:
    """Return the folder of the sample campaign that comes with the package."""
    return Path(str(resources.files("fablewright") / "sample_campaign"))


def open_notes(settings: Settings, folders: Sequence[Path] = ()) -> Notes:
    """Open the notes in some folders; without any, those of the settings, else the sample campaign.

    Each set of folders has an index of its own, so that one campaign's words do not weigh in another's.

    Raises:
        InvalidInput: A folder is missing or is none.
        ConfigurationError: The index cannot be kept in ``data_dir``, or in the database of the settings.
        MissingExtra: The index is to be in PostgreSQL, and its driver is not installed.
    """
    chosen = [Path(folder) for folder in folders or settings.notes]
    is_sample = not chosen
    if is_sample:
        chosen = [sample_campaign()]
    source = NotesFolder(
        chosen,
        documents=DocumentProcess(),
        max_bytes=settings.max_file_mb * _MB,
        max_document_bytes=most_document_bytes(settings),
    )
    key = _key_of(chosen)
    index = _open_index(settings, key)
    label = "the sample campaign" if is_sample else ", ".join(str(folder) for folder in chosen)
    return Notes(source, index, label, is_sample, key)


def notes_key(settings: Settings) -> str:
    """Return what tells the notes of the settings from others."""
    return _key_of(settings.notes or [sample_campaign()])


def _key_of(folders: Sequence[Path]) -> str:
    folders = [folder.expanduser() for folder in folders]  # who started us without a shell may have left a ~
    places = sorted(str(folder.resolve()) for folder in folders)
    digest = hashlib.sha256("\n".join(places).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    name = re.sub(r"[^\w-]+", "-", folders[0].resolve().name)[:40].strip("-") or "notes"
    return f"{name}-{digest}"


def most_document_bytes(settings: Settings) -> int:
    """Return how large the largest file is that is read as notes."""
    return _ROOM_FOR_PICTURES * settings.max_file_mb * _MB


def _open_index(settings: Settings, name: str) -> SqliteIndex | PostgresIndex:
    url = (settings.index or settings.state).reveal()
    if not url:
        return SqliteIndex(settings.state_dir / "index" / f"{name}.sqlite")
    from fablewright.adapters.postgres_index import PostgresIndex  # noqa: PLC0415 - only where it is wanted

    return PostgresIndex(url, name, owner=settings.owner)
