"""What belongs to a question and to its first finds: pinned notes, what happened last, what is mentioned, next door."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from fablewright.gm.finding.names import key_of, words_in
from fablewright.gm.finding.naming import OF_STRENGTH
from fablewright.gm.finding.ranked import Found, Ranked, best_first
from fablewright.gm.finding.rarity import is_rare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.finding.kind import Kind
    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.finding.options import Weights
    from fablewright.gm.finding.pins import PinKind

__all__ = ["hop", "neighbours", "of_kinds", "pins", "state"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_MOST_OF_A_PIN = 6
"""Passages: a house-rules chapter of sixty pages is a rule book."""
_FIRST_PLACE, _PLACES = 3, 10
"""The most urgent pinned note stands third; each tenth less urgent puts it a place further down."""
_MOST_EXPLANATIONS = 3
"""What is explained in more places is not followed: one would not know to which."""


def of_kinds(kinds: Sequence[Kind], lookups: Lookups) -> Iterator[Ranked]:
    """Yield what questions of these kinds are always about."""
    for words, places in dict.fromkeys(add for kind in kinds for add in kind.adds):
        found = lookups.by_words(words, len(places), related=False)
        yield Ranked("kind", dict(zip(found, map(float, places), strict=False)), note=words, places=True)


def pins(found: Sequence[Found], kinds: Sequence[Kind], lookups: Lookups, weights: Weights) -> Iterator[Ranked]:
    """Yield the pinned notes that such a question calls for; one that speaks of the finds gets a better place."""
    wanted: dict[PinKind, float] = {}
    for kind in kinds:
        for pin, urgency in kind.pins.items():
            wanted[pin] = max(wanted.get(pin, 0.0), urgency)
    if not wanted:
        return
    spoken = {w for text in lookups.texts([one.passage for one in found[:3]]).values() for w in words_in(text)}
    places: dict[int, float] = {}
    for pin, urgency in wanted.items():
        for passage, text in lookups.texts(_pinned(pin, lookups)).items():
            shared = any(is_rare(word, lookups, weights.rarity) for word in words_in(text) & spoken)
            called = max(urgency, min(1.0, urgency + (weights.called if shared else 0.0)))
            place = round(_FIRST_PLACE + _PLACES * (1 - called), 3)
            places[passage] = min(places.get(passage, 99.0), place)
    ordered = dict(sorted(places.items(), key=lambda item: (item[1], item[0])))
    yield Ranked("pin", ordered, note=", ".join(wanted).replace("_", " "), places=True)


def state(found: Sequence[Found], lookups: Lookups, weights: Weights, lately: str = "") -> Iterator[Ranked]:
    """Yield which of the finds speak of those whom the last log of the notes names, or the campaign's own log.

    Args:
        found: The finds so far.
        lookups: The index.
        weights: How much it counts.
        lately: Names out of the campaign's log, with ``;`` between.
    """
    logs = _pinned("log", lookups)
    last = {key for keys in lookups.mentions(logs).values() for key in keys} if logs else set()
    last |= {key for name in lately.split(";") if (key := key_of(_WORD.findall(name)))}
    if not last:
        return
    mentions = lookups.mentions([one.passage for one in found[: weights.deciding]])
    shared = {p: float(len(last.intersection(keys))) for p, keys in mentions.items() if p not in logs}
    yield Ranked("state", best_first({p: count for p, count in shared.items() if count}), weights.state)


def hop(
    found: Sequence[Found], lists: Sequence[Ranked], kinds: Sequence[Kind], lookups: Lookups, weights: Weights
) -> Iterator[Ranked]:
    """Yield what explains the names that the best finds mention, and apart from it what such a question wants."""
    sources = list(islice((one for one in found if not one.is_offered), weights.sources))
    if not sources:
        return
    words = next((each.scores for each in lists if each.step == "words"), {})
    best_word = max(words.values(), default=1.0)
    mentions = lookups.mentions([source.passage for source in sources])
    near = {source.passage for source in sources}
    scores: dict[int, float] = {}
    for source in sources:
        share_of_source = source.score / sources[0].score if sources[0].score else 0.0
        for key in mentions.get(source.passage, ()):
            there = [(p, s) for p, s, _ in lookups.named(key, _MOST_EXPLANATIONS + 1) if s > 1]
            for passage, strength in there if len(there) <= _MOST_EXPLANATIONS else ():
                if passage not in near:
                    fit = 0.4 + 0.6 * words.get(passage, 0.0) / best_word
                    share = share_of_source * OF_STRENGTH[strength] * fit / len(there)
                    scores[passage] = max(scores.get(passage, 0.0), share)
    ordered = best_first(scores)
    yield Ranked("hop", ordered, weights.hop, shares=True)
    sorts = {kind.wants for kind in kinds if kind.wants}
    if sorts and ordered:
        about = lookups.about(list(ordered))
        fitting = [passage for passage in ordered if about[passage][0] in sorts]
        yield Ranked("wanted", dict(zip(fitting, weights.wanted, strict=False)), places=True)


def neighbours(found: Sequence[Found], lookups: Lookups, weights: Weights) -> Ranked:
    """Return what stands right before and after the best finds: most in the same section, above it or below it."""
    scores: dict[int, float] = {}
    for source in found[: weights.sources]:
        for passage, own, other in lookups.beside(source.passage):
            one, two = own.rstrip("]"), other.rstrip("]")
            inside = one.startswith(two) or two.startswith(one)
            share = source.score / found[0].score if found[0].score else 0.0
            scores[passage] = max(scores.get(passage, 0.0), share * (1.0 if inside else weights.next_door))
    return Ranked("near", best_first(scores), weights.near, shares=True)


def _pinned(pin: PinKind, lookups: Lookups) -> list[int]:
    """Return the passages of a pinned note; of several logs those of the last."""
    pinned = lookups.pinned(pin)
    last = max((order for _, order in pinned), default=0)
    return [passage for passage, order in pinned if order == last][:_MOST_OF_A_PIN]
