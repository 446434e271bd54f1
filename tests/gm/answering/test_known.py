from __future__ import annotations

from fablewright.gm.answering.known import known_in
from fablewright.gm.reading.indexing import passages_of

NOTE = """# People of Stowe

## Hob Miller

Hob owns the mill and never sleeps.

# Gazetteer

## The Old Lantern

An inn with a green door. Everybody drinks at the Old Lantern.

## Loot

Three coins.

# The road

Most evenings Hob can be found in the Old Lantern.

# House rules

## Critical Hits

Hits hit.
"""


def test_people_and_places_that_have_a_section_are_known() -> None:
    found = {(each.known.name, each.known.kind) for each in known_in(passages_of("stowe.md", NOTE))}
    assert found == {("Hob Miller", "person"), ("the Old Lantern", "place")}


def test_nothing_is_known_of_nothing() -> None:
    assert list(known_in([])) == []


def test_a_heading_over_people_is_nobody() -> None:
    note = "# People\n\n- **Hob** owns the mill. He never sleeps.\n\n# Rumours\n\nHe is said to walk at night.\n"
    assert list(known_in(passages_of("npcs.md", note))) == []
