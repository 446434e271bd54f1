"""What a search of several steps needs of an index, as Protocols; adapters satisfy them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.ports import Vector

__all__ = ["LookupIndex", "Lookups"]

_T = TypeVar("_T")


class Lookups(Protocol):
    """What can be looked up, all in one state of the index. Passages go by their numbers; none of it reads it all."""

    def version(self) -> int:
        """Return the number of this state of the index."""
        ...

    def count(self) -> int:
        """Return the number of passages."""
        ...

    def by_words(self, query: str, limit: int, *, related: bool = True) -> dict[int, float]:
        """Return passages that share words with a query, best first, with scores above 0.

        Args:
            query: A person's words.
            limit: How many at most.
            related: Whether words of like meaning count too, a little.
        """
        ...

    def by_meaning(self, model: str, vector: Vector, limit: int) -> dict[int, float]:
        """Return passages near a vector of a model, nearest first, with their cosines; none without vectors."""
        ...

    def with_word(self, word: str, limit: int) -> list[int]:
        """Return at most ``limit`` passages that have a word, in the order of their numbers."""
        ...

    def named(self, key: str, limit: int) -> list[tuple[int, int, str]]:
        """Return at most ``limit`` passages that explain a name: number, strength, words; see ``names``."""
        ...

    def heads(self, passage: int) -> list[str]:
        """Return the names that stand at the head of a paragraph or a row of a table in a passage, as keys."""
        ...

    def mentions(self, passages: Sequence[int]) -> dict[int, list[str]]:
        """Return the names that passages mention, as keys, in the order of the text."""
        ...

    def pinned(self, kind: str) -> list[tuple[int, int]]:
        """Return the passages pinned as something, with their order in time; see ``pins``."""
        ...

    def beside(self, passage: int) -> list[tuple[int, str, str]]:
        """Return the passages right before and after one in its file: number, and the headings of one and other.

        Headings are JSON lists, so that those of a section begin with those of the section above it.
        """
        ...

    def texts(self, passages: Sequence[int]) -> dict[int, str]:
        """Return the texts of passages."""
        ...

    def about(self, passages: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return what sort of text passages are (see ``sort``), and what tells their sections apart."""
        ...


@runtime_checkable
class LookupIndex(Protocol):
    """An index in which more than words can be looked up."""

    def look(self, work: Callable[[Lookups], _T]) -> _T:
        """Do several lookups in one state of the index, whatever is written meanwhile."""
        ...

    def passages(self, scored: Sequence[tuple[int, float]]) -> list[Passage]:
        """Return passages by their numbers, with these scores, in this order; those that are gone are left out."""
        ...
