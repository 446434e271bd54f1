"""What the game needs from outside, as Protocols: adapters satisfy them, ``entry.assemble`` joins the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fablewright.gm.reading.notes import Document, FileReport, FileStamp, NoteFile, NoteText, Passage

__all__ = ["DocumentReader", "NotesSource", "PassageIndex", "Retriever"]


class DocumentReader(Protocol):
    """Makes Markdown of documents that are no text files; a document can do the caller no harm."""

    @property
    def suffixes(self) -> frozenset[str]:
        """The kinds of file that it reads, as endings in small letters: ``.pdf``."""
        ...

    def convert(self, suffix: str, data: Iterable[bytes]) -> Document:
        """Return what a document says.

        Args:
            suffix: One of ``suffixes``.
            data: The file, in blocks; an error raised by it ends the conversion and is passed on.

        Raises:
            InvalidInput: It cannot be read; the message says why.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds ready for the next document; it may be used again."""
        ...


class NotesSource(Protocol):
    """Where notes come from: one or several folders on disk."""

    def files(self) -> Iterator[NoteFile | FileReport]:
        """Yield each file that can be read, and a ``skipped`` report for each that cannot, in a stable order."""
        ...

    def read(self, name: str) -> NoteText:
        """Return the text of one file.

        Raises:
            InvalidInput: It is not text, too large, or gone; the message says which.
        """
        ...


class PassageIndex(Protocol):
    """A store of passages that persists between runs. Safe to use from several threads and processes."""

    def stamps(self) -> dict[str, FileStamp]:
        """Return the stamp of every file in the index, by name."""
        ...

    def replace(self, name: str, stamp: FileStamp, passages: Sequence[Passage]) -> None:
        """Store one file's passages in place of what was there, all or nothing."""
        ...

    def touch(self, name: str, stamp: FileStamp) -> None:
        """Note that a file looks new but reads the same."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Forget files."""
        ...

    def count(self) -> int:
        """Return the number of passages."""
        ...

    def counts(self) -> dict[str, int]:
        """Return the number of passages of every file in the index, by name."""
        ...

    @property
    def version(self) -> int:
        """A number that is different after every change of what a search can find; caches compare it."""
        ...

    def search(self, query: str, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        """Return at most ``limit`` passages, best first; see ``RetrieveDocuments`` for the filters."""
        ...


class Retriever(Protocol):
    """Finds passages for a query without blocking the loop."""

    async def warm_up(self) -> None:
        """Load what is slow to load, so that the first query is as fast as the rest."""
        ...

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        """Return at most ``max_docs`` passages, best first."""
        ...
