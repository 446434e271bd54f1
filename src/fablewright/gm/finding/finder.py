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
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from fablewright.gm.finding.clauses import clauses
from fablewright.gm.finding.kind import kinds_of
from fablewright.gm.finding.names import key_of, plain_of, runs, words_in
from fablewright.gm.finding.options import ALL_STEPS
from fablewright.gm.finding.asked_words import asked_words
from fablewright.gm.finding.ranked import Found, Ranked, fused, placed
from fablewright.gm.reading.query_terms import STOP_WORDS, query_terms, without_apostrophes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fablewright.gm.finding.kind import Kind
    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.finding.pins import PinKind
    from fablewright.gm.finding.options import FindingOptions

__all__ = ["Finder", "Finding", "QueryVector"]

_MOST_SECTIONS = 12
"""A name that more sections have is no name: "Actions", "Treasure"."""
_NAME_STRENGTH = {4: 1.0, 3: 0.8, 2: 0.55, 1: 0.45}
_MOST_RARE = 40
"""A word in more passages is not rare; in a small index, in more than a fiftieth of them."""


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

    def find(self, question: str, lookups: Lookups, *, vector: QueryVector | None = None) -> Finding:
        """Search for a question.

        Args:
            question: A person's words.
            lookups: The index, in one state of it.
            vector: The model and the vector of the question, where there is one.
        """
        options = self._options
        kinds = kinds_of(question) if options.kinds or options.pins or options.sorts else []
        lists = [*self._by_words(question, lookups, vector), *self._by_kind(kinds, lookups)]
        if options.names:
            lists.append(self._names(question, lookups))
        found = placed(self._weighed(lists, kinds, lookups), lists)
        follow = [*self._pins(found, kinds, lookups), *self._state(found, lookups), *self._hop(found, lists, kinds, lookups), *self._neighbours(found, lookups)]
        if follow:
            lists.extend(follow)
            found = self._weighed(lists, kinds, lookups)
        if options.spread:
            found = self._spread(found, lookups)
        found = placed(found, lists)
        return Finding(tuple(found), tuple(each for each in lists if each.scores))

    def _weighed(self, lists: Sequence[Ranked], kinds: Sequence[Kind], lookups: Lookups) -> list[Found]:
        return self._liked(fused(lists), kinds, lookups)

    # -------------------------------------------------------------- what the words say

    def _by_words(self, question: str, lookups: Lookups, vector: QueryVector | None) -> Iterator[Ranked]:
        options = self._options
        plain = asked_words(question)
        yield Ranked("words", lookups.by_words(plain, options.deep), sharp=options.sharp)
        if options.dense and vector:
            near = lookups.by_meaning(vector.model, vector.numbers, options.deep)
            yield Ranked("dense", _above_the_rest(near), options.dense_weight, sharp=options.sharp)
        if options.characters:
            yield from self._without_characters(question, lookups)
        if options.rare:
            yield from self._unique(question, lookups)
            yield Ranked("rare", self._rare(question, lookups), options.rare_weight, shares=True)
        if options.clauses:
            rare = self._rare_words(question, lookups)
            for clause in clauses(question):
                subject = [word for word in rare if word not in clause.lower()][:2]
                text = " ".join([asked_words(clause), *subject])
                scores = lookups.by_words(text, options.deep // 4, related=False)
                yield Ranked("clause", scores, options.clause_weight, text, sharp=options.sharp)

    def _unique(self, question: str, lookups: Lookups) -> Iterator[Ranked]:
        """Yield what has a name of the question that next to nothing else has."""
        names = dict.fromkeys(word for word in re.findall(r"\b[A-Z]\w{3,}", question) if word.lower() not in STOP_WORDS)
        for name in names:
            there = lookups.with_word(name, 3)
            if 0 < len(there) < 3:
                yield Ranked("unique", dict.fromkeys(there, 3.0), note=name, places=True)

    def _without_characters(self, question: str, lookups: Lookups) -> Iterator[Ranked]:
        """Yield what is found without the names of the players' characters, who are in every scene."""
        keys = {word for p, _ in lookups.pinned("party") for key in lookups.heads(p) for word in key.split()}
        words = [word for word in re.findall(r"[\w'’]+", question)]
        named = [word for word in words if word[0].isupper() and key_of([without_apostrophes(word)]) in keys]
        if named:
            rest = asked_words(" ".join(word for word in words if word not in named))
            if len(query_terms(rest).words) >= 2:
                scores = lookups.by_words(rest, self._options.deep, related=False)
                yield Ranked("words", scores, self._options.character_weight, rest, sharp=self._options.sharp)

    def _rare_words(self, question: str, lookups: Lookups) -> list[str]:
        """Return the rare words of a question, the rarest first."""
        most = max(3, min(_MOST_RARE, lookups.count() // 50))
        there = ((len(lookups.with_word(w, most + 1)), w) for w in query_terms(asked_words(question)).words)
        return [word for count, word in sorted(there) if 0 < count <= most]

    def _rare(self, question: str, lookups: Lookups) -> dict[int, float]:
        """Return what has the rarer words of the question, by the share of their weight."""
        options = self._options
        most = max(3, min(options.rare_most, lookups.count() // options.rare_part))
        weights: dict[int, float] = {}
        whole = 0.0
        unique: set[int] = set()
        for word in query_terms(asked_words(question)).words:
            there = lookups.with_word(word, most + 1)
            if 0 < len(there) <= most:
                weight = math.log(1 + lookups.count() / len(there)) ** options.rare_power
                whole += weight
                if len(there) <= options.unique_most:
                    unique.update(there)
                for passage in there:
                    weights[passage] = weights.get(passage, 0.0) + weight
        shares = {p: w / whole for p, w in weights.items()}
        for passage in unique:
            shares[passage] += options.unique
        return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))

    def _names(self, question: str, lookups: Lookups) -> Ranked:
        """Return the sections that are called what the question names; of two names that hold each other the longer."""
        scores: dict[int, float] = {}
        taken: set[str] = set()
        plain = f" {plain_of(question)} "
        for key in runs(question):
            words = set(key.split())
            if words <= taken:
                continue
            there = lookups.named(key, _MOST_SECTIONS + 1)
            if not there or len(there) > _MOST_SECTIONS:
                continue
            if len(words) > 1 and max(strength for _, strength, _ in there) >= 3:
                taken |= words
            telling = 1.0 if len(words) > 1 else self._telling(key, lookups)
            for passage, strength, name in there:
                is_exact = f" {name} " in plain
                exact = 1.0 if is_exact else self._options.inexact
                told = max(telling, 0.5) if is_exact and strength == 4 else telling
                if is_exact and strength == 4 and plain.startswith(f" {name} "):
                    told = self._options.topic
                share = told * exact * _NAME_STRENGTH[strength] / len(there) ** 0.33
                scores[passage] = max(scores.get(passage, 0.0), share)
        ordered = dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
        return Ranked("names", ordered, self._options.name_weight, shares=True)

    def _telling(self, word: str, lookups: Lookups) -> float:
        """Return how much a single word tells as a name: a word of every page is none."""
        count = max(2, lookups.count())
        there = max(1, len(lookups.with_word(word, 500)))
        return max(0.0, math.log(count / there) / math.log(count))

    # -------------------------------------------------------------- what the kind of question says

    def _by_kind(self, kinds: Sequence[Kind], lookups: Lookups) -> Iterator[Ranked]:
        options = self._options
        if options.kinds:
            for words, places in dict.fromkeys(add for kind in kinds for add in kind.adds):
                found = lookups.by_words(words, len(places), related=False)
                scores = dict(zip(found, map(float, places), strict=False))
                yield Ranked("kind", scores, note=words, places=True)

    def _pins(self, found: Sequence[Found], kinds: Sequence[Kind], lookups: Lookups) -> Iterator[Ranked]:
        """Yield the pinned notes that such a question calls for; what is about the finds too gets a better place."""
        options = self._options
        wanted: dict[PinKind, float] = {}
        for kind in kinds:
            for pin, urgency in kind.pins.items():
                wanted[pin] = max(wanted.get(pin, 0.0), urgency)
        if not wanted or not options.pins:
            return
        about = {word for text in lookups.texts([one.passage for one in found[:3]]).values() for word in words_in(text)}
        places: dict[int, float] = {}
        for pin, urgency in wanted.items():
            pinned = lookups.pinned(pin)
            last = max((order for _, order in pinned), default=0)
            for passage, text in lookups.texts([p for p, order in pinned if order == last][:6]).items():
                shared = any(_is_rare(word, lookups, options.overlap_least) for word in words_in(text) & about)
                called = min(1.0, urgency + (options.overlap if shared else 0.0))
                places[passage] = min(places.get(passage, 99.0), 3 + 10 * (1 - called))
        ordered = dict(sorted(places.items(), key=lambda item: (item[1], item[0])))
        yield Ranked("pin", ordered, note=", ".join(wanted), places=True)

    def _state(self, found: Sequence[Found], lookups: Lookups) -> Iterator[Ranked]:
        """Yield which of the finds speak of those whom the last log names."""
        options = self._options
        pinned = lookups.pinned("log")
        if not pinned or not options.state:
            return
        last = max(order for _, order in pinned)
        logs = [passage for passage, order in pinned if order == last][:6]
        state = {key for keys in lookups.mentions(logs).values() for key in keys}
        mentions = lookups.mentions([one.passage for one in found[: options.deciding]])
        scores = {p: float(len(state.intersection(keys))) for p, keys in mentions.items() if p not in logs}
        ordered = dict(sorted(((p, s) for p, s in scores.items() if s), key=lambda item: (-item[1], item[0])))
        yield Ranked("state", ordered, options.state_weight)

    # -------------------------------------------------------------- from what was found to what belongs to it

    def _liked(self, found: list[Found], kinds: Sequence[Kind], lookups: Lookups) -> list[Found]:
        """Let passages of the sort that such a question is about count more."""
        likes: dict[str, float] = {}
        for kind in kinds:
            for sort, factor in kind.likes.items():
                likes[sort] = max(likes[sort], factor) if sort in likes else factor
        if not likes or not self._options.sorts:
            return found
        head = found[: self._options.considered]
        about = lookups.about([one.passage for one in head])
        for one in head:
            one.score *= likes.get(about[one.passage][0], 1.0)
        return sorted(found, key=lambda one: (-one.score, one.passage))

    def _hop(
        self, found: Sequence[Found], lists: Sequence[Ranked], kinds: Sequence[Kind], lookups: Lookups
    ) -> Iterator[Ranked]:
        """Yield what explains the names that the best finds mention, and apart from it what such a question wants."""
        options = self._options
        if not options.hop or not found:
            return
        found = [one for one in found if not all(each.places and each.step != "unique" for each, _, _ in one.parts)]
        if not found:
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
                there = [(p, s) for p, s, _ in lookups.named(key, 4) if s >= 2]
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
        wanted = {kind.wants for kind in kinds if kind.wants}
        if wanted:
            about = lookups.about(list(ordered))
            fitting = [passage for passage in ordered if about[passage][0] in wanted][:2]
            places = dict(zip(fitting, options.wanted_places, strict=False))
            yield Ranked("wanted", places, places=True)

    def _neighbours(self, found: Sequence[Found], lookups: Lookups) -> Iterator[Ranked]:
        options = self._options
        if not options.neighbours or not found:
            return
        top = found[0].score
        scores: dict[int, float] = {}
        for source in found[: options.sources]:
            for passage, own, other in lookups.beside(source.passage):
                inside = own.rstrip("]").startswith(other.rstrip("]")) or other.rstrip("]").startswith(own.rstrip("]"))
                share = source.score / top * (1.0 if inside else options.next_door)
                if share:
                    scores[passage] = max(scores.get(passage, 0.0), share)
        yield Ranked("near", scores, options.neighbour_weight, shares=True)

    def _spread(self, found: Sequence[Found], lookups: Lookups) -> list[Found]:
        """Let a second passage of a section count less, a third still less."""
        head = list(found[: self._options.considered])
        about = lookups.about([one.passage for one in head])
        seen: dict[str, int] = {}
        for one in head:
            section = about[one.passage][1]
            one.score *= self._options.spread_factor ** seen.get(section, 0)
            seen[section] = seen.get(section, 0) + 1
        return sorted([*head, *found[self._options.considered :]], key=lambda one: (-one.score, one.passage))


def _is_rare(word: str, lookups: Lookups, least: float) -> bool:
    """Return whether a word tells at least so much; see ``Finder._telling``."""
    most = int(max(2, lookups.count()) ** (1 - least))
    return len(lookups.with_word(word, most + 1)) <= most


def _above_the_rest(near: Mapping[int, float]) -> dict[int, float]:
    """Count cosines from that of the last: they are all alike, and only the differences tell."""
    least = min(near.values(), default=0.0)
    return {passage: score - least + 1e-6 for passage, score in near.items()}
