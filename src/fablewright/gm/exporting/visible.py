"""Text as it may stand on a page: one line, and nothing in it that can change what stands around it."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["file_stem", "visible"]

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # controls
    "\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of the text behind them, also of ours
    "\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"  # no characters at all, or for the insides of programs
)
_HALVES = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """Return text on one line, without controls; half characters that no file can hold are U+FFFD.

    Marks for single letters (right-to-left, joiners) stay: they belong to the words.
    """
    seen = _UNSEEN.sub(lambda sign: " " if sign[0].isspace() else "", _HALVES.sub("\ufffd", text))
    return " ".join(seen.split())


def file_stem(title: str) -> str:
    """Return a file name without ending that is safe on every system: ``The Mill: flood!`` is ``the-mill-flood``."""
    plain = unicodedata.normalize("NFKC", visible(title)).casefold()
    return re.sub(r"[\W_]+", "-", plain)[:60].strip("-") or "scene"
