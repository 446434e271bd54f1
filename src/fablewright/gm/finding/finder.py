"""One search of the notes, step by step: lists are made, fused, followed and thinned out.

Pure but for the lookups it is handed: the same index and question give the same finds. The steps:

1. **words**: what shares words with the question; **dense**: what is near in meaning, where there are vectors.
2. **rare**: what has its rare words; **clause**: what shares words with one part of it; **names**: the sections that
   are called what it names; **kind**: what such questions are always about; **pin**: the pinned notes they call for.
3. **state**: of what was found, that which speaks of what happened last counts a little more.
4. **hop**: from the best of these to the sections that explain what they mention; **near**: to their neighbours.
5. **spread**: a second passage of the same section counts a little less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.gm.finding.clauses import clauses
from fablewright.gm.finding.kind import kinds_of
from fablewright.gm.finding.names import runs
from fablewright.gm.finding.options import ALL_STEPS
from fablewright.gm.finding.ranked import Found, Ranked, fused
from fablewright.gm.reading.query_terms import STOP_WORDS, query_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fablewright.gm.finding.kind import Kind
    from fablewright.gm.finding.options import FindingOptions
    from fablewright.gm.reading.ports import Lookups

__all__ = ["Finder", "Finding"]

_MOST_SECTIONS = 12
"""A name that more sections have is no name: "Actions", "Treasure"."""
_NAME_STRENGTH = {4: 1.0, 3: 0.8, 2: 0.55, 1: 0.45}
_MOST_RARE = 40
"""A word in more passages is not rare; in a small index, in more than a fiftieth of them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a search.

    Attributes:
        found: All passages that any step has, best first.
        lists: What each step found, in the order of the steps.
    """

    found: tuple[Found, ...]
    lists: tuple[Ranked, ...]


class Finder:
    """Searches with the steps of some options.

    Args:
        options: The steps.
    """

    def __init__(self, options: FindingOptions = ALL_STEPS) -> None:
        self._options = options

    def find(self, question: str, lookups: Lookups, *, dense: Sequence[tuple[int, float]] = ()) -> Finding:
        """Search for a question.

        Args:
            question: A person's words.
            lookups: The index, in one state of it.
            dense: Passages near in meaning with their cosines, best first; empty without vectors.
        """
        options = self._options
        kinds = kinds_of(question) if options.kinds or options.pins else []
        lists = [*self._by_words(question, lookups, dense), *self._by_kind(question, kinds, lookups)]
        if options.names:
            lists.append(self._names(question, lookups))
        if options.state:
            lists.extend(self._state(question, lookups))
        found = fused(lists)
        follow = [*self._hop(found, lists, lookups), *self._neighbours(found, lookups)]
        if follow:
            lists.extend(follow)
            found = fused(lists)
        if options.spread:
            found = self._spread(found, lookups)
        return Finding(tuple(found), tuple(each for each in lists if each.scores))

    # -------------------------------------------------------------- what the words say

    def _by_words(self, question: str, lookups: Lookups, dense: Sequence[tuple[int, float]]) -> Iterator[Ranked]:
        options = self._options
        yield Ranked("words", lookups.by_words(question, options.deep))
        if options.dense and dense:
            yield Ranked("dense", _above_the_rest(dense), options.dense_weight)
        if options.rare:
            yield Ranked("rare", self._rare(question, lookups), options.rare_weight, shares=True)
        if options.clauses:
            for clause in clauses(question):
                scores = lookups.by_words(clause, options.deep // 4)
                yield Ranked("clause", scores, options.clause_weight, clause)

    def _rare(self, question: str, lookups: Lookups) -> dict[int, float]:
        """Return what has rare words of the question, by the share of their weight."""
        most = max(3, min(_MOST_RARE, lookups.count() // 50))
        weights: dict[int, float] = {}
        whole = 0.0
        for word in query_terms(question, stop_words=STOP_WORDS).words:
            there = lookups.with_word(word, most + 1)
            if 0 < len(there) <= most:
                weight = math.log(1 + lookups.count() / len(there))
                whole += weight
                for passage in there:
                    weights[passage] = weights.get(passage, 0.0) + weight
        return dict(sorted(((p, w / whole) for p, w in weights.items()), key=lambda item: (-item[1], item[0])))

    def _names(self, question: str, lookups: Lookups) -> Ranked:
        """Return the sections that are called what the question names; of two names that hold each other the longer."""
        scores: dict[int, float] = {}
        taken: set[str] = set()
        count = lookups.count()
        for key in runs(question):
            words = set(key.split())
            if words <= taken and len(words) == 1:
                continue
            there = lookups.named(key, _MOST_SECTIONS + 1)
            if not there or len(there) > _MOST_SECTIONS:
                continue
            best = max(strength for _, strength in there)
            if best >= 3 and len(words) > 1:
                taken |= words
            telling = min(1.0, 0.4 + 0.3 * len(words)) * _rarity(key, lookups, count)
            for passage, strength in there:
                share = telling * _NAME_STRENGTH[strength] / math.sqrt(len(there))
                scores[passage] = max(scores.get(passage, 0.0), share)
        ordered = dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
        return Ranked("names", ordered, self._options.name_weight, shares=True)

    # -------------------------------------------------------------- what the kind of question says

    def _by_kind(self, question: str, kinds: Sequence[Kind], lookups: Lookups) -> Iterator[Ranked]:
        options = self._options
        if options.kinds:
            for words in dict.fromkeys(words for kind in kinds for words in kind.adds):
                yield Ranked("kind", lookups.by_words(words, 10), options.kind_weight, words)
        if options.pins and kinds:
            wanted: dict[str, float] = {}
            for kind in kinds:
                for pin, urgency in kind.pins.items():
                    wanted[pin] = max(wanted.get(pin, 0.0), urgency)
            yield Ranked("pin", self._pinned(wanted, lookups), options.pin_weight, ", ".join(wanted), shares=True)

    def _pinned(self, wanted: Mapping[str, float], lookups: Lookups) -> dict[int, float]:
        scores: dict[int, float] = {}
        for pin, urgency in wanted.items():
            pinned = lookups.pinned(pin)
            if pinned:
                last = max(order for _, order in pinned)
                for passage in [passage for passage, order in pinned if order == last][:6]:
                    scores[passage] = max(scores.get(passage, 0.0), urgency)
        return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))

    def _state(self, question: str, lookups: Lookups) -> Iterator[Ranked]:
        """Yield what speaks of those whom the last log names; it only decides between passages that are found."""
        pinned = lookups.pinned("log")
        if not pinned:
            return
        last = max(order for _, order in pinned)
        logs = [passage for passage, order in pinned if order == last][:6]
        keys = list(dict.fromkeys(key for keys in lookups.mentions(logs).values() for key in keys))
        words = " ".join(keys)
        if words:
            scores = lookups.by_words(words, self._options.deep)
            yield Ranked("state", scores, self._options.state_weight, words, only_known=True)

    # -------------------------------------------------------------- from what was found to what belongs to it

    def _hop(self, found: Sequence[Found], lists: Sequence[Ranked], lookups: Lookups) -> Iterator[Ranked]:
        options = self._options
        if not options.hop or not found:
            return
        top = found[0].score
        words = next((each.scores for each in lists if each.step == "words"), {})
        best_word = max(words.values(), default=1.0)
        sources = found[: options.sources]
        mentions = lookups.mentions([source.passage for source in sources])
        near = {source.passage for source in sources}
        scores: dict[int, float] = {}
        for source in sources:
            for key in mentions.get(source.passage, ()):
                there = [(p, s) for p, s in lookups.named(key, 4) if s >= 2]
                if not there or len(there) > 3:
                    continue
                for passage, strength in there:
                    if passage in near:
                        continue
                    fit = 0.4 + 0.6 * words.get(passage, 0.0) / best_word
                    share = source.score / top * _NAME_STRENGTH[strength] * fit / len(there)
                    scores[passage] = max(scores.get(passage, 0.0), share)
        ordered = dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
        yield Ranked("hop", ordered, options.hop_weight, shares=True)

    def _neighbours(self, found: Sequence[Found], lookups: Lookups) -> Iterator[Ranked]:
        options = self._options
        if not options.neighbours or not found:
            return
        top = found[0].score
        scores: dict[int, float] = {}
        for source in found[: options.sources]:
            for passage in lookups.beside(source.passage):
                scores[passage] = max(scores.get(passage, 0.0), source.score / top)
        yield Ranked("near", scores, options.neighbour_weight, shares=True)

    def _spread(self, found: Sequence[Found], lookups: Lookups) -> list[Found]:
        """Let a second passage of a section count less, a third still less."""
        head = list(found[: self._options.deep])
        sections = lookups.sections([one.passage for one in head])
        seen: dict[str, int] = {}
        for one in head:
            section = sections[one.passage]
            one.score *= self._options.spread_factor ** seen.get(section, 0)
            seen[section] = seen.get(section, 0) + 1
        return [*sorted(head, key=lambda one: (-one.score, one.passage)), *found[self._options.deep :]]


def _above_the_rest(dense: Sequence[tuple[int, float]]) -> dict[int, float]:
    """Count cosines from that of the last: they are all alike, and only the differences tell."""
    least = min(score for _, score in dense)
    return {passage: score - least + 1e-6 for passage, score in dense}


def _rarity(key: str, lookups: Lookups, count: int) -> float:
    return 1.0
