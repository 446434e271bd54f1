from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.entry.mcp import resources
from fablewright.entry.mcp.resources import list_resources, read_resource
from fablewright.entry.mcp.tools import TOOLS
from fablewright.errors import FablewrightError, InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.entry.mcp.open_table import OpenTable

pytestmark = pytest.mark.anyio

MILL = "fablewright://notes/Places%20%26%20people/The%20mill%20%231%20%2850%25%29.md"


async def test_notes_are_listed_and_read_also_under_odd_names(table: OpenTable, notes_folder: Path) -> None:
    listed = await list_resources(table)
    assert [each.uri for each in listed] == ["fablewright://notes", MILL, "fablewright://notes/plain.txt"]
    assert [each.mime_type for each in listed] == ["text/markdown", "text/markdown", "text/plain"]
    for each in listed[1:]:
        assert (await read_resource(table, each.uri)).text == (notes_folder / each.name).read_text("utf-8")
    overview = (await read_resource(table, "fablewright://notes")).text
    assert overview.count("\n") == 2
    assert f"]({MILL})" in overview


NO_NOTES = [
    "../outside.md",
    "..%2Foutside.md",
    "%2e%2e/outside.md",
    "Places & people/../../outside.md",
    "Places & people/../plain.txt",  # inside, and still not its name
    "/etc/passwd",
    "%2Fetc%2Fpasswd",
    "..\\outside.md",
    "plain.txt%00.md",
    "plain.txt/",
    "PLAIN.TXT",
    "linked.md",
    "hidden/.secret.md",
]


async def test_only_what_is_in_the_index_is_a_note(table: OpenTable, notes_folder: Path) -> None:
    (notes_folder / "linked.md").symlink_to(notes_folder.parent / "outside.md")
    (notes_folder / "hidden").mkdir()
    (notes_folder / "hidden" / ".secret.md").write_text("# Hidden\n", "utf-8")
    for name in NO_NOTES:
        with pytest.raises(InvalidInput, match="There is no note"):
            await read_resource(table, f"fablewright://notes/{name}")
    assert "ferry" in (await read_resource(table, "fablewright://notes/plain.txt")).text


async def test_a_note_that_became_a_link_is_not_followed(table: OpenTable, notes_folder: Path) -> None:
    await list_resources(table)
    note = notes_folder / "plain.txt"
    note.unlink()
    note.symlink_to(notes_folder.parent / "outside.md")
    with pytest.raises(FablewrightError, match=r"There is no note|cannot be read now: a link was put in its place"):
        await read_resource(table, "fablewright://notes/plain.txt")


async def test_what_is_no_address_of_ours_is_refused(table: OpenTable) -> None:
    for uri in ("file:///etc/passwd", "fablewright://", "fablewright://notesx", "http://x/", ""):
        with pytest.raises(InvalidInput, match="There is no resource"):
            await read_resource(table, uri)


async def test_scenes_are_there_as_markdown_the_latest_first(table: OpenTable) -> None:
    with pytest.raises(InvalidInput, match="none was asked for yet"):
        await read_resource(table, "fablewright://scenes/1")
    for words in ("the mill", "the ferry"):
        await TOOLS["scene"].call(table, {"request": words, "seed": 1, "use_notes": words == "the mill"})
    titles = [each.title for each in await list_resources(table) if "/scenes/" in each.uri]
    latest = (await read_resource(table, "fablewright://scenes/1")).text
    first = (await read_resource(table, "fablewright://scenes/2")).text
    assert f"# {titles[1]}" in first
    assert "Odo Brandt" in first
    assert "Odo Brandt" not in latest
    assert "%%" not in first  # what leads back into the program is nothing to read
    for number in ("0", "3", "-1", "1.0", "¹", "x", "9" * 5000):
        with pytest.raises(InvalidInput, match="there are 1 to 2"):
            await read_resource(table, f"fablewright://scenes/{number}")


async def test_a_long_note_is_cut_and_says_so(table: OpenTable, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (await read_resource(table, MILL)).text
    monkeypatch.setattr(resources, "_LONGEST", 20)
    text = (await read_resource(table, MILL)).text
    assert text == f"{whole[:20]}\n\n(It goes on for {len(whole) - 20} characters: `ask` looks into all of it.)"
