"""What two ways to write one name have in common: "The Landing Stage", "landing stage", "Landing stage!"."""

from __future__ import annotations

import re

__all__ = ["name_key"]

_ARTICLE = re.compile(r"^(?:the|a|an)\s+(?=\S)")
_APOSTROPHES = str.maketrans("", "", "'’")


def name_key(name: str) -> str:
    """Return a name in small letters, without signs and without the article that it begins with."""
    words = " ".join(re.findall(r"[^\W_]+", name.casefold().translate(_APOSTROPHES)))
    return _ARTICLE.sub("", words) or name.casefold()
