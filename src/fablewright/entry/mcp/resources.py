"""The resources: the notes as they are read, and the scenes that were asked for last, as Markdown.

A note's address holds its name, and a name is only ever looked up among those of the index: whatever else is asked for,
``../../etc/passwd`` for one, is no file here.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, unquote

from fablewright.adapters.exports.obsidian import obsidian_text
from fablewright.entry.campaign_log import ask_campaign
from fablewright.errors import FablewrightError, InvalidInput, RequestFailed
from fablewright.gm.answer_data import answer_from_data
from fablewright.gm.campaign.events import plain
from fablewright.gm.campaign.memory import RecallScenes
from fablewright.gm.haystack_pipeline import HaystackPipeline, NoticeChanges
from fablewright.gm.rules.bestiary import load_bestiary

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.entry.mcp.open_table import OpenTable

__all__ = ["NOTE", "PAGE", "SCENE", "Resource", "Text", "list_resources", "read_resource"]

R = TypeVar("R")

_NOTES = "fablewright://notes"
_SCENES = "fablewright://scenes"
NOTE = f"{_NOTES}/{{+file}}"
"""The template of a note's address."""
SCENE = f"{_SCENES}/{{number}}"
"""The template of a scene's; 1 is the latest."""
PAGE = 200
"""Resources in one answer to a question for the list."""
_LONGEST = 1_000_000
"""Characters of a note that are handed out; a book of 360 pages has about as many."""
_MARKDOWN, _PLAIN = "text/markdown", "text/plain"
_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that can be read: its address, what to call it, and what it is."""

    uri: str
    name: str
    title: str
    description: str
    mime_type: str = _MARKDOWN


@dataclass(frozen=True, slots=True)
class Text:
    """What stands in a resource."""

    text: str
    mime_type: str = _MARKDOWN


async def list_resources(table: OpenTable) -> list[Resource]:
    """Return what can be read: the list of notes, the scenes, the latest first, and each note.

    Raises:
        FablewrightError: The index or the log cannot be read.
    """
    scenes = await ask_campaign(table.bus, RecallScenes(), timeout=table.settings.timeout)
    found = [Resource(_NOTES, "notes", "The list of notes", "The game master's notes, a file a line.")]
    found += [
        Resource(f"{_SCENES}/{number}", f"scene {number}", plain(scene.title), f"A scene, asked for on {scene.on}.")
        for number, scene in enumerate(scenes, 1)
    ]
    return found + [
        Resource(_address(name), name, PurePosixPath(name).name, "A note of the game master.", _kind(name))
        for name in await _names(table)
    ]


async def read_resource(table: OpenTable, uri: str) -> Text:
    """Return what stands in a resource.

    Raises:
        InvalidInput: There is no such resource.
        FablewrightError: It cannot be read.
    """
    if uri in {_NOTES, f"{_NOTES}/"}:
        lines = [f"- [{name}]({_address(name)})\n" for name in await _names(table)]
        return Text("".join(lines) or "There are no notes.\n")
    if uri.startswith(f"{_NOTES}/"):
        return await _note(table, unquote(uri.removeprefix(f"{_NOTES}/")))
    if uri.startswith(f"{_SCENES}/"):
        return await _scene(table, uri.removeprefix(f"{_SCENES}/"))
    raise InvalidInput(f"There is no resource {uri[:200]!r}.")


async def _note(table: OpenTable, name: str) -> Text:
    if name not in await _names(table):
        raise InvalidInput(f"There is no note {name[:200]!r}; {_NOTES} lists them.")
    try:
        note = await _on_thread(table, lambda: table.notes.source.read(name))
    except InvalidInput as error:
        raise FablewrightError(f"The note {name!r} cannot be read now: {error}.") from error
    if note.refusal:
        raise FablewrightError(f"The note {name!r} cannot be read: {note.refusal}.")
    if len(note.text) <= _LONGEST:
        return Text(note.text, _kind(name))
    rest = f"(It goes on for {len(note.text) - _LONGEST:,} characters: `ask` looks into all of it.)"
    return Text(f"{note.text[:_LONGEST]}\n\n{rest}", _kind(name))


async def _scene(table: OpenTable, number: str) -> Text:
    scenes = await ask_campaign(table.bus, RecallScenes(), timeout=table.settings.timeout)
    if not (number.isascii() and number.isdecimal() and 1 <= int(number[:4]) <= len(scenes)):
        there = f"there are 1 to {len(scenes)}" if scenes else "none was asked for yet"
        raise InvalidInput(f"There is no scene {number[:20]!r}: {there}.")
    answer = answer_from_data(json.loads(scenes[int(number) - 1].data))
    return Text(obsidian_text(answer, load_bestiary()))


async def _names(table: OpenTable) -> list[str]:
    """Return the names of all notes of which something can be found, when they have been read."""
    for _ in range(_LOOKS):  # each waits for a quarter of a second
        try:
            if await table.bus.ask(HaystackPipeline.name, NoticeChanges(), timeout=table.settings.timeout):
                break
        except RequestFailed:
            break
    return sorted(await _on_thread(table, table.notes.index.counts))


async def _on_thread(table: OpenTable, work: Callable[[], R]) -> R:
    try:
        async with asyncio.timeout(table.settings.timeout):
            return await table.bus.on_thread(work)
    except TimeoutError:
        raise FablewrightError(f"The notes gave no answer within {table.settings.timeout:g} s.") from None


def _address(name: str) -> str:
    return f"{_NOTES}/{quote(name)}"


def _kind(name: str) -> str:
    return _PLAIN if name.lower().endswith(".txt") else _MARKDOWN
