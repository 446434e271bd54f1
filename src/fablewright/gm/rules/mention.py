"""Creatures that a text names, and how many of each.

The longest name wins: "bandit captain" is one creature, not a bandit. Most names count wherever they stand.
Names that are everyday words ("guard", "cat", "noble") count only with evidence:

* it is marked up as a creature, or a number stands before or after it: "eight Guards", "Guards (2)";
* it is in the plural, unless it reads as a verb: "the guards" does, "Osgood guards this cavern" does not;
* an article stands before it and no noun after it: "a guard named Pulk" does, "a guard post" does not;
* it has a capital inside a sentence and is not part of a longer proper name: "Polard the Mule" is nobody's
  mount.

Words for things that are rarely creatures ("shadow", "nightmare", "tough") need the mark, a number or the
capital. What this gets wrong it gets wrong quietly, so a composer should treat an uncounted mention as a
hint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fablewright.gm.rules.count import FUNCTION_WORDS, Count, count_after, count_before
from fablewright.gm.rules.creature import Creature, Finding, plurals
from fablewright.gm.rules.word import Word, read_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Lexicon", "Mention"]

_LETTERS = re.compile(r"[^\W\d_]+")
_MOST_KEPT, _LONGEST_KEPT = 2048, 2000
"""Sentences that name a creature, and their characters: one scene asks for the same ones several times."""

_EVERYDAY = frozenset(
    """
    acolyte ape assassin badger bat boar camel cat cloaker commoner crab deer donkey druid eagle elk
    frog ghost gladiator goat guard hawk imp knight lion lizard mage mule noble octopus owl panther
    pirate pony priest rat raven scorpion scout shrieker spider spy sprite tiger veteran vulture
    weasel mimic nightmare roper shadow solar tough
    """.split()
)
_EVERYDAY_FORMS = _EVERYDAY | {form for word in _EVERYDAY for form in plurals(word)}
_RARELY_CREATURES = frozenset("mimic nightmare roper shadow solar tough".split())
_VERBS = frozenset("apes badgers bats guards hawks knights mimics scouts shadows spies".split())
_SUBJECTS = frozenset("he it she that which who also always often never still everyone nobody".split())
_OBJECTS = frozenset(
    """
    a against an any her him his it its me my our that the their them these this those us your
    """.split()
)
_DETERMINERS = frozenset(
    """
    all any both few her his its many more most my no our several some such the their these those
    your
    """.split()
)
_AFTER_NOUNS = FUNCTION_WORDS | frozenset(
    """
    again alone also always asleep came fell held just lay named never nearby often only ran sat saw
    spoke still stood swung too took went
    """.split()
)


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a text names a creature.

    Attributes:
        finding: The creature, and its 2014 name where the text uses that.
        count: How many the text gives; the average, rounded down, for dice and ranges; None where it gives
            none.
        count_text: The count as written: ``Six``, ``2d4``, ``a dozen``; empty where there is none.
        start: First character of the name in the text.
        end: One past its last character.
        words: The name as written, ``text[start:end]``.
    """

    finding: Finding
    count: int | None
    count_text: str
    start: int
    end: int
    words: str

    @property
    def creature(self) -> Creature:
        """The creature of the 2024 rules."""
        return self.finding.creature

    @property
    def remark(self) -> str:
        """That the name is one of 2014, for the reader; empty when it is not."""
        return self.finding.remark


@dataclass(frozen=True, slots=True)
class _Name:
    words: tuple[str, ...]
    finding: Finding
    singular: bool
    plural: bool  # both for "deer"


