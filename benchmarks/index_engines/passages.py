"""Passages out of a seed: words that nobody wrote, and vectors in clusters as those of real texts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DIMENSIONS", "Made", "made"]

DIMENSIONS = 384
_WORDS = 20_000
_LENGTH = 60
_SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split()


@dataclass(frozen=True, slots=True)
class Made:
    """Passages and questions.

    Attributes:
        texts: About 60 words each, frequent and rare ones as in any language.
        vectors: A row of 384 numbers, of length 1, for each text.
        questions: Six words each that are neither the most frequent nor the rarest.
        asked: A row for each question, near to some of the vectors.
    """

    texts: list[str]
    vectors: NDArray[np.float32]
    questions: list[str]
    asked: NDArray[np.float32]


def made(count: int, *, questions: int = 100, seed: int = 7) -> Made:
    """Make ``count`` passages and some questions; the same for the same numbers."""
    chance = np.random.default_rng(seed)
    syllables = chance.integers(0, len(_SYLLABLES), (_WORDS, 4))
    words = np.array(
        ["".join(_SYLLABLES[at] for at in row[: 2 + n % 3]) + str(n % 7) for n, row in enumerate(syllables)]
    )
    share = 1 / np.arange(1, _WORDS + 1)
    share /= share.sum()
    drawn = words[chance.choice(_WORDS, (count, _LENGTH), p=share)]
    asked_words = words[chance.integers(50, 5000, (questions, 6))]
    middles = chance.standard_normal((max(50, count // 100), DIMENSIONS), dtype=np.float32)
    vectors = middles[chance.integers(0, len(middles), count)]
    vectors += chance.standard_normal((count, DIMENSIONS), dtype=np.float32)
    asked = middles[chance.integers(0, len(middles), questions)]
    asked = asked + chance.standard_normal((questions, DIMENSIONS), dtype=np.float32)
    return Made(
        [" ".join(row) for row in drawn], _units(vectors), [" ".join(row) for row in asked_words], _units(asked)
    )


def _units(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows
