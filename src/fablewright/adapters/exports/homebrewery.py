"""A scene as a brew for The Homebrewery (renderer V3): paste it into a new brew, or upload it.

Text is tamed with HTML entities, which mean the same in every corner of the format: a closing brace in somebody's
notes closes no block. A comment at the end carries the scene's data.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

from fablewright.adapters.exports.carried import carried, packed_lines
from fablewright.adapters.exports.rows import Reader, Row, lines_of
from fablewright.gm.exporting.edits import edited
from fablewright.gm.exporting.pieces import LEADS, PARTS, pieces, scene_of, source_name
from fablewright.gm.exporting.visible import visible
from fablewright.gm.rules.creature import cr_text
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.answer import Answer
    from fablewright.gm.exporting.pieces import Piece
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.rules.creature import Creature
    from fablewright.gm.scene.scenario import Foe

__all__ = ["read_homebrewery", "write_homebrewery"]

_GM_ONLY = "**GM only.** "
_MARKS = {Origin.INVENTED: r"\*", Origin.RETOLD: r"\~", Origin.BY_RULE: "§", Origin.FROM_LOG: "†"}
_LEGEND = {
    Origin.INVENTED: r"\* invented, not in the notes",
    Origin.RETOLD: r"\~ the notes in a model's words",
    Origin.BY_RULE: "§ worked out from the rules",
    Origin.FROM_LOG: "† from the campaign's log",
}
_LEADS = {"title": "# ", "read_aloud": "", "options": "1. ", "balance": ""}
_HANGING = {f"    - *{lead}:* ": end for end, lead in LEADS.items()}
_SPECIAL = re.compile(r"[\\`*_\[\]<>{}|~^$&=!]|:(?=\S)|(?<=:):|^(?:[-+#]|\d+(?=[.)]))|[§†]$")
_TAIL = re.compile(r"(?:\\[*~]|[§†])?(?: \{\{source [^{}]*\}\})?$")
_PAGE = 88
"""Lines of two columns that fit on a page; what is more would run off it."""
_COLUMN = 52
"""Letters of a line in a column."""
_ABILITIES = ("STR", "DEX", "CON", "INT", "WIS", "CHA")
_PROFICIENCY_FROM = {5: 3, 9: 4, 13: 5, 17: 6, 21: 7, 25: 8, 29: 9}  # CR: bonus; SRD 5.2.1, Monsters
_SOURCES = "## Sources"
_END = "-->"


def write_homebrewery(answer: Answer, bestiary: Bestiary) -> str:
    """Return the brew."""
    rows = [row.text for row in _rows(answer, bestiary)]
    return "\n".join([*rows, "", "<!--", *packed_lines(answer), _END, ""])


def read_homebrewery(text: str, bestiary: Bestiary) -> Answer:
    """Return the scene of a brew that we wrote, as it reads now.

    Raises:
        InvalidInput: The brew carries no scene.
    """
    answer = carried(text)
    rows = list(_rows(answer, bestiary))
    reader = Reader(lambda words: visible(html.unescape(words)), _GM_ONLY, _TAIL, _HANGING)
    body = lines_of(text.rpartition("\n<!--\n" + packed_lines(answer)[0])[0] or text)
    return edited(answer, reader.read(rows, [row.text.rstrip() for row in rows]), reader.read(rows, body))


def _rows(answer: Answer, bestiary: Bestiary) -> Iterator[Row]:
    scene = scene_of(answer)
    yield from map(Row, _metadata(visible(scene.title.text)))
    places: list[str] = []
    shown = pieces(scene)
    room = _Room()
    part = ""
    for piece in shown:
        if piece.part != part:
            if part == "read_aloud":
                yield Row("}}")
            part = piece.part
            yield from room.placed(_opening(part))
        elif part in {"read_aloud", "balance"}:  # paragraphs
            yield Row("")
        yield from room.placed([_row(piece, answer, places)])
    if part == "read_aloud":
        yield Row("}}")
    for block in _stat_blocks(scene.foes, bestiary):
        yield from room.placed(map(Row, block))
    yield from room.placed(map(Row, _foot(shown, places)))


class _Room:
    """Counts lines and begins a new page before one would be too full: The Homebrewery cuts off what does not fit."""

    def __init__(self) -> None:
        self._used = 0

    def placed(self, rows: Sequence[Row] | Iterator[Row]) -> Iterator[Row]:
        """Yield rows that stay together, on a new page if they no longer fit."""
        rows = list(rows)
        needed = sum(1 + len(row.text) // _COLUMN for row in rows)
        if self._used and self._used + needed > _PAGE:
            yield from (Row(""), Row("\\page"), Row(""))
            self._used = 0
        self._used += needed
        yield from rows


def _opening(part: str) -> Iterator[Row]:
    if part == "title":
        return
    yield Row("")
    if part == "read_aloud":
        yield Row("{{descriptive", part, "")
    elif part != "balance":  # that belongs to the foes
        yield Row(f"## {PARTS[part]}", part, _LEADS.get(part, "- "))
        yield Row("")


def _row(piece: Piece, answer: Answer, places: list[str]) -> Row:
    lead = f"    - *{LEADS[piece.hangs_on]}:* " if piece.hangs_on else _LEADS.get(piece.part, "- ")
    numbers = "" if piece.hangs_on else _numbers(piece, answer, places)
    words = f"{_GM_ONLY if piece.secret else ''}{_tamed(piece.text)}{_MARKS.get(piece.origin, '')}{numbers}"
    return Row(f"{lead}{words}".rstrip(), piece.place, lead)


def _numbers(piece: Piece, answer: Answer, places: list[str]) -> str:
    """Return the numbers of a piece's sources in the list at the end."""
    numbers: list[int] = []
    for source in piece.sources:
        place = source_name(answer.citations[source])
        if place not in places:
            places.append(place)
        numbers.append(places.index(place) + 1)
    shown = ", ".join(map(str, sorted(set(numbers))))
    return f" {{{{source ({shown})}}}}" if shown else ""


