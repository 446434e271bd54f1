"""Who in a sentence does what a question asks: the name that stands there for "who".

"Ralavaz has returned to the Lonely Torch, where the path leads up" says nothing of who leads it. So a verb needs
somebody before it or behind its "by"; a word for a person (owner, manager) needs somebody anywhere beside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.reading.query_terms import STOP_WORDS
from fablewright.gm.reading.stem import stem

if TYPE_CHECKING:
    from fablewright.gm.questions.asked import Asked

__all__ = ["names_somebody"]

_TOKEN = re.compile(r"[^\W_]+(?:[’'][^\W_]+)?|[.,;:!?—–·()\"“”]")
_PERSON_NOUN = frozenset(
    """
    owner proprietor manager leader ruler king queen lord chief chieftain captain commander boss killer slayer murderer
    builder founder maker writer author thief robber traitor steward wife husband spouse mother father brother sister
    son daughter uncle aunt niece nephew child friend priest sheriff mayor reeve innkeeper landlord landlady monarch
    """.split()
)
_PRONOUNS = frozenset("he she they who i we".split())
_DETERMINERS = frozenset("a an the his her its their this that".split())
_TO_BE = frozenset("is are was were be been being".split())
_BEFORE = 7
"""Words between somebody and what they do: "Pru, who is quick and broad, runs"."""


def names_somebody(asked: Asked, text: str, title: str) -> bool:
    """Return whether a text, under its title, names somebody who is not in the question and may be the answer."""
    tokens = _TOKEN.findall(text)
    known = asked.all_terms.union(*asked.terms.values())
    names = [at for at, token in enumerate(tokens) if _is_name(tokens, at) and _stem(token) not in known]
    named_above = any(
        word[0].isupper() and _stem(word) not in known and word.lower() not in STOP_WORDS
        for word in re.findall(r"[^\W\d_][\w'’]*", title)
    )
    if asked.kind == "name":
        return bool(names)
    doing = [at for at, token in enumerate(tokens) if any(_stem(token) in forms for forms in asked.terms.values())]
    verbs = [at for at in doing if _is_verb(tokens, at)]
    if verbs:
        return any(_has_subject(tokens, at, names, known, named_above=named_above) for at in verbs)
    if doing and not any(_is_person(tokens[at]) for at in doing):
        return False  # "the maroon" is not who marooned him
    return bool(names) or (named_above and not asked.terms.keys() & _stems_of(title))


def _has_subject(tokens: list[str], at: int, names: list[int], known: frozenset[str], *, named_above: bool) -> bool:
    """Return whether somebody does what the verb at a place says."""
    if at == 0 or tokens[at - 1] in ".!?":
        return named_above  # in a note on somebody: "Leads the gang."
    if any(token.lower() == "by" for token in tokens[at : at + 4]) and any(at < name <= at + 8 for name in names):
        return True
    if tokens[at - 1].lower() in _TO_BE:
        return False
    before = tokens[max(0, at - _BEFORE) : at]
    if any(at - _BEFORE <= name < at for name in names) or _a_noun_before(tokens, at, known):
        return True
    return named_above and any(token.lower() in _PRONOUNS for token in before)


def _is_person(token: str) -> bool:
    return token.lower() in _PERSON_NOUN or token.lower().removesuffix("s") in _PERSON_NOUN


def _is_verb(tokens: list[str], at: int) -> bool:
    return not _is_person(tokens[at]) and (at == 0 or tokens[at - 1].lower() not in _DETERMINERS)


def _a_noun_before(tokens: list[str], at: int, known: frozenset[str]) -> bool:
    """Return whether "the reeve", "two ogres" or the like stands right before a verb."""
    if at < 2 or not tokens[at - 1].isalpha() or tokens[at - 1].lower() in STOP_WORDS or _stem(tokens[at - 1]) in known:
        return False
    return any(tokens[n].lower() in ("a", "an", "the", "two", "three", "four") for n in range(max(0, at - 4), at - 1))


def _is_name(tokens: list[str], at: int) -> bool:
    word = tokens[at]
    if not word[0].isupper() or word.lower() in STOP_WORDS or len(word) < 2:
        return False
    opens = at == 0 or tokens[at - 1] in '.!?:"“·'
    if not opens:
        return True
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    return following[:1].isupper() or following in (",", "·") or following.lower().endswith("s")


def _stems_of(text: str) -> frozenset[str]:
    return frozenset(map(_stem, re.findall(r"[^\W_]+", text)))


def _stem(word: str) -> str:
    return stem(word.replace("’", "'").removesuffix("'s"))
