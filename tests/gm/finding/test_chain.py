from __future__ import annotations

import pytest

from fablewright.gm.finding.chain import is_chain


@pytest.mark.parametrize(
    "question",
    [
        "Who sold the map, and where does that man live?",
        "The woman at the well: what is she hiding?",
        "Who rules the marsh? Does he have children?",
        "The crown in the tomb: what happens to whoever touches it?",
    ],
)
def test_a_second_half_that_points_back_makes_a_chain(question: str) -> None:
    assert is_chain(question)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "Where does that man live?",
        "Who owns the inn, and who runs it day to day?",
        "Grappled: what does it do, and how do they get out?",
        "He opens the door, and the lamp goes out.",
    ],
)
def test_other_questions_are_none(question: str) -> None:
    assert not is_chain(question)
