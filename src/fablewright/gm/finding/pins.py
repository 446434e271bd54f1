"""Notes that are pinned to the screen whatever is played: house rules, the safety sheet, the party, the log.

They are recognised by what they are called, as in any notes: by the innermost heading that says so, else by the
file's name. A party sheet must also look like one, because "Characters" is a chapter in many books.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.gm.scene.note_kind import file_title

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage

__all__ = ["Pin", "PinKind", "pin_of"]

PinKind: TypeAlias = Literal["house_rules", "safety", "party", "log"]

_TITLES: tuple[tuple[PinKind, re.Pattern[str]], ...] = (
    ("house_rules", re.compile(r"^\W*(?:our )?(?:house|table|home)[- ]?rules\b|\bhomebrew rules\b", re.IGNORECASE)),
    (
        "safety",
        re.compile(
            r"^\W*(?:our )?(?:lines|veils)\b(?! of\b)|\bsafety (?:sheet|list|card|agreement)|\bcontent warnings?\b",
            re.IGNORECASE,
        ),
    ),
    (
        "party",
        re.compile(
            r"^\W*(?:the |our )?(?:party|pcs|player characters|characters|players|heroes)\W*$|"
            r"\b(?:party|player|character) (?:roster|sheets?|list|overview)\b|\broster\b",
            re.IGNORECASE,
        ),
    ),
)
_LOG = re.compile(r"\bsession[\W_]{0,3}(?P<number>\d{1,4})\b|\b(?P<date>\d{4}[-_. ]\d{2}[-_. ]\d{2})\b", re.IGNORECASE)
_IS_LOG = re.compile(r"\b(?:logs?|recaps?|journal|summary|report|diary|session)\b", re.IGNORECASE)
_IS_PLAN = re.compile(r"\b(?:plan|prep\w*|outline|ideas|next)\b", re.IGNORECASE)
_OF_A_PARTY = re.compile(r"\b(?:AC|HP|hit points|level|class|player|passive perception|race|ancestry)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pin:
    """A pinned note.

    Attributes:
        kind: Which.
        order: For a log: the later, the greater; 0 for everything else.
    """

    kind: PinKind
    order: int = 0


def pin_of(passage: Passage) -> Pin | None:
    """Return as what a passage is pinned; None for nearly all."""
    titles = (*reversed(passage.heading), file_title(passage.file))
    log = next((match for title in titles if (match := _LOG.search(title))), None)
    if log and any(map(_IS_LOG.search, titles)) and not any(map(_IS_PLAN.search, titles)):
        return Pin("log", _order(log))
    for title in titles:
        for kind, pattern in _TITLES:
            if pattern.search(title):
                return Pin(kind) if kind != "party" or _is_party(passage) else None
    return None


def _order(log: re.Match[str]) -> int:
    """Order logs by date, else by number; whoever dates some of them dates all."""
    return int(re.sub(r"\D", "", log["date"])) if log["date"] else int(log["number"])


def _is_party(passage: Passage) -> bool:
    return len({match[0].lower() for match in _OF_A_PARTY.finditer(passage.text)}) >= 3
