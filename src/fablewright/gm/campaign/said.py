"""A fact out of a GM's own words: "Met Ilse at the mill", "Tull is dead", "they promised to come back".

Plain rules, the most telling first. Words that none of them knows are a note, word for word: what a GM writes down is
kept whether it is understood or not.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.gm.campaign.events import Fact, plain
from fablewright.gm.campaign.log_line import fact_of_line
from fablewright.gm.reading import secrecy
from fablewright.gm.reading.name_key import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.campaign.events import Kind
    from fablewright.gm.campaign.state import CampaignState

__all__ = ["fact_said", "is_understood"]

_WE = r"(?:(?:they|we|the (?:party|players|characters|heroes|group|pcs)|everybody|everyone) )?(?:have |had |has )?"
_BE = r"(?:is|are|was|were|has been|have been)"
_GOT_TO = (
    r"visited|went (?:in)?to|came to|arrived (?:at|in)|reached|entered|travell?ed to|(?:are|is) (?:now )?(?:at|in)"
)
_RULES: tuple[tuple[Kind, str], ...] = (
    ("kept", rf"{_WE}kept (?:the|their|our|a|his|her) (?:promise|word|oath|vow)(?: to| that| of|:|,)? (?P<text>.+)"),
    ("broken", rf"{_WE}broke (?:the|their|our|a|his|her) (?:promise|word|oath|vow)(?: to| that| of|:|,)? (?P<text>.+)"),
    ("promised", rf"{_WE}(?:promised|swore|vowed|gave their word)(?: to| that|:)? (?P<text>.+)"),
    ("promised", r"(?P<text>[A-Z][\w'’ -]{1,60}? (?:promised|swore|vowed) .+)"),
    ("dead", rf"(?P<text>.+?) (?:{_BE} (?:now )?(?:dead|killed|slain|murdered|executed)|died|dies|has died)(?: now)?"),
    ("dead", rf"{_WE}(?:killed|slew|murdered|executed) (?P<text>.+)"),
    ("alive", rf"(?P<text>.+?) {_BE} (?:still |now |again )?(?:alive|alive after all|back from the dead|resurrected)"),
    ("alive", rf"{_WE}(?:revived|resurrected|raised|brought back) (?P<text>.+)"),
    ("clock", r"(?:start(?:ed)? (?:a |the )?)?clock:? (?P<text>.+?)[ ,:(]+(?P<number>\d{1,2})(?: segments| steps)?\)?"),
    ("clock", r"start(?:ed)? (?:a |the )?clock:? (?P<text>.+)"),
    ("advanced", r"(?:advanced?|tick(?:ed)?) (?:the clock:? )?(?P<text>.+?)(?: (?:by |\+)(?P<number>\d{1,2}))?"),
    ("filled", r"(?:(?:the )?clock:? (?P<text>.+?) (?:is|was) (?:full|filled)|filled the clock:? (?P<other>.+))"),
    ("played", rf"{_WE}(?:played|ran|finished)(?: through)? (?P<text>.+)"),
    ("met", rf"{_WE}(?:met|spoke (?:to|with)|talked (?:to|with)) (?P<text>.+?)(?:,? (?:at|in|on) (?P<detail>.+))?"),
    (
        "visited",
        rf"{_WE}(?:{_GOT_TO}) (?P<text>.+)",
    ),
    ("spent", rf"{_WE}(?:spent|paid|lost|used up|gave away|sold) (?P<text>.+)"),
    ("gained", rf"{_WE}(?:found|gained|got|looted|took|received|bought|stole|won|earned) (?P<text>.+)"),
)
_PATTERNS = [(kind, re.compile(rf"\W*{rule}\W*", re.IGNORECASE)) for kind, rule in _RULES]
_SECRET = re.compile(r"\s*[(\[]?\bGM only\b[)\]]?\s*", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]{3,}")


def fact_said(words: str, state: CampaignState) -> Fact:
    """Return the fact that words tell; words in the form of a line of the log (``Dead: Tull``) are taken as they are.

    A promise that is kept or broken, a clock that goes on and loot that is spent are meant as the log has them:
    "kept their word to Joss" settles the open promise that shares most words with it.

    Args:
        words: What the GM wrote.
        state: What is known so far.
    """
    secret = secrecy.marks_sentence(words)
    said = plain(_SECRET.sub(" ", words) if secret else words)
    exact = fact_of_line(words)
    if exact is not None:
        return replace(exact, secret=exact.secret or secret)
    return replace(_as_known(_by_rule(said) or Fact("note", said), state), secret=secret)


def is_understood(fact: Fact, words: str) -> bool:
    """Return whether a fact is more than the words kept as they are."""
    return fact.kind != "note" or fact_of_line(words) is not None


def _by_rule(said: str) -> Fact | None:
    if len(said) > 300 or said.endswith("?"):  # a story, or a question
        return None
    for kind, pattern in _PATTERNS:
        match = pattern.fullmatch(said.rstrip(" ."))
        if match:
            found = match.groupdict()
            text = (found.get("text") or found.get("other") or "").strip(" .,;:\"'“”")
            if text:
                return Fact(kind, text, detail=(found.get("detail") or "").strip(" .,;"), number=_number(kind, found))
    return None


def _number(kind: Kind, found: dict[str, str | None]) -> int:
    return int(found.get("number") or (1 if kind == "advanced" else 0))


def _as_known(fact: Fact, state: CampaignState) -> Fact:
    """Return a fact with the name that the log has for what it is about."""
    known: Iterable[str] = ()
    match fact.kind:
        case "kept" | "broken":
            known = state.open_promises
        case "advanced" | "filled":
            known = [clock.name for clock in state.clocks.values()]
        case "spent":
            known = state.loot
        case "met" | "alive" | "dead":
            known = [person.name for person in state.people.values() if _is_part(fact.text, person.name)]
        case _:
            return fact
    words = _words(fact.text)
    best = max(known, key=lambda name: len(words & _words(name)), default="")
    if best and words & _words(best) and name_key(best) != name_key(fact.text):
        return replace(fact, text=best)
    return fact


def _is_part(said: str, name: str) -> bool:
    """Return whether somebody is called by a part of a longer name: Tull, of Fenwick Tull."""
    return _words(said) < _words(name)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))