def _metadata(title: str) -> Iterator[str]:
    yield "```metadata"
    yield f"title: {json.dumps(title or 'Scene', ensure_ascii=False)}"
    yield "description: 'A scene made by Fablewright'"
    yield "tags: [fablewright, scene]"
    yield "systems: [5e]"
    yield "renderer: V3"
    yield "theme: 5ePHB"
    yield "```"
    yield ""
    yield "```css"
    yield ".source { font-size: 0.75em; opacity: 0.6; }"
    yield "```"
    yield ""


def _stat_blocks(foes: tuple[Foe, ...], bestiary: Bestiary) -> Iterator[list[str]]:
    found = [bestiary.find(foe.name) for foe in foes]
    for creature in dict.fromkeys(each.creature for each in found if each is not None):
        yield ["", *_stat_block(creature)]
    unknown = [_tamed(visible(foe.name)) for foe, each in zip(foes, found, strict=True) if each is None]
    if unknown:
        yield ["", f"*No stat block: {', '.join(dict.fromkeys(unknown))}. The rules do not have it.*"]


def _stat_block(creature: Creature) -> Iterator[str]:
    bonus = max((bonus for cr, bonus in _PROFICIENCY_FROM.items() if creature.cr >= cr), default=2)
    scores = (f"{score} ({(score - 10) // 2:+d})" for score in creature.abilities)
    yield "{{monster,frame"
    yield f"## {creature.name}"
    yield f"*{creature.size.capitalize()} {creature.type}, {creature.alignment}*"
    yield "___"
    yield f"**Armor Class** :: {creature.ac}"
    yield f"**Hit Points**  :: {creature.hp} ({creature.hit_dice})"
    yield f"**Speed**       :: {creature.speed_text}"
    yield f"**Initiative**  :: {creature.initiative:+d}"
    yield "___"
    yield f"|{'|'.join(f' {name} ' for name in _ABILITIES)}|"
    yield f"|{':---:|' * len(_ABILITIES)}"
    yield f"|{'|'.join(scores)}|"
    yield "___"
    yield f"**Senses**      :: {creature.senses_text}"
    yield f"**Languages**   :: {creature.languages or '—'}"
    yield (
        f"**Challenge**   :: {cr_text(creature.cr)} ({creature.xp:,} XP) {{{{bonus **Proficiency Bonus** +{bonus}}}}}"
    )
    yield "}}"


def _foot(shown: tuple[Piece, ...], places: list[str]) -> Iterator[str]:
    if places:
        yield from ("", _SOURCES, "", *(f"{number}. {_tamed(place)}" for number, place in enumerate(places, 1)))
    legend = [words for origin, words in _LEGEND.items() if origin in {piece.origin for piece in shown}]
    if legend:
        yield from ("", f"*{' · '.join(legend)}*")


def _tamed(text: str) -> str:
    return _SPECIAL.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found[0]), text)
