"""A scene as a note for Obsidian: front matter, callouts, links back to the notes, and blocks for two plugins.

The blocks are those of Fantasy Statblocks (``statblock``) and Initiative Tracker (``encounter``); without the plugins
they are shown as code. A comment (``%%``) at the end carries the scene's data; readers do not see it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from fablewright.adapters.exports.carried import carried, packed_lines
from fablewright.adapters.exports.rows import Reader, Row, lines_of
from fablewright.gm.exporting.edits import edited
from fablewright.gm.exporting.pieces import LEADS, PARTS, pieces, scene_of
from fablewright.gm.exporting.visible import visible
from fablewright.gm.rules.creature import cr_text
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.answer import Answer
    from fablewright.gm.exporting.pieces import Piece
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.rules.creature import Creature
    from fablewright.gm.scene.scenario import Foe

__all__ = ["obsidian_text", "read_obsidian", "write_obsidian"]

_GM_ONLY = "**GM only:** "
_MARKS = {Origin.INVENTED: r"\*", Origin.RETOLD: r"\~", Origin.BY_RULE: "§", Origin.FROM_LOG: "†"}
_LEGEND = {
    Origin.INVENTED: r"\* invented, not in your notes",
    Origin.RETOLD: r"\~ your notes in a model's words",
    Origin.BY_RULE: "§ worked out from the rules",
    Origin.FROM_LOG: "† from your campaign's log",
}
_LEADS = {"title": "# ", "read_aloud": "> ", "options": "1. ", "balance": ""}
_PARAGRAPHS = {"read_aloud": ">", "balance": ""}  # parts of several paragraphs, and the line between two
_HANGING = {f"    - *{lead}:* ": end for end, lead in LEADS.items()}
_SPECIAL = re.compile(r"[*§~†]$|[\\`*_\[\]<>|#~=$^{}!&]|%(?=%)|(?<=%)%")
_AT_START = re.compile(r"^(?:[-+]|\d+(?=[.)]))")
_TAIL = re.compile(r"(?:\\[*~]|[§†])?(?:\s*\[\[[^\[\]]*\]\])*$")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|&#(\d{1,4});")  # from the left: of two backslashes the first escapes
_NO_LINK = re.compile(r"[\[\]|#^:\\%]")


def write_obsidian(answer: Answer, bestiary: Bestiary) -> str:
    """Return the note."""
    return "\n".join([obsidian_text(answer, bestiary), "%%", *packed_lines(answer), "%%", ""])


def obsidian_text(answer: Answer, bestiary: Bestiary) -> str:
    """Return what a reader sees of the note, without the data that lead back."""
    return "\n".join([*(row.text for row in _rows(answer, bestiary)), ""])


def read_obsidian(text: str, bestiary: Bestiary) -> Answer:
    """Return the scene of a note that we wrote, as it reads now.

    Raises:
        InvalidInput: The note carries no scene.
    """
    answer = carried(text)
    rows = list(_rows(answer, bestiary))
    reader = Reader(_plain, _GM_ONLY, _TAIL, _HANGING)
    body = lines_of(text.rpartition("\n%%\n" + packed_lines(answer)[0])[0] or text)
    return edited(answer, reader.read(rows, [row.text.rstrip() for row in rows]), reader.read(rows, body))


def _rows(answer: Answer, bestiary: Bestiary) -> Iterator[Row]:
    scene = scene_of(answer)
    yield from map(Row, _front_matter(answer))
    numbers: dict[str, int] = {}
    shown = pieces(scene)
    part = ""
    beside: tuple[int, ...] = ()  # the sources of the piece that others hang on
    for piece in shown:
        if piece.part != part:
            if part == "foes":
                yield from map(Row, _fight(scene.title.text, scene.foes, bestiary))
            part = piece.part
            yield from _opening(part)
        elif part in _PARAGRAPHS:
            yield Row(_PARAGRAPHS[part])
        lead = _lead(piece)
        same = bool(piece.hangs_on) and piece.sources == beside
        marks = _MARKS.get(piece.origin, "") + ("" if same else _links(piece, answer, numbers))
        beside = beside if piece.hangs_on else piece.sources
        words = (_GM_ONLY if piece.secret else "") + _escaped(piece.text)
        yield Row(f"{lead}{words}{marks}".rstrip(), piece.place, lead)
    yield from map(Row, _foot(answer, shown))


def _opening(part: str) -> Iterator[Row]:
    if part == "title":
        return
    yield Row("")
    if part == "read_aloud":
        yield Row("> [!quote] Read aloud", part, _LEADS[part])
    elif part != "balance":  # that belongs to the foes
        yield Row(f"## {PARTS[part]}", part, _LEADS.get(part, "- "))
        yield Row("")


def _lead(piece: Piece) -> str:
    return f"    - *{LEADS[piece.hangs_on]}:* " if piece.hangs_on else _LEADS.get(piece.part, "- ")


def _front_matter(answer: Answer) -> Iterator[str]:
    yield "---"
    yield f"title: {_quoted(scene_of(answer).title.text)}"
    yield "tags: [fablewright, scene]"
    files = list(dict.fromkeys(passage.file for passage in answer.citations))
    if files:
        yield "sources:"
        yield from (f"  - {_quoted(f'[[{_target(file)}]]')}" for file in files)
    yield "---"
    yield ""


def _fight(title: str, foes: tuple[Foe, ...], bestiary: Bestiary) -> Iterator[str]:
    """Yield the fight for Initiative Tracker and a stat block for each creature that the rules know."""
    known = [(foe, bestiary.find(foe.name)) for foe in foes]
    yield from ("", "```encounter", f"name: {_quoted(title)}", "creatures:")
    for foe, found in known:
        numbers = f", {found.creature.hp}, {found.creature.ac}, {found.creature.initiative}" if found else ""
        yield f"  - {foe.count or 1}: {_quoted(re.sub('[,:]', ' ', foe.name) + numbers)}"
    yield "```"
    for creature in dict.fromkeys(found.creature for _, found in known if found):
        yield from ("", "```statblock", *_stat_block(creature), "```")
    unknown = [_escaped(visible(foe.name)) for foe, found in known if not found]
    if unknown:
        yield from ("", f"*No stat block: {', '.join(dict.fromkeys(unknown))}. The rules do not have it.*")


def _stat_block(creature: Creature) -> Iterator[str]:
    yield "layout: Basic 5e Layout"
    yield f"name: {_quoted(creature.name)}"
    yield f"size: {_quoted(creature.size.capitalize())}"
    yield f"type: {_quoted(creature.type)}"
    yield f"alignment: {_quoted(creature.alignment)}"
    yield f"ac: {creature.ac}"
    yield f"hp: {creature.hp}"
    yield f"hit_dice: {_quoted(creature.hit_dice)}"
    yield f"speed: {_quoted(creature.speed_text)}"
    yield f"stats: [{', '.join(map(str, creature.abilities))}]"
    yield f"senses: {_quoted(creature.senses_text)}"
    yield f"languages: {_quoted(creature.languages or 'None')}"
    yield f"cr: {_quoted(cr_text(creature.cr))}"
    yield 'source: "SRD 5.2.1 (CC-BY-4.0)"'


def _links(piece: Piece, answer: Answer, numbers: dict[str, int]) -> str:
    """Return a link for each of a piece's sources: a number, the same one for the same section."""
    targets = dict.fromkeys(_section(answer.citations[source]) for source in piece.sources)
    return "".join(f" [[{target}|{numbers.setdefault(target, len(numbers) + 1)}]]" for target in targets)


