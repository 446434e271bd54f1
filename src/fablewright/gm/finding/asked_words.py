"""What of a question is worth searching for: without the words that only ask."""

from __future__ import annotations

import re
from functools import lru_cache

from fablewright.gm.reading.query_terms import STOP_WORDS, query_terms
from fablewright.gm.scene.focus import search_words

__all__ = ["asked_words"]

_ASKING = re.compile(
    r"\b(?:some(?:one|body|thing)|any(?:one|body|thing)|every(?:one|body|thing)|nothing|things?|ways?|kinds?|sorts?|"
    r"lots?|really|actually|exactly|okay|ok|thanks?|wonder(?:ing)?|remember|remind|means?|meant|know|need(?:ed)?|"
    r"want(?:ed|s)?|like|use[ds]?|happen(?:s|ed|ing)?|does|work(?:s|ed)?|look(?:s|ed)?|goes?|going|gets?|come|comes|"
    r"else|mind|for me|my table|our table|right now|quick(?:ly)?|question|answer|gm|dm)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)  # each step of a search asks this of the same question
def asked_words(question: str) -> str:
    """Return a question without the words that only ask; the question itself when nothing else is in it."""
    plain = search_words(" ".join(_ASKING.sub(" ", question).split()))
    return plain if any(word not in STOP_WORDS for word in query_terms(plain).words) else question
