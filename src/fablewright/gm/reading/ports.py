"""What the game needs from outside, as Protocols: adapters satisfy them, ``entry.assemble`` joins the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fablewright.gm.reading.notes import FileReport, FileStamp, NoteFile, NoteText, Passage

__all__ = ["Embedder", "NotesSource", "PassageIndex", "Purpose", "Retriever", "Vector", "VectorIndex"]

Vector: TypeAlias = bytes
"""Where a text stands among texts: float32 numbers, little-endian, of length 1 altogether.

Bytes, because they are data for the bus, take an eighth of a tuple's memory, and every numeric library reads them
without a copy."""

Purpose: TypeAlias = Literal["query", "passage"]
"""What a text is embedded for: many models place what is sought and what is found differently."""


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


class VectorIndex(Protocol):
    """What an index has beside words, if it can: a vector for each text, searched by nearness.

    A vector belongs to a text (the headings and the words of a passage) and a model, not to a place in a file: what is
    renamed, moved or put back is not embedded again. Vectors come in behind the words, whenever they are made.
    """

    def unembedded(self, model: str, *, limit: int) -> dict[str, str]:
        """Return at most ``limit`` texts that have no vector of this model yet, by their keys; see ``store``."""
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


class Lookups(Protocol):
    """What a search of several steps looks up in an index, all in one state of it. Passages go by their numbers."""

    def count(self) -> int:
        """Return the number of passages."""
        ...

    def by_words(self, query: str, limit: int, *, related: bool = True) -> dict[int, float]:
        """Return passages that share words with a query, best first, with scores above 0.

        ``related``: whether words of like meaning count too.
        """
        ...

    def with_word(self, word: str, limit: int) -> list[int]:
        """Return at most ``limit`` passages that have a word, in the order of their numbers."""
        ...

    def named(self, key: str, limit: int) -> list[tuple[int, int, str]]:
        """Return at most ``limit`` passages that explain a name: number, strength, words; see ``finding.names``."""
        ...

    def heads(self, passage: int) -> list[str]:
        """Return the names that stand at the head of a paragraph or a row of a table in a passage, as keys."""
        ...

    def mentions(self, passages: Sequence[int]) -> dict[int, list[str]]:
        """Return the names that passages mention, as keys, in the order of the text."""
        ...

    def pinned(self, kind: str) -> list[tuple[int, int]]:
        """Return the passages pinned as something, with their order in time; see ``finding.pins``."""
        ...

    def beside(self, passage: int) -> list[tuple[int, str, str]]:
        """Return the passages right before and after one: number, and the headings of the one and the other.

        Headings are text that begins with that of the section above.
        """
        ...

    def texts(self, passages: Sequence[int]) -> dict[int, str]:
        """Return the texts of passages."""
        ...

    def about(self, passages: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return what sort of text passages are (see ``finding.sort``), and what tells their sections apart."""
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
