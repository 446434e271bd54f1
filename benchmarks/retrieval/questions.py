"""Questions with the passages that a good game master would put a finger on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fablewright.gm.reading.notes import Passage

__all__ = ["Cited", "Question", "read_questions"]


@dataclass(frozen=True, slots=True)
class Cited:
    """Words that must stand in a passage of that file."""

    file: str
    words: str

    def rank(self, passages: Sequence[Passage]) -> int | None:
        """Return the rank, from 1, of the first passage that has them; None when none has."""
        ranks = (n for n, p in enumerate(passages, 1) if p.file == self.file and self.words in p.text)
        return next(ranks, None)


@dataclass(frozen=True, slots=True)
class Question:
    """One question; those without citations are for what the notes do not say, and count for speed only."""

    name: str
    kind: str
    words: str
    cited: tuple[Cited, ...]


def read_questions(file: Path) -> list[Question]:
    """Read JSON lines with ``id``, ``kind``, ``prompt`` and ``must_cite`` (each ``file`` and ``passage``)."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        Question(
            str(row.get("id", number)),
            str(row.get("kind", "")),
            row["prompt"],
            tuple(Cited(each["file"], each["passage"]) for each in row.get("must_cite", ())),
        )
        for number, row in enumerate(rows, 1)
    ]
