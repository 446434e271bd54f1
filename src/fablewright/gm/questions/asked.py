"""What a question asks: for what kind of answer, about whom, and with which words.

"Who manages the Summerspring Inn?" asks for somebody, about the Summerspring Inn, by the word "manages" or another
for it. A sentence that has not what is asked for is no answer, however much it speaks of the inn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from fablewright.gm.reading.query_terms import alike
from fablewright.gm.reading.stem import stem

__all__ = ["Asked", "Kind", "asked_in", "content_stems", "has_kind", "is_weak", "plain_words", "stems", "stems_of"]

Kind: TypeAlias = Literal[
    "who", "number", "extent", "age", "measure", "price", "colour", "when", "where", "name", "whether", "thing"
]
"""``measure``: a number that stands beside its name, such as HP 187."""

_WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)?")
_FUNCTION_WORDS = frozenset(
    """
    a an the of in on at to for from by with about into over under and or but not no is are was were be been being
    am do does did done has have had having can could may might will would shall should must i me my we us our you
    your he him his he she her it its they them their this that these those there here who whom whose what when where
    why which how if then than so as any some all each every one ones much many more most someone somebody something
    anyone anything now really please exactly actually instead rather what's who's where's isn't doesn't didn't
    tell remind know
    """.split()
)
_WEAK_WORDS = frozenset(
    """
    name names named call called known get gets got go goes going went out up down need needs mean means meaning
    happen happens happened work works worked say says said give gives gave day days time use uses used make makes made
    take takes took come comes find look looks like keep long far often old tall big high deep heavy party characters
    player players notes number price cost costs worth amount person people effect effects rule rules play plays
    playing kind sort type thing things exist there currently still again character pc pcs creature table group
    already yet ever wants treat treats bad badly natural
    """.split()
)
_WEAK_STEMS = frozenset(map(stem, _WEAK_WORDS))
"""They ask for something and seldom stand in the answer: "what is it called" is answered by a name."""
_LONG = 6
_RANKS = frozenset(
    stem(word) for word in "captain sheriff lord lady king queen sir brother sister mother father".split()
)
_SHORT_FORMS = tuple(
    (sign, re.compile(rf"\b{long}\b", re.IGNORECASE), short)
    for sign, long, short in (
        ("hit point", "hit points?", "HP"),
        ("r class", "armou?r class", "AC"),
        ("difficulty class", "difficulty class", "DC"),
        ("challenge rating", "challenge rating", "CR"),
        ("experience point", "experience points?", "XP"),
        ("save", "saves?(?= ?(?:$|[?.,;:]| (?:at|on|of|for|dc|vs)\\b))", "saving throw"),
        ("first name", "first name", "firstname"),
        ("y name", "family name", "surname"),
        ("last name", "last name", "surname"),
        ("nat", "nat(?=\\s\\d)", "natural"),
        (" own", r"(my|your|his|her|its|our|their|[’']s) own", r"\1"),  # of nobody who owns anything
    )
)
"""What is written out, with a sign of it: to look for that takes a hundredth of the time."""
_MEASURES = frozenset("hp ac dc cr xp".split())
_MEASURED = re.compile(r"\b(?P<what>hp|ac|dc|cr|xp)\b[\W_]{0,4}\d|\b\d[\d,]*\s?(?P<unit>hp|xp)\b", re.IGNORECASE)
_PRICE = re.compile(
    r"\d\s?(?:gp|sp|cp|pp|ep)\b|\b(?:gold|silver|copper|platinum|guineas?|pounds?|shillings?|crowns?|coins?|penny|pence)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen|twenty|thirty|forty|fifty|"
    r"sixty|seventy|eighty|ninety|hundred|thousand|dozens?)\b",
    re.IGNORECASE,
)
_EXTENT = re.compile(
    r"(?:\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|"
    r"eighty|ninety|hundred|thousand|an?))[\w ×+-]{0,30}?[ -](?:feet|foot|ft|miles?|inch(?:es)?|yards?|fathoms?|"
    r"pounds?|lbs?|tons?|seconds?|minutes?|hours?|days?|weeks?|months?|years?|rounds?|turns?|leagues?)\b",
    re.IGNORECASE,
)
_COLOUR = re.compile(
    r"\b(?:red|crimson|scarlet|blue|green|yellow|orange|purple|violet|black|white|gr[ae]y|brown|golden|gold|silver|pink|"
    r"colou?r(?:ed|s|less)?)\b",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\b(?:year|years)[- ]old\b|\baged?\b|\b(?:twen|thir|for|fif|six|seven|eigh|nine)ties\b|"
    r"\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?,|^\W*\d{2,4}(?=\W*[,.])|"
    r"\b(?:is|was|turned|about) (?:\d{1,4}|[a-z]+(?:teen|ty)(?:-\w+)?)\b(?! (?:feet|miles|gp))",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d|\b(?:ago|years?|days?|nights?|months?|weeks?|hours?|dawn|dusk|noon|midnight|morning|evening|yesterday|today|"
    r"tomorrow|tonight|session|century|centuries|winter|spring|summer|autumn|before|after|when|once|until|since)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|inside|at|on|onto|near|under|underneath|behind|beneath|beside|between|above|below|atop|outside|within|"
    r"across|by|to|into|through|around|north|south|east|west|of)\s+(?:an?|the|his|her|its|their|[A-Z]\w+)",
)
_HAS: dict[Kind, re.Pattern[str]] = {
    "price": _PRICE,
    "number": _NUMBER,
    "extent": _EXTENT,
    "colour": _COLOUR,
    "age": _AGE,
    "when": _TIME,
    "where": _PLACE,
}
_TELL = r"\b(?:tell|remind|know|remember|forget|forgot)\b.{0,12}\b"
_PRICE_ASKED = (
    r"\bhow much (?:is|are|was|were|does|do|did|for|would|will)\b(?!.{0,200}\b(?:damage|weigh|time|xp|hp)\b)|"
    r"\bhow much\b.{0,200}\b(?:cost|worth|pay|charge|lend|lent|owe)|\b(?:price|cost) (?:of|for)\b|"
    r"\bwhat (?:do|does|did|is|are)\b.{0,200}\b(?:cost|worth)\b|\b(?:price|cost)\W{0,9}$"
)
_KIND_WORDS: dict[Kind, str] = {
    "price": _PRICE_ASKED,
    "age": r"\bhow old\b|\bwhat age\b|'s age\b|\bage of\b",
    "colour": r"\bcolou?rs?\b",
    "extent": r"\bhow (?:tall|long|far|high|deep|heavy|wide)\b",
    "number": r"\bhow (?:many|much|big|fast|often)\b|\bwhat level\b",
    "when": rf"^\W*when\b|\bwhat (?:time|year|day)\b|{_TELL}when\b",
    "where": rf"^\W*where\b|{_TELL}where\b",
    "name": r"\bnames? (?:of|for)\b|\b(?:called|named)\W{0,9}$|'s name\b",
    "who": rf"^\W*(?:who|whom|whose|which person)\b|{_TELL}whom?\b",
    "whether": r"^\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|may|will)\b",
}
_KINDS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _KIND_WORDS.items()}
"""The first that matches counts."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked.

    Attributes:
        kind: What an answer must have in it.
        names: The names in the question, each as stems.
        terms: The other words that an answer must speak of: for each its stem, and those of its like.
        weak: Words that an answer may have or not.
        words: All of its words in lower case, as they stand.
    """

    kind: Kind
    names: tuple[frozenset[str], ...]
    terms: dict[str, frozenset[str]]
    weak: frozenset[str]
    words: frozenset[str]

    @property
    def all_terms(self) -> frozenset[str]:
        """The stems of names and terms."""
        return frozenset(self.terms).union(*self.names)


@lru_cache(maxsize=1024)  # one answer asks this of the same part again and again
def asked_in(question: str) -> Asked:
    """Read a question."""
    text = plain_words(question)
    kind: Kind = next((kind for kind, pattern in _KINDS.items() if pattern.search(text)), "thing")
    if kind in ("number", "thing", "whether") and _MEASURES & frozenset(text.lower().split()):
        kind = "measure"
    runs = _capitals(text)
    names = tuple(dict.fromkeys(map(_name, runs)))
    named = stems(" ".join(word for run in runs for word in run))  # with the ranks, which may be left out
    said = [_bare(word) for word in _WORD.findall(text)]
    telling = [word for word in said if word not in _FUNCTION_WORDS and len(word) > 1]
    strong = [word for word in telling if word not in _WEAK_WORDS]
    terms = {stem(word): stems(" ".join((word, *sorted(alike(word))))) for word in (strong or telling)}
    kept = {term: forms for term, forms in terms.items() if term not in named}
    weak = frozenset(stem(word) for word in telling) - frozenset(kept) - named
    return Asked(kind, names, kept, weak, frozenset(said) - _FUNCTION_WORDS)


def has_kind(asked: Asked, text: str) -> bool:
    """Return whether a text has in it what answers the question: a price, a number, a time, a place."""
    plain = plain_words(text)
    if asked.kind != "measure":
        return asked.kind not in _HAS or _HAS[asked.kind].search(plain) is not None
    wanted = _MEASURES & frozenset(asked.terms)
    if "·" in plain and wanted & frozenset(plain.lower().split()):
        return True  # a table that has a column for it
    return any((m["what"] or m["unit"]).lower() in wanted for m in _MEASURED.finditer(plain))


def plain_words(text: str) -> str:
    """Return a text with one word for one thing: HP for hit points."""
    lower = text.lower()
    for sign, long, short in _SHORT_FORMS:
        if sign in lower:
            text = long.sub(short, text)
    return text


@lru_cache(maxsize=8192)  # one answer compares the same sentences with several parts of a question
def stems(text: str) -> frozenset[str]:
    """Return the stems of all words of a sentence or a title."""
    return stems_of(text)


def stems_of(text: str) -> frozenset[str]:
    """Return the stems of all words of a text of any length; unlike ``stems`` it keeps nothing."""
    return frozenset(map(_stem, _WORD.findall(plain_words(text))))


def is_weak(term: str) -> bool:
    """Return whether a stem is that of a word that asks for something and seldom stands in the answer."""
    return term in _WEAK_STEMS


@lru_cache(maxsize=4096)  # of titles, nearly always
def content_stems(text: str) -> frozenset[str]:
    """Return the stems of the words that say something; of all of them when none does."""
    words = _WORD.findall(plain_words(text))
    return frozenset(_stem(word) for word in words if _bare(word) not in _FUNCTION_WORDS) or frozenset(
        map(_stem, words)
    )


@lru_cache(maxsize=32_768)
def _stem(word: str) -> str:
    """Return the stem of a word as it stands in a text."""
    return stem(_bare(word))


def _bare(word: str) -> str:
    plain = word.lower().replace("’", "'").removesuffix("'s")
    return plain[:-2] if plain.endswith("ly") and len(plain) > _LONG else plain  # "strongly" is said of what is strong


def _capitals(text: str) -> list[list[str]]:
    """Return the runs of capitalised words; the one that begins the question is no name."""
    runs: list[list[str]] = [[]]
    for number, match in enumerate(_WORD.finditer(text)):
        word = match[0]
        if number and word[0].isupper() and _bare(word) not in _FUNCTION_WORDS | _MEASURES:
            runs[-1].append(word)
            if word.endswith(("'s", "’s")):
                runs.append([])
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _name(run: list[str]) -> frozenset[str]:
    whole = frozenset(map(_stem, run))
    return whole - _RANKS or whole
