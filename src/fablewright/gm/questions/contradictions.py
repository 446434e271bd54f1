"""Where two notes give a different value for one thing: reported side by side, never averaged or chosen from.

Only what is said plainly is compared, by rules that would rather miss one than raise a false alarm: somebody's age,
who owns or runs something, what it costs, where somebody lives, who killed somebody, and whether somebody lives. The
one spoken of is named in the sentence, or is the title of the note and a pronoun in the sentence. Rumours, questions,
what somebody says, and what is only thought to be so are no claims. The newest session log comes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.gm.questions.asked import stems
from fablewright.gm.questions.session_log import session_of
from fablewright.gm.reading.kept import kept
from fablewright.gm.reading.statements import Role, statements
from fablewright.gm.scene.note_kind import is_rule_book

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement

__all__ = ["Attribute", "Claim", "Contradiction", "claims_in", "contradictions"]

Attribute: TypeAlias = Literal["age", "owner", "manager", "price", "home", "killer", "alive"]

_N = r"(?P<{}>(?:[A-Z][\w’'-]*[\w])(?: (?:of |the |of the )?[A-Z][\w’'-]*[\w]){{0,3}})"
_WHO, _WHAT = _N.format("who"), _N.format("what")
_THING = r"(?:[Tt]he |[Aa]n? )?" + _WHAT
_SMALL = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBER_WORD = (
    rf"(?:(?:{'|'.join(_TENS)})(?:-(?:{'|'.join(_SMALL[:9])}))?|{'|'.join(_SMALL)}|seventeen|eighteen|nineteen)"
)
_COUNT = rf"(?P<n>\d{{1,4}}|{_NUMBER_WORD})"
_DEAD_OR_ALIVE = (
    r"(?:(?P<dead>(?:is|are) (?:now )?dead|died|was (?:slain|killed|murdered))|"
    r"(?P<lives>is (?:still )?alive|(?:still )?lives(?= ?[.,;–—]| and)|survived))\b"
)
_PATTERNS: tuple[tuple[Attribute, tuple[str, ...], str], ...] = (
    (
        "age",
        (" is ", " was ", " turned "),
        rf"{_WHO}(?:, who)? (?:is|was|turned) (?:now |about )?{_COUNT}(?: years? old| years of age)?\s*(?=[.,;]|$)",
    ),
    ("age", ("age",), rf"{_WHO},? aged? {_COUNT}\b"),
    ("age", ("year",), rf"{_WHO}(?: is| was|,) an? {_COUNT}[- ]years?[- ]old\b"),
    ("owner", ("own",), rf"{_WHO} (?:owns|is the (?:sole )?owner of) {_THING.replace('who', 'what')}"),
    (
        "owner",
        ("owned", "belongs", "property"),
        rf"{_THING.replace('who', 'what')} (?:is owned by|belongs to|is the property of) {_WHO}",
    ),
    (
        "manager",
        ("runs", "manage", "keeper", "landlord"),
        rf"{_WHO} (?:runs|manages|is the (?:manager|innkeeper|landlord|keeper) of) {_THING.replace('who', 'what')}",
    ),
    ("manager", (" by ",), rf"{_THING.replace('who', 'what')} is (?:run|managed|kept) by {_WHO}"),
    (
        "price",
        ("cost", "sell", "worth"),
        rf"{_THING.replace('who', 'what')} (?:costs?|sells? for|is worth) (?P<price>[\d,]+ ?(?:gp|sp|cp|pp))\b",
    ),
    (
        "home",
        ("lives", "dwells", "resides"),
        rf"{_WHO} (?:lives|dwells|resides) (?:in|at|on) {_THING.replace('who', 'what')}",
    ),
    ("killer", (" by ",), rf"{_WHO} (?:was|were) (?:slain|killed|murdered) by {_WHAT}"),
    ("killer", ("killed", "slew", "murdered"), rf"{_WHAT} (?:killed|slew|murdered) {_WHO}"),
    (
        "alive",
        ("dead", "died", "slain", "killed", "murdered", "alive", "lives", "survived"),
        _WHO + r"(?: \w+ed)? " + _DEAD_OR_ALIVE,
    ),
    (
        "alive",
        ("killed", "dying"),
        _WHO + r"(?: and (?:the (?:rest|others)|all)\b[^.,]{0,40})? (?P<dead>were (?:all )?killed|dying)\b",
    ),
    ("alive", (" lived",), _WHO + r"(?P<lives> lived)(?=[—–,.-])"),
)
"""Each with the words of which it has one: to look for those takes a hundredth of the time."""
_BETWEEN = r"[\W_]{1,9}"
_MAY_CLAIM = re.compile(
    rf"\b(?:(?:is|was|turned){_BETWEEN}(?:(?:now|about){_BETWEEN})?(?:\d|{_NUMBER_WORD})|aged?\b|years?{_BETWEEN}old|"
    rf"own(?:s|ed|er)\b|belongs|property{_BETWEEN}of|runs{_BETWEEN}(?:(?:the|an?){_BETWEEN})?[A-Z]|manages|"
    rf"(?:manager|innkeeper|landlord|keeper){_BETWEEN}of|(?:run|managed|kept){_BETWEEN}by|"
    rf"(?:costs?|sells?{_BETWEEN}for|worth){_BETWEEN}\d|lives|dwells|resides|killed|slew|murdered|slain|dead|died|"
    rf"is{_BETWEEN}(?:still{_BETWEEN})?alive|survived|dying|lived)",
)
"""What a passage has somewhere that claims anything, whatever markup stands between; seen without reading it."""
_RULES = tuple((attribute, signs, re.compile(pattern)) for attribute, signs, pattern in _PATTERNS)
_UNSURE = re.compile(
    r"\b(?:rumou?rs?|claims?|claimed|believed?s?|thought|thinks?|supposed(?:ly)?|(?:is|are|was) said|said to|they say|"
    r"say that|legends?|stor(?:y|ies)|whisper\w*|perhaps|maybe|might|may|could|would|if|whether|used to|"
    r"until|before|formerly|pretends?|lies?|not|never|almost|nearly|will|people think)\b|[“”\"?]|"
    r"\b(?:when|once)\b[^,.]{0,60}\b(?:is|are|dies|comes|reach\w*)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"^(?:He|She|It|They)\b")
_RANKS = frozenset(stems("captain sheriff lord lady king queen sir brother sister mother father old young the of"))
_VALUE_OF_NAME = {"owner", "manager", "home", "killer"}


@dataclass(frozen=True, slots=True)
class Claim:
    """One plain statement of a value.

    Attributes:
        attribute: Of what kind the value is.
        subject: Whose it is, as the note names it.
        value: The value, as the note says it.
        text: The sentence.
        passage: Where it stands.
        secret: Whether it is for the game master only.
    """

    attribute: Attribute
    subject: str
    value: str
    text: str
    passage: Passage
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two claims that cannot both be so, the one from the newer session log first."""

    first: Claim
    second: Claim

    @property
    def text(self) -> str:
        """One line for a person."""
        what = {"alive": "whether {} lives", "price": "the price of {}"}.get(
            self.first.attribute, f"the {self.first.attribute} of {{}}"
        )
        about = what.format(self.first.subject)
        return (
            f"Your notes differ on {about}: {self.first.value} ({self.first.passage.place}), "
            f"{self.second.value} ({self.second.passage.place})."
        )


