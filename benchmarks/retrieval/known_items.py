"""Questions built from any notes: every other telling word of a sentence, and the passage that it was taken from.

This is the known-item search of the literature: somebody remembers half of what a note says and wants it back. It
needs no judges, so that anyone can run it over any folder. It says how well words are found again, and nothing about
questions whose answer has other words; for those there are questions written by people.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from benchmarks.retrieval.questions import Cited, Question
from fablewright.gm.reading.query_terms import query_terms
from fablewright.gm.reading.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.reading.notes import Passage

__all__ = ["known_items"]

_LEAST_WORDS = 8


def known_items(passages: Iterable[Passage], count: int, *, seed: int = 1) -> list[Question]:
    """Return so many questions, the same for the same seed; fewer when the notes are short."""
    rng = random.Random(seed)
    every = sorted(passages, key=lambda passage: (passage.file, passage.start))
    rng.shuffle(every)
    found: list[Question] = []
    for passage in every:
        long = [text for text in sentences(passage.text) if len(query_terms(text).words) >= _LEAST_WORDS]
        if long and len(found) < count:
            words = query_terms(rng.choice(long)).words
            name = f"K{len(found) + 1}"
            found.append(Question(name, "known item", " ".join(words[::2]), (Cited(passage.file, passage.text),)))
    return found
