from __future__ import annotations

import pytest

from fablewright.gm.answering.own_creature import in_passages
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.rules.unknown import Unknown


@pytest.mark.parametrize(
    ("note", "cr", "xp"),
    [
        ("# Frobnicator\n\nAC 12, HP 20, CR 1/2.", 0.5, 100),
        ("# Foes\n\nThe frobnicator is made of brass. **Challenge** 3 (700 XP).", 3, 700),
        ("# Frobnicators\n\n**Challenge Rating:** 5", 5, 1800),
    ],
)
def test_the_notes_rate_a_creature_of_their_own(note: str, cr: float, xp: int) -> None:
    found = in_passages(Unknown("frobnicators", 2), passages_of("foes.md", note))
    assert found is not None
    assert (found.foe.name, found.foe.count, found.foe.cr, found.foe.xp) == ("Frobnicator", 2, cr, xp)
    assert "CR" in found.passage.text or "Challenge" in found.passage.text


@pytest.mark.parametrize(
    "note",
    [
        "# Frobnicator\n\nIt frobnicates.",
        "# Foes\n\nThe ogre has CR 2.",
        "# Frobnicator\n\nCR 77.",
        "# Foes\n\nA frobnicatorium, CR 2.",
    ],
)
def test_without_a_rating_it_has_none(note: str) -> None:
    assert in_passages(Unknown("frobnicators", 2), passages_of("foes.md", note)) is None
