from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.rules.budget import Budget, Rules, day_budget, multiplier, xp_for_cr
from fablewright.gm.rules.party import Party, parse_party

if TYPE_CHECKING:
    from pathlib import Path


def test_every_mark_is_that_of_the_tables(shared: Path) -> None:
    table = (shared / "srd" / "encounter_tables.md").read_text(encoding="utf-8")
    lines = [line for line in table.splitlines() if re.match(r"\| \d", line)]
    rows = [[int(cell) for cell in line.strip("| ").split("|")] for line in lines]
    assert [row[0] for row in rows] == list(range(1, 21))
    for level, *marks, day in rows:
        party = Party((level,))
        assert day_budget(party) == day
        assert [xp for _, xp in Budget.of(party, "2024").marks] == marks[:3]
        assert [xp for _, xp in Budget.of(party, "2014").marks] == marks[3:]


def test_xp_by_challenge_rating_is_that_of_the_tables(shared: Path) -> None:
    table = (shared / "srd" / "encounter_tables.md").read_text(encoding="utf-8")
    line = next(line for line in table.splitlines() if line.startswith("- XP by CR: "))
    pairs = line.split(":", 1)[1].split(". In SRD")[0].replace("0: 0 or 10", "0 10").split(";")
    read = {cr: int(xp) for cr, xp in (pair.split() for pair in pairs)}
    assert len(read) == 34
    for cr, xp in read.items():
        over, _, under = cr.partition("/")
        assert xp_for_cr(int(over) / int(under or 1)) == xp


def test_four_level_2_characters() -> None:
    budget = Budget.of(parse_party("4x2"))
    assert budget.marks == (("low", 400), ("moderate", 600), ("high", 800))
    assert budget["moderate"] == 600
    assert str(budget) == "400 low / 600 moderate / 800 high"
    assert Budget.of(parse_party("4x2"), "2014").marks == (
        ("easy", 200),
        ("medium", 400),
        ("hard", 600),
        ("deadly", 800),
    )


def test_mixed_levels_add_up() -> None:
    assert Budget.of(parse_party("3x5,2x4")).marks == (("low", 2000), ("moderate", 3000), ("high", 4300))


@pytest.mark.parametrize(
    ("rules", "xp", "word"),
    [
        ("2024", 0, "trivial"),
        ("2024", 1, "low"),
        ("2024", 400, "low"),
        ("2024", 401, "moderate"),
        ("2024", 575, "moderate"),
        ("2024", 600, "moderate"),
        ("2024", 800, "high"),
        ("2024", 801, "above high"),
        ("2014", 199, "trivial"),
        ("2014", 200, "easy"),
        ("2014", 599, "medium"),
        ("2014", 600, "hard"),
        ("2014", 800, "deadly"),
        ("2014", 9999, "deadly"),
    ],
)
def test_a_2024_mark_is_a_ceiling_and_a_2014_mark_a_floor(rules: Rules, xp: int, word: str) -> None:
    assert Budget.of(parse_party("4x2"), rules).difficulty(xp) == word


@pytest.mark.parametrize(
    ("monsters", "small", "usual", "large"),
    [
        (1, 1.5, 1.0, 0.5),
        (2, 2.0, 1.5, 1.0),
        (3, 2.5, 2.0, 1.5),
        (6, 2.5, 2.0, 1.5),
        (7, 3.0, 2.5, 2.0),
        (10, 3.0, 2.5, 2.0),
        (11, 4.0, 3.0, 2.5),
        (14, 4.0, 3.0, 2.5),
        (15, 5.0, 4.0, 3.0),
        (99, 5.0, 4.0, 3.0),
    ],
)
def test_2014_multiplier(monsters: int, small: float, usual: float, large: float) -> None:
    assert [multiplier(monsters, size, "2014") for size in (1, 2)] == [small, small]
    assert [multiplier(monsters, size, "2014") for size in (3, 4, 5)] == [usual, usual, usual]
    assert [multiplier(monsters, size, "2014") for size in (6, 20)] == [large, large]
    assert multiplier(monsters, 4, "2024") == 1.0


@given(st.floats() | st.integers(-5, 40).map(float))
def test_only_the_ratings_of_the_rules_have_xp(cr: float) -> None:
    if cr in {0.0, 0.125, 0.25, 0.5, *range(1, 31)}:
        assert xp_for_cr(cr) >= 10
    else:
        with pytest.raises(InvalidInput, match="no Challenge Rating"):
            xp_for_cr(cr)


def test_unknown_words_are_refused_with_those_that_are_known() -> None:
    party = parse_party("4x2")
    with pytest.raises(InvalidInput, match="low, moderate, high, not 'deadly'"):
        Budget.of(party)["deadly"]
    with pytest.raises(InvalidInput, match="2024 or 2014"):
        Budget.of(party, "2025")  # type: ignore[arg-type] # a wrong setting, on purpose
