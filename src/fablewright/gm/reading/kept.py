"""Keeps what is read off a passage, for it is the same in whatever search the passage is found.

One answer reads a passage several times, and one evening the same few notes. What is kept is bounded by number, and
what was not used for longest goes first.
"""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, TypeVar

from fablewright.gm.reading.notes import Passage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["kept"]

_R = TypeVar("_R")

_MOST = 1024
"""Passages: what fifty tables look at in a minute. Texts of a thousand characters, and five times that beside them."""


def kept(read: Callable[[Passage], _R], *, most: int = _MOST) -> Callable[[Passage], _R]:
    """Return a function that reads each passage once.

    Args:
        read: Reads text, file, headings and table header of a passage; place and score it must not look at. What it
            returns is shared, so nobody may change it.
        most: How many results are kept.
    """

    @lru_cache(maxsize=most)
    def of(text: str, file: str, heading: tuple[str, ...], table_header: str) -> _R:
        return read(Passage(text, file, heading, 0, len(text), table_header=table_header))

    @wraps(read)
    def kept_read(passage: Passage) -> _R:
        return of(passage.text, passage.file, passage.heading, passage.table_header)

    return kept_read
