"""What the tests of the game share."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import pytest

from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.rules.bestiary import Bestiary, load_bestiary
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.table import Table

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage


@pytest.fixture(scope="session")
def bestiary() -> Bestiary:
    return load_bestiary()


@pytest.fixture(scope="session")
def table(bestiary: Bestiary) -> Table:
    return Table(parse_party("4x2"), "2024", bestiary)


@pytest.fixture(scope="session")
def sample_passages() -> dict[str, list[Passage]]:
    """The passages of each note of the sample campaign."""
    folder = resources.files("fablewright") / "sample_campaign"
    notes = {note.name: note.read_text("utf-8") for note in folder.iterdir() if note.name.endswith(".md")}
    return {name: passages_of(name, text) for name, text in notes.items()}
