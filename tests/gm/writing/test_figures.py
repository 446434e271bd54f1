from __future__ import annotations

import pytest

from fablewright.gm.writing.figures import figures, unsupported


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Four bandits and 12 crows.", ["4", "12"]),
        ("A DC 15 check, 2d6+3 damage, d20.", ["dc15", "2d6+3", "d20"]),
        ("1,150 XP, twenty-two men, a dozen eggs", ["1150", "20-2", "12"]),
        ("One of them knows anyone.", []),
        ("He lived for ten years.", ["10"]),
    ],
)
def test_numbers_are_read_however_they_are_written(text: str, values: list[str]) -> None:
    assert [figure.value for figure in figures(text)] == values


@pytest.mark.parametrize(
    ("said", "note", "holds"),
    [
        ("Four bandits wait.", "There are 4 tired bandits here.", True),
        ("Four guards wait.", "The mill is four miles away.", False),
        ("They need a DC 12 Perception check.", "Wisdom (Perception) DC 12 to see it.", True),
        ("They need a DC 13 Perception check.", "Wisdom (Perception) DC 12 to see it.", False),
        ("It is 3.", "It is 3.", True),
        ("The 12 ships sail.", "The ships sail at noon.", False),
    ],
)
def test_a_number_is_the_notes_only_beside_the_same_words(said: str, note: str, holds: bool) -> None:
    assert (unsupported(said, [note]) == []) == holds
