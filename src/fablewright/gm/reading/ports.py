"""What the game needs from outside, as Protocols: adapters satisfy them, ``entry.assemble`` joins the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fablewright.gm.reading.notes import Document, FileReport, FileStamp, NoteFile, NoteText, Passage

__all__ = [
    "DocumentReader",
    "Embedder",
    "NotesSource",
    "PassageIndex",
    "Purpose",
    "Retriever",
    "Vector",
    "VectorIndex",
]

Vector: TypeAlias = bytes
"""Where a text stands among texts: float32 numbers, little-endian, of length 1 altogether.

Bytes, because they are data for the bus, take an eighth of a tuple's memory, and every numeric library reads them
without a copy."""

Purpose: TypeAlias = Literal["query", "passage"]
"""What a text is embedded for: many models place what is sought and what is found differently."""


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

    @property
    def searches_at_once(self) -> int:
        """How many searches at once find the most in a given time."""
        ...

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


@runtime_checkable
class VectorIndex(Protocol):
    """What an index has beside words, if it can: a vector for each text, searched by nearness.

    A vector belongs to a text (the headings and the words of a passage) and a model, not to a place in a file: what is
    renamed, moved or put back is not embedded again. Vectors come in behind the words, whenever they are made.
    """

    def unembedded(self, model: str, *, limit: int) -> dict[str, str]:
        """Return at most ``limit`` texts that have no vector of this model yet, by their keys; see ``store``.

        It looks at every text that there is, so ask for a thousand rather than for ten.
        """
        ...

    def store(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by the keys of their texts, all or nothing.

        Raises:
            ContractViolation: A vector has another number of dimensions than those of this model that are there.
        """
        ...

    def embedded(self, model: str) -> int:
        """Return how many passages can be found by their vector."""
        ...

    def nearest(self, model: str, vector: Vector, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        """Return at most ``limit`` passages, nearest first; the score is the cosine, from -1 to 1.

        Passages without a vector of this model are not found; filters are those of ``PassageIndex.search``.

        Raises:
            ContractViolation: The vector has another number of dimensions than the model's.
            InvalidInput: A filter is unknown.
        """
        ...


class Embedder(Protocol):
    """Makes vectors of texts, without blocking the loop."""

    @property
    def model(self) -> str:
        """Which model it is, and all else that changes its vectors; vectors of two names are never compared."""
        ...

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        """Return a vector for each text, in their order. What is too long for the model counts by its beginning.

        Raises:
            FablewrightError: It cannot be reached, loaded or understood; says what to do.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and threads; closing twice is harmless."""
        ...


class Retriever(Protocol):
    """Finds passages for a query without blocking the loop."""

    async def warm_up(self) -> None:
        """Load what is slow to load, so that the first query is as fast as the rest."""
        ...

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        """Return at most ``max_docs`` passages, best first."""
        ...
