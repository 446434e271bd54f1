from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.gm.finding.by_rank import by_rank
from fablewright.gm.reading.notes import Passage

if TYPE_CHECKING:
    from collections.abc import Sequence

A, B, C, D = (Passage(name, f"{name}.md", (), 0, 1) for name in "abcd")


def names(found: Sequence[Passage]) -> str:
    return "".join(each.text for each in found)


def test_ranks_are_added_up_by_weight() -> None:
    assert names(by_rank([([A, B, C], 1.0), ([C, D], 1.0)])) == "cabd"
    assert names(by_rank([([A, B, C], 1.0), ([C, D], 0.02)])) == "abcd"
    assert names(by_rank([([A], 1.0), ([A], 1.0)])) == "a"
    scores = [each.score for each in by_rank([([A, B], 1.0), ([B, C], 0.25)])]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1 / 12 + 0.25 / 11)
