"""One search of the notes, step by step: lists are made, fused, followed and thinned out.

Pure but for the lookups it is handed: the same index and question give the same finds. The steps:

1. **words**: what shares words with the question, also without the characters' names; **dense**: what is near in
   meaning, where there are vectors; **rare**: what has its rare words; **clause**: what shares words with a part of
   it; **names**: the sections that are called what it names; **kind**: what such questions are always about;
   **rule**: what the rule book calls that which happens.
2. The lists become one (see ``ranked``), in which sorts of text count by the kind of question.
3. **pin**: the pinned notes that it calls for; **state**: which finds speak of what happened last; **chain**: whom
   the second half of a question is about, if only the first half finds out; **hop** and
   **wanted**: from the best finds to the sections that explain what they mention; **near**: to their neighbours.
4. All lists become one again; a second passage of a section counts less; some get a place (see ``ranked``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fablewright.gm.finding import following, wording
from fablewright.gm.finding.chain import chained
from fablewright.gm.finding.kind import kinds_of
from fablewright.gm.finding.naming import named
from fablewright.gm.finding.options import ALL_STEPS
from fablewright.gm.finding.ranked import Found, Ranked, fused, placed
from fablewright.gm.finding.rule_names import called_in_the_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.finding.kind import Kind
    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.finding.options import FindingOptions

__all__ = ["Finder", "Finding", "QueryVector"]


class QueryVector(NamedTuple):
    """What a question means, as a model has it."""

    model: str
    numbers: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a search.

    Attributes:
        found: All passages that any step has, best first.
        lists: What each step found, in the order of the steps.
        kinds: Of what kinds the question is taken to be.
    """

    found: tuple[Found, ...]
    lists: tuple[Ranked, ...]
    kinds: tuple[Kind, ...] = ()


class Finder:
    """Searches with the steps of some options. Has no state: one serves all threads.

    Args:
        options: The steps.
    """

    def __init__(self, options: FindingOptions = ALL_STEPS) -> None:
        self._options = options

    def find(self, question: str, lookups: Lookups, *, vector: QueryVector | None = None, lately: str = "") -> Finding:
        """Search for a question.

        Args:
            question: A person's words.
            lookups: The index, in one state of it.
            vector: The model and the vector of the question, where there is one.
            lately: Names of what happened last at the table, with ``;`` between; see ``following.state``.
        """
        options = self._options
        kinds = kinds_of(question)
        lists = list(self._first_lists(question, kinds, lookups, vector))
        found = placed(self._liked(fused(lists), kinds, lookups), lists)
        lists += self._further_lists(question, found, lists, kinds, lookups, lately=lately)
        found = self._liked(fused(lists), kinds, lookups)
        if options.spread:
            found = self._spread(found, lookups)
        return Finding(tuple(placed(found, lists)), tuple(each for each in lists if each.scores), tuple(kinds))

    def _first_lists(
        self, question: str, kinds: Sequence[Kind], lookups: Lookups, vector: QueryVector | None
    ) -> Iterator[Ranked]:
        """Yield what the question itself leads to."""
        options, weights = self._options, self._options.weights
        yield wording.whole(question, lookups, weights)
        if options.dense and vector:
            yield wording.meaning(vector.model, vector.numbers, lookups, weights)
        if options.characters:
            yield from wording.without_characters(question, lookups, weights)
        if options.rare:
            yield from wording.unique_names(question, lookups)
            yield wording.rare(question, lookups, weights)
        if options.clauses:
            yield from wording.by_clause(question, lookups, weights)
        if options.kinds:
            yield from following.of_kinds(kinds, lookups)
        if options.rules:
            yield from called_in_the_rules(question, kinds, lookups, weights)
        if options.names:
            yield named(question, lookups, weights)

    def _further_lists(
        self,
        question: str,
        found: Sequence[Found],
        lists: Sequence[Ranked],
        kinds: Sequence[Kind],
        lookups: Lookups,
        *,
        lately: str,
    ) -> Iterator[Ranked]:
        """Yield what the first finds lead to."""
        options, weights = self._options, self._options.weights
        if options.pins:
            yield from following.pins(found, kinds, lookups, weights)
        if options.state:
            yield from following.state(found, lookups, weights, lately)
        if options.chain:
            yield from chained(question, found, lookups, weights)
        if options.hop:
            yield from following.hop(found, lists, kinds, lookups, weights)
        if options.neighbours:
            yield following.neighbours(found, lookups, weights)

    def _liked(self, found: list[Found], kinds: Sequence[Kind], lookups: Lookups) -> list[Found]:
        """Let passages of the sort that such a question is about count more, others less."""
        likes: dict[str, float] = {}
        for kind in kinds:
            for sort, factor in kind.likes.items():
                likes[sort] = max(likes.get(sort, factor), factor)
        if not likes or not self._options.sorts:
            return found
        head = found[: self._options.weights.considered]
        about = lookups.about([one.passage for one in head])
        for one in head:
            one.score *= likes.get(about[one.passage][0], 1.0)
        return sorted(found, key=lambda one: (-one.score, one.passage))

    def _spread(self, found: Sequence[Found], lookups: Lookups) -> list[Found]:
        """Let a second passage of a section count less, a third still less."""
        weights = self._options.weights
        head = found[: weights.considered]
        about = lookups.about([one.passage for one in head])
        seen: dict[str, int] = {}
        for one in head:
            section = about[one.passage][1]
            one.score *= weights.spread ** seen.get(section, 0)
            seen[section] = seen.get(section, 0) + 1
        return sorted(found, key=lambda one: (-one.score, one.passage))