def _section(passage: Passage) -> str:
    heading = passage.heading[-1] if passage.heading else ""
    if passage.page is not None:
        return f"{_target(passage.file)}#page={passage.page}"
    return f"{_target(passage.file)}#{_linkable(heading)}" if _linkable(heading) else _target(passage.file)


def _target(file: str) -> str:
    """Return what a link to a file says: Obsidian leaves the ending of its own notes out."""
    return _linkable(file.removesuffix(".md")) or "?"


def _linkable(text: str) -> str:
    """Return text without the signs that a link cannot have; Obsidian leaves them out of headings as well."""
    return " ".join(_NO_LINK.sub(" ", visible(text)).split())


def _foot(answer: Answer, shown: tuple[Piece, ...]) -> Iterator[str]:
    used = {piece.origin for piece in shown}
    legend = [words for origin, words in _LEGEND.items() if origin in used]
    if legend:
        yield from ("", f"*{' · '.join(legend)}*")
    if answer.missing:
        yield from ("", "> [!warning] What is missing", *(f"> {_escaped(visible(line))}" for line in answer.missing))


def _escaped(text: str) -> str:
    text = _SPECIAL.sub(
        lambda found: f"&#{ord(found[0])};" if found[0] in "%§" or found.end() == len(text) else f"\\{found[0]}", text
    )
    return _AT_START.sub(lambda found: rf"{found[0][:-1]}&#{ord(found[0][-1])};", text)


def _plain(markdown: str) -> str:
    return visible(_ESCAPED.sub(lambda found: found[1] or chr(int(found[2])), markdown))


def _quoted(text: str) -> str:
    """Return a text as YAML in double quotes; what ``visible`` leaves, YAML can hold."""
    return json.dumps(visible(text), ensure_ascii=False)
