"""What an index keeps of a passage besides its words: the strands of the web between passages.

All of it is read off the text once, when it is stored, so that a query only has to follow keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.finding.names import Defined, defined_in, mentioned_in
from fablewright.gm.finding.pins import Pin, pin_of
from fablewright.gm.finding.sort import Sort, sort_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["Web"]


@dataclass(frozen=True, slots=True)
class Web:
    """What is kept of one passage.

    Attributes:
        names: Those that it explains.
        sort: What sort of text it is.
        mentions: The keys of what it mentions.
        pin: As what it is pinned.
    """

    names: Sequence[Defined]
    sort: Sort
    mentions: Sequence[str]
    pin: Pin | None

    @classmethod
    def of(cls, passage: Passage, plain: str, *, first: bool) -> Web:
        """Read it off a passage with its plain words; ``first``: whether it is the first of its file."""
        return cls(defined_in(passage, first=first), sort_of(passage), mentioned_in(passage, plain), pin_of(passage))
