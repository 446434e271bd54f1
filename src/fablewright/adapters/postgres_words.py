"""The ranking of passages by words in PostgreSQL.

PostgreSQL knows how often a word is in a passage, not how rare it is among all; so each word is ranked by itself and
weighed here by its rarity, which is BM25's idea without its exact numbers. In how many passages a word stands is
counted once for each state of the index.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fablewright.gm.reading.query_terms import QueryTerms, query_terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

__all__ = ["Counted", "scores", "weighed"]

_WEIGHTS = [0.25, 0.25, 0.5, 1.0]
"""Of a word in the text (D, C), in the file's name (B) and in the headings (A): as 1 : 2 : 4."""

_RELATED = 0.3
_MOST_ROWS = 3000
"""Passages that a search looks at, altogether over its words: the most frequent of many tell least and cost most."""
_LEAST_WORDS = 2
_SHORT = 10
_FEW = 60
"""A search for so few passages is one of several for a question: no phrases, and a quarter of the rows."""


@dataclass(slots=True)
class Counted:
    """What has been counted of one state of the index.

    Attributes:
        version: Which state.
        passages: How many there are.
        frequencies: In how many of them a term stands, as far as that was asked.
    """

    version: int
    passages: int
    frequencies: dict[str, int] = field(default_factory=dict)


def weighed(
    db: psycopg.Connection[Any], query: str, counted: Counted, *, limit: int, related: bool
) -> dict[str, float]:
    """Return the terms of a query that are worth searching for, in the words of ``to_tsquery``, with their weights."""
    terms = query_terms(query)
    _count(db, [_phrase((word,)) for word in (*terms.words, *terms.related)], counted)
    frequencies = [counted.frequencies[_phrase((word,))] for word in terms.words]
    if _SHORT < limit <= _FEW and all(count > _MOST_ROWS for count in frequencies):
        return {}  # a clause of words that are everywhere says nothing
    terms = _pruned(terms, counted, _MOST_ROWS if limit > _FEW else _MOST_ROWS // 4)
    said: list[tuple[str, ...]] = [(word,) for word in terms.words]
    if limit > _FEW:
        said += [*terms.phrases, *terms.names]
    weights = {_phrase(words): 1.0 for words in said}
    rows = 0
    for count, term in sorted((counted.frequencies[t], t) for t in map(_phrase, ((word,) for word in terms.related))):
        rows += count
        if not related or rows > _MOST_ROWS // 2:
            break
        weights.setdefault(term, _RELATED)
    return weights


def scores(
    db: psycopg.Connection[Any], weights: Mapping[str, float], counted: Counted, limit: int | None
) -> list[tuple[int, float]]:
    """Return passages with their scores, best first; all that there are without a limit."""
    _count(db, list(weights), counted)
    known = {
        term: math.log(1 + counted.passages / counted.frequencies[term]) * weight
        for term, weight in weights.items()
        if counted.frequencies[term]
    }
    if not known:
        return []
    return db.execute(
        """SELECT passages.id, sum(weight * ts_rank(%s::real[], words, query, 1)) AS score
           FROM unnest(%s::text[], %s::real[]) AS wanted (term, weight), to_tsquery('english', term) AS query, passages
           WHERE words @@ query GROUP BY passages.id ORDER BY score DESC, passages.id LIMIT %s""",
        (_WEIGHTS, list(known), list(known.values()), limit),
    ).fetchall()


def _count(db: psycopg.Connection[Any], terms: Sequence[str], counted: Counted) -> None:
    new = [term for term in dict.fromkeys(terms) if term not in counted.frequencies]
    if new:
        rows = db.execute(
            """SELECT term, (SELECT count(*) FROM passages WHERE words @@ to_tsquery('english', term))
               FROM unnest(%s::text[]) AS term""",
            (new,),
        )
        counted.frequencies.update(rows.fetchall())


def _pruned(terms: QueryTerms, counted: Counted, most: int) -> QueryTerms:
    """Leave out the most frequent words until the rest stands in at most so many passages; the rarest stays."""
    counts = {word: counted.frequencies[_phrase((word,))] for word in terms.words}
    kept: set[str] = set()
    rows = 0
    for word in sorted(counts, key=lambda word: counts[word]):
        rows += counts[word]
        if len(kept) >= (_LEAST_WORDS if counts[word] <= _MOST_ROWS else 1) and rows > most:
            break
        kept.add(word)
    return replace(
        terms,
        words=tuple(word for word in terms.words if word in kept),
        phrases=tuple(phrase for phrase in terms.phrases if kept.issuperset(phrase)),
        names=tuple(name for name in terms.names if kept.issuperset(name)),
    )


def _phrase(words: Sequence[str]) -> str:
    """Write words that follow each other for ``to_tsquery``; they hold letters and digits only, and each is quoted."""
    return " <-> ".join(f"'{word}'" for word in words)
