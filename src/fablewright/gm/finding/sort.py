"""What sort of text a passage is: a scene to be played, lore, a sheet, a stat block, rules or advice.

A question for a scene is seldom answered by the rule book, one for a name never. Read off visible marks once, when
the passage is stored; see ``scene.note_kind`` for the marks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.gm.finding.pins import pin_of
from fablewright.gm.scene.note_kind import is_advice, is_rule_book, kept_beside_play

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage

__all__ = ["Sort", "sort_of"]

Sort: TypeAlias = Literal["scene", "lore", "sheet", "stats", "rules", "advice"]

_BOXED = re.compile(
    r"^ {0,3}>[ \t]*(?!\W*(?:note|tips?|warning|sidebar|area aspects)\b)[^\n]{40}", re.IGNORECASE | re.MULTILINE
)


_STATS = (
    re.compile(r"\bAC\b|\bArmou?r Class\b"),
    re.compile(r"\bHP\b|\bHit Points\b"),
    re.compile(r"\bSTR\b|\bStrength\b|\bSpeed\b"),
    re.compile(r"(?<![^\W_])(?:tiny|small|medium|large|huge|gargantuan)\b[^\n]{0,60}\n", re.IGNORECASE),
)
_HEAD = 400


def sort_of(passage: Passage) -> Sort:
    """Return what sort of text a passage is."""
    if pin_of(passage) or kept_beside_play(passage):
        return "sheet"
    if all(pattern.search(passage.text[:_HEAD]) for pattern in _STATS):
        return "stats"
    if is_rule_book(passage):
        return "rules"
    if _BOXED.search(passage.text) and not is_advice(passage):
        return "scene"
    return "advice" if is_advice(passage) else "lore"
