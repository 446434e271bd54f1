"""Splits prose into sentences."""

from __future__ import annotations

import re

__all__ = ["sentences"]

_ABBREVIATION = re.compile(
    r"(?:\b(?:ft|Dr|Mr|Mrs|Ms|St|vs|etc|no|approx|ca|e\.g|i\.e|lb|sq|min|max|Sgt|Capt|Lt)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?…][\"'”’)\]]*+(?=\s+[\"'“‘(\[]?[A-Z0-9À-Ý“])")


def sentences(text: str) -> list[str]:
    """Split one line of prose at the ends of sentences; abbreviations and initials end none."""
    found: list[str] = []
    start = counted = curly = straight = 0
    last_curly, last_straight = text.rfind("”"), text.rfind('"')
    for match in _END.finditer(text):
        end = match.end()
        curly += text.count("“", counted, end) - text.count("”", counted, end)
        straight += text.count('"', counted, end)
        counted = end
        # Somebody is still speaking while a quotation mark is open and will be closed.
        if last_curly >= end if curly > 0 else straight % 2 and last_straight >= end:
            continue
        if text[match.start()] == "." and _ABBREVIATION.search(text[max(start, match.start() - 8) : match.start() + 1]):
            continue
        found.append(text[start:end].strip())
        start, curly, straight = end, 0, 0
    rest = text[start:].strip()
    return [*found, rest] if rest else found