def contradictions(passages: Sequence[Passage]) -> list[Contradiction]:
    """Return the pairs of claims in passages that contradict each other, one pair for each thing."""
    found: dict[tuple[Attribute, frozenset[str]], Contradiction] = {}
    claims = [claim for passage in passages if not is_rule_book(passage) for claim in claims_in(passage)]
    for one, other in combinations(claims, 2):
        if _contradict(one, other):
            first, second = sorted((one, other), key=lambda claim: session_of(claim.passage), reverse=True)
            found.setdefault((one.attribute, _key(one.subject) & _key(other.subject)), Contradiction(first, second))
    return list(found.values())


def claims_in(passage: Passage) -> list[Claim]:
    """Return what a passage claims plainly."""
    return [replace(claim, passage=passage) for claim in _claims(passage)]


@kept
def _claims(passage: Passage) -> tuple[Claim, ...]:
    if not _MAY_CLAIM.search(passage.text):
        return ()
    return tuple(
        claim
        for statement in statements([passage])
        if statement.role in {Role.FACT, Role.ITEM}
        for claim in _of(statement, passage)
        if not _UNSURE.search(statement.text)
    )


def _of(statement: Statement, passage: Passage) -> Iterator[Claim]:
    text = statement.text
    title = statement.heading[-1] if statement.heading else ""
    said = _PRONOUN.sub(title, text, count=1) if title.istitle() or title[:1].isupper() else text
    for attribute, signs, pattern in _RULES:
        for match in pattern.finditer(said) if any(sign in said for sign in signs) else ():
            named = match.groupdict()
            if named.get("price"):
                subject, value = named["what"], named["price"]
            elif named.get("n"):
                subject, value = named["who"], named["n"]
            elif attribute == "alive":
                subject, value = named["who"], "dead" if named.get("dead") else "alive"
            elif attribute in ("home", "killer"):
                subject, value = named["who"], named["what"]
            else:
                subject, value = named["what"], named["who"]
            if not _PRONOUN.match(subject) and not _PRONOUN.match(value) and _key(subject) and value:
                yield Claim(attribute, subject, value, text, passage, statement.secret)


def _contradict(one: Claim, other: Claim) -> bool:
    if one.attribute != other.attribute or one.text == other.text:
        return False
    mine, yours = _key(one.subject), _key(other.subject)
    if not (mine <= yours or yours <= mine):
        return False
    if one.attribute in _VALUE_OF_NAME:
        # "Pru" and "Pru Holt" may be the same: only names without a word in common differ.
        return _key(one.value).isdisjoint(_key(other.value))
    return _number(one.value) != _number(other.value)


def _key(name: str) -> frozenset[str]:
    return stems(name) - _RANKS or stems(name)


def _number(value: str) -> str:
    """Return a value in one form: "fifty-two" as 52."""
    plain = value.lower().replace(",", "")
    tens, _, ones = plain.partition("-")
    if tens in _TENS:
        return str(10 * (_TENS.index(tens) + 2) + (_SMALL.index(ones) + 1 if ones in _SMALL else 0))
    words = [*_SMALL, "seventeen", "eighteen", "nineteen"]
    return str(words.index(plain) + 1) if plain in words else plain