class Lexicon:
    """The names to look for, ready for the look-up word by word.

    Args:
        findings: Each name, in each form, in small letters, with what it means.
    """

    def __init__(self, findings: Mapping[str, Finding]) -> None:
        self._by_first: dict[str, list[_Name]] = {}
        for form, finding in findings.items():
            words = tuple(form.split())
            singular = form == finding.name.casefold()
            plural = any(form == plural.casefold() for plural in plurals(finding.name))
            self._by_first.setdefault(words[0], []).append(_Name(words, finding, singular, plural))
        for names in self._by_first.values():
            names.sort(key=lambda name: -len(name.words))
        self._first_runs = frozenset(run for first in self._by_first for run in _LETTERS.findall(first)[:1])
        self._kept = lru_cache(maxsize=_MOST_KEPT)(lambda text: tuple(self._mentions(text)))

    def mentions(self, text: str) -> list[Mention]:
        """Return the mentions in the order of the text; takes time linear in its length."""
        if not self._may_name(text):
            return []
        return list(self._kept(text) if len(text) <= _LONGEST_KEPT else self._mentions(text))

    def _may_name(self, text: str) -> bool:
        """Whether a name may begin in a text. Few sentences have a creature, and to read all words takes long."""
        # What is blanked out as markup ends where words end, but for an address: it may stand right behind a name.
        return not self._first_runs.isdisjoint(_LETTERS.findall(text.casefold())) or "://" in text

    def _mentions(self, text: str) -> Iterator[Mention]:
        read = read_words(text)
        words = read.words
        place = floor = 0
        while place < len(words):
            name = self._name_at(words, place)
            if name is None:
                place += 1
                continue
            last = place + len(name.words) - 1
            start, end = words[place].start, words[last].end
            context = _Context(words, place, last, name, possessive=read.plain.startswith(("'", "’"), end))
            count = context.checked(count_before(words, place, floor)) or count_after(read.plain, end)
            if context.is_naming(count):
                said = text[count.start : count.end] if count else ""
                yield Mention(name.finding, count.number if count else None, said, start, end, text[start:end])
                floor = last + 1
            place = last + 1

    def _name_at(self, words: Sequence[Word], place: int) -> _Name | None:
        for name in self._by_first.get(words[place].text, ()):
            found = words[place : place + len(name.words)]
            if tuple(word.text for word in found) == name.words and all(word.joined for word in found[1:]):
                return name
        return None


@dataclass(frozen=True, slots=True)
class _Context:
    """A name in its sentence: ``words[first]`` to ``words[last]``."""

    words: Sequence[Word]
    first: int
    last: int
    name: _Name
    possessive: bool

    @property
    def _previous(self) -> Word | None:
        return self.words[self.first - 1] if self.first and self.words[self.first].joined else None

    @property
    def _next(self) -> Word | None:
        following = self.words[self.last + 1] if self.last + 1 < len(self.words) else None
        return following if following and following.joined else None

    def checked(self, count: Count | None) -> Count | None:
        """Return the count if it agrees with the form: not "a guards", not the two of "two guard posts"."""
        if count is None or self.words[self.first].marked:
            return count
        if count.simile:
            return None
        if count.number == 1 and not self.name.singular:
            return None
        if count.number > 1 and self.name.plural:
            return count
        if count.number > 1 and self._next is not None and self._next.text not in FUNCTION_WORDS:
            return None
        return None if self._is_compound() else count

    def is_naming(self, count: Count | None) -> bool:
        """Whether the words name a creature here; the rules stand at the top of this file."""
        word = self.words[self.first]
        if word.marked:  # "Commoner Mob" is another creature than the commoner
            return self.last + 1 == len(self.words) or self.words[self.last + 1].start >= word.marked
        if len(self.name.words) > 1 or (count is not None and not count.article):
            return True
        if word.text not in _EVERYDAY_FORMS:
            return not (word.capital and count is None and self.name.singular and self._precedes_capital())
        if word.capital and not word.opens:
            return not self._in_proper_name()
        if self.name.finding.name.casefold() in _RARELY_CREATURES:
            return False
        return count is not None or (self.name.plural and not self.name.singular and self._is_noun())

    def _is_compound(self) -> bool:
        """Whether a noun seems to follow: "a bandit chieftain", "a guard post"."""
        following = self._next
        if following is None or following.capital or following.kind != "word" or following.text in _AFTER_NOUNS:
            return False
        verb = following.text.endswith(("ed", "ing", "ly")) or (
            following.text.endswith("s") and not following.text.endswith("ss")
        )
        return not verb

    def _precedes_capital(self) -> bool:
        """Whether it begins a longer proper name: "Skeleton Island"."""
        return self._next is not None and self._next.capital

    def _in_proper_name(self) -> bool:
        if self._precedes_capital():
            return True
        previous = self._previous
        if previous is None or not (self.name.singular and not self.name.plural):
            return False
        if previous.capital:
            return not previous.opens
        before = self.words[self.first - 2] if self.first > 1 and previous.joined else None
        return previous.text == "the" and before is not None and before.capital and before.text not in FUNCTION_WORDS

    def _is_noun(self) -> bool:
        """Whether a plural stands for creatures: it is no verb, nor "like cats", nor "the nobles' house"."""
        before = self._previous.text if self._previous else ""
        if self.possessive or before in ("as", "like"):
            return False
        if self.words[self.last].text not in _VERBS or before in _DETERMINERS:
            return True
        return before not in _SUBJECTS and (self._next is None or self._next.text not in _OBJECTS)
