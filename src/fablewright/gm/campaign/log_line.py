"""A fact as a line that a GM likes to read and may change, and back.

::

    Played: The Landing Stage
    Chose: Look and listen [Wisdom (Perception) DC 13: rolled 17, success] → She is seen in the water
    Met: Joss Tarrow, at the Full Measure
    Clock: The clerks come (6 segments)
    Clock advanced: The clerks come +2
    Promise kept: to ask no questions (GM only)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.campaign.events import Fact, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fablewright.gm.campaign.events import Kind, Outcome

__all__ = ["LABELS", "fact_of_line", "line_of"]

LABELS: Mapping[Kind, str] = {
    "played": "Played",
    "chose": "Chose",
    "visited": "Visited",
    "met": "Met",
    "alive": "Alive",
    "dead": "Dead",
    "promised": "Promise",
    "kept": "Promise kept",
    "broken": "Promise broken",
    "clock": "Clock",
    "advanced": "Clock advanced",
    "filled": "Clock filled",
    "gained": "Loot",
    "spent": "Spent",
    "note": "Note",
    "undo": "Taken back",
}
_KINDS: Mapping[str, Kind] = {label.casefold(): kind for kind, label in LABELS.items() if kind != "undo"}

_GM_ONLY = " (GM only)"
_MOST = 1_000_000
_LINE = re.compile(r"\W{0,3}(?P<label>[A-Za-z]+(?: [A-Za-z]+)?)\**\s*:\**\s*(?P<rest>\S.*)")
_CHOSE = re.compile(
    r"(?P<text>.*?)(?: \[(?P<check>[^\[\]]*): rolled (?P<number>-?\d{1,6}), (?P<outcome>success|failure)\])?"
    r"(?: → (?P<detail>.*))?"
)
_MET = re.compile(r"(?P<text>.*?)(?:, (?P<detail>(?:at|in|on) .*))?")
_CLOCK = re.compile(r"(?P<text>.*?)(?:,? \(?(?:\d{1,2}/)?(?P<number>\d{1,6})(?: segments)?\)?)?", re.IGNORECASE)
_ADVANCED = re.compile(r"(?P<text>.*?)(?: \+(?P<number>\d{1,6}))?")
_ALL = re.compile(r"(?P<text>.*)")
_BODIES: Mapping[Kind, re.Pattern[str]] = {"chose": _CHOSE, "met": _MET, "clock": _CLOCK, "advanced": _ADVANCED}


def line_of(fact: Fact) -> str:
    """Return the line, without a bullet."""
    secret = _GM_ONLY if fact.secret else ""
    write = _WRITERS.get(fact.kind, _said)
    return f"{LABELS[fact.kind]}: {write(fact)}{secret}"


def fact_of_line(line: str) -> Fact | None:
    """Return the fact that a line in this form tells, or None when it is in no such form."""
    match = _LINE.match(" ".join(line.split()))
    kind = _KINDS.get(match["label"].casefold()) if match else None
    if match is None or kind is None:
        return None
    rest = match["rest"]
    secret = rest.endswith(_GM_ONLY)
    body = _BODIES.get(kind, _ALL).fullmatch(rest.removesuffix(_GM_ONLY))
    found = body.groupdict() if body else {}
    text = plain(found.get("text") or "")
    if not text:
        return None
    outcome: Outcome = "success" if found.get("outcome") == "success" else "failure" if found.get("outcome") else ""
    where = plain(found.get("detail") or "")
    return Fact(
        kind=kind,
        text=text,
        detail=re.sub(r"^(?:at|in|on) ", "", where) if kind == "met" else where,
        check=plain(found.get("check") or ""),
        number=min(_MOST, int(found.get("number") or (1 if kind == "advanced" else 0))),
        outcome=outcome,
        secret=secret,
    )


def _said(fact: Fact) -> str:
    return plain(fact.text)


def _chose(fact: Fact) -> str:
    rolled = f" [{plain(fact.check)}: rolled {fact.number}, {fact.outcome}]" if fact.outcome else ""
    became = f" → {plain(fact.detail)}" if plain(fact.detail) else ""
    return f"{plain(fact.text)}{rolled}{became}"


def _met(fact: Fact) -> str:
    return f"{plain(fact.text)}, at {plain(fact.detail)}" if plain(fact.detail) else plain(fact.text)


def _clock(fact: Fact) -> str:
    return f"{plain(fact.text)} ({fact.number} segments)" if fact.number else plain(fact.text)


def _advanced(fact: Fact) -> str:
    return f"{plain(fact.text)} +{max(1, fact.number)}"


_WRITERS: Mapping[Kind, Callable[[Fact], str]] = {
    "chose": _chose,
    "met": _met,
    "clock": _clock,
    "advanced": _advanced,
}
