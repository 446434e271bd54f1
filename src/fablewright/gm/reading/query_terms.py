"""What of a person's request is worth searching for: words, phrases and names.

Pure, and knows no search engine: an index turns the terms into its own query language.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["STOP_WORDS", "QueryTerms", "alike", "query_terms", "without_apostrophes"]

_T = TypeVar("_T")

_MOST_CHARACTERS = 20_000
_MOST_WORDS = 48
"""Distinct words that are searched for; more come only from a pasted page, and cost time without end."""

_WORD = re.compile(r"[^\W_]+")

# English function words, and the verbs with which one asks an assistant for something.
STOP_WORDS = frozenset(
    _WORD.findall("""
    a about above after again against all am an and any are aren as at be because been before being below
    between both but by can cannot could couldn d did didn do does doesn doing don down during each few for
    from further get gets got had hadn has hasn have haven having he her here hers herself him himself his how
    i if in into is isn it its itself just let lets ll m me might more most must my myself need needs no nor
    not now of off on once only or other our ours ourselves out over own please re s same shall she should
    shouldn so some such t than that the their theirs them themselves then there these they this those through
    to too under until up upon us ve very want wants was wasn we were weren what when where which while who
    whom whose why will with won would wouldn you your yours yourself yourselves
    ask build create describe explain generate give invent make prepare show suggest tell write
    """)
)

# What the same thing is called at another table or in a published adventure.
_ALIKE = tuple(
    frozenset(_WORD.findall(group))
    for group in (
        "first start opening beginning introduction begin",
        "encounter fight combat battle ambush attack",
        "scenario adventure scene quest",
        "npc character people person",
        "villain boss leader enemy antagonist",
        "monster creature foe enemy beast",
        "treasure loot reward hoard",
        "secret clue rumor rumour",
        "tavern inn alehouse",
        "shop store merchant",
        "trap hazard",
        "place location area site",
        "village town settlement hamlet",
        "party group characters heroes",
        "map layout",
        "fall falling drop plunge",
        "lose defeat defeated beaten failure",
    )
)

# Other words and forms for one relation: "who owns the inn" is answered by an owner. They decide which sentence
# answers a question, and are not searched for: "run" and "lead" stand on every page.
_SAME_RELATION = tuple(
    frozenset(_WORD.findall(group))
    for group in (
        "spot spots spotted notice notices noticed detect detects detected detecting",
        "escape escapes escaped escaping slip slips slipped",
        "burst bursts bursting break breaks broke broken breaking smash smashed",
        "hang hanged hanging execute executed execution executioner gallows noose",
        "release releases released freed pardon pardoned let",
        "upstairs above upper",
        "downstairs below beneath",
        "own owns owned owner owners belongs belonged proprietor possesses innkeeper landlord landlady",
        "run runs ran manage manages managed manager management oversees proprietor steward innkeeper",
        "lead leads led leader leaders leadership chief chieftain captain boss commands commander",
        "king queen lord ruler monarch reigns",
        "kill kills killed killer slay slays slew slain slayer murder murders murdered murderer assassinated",
        "die dies died dead death dying",
        "cost costs price prices priced worth",
        "live lives lived dwell dwells dwelt resides resided residence home",
        "marry marries married wife husband spouse",
        "steal steals stole stolen rob robs robbed thief robber",
        "buy buys bought purchase purchased",
        "sell sells sold",
        "build builds built builder erected",
        "found founded founder founding",
        "make makes made maker",
        "write writes wrote written writer author",
        "give gives gave given",
        "take takes took taken",
        "grow grows grew grown",
        "hide hides hid hidden",
        "know knows knew known",
        "say says said tells told",
        "want wants wanted wishes desires",
        "lend lends lent",
        "speak speaks spoke spoken",
        "burn burns burned burnt ablaze",
        "betray betrays betrayed traitor",
        "old age aged years",
        "lose loses lost losing loss",
        "fail fails failed failure lose loses lost defeat defeated",
        "fight fights fought combat battle encounter",
        "pay pays paid payment reward rewards rewarded",
        "dream dreams dreamed dreamt",
        "promise promises promised swore swears sworn oath",
        "succeed succeeds successor heir inherits next",
        "see sees saw seen spot spots spotted spotting",
        "hear hears heard overheard overhears listen listened listens",
        "meet meets met",
        "leave leaves left",
        "carry carries carried bears bore wears wore wields",
        "pull pulls drag drags dragged",
        "weigh weighs weight pounds",
        "speak language languages",
        "worship worships god goddess deity follower",
        "save saves saving",
        "navigation navigate navigating lost",
        "forage foraging foraged food",
        "interrupt interrupts interrupted interruption interruptions stopped",
        "hand hands palm",
        "tall high height feet",
        "deep depth feet down",
        "march marching marched travel traveling traveled travels",
        "uncomfortable comfortable discomfort upset",
        "session sessions game",
        "zombie zombies monster monsters creature creatures",
        "dc dcs difficulty",
        "air breath breathe breathing",
        "end ends ending ended",
        "roll rolls rolled rolling check checks",
        "inn tavern alehouse innkeeper innkeepers landlord landlady publican taverner",
        "shop store shopkeeper shopkeepers storekeeper",
    )
)


_GROUPS = (*_ALIKE, *_SAME_RELATION)
_GROUPS_OF: dict[str, frozenset[int]] = {
    word: frozenset(number for number, group in enumerate(_GROUPS) if word in group)
    for word in frozenset().union(*_GROUPS)
}
"""For each word the numbers of the groups that it is in."""

_SENTENCE_END = re.compile(r"[.!?;:\n]+")
_APOSTROPHES = re.compile(r"(?<=\w)['\u2019\u02bc]s\b|(?<=\w)['\u2019\u02bc](?=\w)")


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """What to search for.

    Attributes:
        words: Distinct words in the order of the request, lower case, without stop words (unless there is
            nothing else).
        phrases: Two words that stand side by side in the request.
        names: Capitalised words that stand side by side, of two words or more: ``("lonely", "torch")``.
        related: Words that mean much the same at a game table; worth less than those that were said.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    related: tuple[str, ...] = ()


