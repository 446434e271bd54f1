"""Questions in a chain, such as "Who sold the map, and where does that man live?".

The second half asks about somebody whom only the first half finds. So the line of the first finds that says most of
what the question says is looked up, and the sections on those whom it names are offered.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from fablewright.gm.finding.clauses import clauses
from fablewright.gm.finding.names import mentioned_in, runs, words_in
from fablewright.gm.finding.ranked import Found, Ranked
from fablewright.gm.finding.rarity import most_of_a_rare_word
from fablewright.gm.reading.notes import Passage
from fablewright.gm.reading.query_terms import query_terms
from fablewright.gm.reading.searchable import searchable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.finding.options import Weights

__all__ = ["chained", "is_chain"]

_POINTS_BACK = re.compile(
    r"\b(?:he|she|him|her|his|hers|(?:that|this) (?:man|woman|person|one|guy|fellow|npc|place|creature|thing)|"
    r"(?:who|what|which)ever)\b",
    re.IGNORECASE,
)
_LINE = re.compile(r"\n+|(?<=[.!?])\s+(?=\S)")
_SOURCES = 5
_LINES = 2
_MOST_EXPLANATIONS = 3
"""What is explained in more places is not followed: one would not know to which."""
_LEAST_WORDS = 2
"""A line with fewer words of the question says nothing about it."""


def is_chain(question: str) -> bool:
    """Return whether a later part of a question speaks of somebody whom an earlier one is about."""
    return any(_POINTS_BACK.search(part) for part in clauses(question)[1:])


def chained(question: str, found: Sequence[Found], lookups: Lookups, weights: Weights) -> Iterator[Ranked]:
    """Yield the sections on those whom the best lines name, with places; nothing for other questions."""
    if not is_chain(question):
        return
    asked = set(runs(question))
    sources = [one.passage for one in found if not one.is_offered][:_SOURCES]
    sections: dict[int, None] = {}
    for line in _best_lines(question, sources, lookups):
        for key in mentioned_in(Passage(line, "", (), 0, len(line)), searchable(line)):
            there = [] if key in asked else lookups.named(key, _MOST_EXPLANATIONS + 1)
            if len(there) <= _MOST_EXPLANATIONS:
                sections.update(dict.fromkeys(passage for passage, strength, _ in there if strength > 1))
    yield Ranked("chain", dict(zip(sections, weights.chain, strict=False)), places=True)


def _best_lines(question: str, sources: Sequence[int], lookups: Lookups) -> list[str]:
    """Return the lines of some passages that have most of the question's rare words, best first."""
    most = most_of_a_rare_word(lookups)
    rarity: dict[str, float] = {}
    for word in query_terms(question).words:
        there = len(lookups.with_word(word, most + 1))
        for stem in words_in(word):
            rarity[stem] = math.log(1 + lookups.count() / max(1, there)) if there <= most else 0.5
    texts = lookups.texts(sources)
    weighed: list[tuple[float, str]] = []
    for source in sources:
        for line in _LINE.split(texts[source]):
            shared = words_in(line).intersection(rarity)
            if len(shared) >= _LEAST_WORDS:
                weighed.append((sum(rarity[stem] for stem in shared), line))
    weighed.sort(key=lambda each: -each[0])
    return [line for _, line in weighed[:_LINES]]
