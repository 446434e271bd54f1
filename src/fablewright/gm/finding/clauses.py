"""Takes a compound question apart: what it asks, one thing at a time.

"Pace, foraging, getting lost: what do I need?" asks for three things. A clause that is too short to be found by
itself stays with the one before it.
"""

from __future__ import annotations

import re

from fablewright.gm.reading.query_terms import query_terms

__all__ = ["clauses"]

_SENTENCE = re.compile(r"(?<=[.?!;:])\s+|\n+|\s+[—–-]\s+")
_QUESTION = r"(?:who|whom|whose|what|when|where|which|why|how|can|could|do|does|did|is|are|was|were|will|would|should)"
_JOINT = re.compile(
    rf",\s*(?:and|but|or|then|so)?\s*(?={_QUESTION}\b)|\s+(?:and|but|or)\s+(?={_QUESTION}\b)|"
    r",\s+(?:and|but|or)\s+|,\s+|\s+(?:and|but)\s+(?=\w+\s+\w+)",
    re.IGNORECASE,
)
_MOST = 6


def clauses(question: str) -> list[str]:
    """Return the parts of a question, at most six; none when it asks for one thing only."""
    parts: list[str] = []
    for sentence in _SENTENCE.split(question):
        for part in _JOINT.split(sentence):
            text = part.strip()
            if not text:
                continue
            if query_terms(text).words and any(character.isalpha() for character in text):
                parts.append(text)
    return parts[:_MOST] if len(parts) > 1 else []
