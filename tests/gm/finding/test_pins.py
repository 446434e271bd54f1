from __future__ import annotations

import pytest

from fablewright.gm.finding.pins import Pin, pin_of
from fablewright.gm.finding.sort import sort_of
from fablewright.gm.reading.notes import Passage

ROSTER = "| Name | Class | AC | HP |\n|---|---|---|---|\n| Wren | Rogue | 14 | 17 |"
STATS = (
    "### Ogre\n\n_Large Giant, Chaotic Evil_\n\n**AC** 11 **Initiative** -1\n**HP** 68 (8d10 + 24)\n**Speed** 40 ft."
)
BOX = "> You come to a narrow bridge, and the water below it is as black as the sky above it.\n\nTwo trolls wait."


def pin(file: str, *heading: str, text: str = "Text.") -> Pin | None:
    return pin_of(Passage(text, file, heading, 0, len(text)))


@pytest.mark.parametrize(
    ("file", "heading", "kind"),
    [
        ("a/House rules.md", (), "house_rules"),
        ("notes.md", ("Our table", "House rules"), "house_rules"),
        ("house_rules.md", ("House rules", "Lines (never appear)"), "safety"),
        ("house_rules.md", ("House rules", "Veils"), "safety"),
        ("safety sheet.md", ("What we agreed on",), "safety"),
    ],
)
def test_the_innermost_title_says_what_it_is(file: str, heading: tuple[str, ...], kind: str) -> None:
    assert pin(file, *heading) == Pin(kind)  # type: ignore[arg-type]  # parametrized


def test_a_party_sheet_looks_like_one() -> None:
    assert pin("Party.md", text=ROSTER) == Pin("party")
    assert pin("Characters.md", text="Build your characters together, and talk about what they want.") is None


def test_logs_have_an_order() -> None:
    assert pin("session_02.md", "Session 2 log") == Pin("log", 2)
    assert pin("log/2026-03-14 session.md") == Pin("log", 20260314)
    assert pin("session 12.md", "Plan for session 12") is None


@pytest.mark.parametrize("heading", ["Hard Lines and Off-Screen Content", "Lines of sight", "The Mill", "The Loggers"])
def test_most_notes_are_not_pinned(heading: str) -> None:
    assert pin("notes.md", heading) is None


@pytest.mark.parametrize(
    ("text", "file", "sort"),
    [
        (STATS, "monsters.md", "stats"),
        (BOX, "adventure.md", "scene"),
        (ROSTER, "Party.md", "sheet"),
        ("Encounters challenge players, and monsters make a scene of it.", "tips.md", "advice"),
        ("**Casting Time:** Action. You hurl fire.", "x.md", "rules"),
        ("> **Note** The bridge is old, and the water below it is as black as the sky.", "x.md", "lore"),
        ("The reeve is forty.", "people.md", "lore"),
    ],
)
def test_sorts_of_text_are_seen_by_their_marks(text: str, file: str, sort: str) -> None:
    assert sort_of(Passage(text, file, (), 0, len(text))) == sort
