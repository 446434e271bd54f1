from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.name_key import name_key
from fablewright.gm.scene.focus import plays_on
from fablewright.gm.scene.onward import next_note, onward

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.bestiary import Bestiary

KEEP = """# Keep

## 1. The Gate

> The gate hangs open.

## 2. The Yard

> Wet chickens.

## 3. The Chapel

> Candles burn.
"""
TOWN = """# Town

## The Inn

> A warm room, and Maud at the counter.

## The Market

> Stalls of turnips.

## Maud

Maud keeps the inn. **Wants** quiet.
"""


def titles(bestiary: Bestiary, last: str, lately: str, passages: list[Passage], *behind: str) -> list[str]:
    keys = frozenset(map(name_key, (last, *behind)))
    return [focus.title for focus in onward(last, lately, passages, keys, bestiary)]


def test_the_section_numbered_next_comes_first(bestiary: Bestiary) -> None:
    passages = [*passages_of("town.md", TOWN), *passages_of("keep.md", KEEP)]
    assert titles(bestiary, "The Gate", "Maud waits at the inn", passages) == ["The Yard", "The Inn"]
    assert titles(bestiary, "The Gate", "", passages, "The Yard") == ["The Chapel"]


def test_else_what_speaks_of_what_happened(bestiary: Bestiary) -> None:
    passages = passages_of("town.md", TOWN)
    assert titles(bestiary, "The Market", "they are sent to Maud at the inn", passages) == ["The Inn"]


def test_a_scene_that_was_played_does_not_come_again_and_a_person_is_no_scene(bestiary: Bestiary) -> None:
    passages = passages_of("town.md", TOWN)
    assert titles(bestiary, "The Market", "Maud at the inn", passages, "the inn", "Maud") == []


def test_what_is_secret_is_not_offered(bestiary: Bestiary) -> None:
    secret = passages_of("Secrets.md", "# Secrets\n\n## The Vault\n\n> Gold, and the abbot.\n")
    assert titles(bestiary, "The Market", "the abbot and the vault", secret) == []


def test_where_an_adventure_begins_is_not_where_it_goes_on(bestiary: Bestiary) -> None:
    start = passages_of("start.md", "# Adventure Start\n\n> Rain falls on Maud at the inn.\n")
    passages = [*start, *passages_of("town.md", TOWN)]
    assert titles(bestiary, "The Market", "Maud at the inn", passages) == ["The Inn"]


def test_the_note_numbered_next_follows_a_note(bestiary: Bestiary) -> None:
    one = passages_of("book/ch09.md", "# The Storm\n\nThe ship broke on the reef, and they swam.\n")
    two = passages_of("book/ch10.md", "# The Beach\n\nSand, and footprints of one foot.\n")
    assert titles(bestiary, "The Storm", "", [*one, *two]) == ["The Beach"]


@pytest.mark.parametrize(
    ("file", "following"),
    [("ch09.md", "ch10.md"), ("a/Part 1.md", "a/Part 2.md"), ("keep.md", ""), ("2024/keep 3 b.md", "2024/keep 4 b.md")],
)
def test_the_next_number(file: str, following: str) -> None:
    assert next_note(file) == following


@pytest.mark.parametrize(
    ("request_", "is_onward"),
    [
        ("what happens next", True),
        ("what happens next after last session?", True),
        ("Give me the next scene", True),
        ("generate scenario for the first encounter", False),
        ("start of the campaign", False),
        ("what happens when they enter the mill", False),
    ],
)
def test_who_asks_for_nothing_in_particular_wants_to_play_on(request_: str, is_onward: bool) -> None:
    assert plays_on(request_) is is_onward
