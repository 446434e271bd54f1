from __future__ import annotations

from pathlib import Path

from fablewright.entry.config import Settings
from fablewright.entry.settings_table import settings_table

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_documentation_holds_the_table_that_the_class_gives() -> None:
    begin, end = "<!-- settings: begin -->\n", "<!-- settings: end -->"
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.partition(begin)[2].partition(end)[0] == settings_table()


def test_every_setting_has_its_line_with_default_and_variable() -> None:
    lines = settings_table().splitlines()[2:]
    assert len(lines) == len(Settings.__struct_fields__)
    assert "| `timeout` | `10.0` | a number greater than 0 and at most 86400 |" in lines[2]
    assert lines[2].endswith("| `FABLEWRIGHT_TIMEOUT` |")
