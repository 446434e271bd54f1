"""The telling words of a request for a scene, and how much of them a text covers.

"The party attacks the guards" tells of guards: that there is a party and that it does something is so of every
scene. Names tell most: who asks for Castle Ravenloft does not want another castle.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fablewright.gm.reading.query_terms import STOP_WORDS, query_terms
from fablewright.gm.reading.stem import stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Telling", "telling"]

_EVERY_SCENE = frozenset(
    """
    party parties player players character characters hero heroes adventurer adventurers group everyone everybody
    somebody someone something anything nothing thing things place places way ways time times
    go goes going went walk walks walking enter enters entering entered reach reaches reaching arrive arrives arriving
    come comes coming head heads heading travel travels move moves return returns leave leaves left approach approaches
    start starts starting begin begins continue continues follow follows run runs running play plays keep keeps stay
    look looks looking see sees find finds search searches explore explores investigate investigates check checks
    attack attacks attacking fight fights fighting try tries trying take takes taking get gets meet meets meeting talk
    talks talking speak speaks ask asks decide decides next now then suddenly finally again back inside outside around
    toward towards along across together here there another good great nice cool fun quick short long big small little
    new random surprise scene scenes scenario encounter encounters adventure campaign session story game read aloud
    text description happen happens happening thing idea ideas something anything set stage okay yes thanks thank please
    climb climbs climbing cross crosses crossing descend descends open opens opening ride rides sail sails swim
    swims jump jumps rest rests camp camps sleep sleeps wait waits listen listens hide hides sneak sneaks stand
    stands sit sits defend defends cast casts throw throws break breaks break burst bursts wake wakes knock knocks
    use uses like make made one two three four five six first last whatever wherever continue on
    """.split()
)
_EVERYWHERE = frozenset(
    """
    room rooms hall halls door doors gate gates stair stairs house houses building road roads street streets hill hills
    wall walls floor table night day dawn dusk morning evening noon man men woman women people person old young name
    high low dark cold deep main end front top bottom middle side edge town city village castle tower inn tavern camp
    forest river lake sea island lord lady captain king queen prince princess sir sister brother mother father boss
    """.split()
)
"""Where most things are: they tell only when nothing else does."""
_WORD = re.compile(r"[^\W\d_]{3,}(?:['’][^\W\d_]+)?|\d{2,}")
_RUN = re.compile(r"[^\W\d_][\w'’-]*")
_SENTENCE_END = re.compile(r"[.!?;:\n\"“”«»()]+")
_QUOTED = re.compile(r"[\"“”«»]([^\"“”«»\n]{2,60})[\"“”«»]")
_LEAST_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Telling:
    """What a request tells of.

    Attributes:
        words: The stems of its telling words.
        names: Of each name, the stems of its words.
        related: The stems of words that mean much the same as one of its words: an inn is a tavern.
    """

    words: frozenset[str]
    names: tuple[frozenset[str], ...] = ()
    related: frozenset[str] = frozenset()

    def covered_by(self, *texts: str) -> bool:
        """Return whether texts speak of this: of one of the names, if there are any, else of a third of the words.

        A name that is written nearly so counts: people type at the table.
        """
        there = frozenset().union(*map(_stems_in, texts))
        if self.names:
            return any(all(word in there or _nearly(word, there) for word in name) for name in self.names)
        least = max(1.0, _LEAST_SHARE * len(self.words))
        return len(self.words & there) >= least or (len(self.words) == 1 and not self.related.isdisjoint(there))


@lru_cache(maxsize=512)  # one request is asked about for each section that was found
def telling(request: str) -> Telling:
    """Return what a request tells of; nothing for "next scene"."""
    words = _stems(request, but=_EVERYWHERE) or _stems(request)
    found = map(_name, (*_names(request), *_QUOTED.findall(request)))
    names = tuple(dict.fromkeys(name for name in found if name))
    return Telling(words, names, frozenset(map(stem, query_terms(" ".join(_told(request))).related)))


def _names(request: str) -> Iterator[str]:
    """Yield runs of words with a capital; the capital that begins a sentence tells nothing."""
    for sentence in _SENTENCE_END.split(request):
        run: list[str] = []
        for number, word in enumerate([*_RUN.findall(sentence), ""]):
            if number and word[:1].isupper() and word.lower() not in STOP_WORDS:
                run.append(word)
                continue
            if run:
                yield " ".join(run).replace("-", " ")
            run = []


def _name(name: str) -> frozenset[str]:
    """Return what tells of a name: not the "Castle", unless it is called "Castle Hall"."""
    whole = _stems(name)
    return _stems(name, but=_EVERYWHERE) or (whole if len(whole) > 1 else frozenset())


def _stems(text: str, but: frozenset[str] = frozenset()) -> frozenset[str]:
    return frozenset(stem(word) for word in _told(text) if word not in but)


@lru_cache(maxsize=1024)  # of passages and their titles
def _stems_in(text: str) -> frozenset[str]:
    return frozenset(map(stem, _WORD.findall(text)))


def _told(text: str) -> list[str]:
    words = (word.lower() for word in _WORD.findall(text))
    return [word for word in words if word not in STOP_WORDS and word not in _EVERY_SCENE]


def _nearly(word: str, there: Iterable[str]) -> bool:
    near = [other for other in there if abs(len(other) - len(word)) <= 2 and other[:1] == word[:1]]
    return len(word) >= 4 and bool(difflib.get_close_matches(word, near, n=1, cutoff=0.8))
