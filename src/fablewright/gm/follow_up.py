"""What a GM says about the scene that she has: harder, easier."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fablewright.gm.rules.rescale import Direction

__all__ = ["direction_in"]

_WHAT = r"(?:it|this|that|(?:the|this|that|our|my)(?: last)? (?:scene|fight|encounter|battle|combat))"
_HOW = r"(?:a (?:bit|little|touch|step) |much |even |slightly |way |far )?"
_HARDER = r"(?:harder|tougher|deadlier|more (?:difficult|dangerous|deadly|challenging)|less easy)"
_EASIER = r"(?:easier|weaker|gentler|less (?:difficult|dangerous|deadly|hard|challenging|tough))"
_TOO_EASY, _TOO_HARD = r"(?:easy|weak)", r"(?:hard|tough|deadly|difficult)"
_ASKED = re.compile(
    rf"\W*(?:(?:please|can you|could you|now|ok(?:ay)?|and)\W+)*(?:"
    rf"make {_WHAT} {_HOW}(?:(?P<harder>{_HARDER})|{_EASIER})"
    rf"|{_HOW}(?:(?P<harder2>{_HARDER})|{_EASIER})"
    rf"|(?:{_WHAT}(?: is|'s|’s| was| looks| seems) {_HOW})?too (?:(?P<harder3>{_TOO_EASY})|{_TOO_HARD})"
    rf")(?:,? please)?\W*",
    re.IGNORECASE,
)


def direction_in(words: str) -> Direction | None:
    """Return which way the last scene is to go; None when something else is asked for."""
    match = _ASKED.fullmatch(words)
    if match is None:
        return None
    return "harder" if any(match.groupdict().values()) else "easier"
