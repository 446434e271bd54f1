"""What sort of text a passage is: a scene to be played, lore, a log, rules or advice.

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

Sort: TypeAlias = Literal["scene", "lore", "sheet", "rules", "advice"]

_BOXED = re.compile(r"^ {0,3}>[ \t]*(?!\W*(?:note|tips?|warning|sidebar|area aspects)\b)[^\n]{40}", re.IGNORECASE | re.M)


def sort_of(passage: Passage) -> Sort:
    """Return what sort of text a passage is."""
    if pin_of(passage) or kept_beside_play(passage):
        return "sheet"
    if is_rule_book(passage):
        return "rules"
    if _BOXED.search(passage.text) and not is_advice(passage):
        return "scene"
    return "advice" if is_advice(passage) else "lore"
