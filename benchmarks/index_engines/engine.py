"""What the comparison asks of an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BATCH", "Engine", "Unable"]

BATCH = 1000
"""Passages that are added together, in one transaction where there are any."""


class Unable(Exception):
    """The engine cannot do that here; its text is what the table says."""


class Engine(Protocol):
    """An index in a folder; what it cannot do raises ``Unable``."""

    def __init__(self, folder: Path) -> None: ...

    def add(self, first: int, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add passages with the numbers from ``first`` on, to stay if the process is killed right after."""
        ...

    def finish(self) -> None:
        """Do what is to be done once all are there."""
        ...

    def count(self) -> int:
        """Return how many passages are there, after opening a folder that exists."""
        ...

    def lexical(self, words: str, limit: int) -> list[int]:
        """Return the numbers of the best passages by words."""
        ...

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        """Return the numbers of the nearest passages."""
        ...