def without_apostrophes(text: str) -> str:
    """Make ``Gardren's`` one word, the same as ``Gardren``; to be used on both sides of a search."""
    return _APOSTROPHES.sub("", text)


def alike(word: str) -> frozenset[str]:
    """Return the other words and forms that say much the same as a word in lower case."""
    return frozenset().union(*(_GROUPS[number] for number in _groups(word))) - {word}


def _groups(word: str) -> list[int]:
    """Return the numbers of the groups that a word is in, or its singular."""
    nothing = frozenset[int]()
    return sorted(_GROUPS_OF.get(word, nothing) | _GROUPS_OF.get(word.removesuffix("s"), nothing))


@lru_cache(maxsize=512)  # the steps of a search ask this of the same words
def query_terms(query: str, *, stop_words: frozenset[str] = STOP_WORDS) -> QueryTerms:
    """Take a request apart.

    Args:
        query: Any text; characters that are not letters or digits only separate words.
        stop_words: Words not worth searching for, in lower case.

    Returns:
        The terms; all empty when there is no word in the query. At most 48 distinct words.
    """
    sentences = [
        _WORD.findall(sentence)
        for sentence in _SENTENCE_END.split(without_apostrophes(unicodedata.normalize("NFC", query[:_MOST_CHARACTERS])))
    ]
    kept = list(_distinct(word.lower() for words in sentences for word in words if word.lower() not in stop_words))
    if not kept:
        kept = list(_distinct(word.lower() for words in sentences for word in words))
    allowed = frozenset(kept[:_MOST_WORDS])
    pairs = (
        (left.lower(), right.lower())
        for words in sentences
        for left, right in pairwise(words)
        if left.lower() in allowed and right.lower() in allowed
    )
    names = (name for words in sentences for name in _names(words, stop_words, allowed))
    return QueryTerms(
        words=tuple(kept[:_MOST_WORDS]),
        phrases=tuple(_distinct(pairs))[:_MOST_WORDS],
        names=tuple(_distinct(names))[:_MOST_WORDS],
        related=tuple(_distinct(_related(kept[:_MOST_WORDS])))[:_MOST_WORDS],
    )


def _related(words: list[str]) -> Iterator[str]:
    for word in words:
        for number in _groups(word):
            if number < len(_ALIKE):
                yield from sorted(_GROUPS[number].difference(words))


def _names(words: list[str], stop_words: frozenset[str], allowed: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """Yield runs of two or more capitalised words; a stop word ends a run (``Who owns the Lonely Torch``)."""
    run: list[str] = []
    for word in [*words, ""]:
        if word[:1].isupper() and word.lower() not in stop_words and word.lower() in allowed:
            run.append(word.lower())
            continue
        if len(run) > 1:
            yield tuple(run)
        run = []


def _distinct(items: Iterable[_T]) -> Iterator[_T]:
    return iter(dict.fromkeys(items))
