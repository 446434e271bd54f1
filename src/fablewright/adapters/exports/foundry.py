"""A scene for Foundry VTT with the dnd5e system: a journal entry, an actor for each creature, and the fight.

Each is a document of its own: make an empty one in Foundry, right-click it, "Import Data". What the numbers need of the
system is that of dnd5e 5.3 on Foundry 13 and 14; the rolls in the text are its enrichers. The fight (an actor of type
``encounter``) and the links go to the system's own compendium, whose creatures have their actions too. The scene's
data is in the journal's flags.
"""

from __future__ import annotations

import hashlib
import re
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from fablewright.adapters.exports.carried import parsed_json, written_json
from fablewright.adapters.exports.foundry_actor import STATS, actor, compendium_uuid, encounter
from fablewright.adapters.exports.tagged import piece_element, read_pieces
from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_data, answer_from_data
from fablewright.gm.exporting.edits import edited
from fablewright.gm.exporting.pieces import LEADS, PARTS, pieces, scene_of, source_name
from fablewright.gm.exporting.visible import file_stem, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fablewright.gm.answer import Answer
    from fablewright.gm.exporting.pieces import Piece
    from fablewright.gm.rules.bestiary import Bestiary

__all__ = ["read_foundry", "write_foundry"]

_SKILLS = {
    "Acrobatics": "acr",
    "Animal Handling": "ani",
    "Arcana": "arc",
    "Athletics": "ath",
    "Deception": "dec",
    "History": "his",
    "Insight": "ins",
    "Intimidation": "itm",
    "Investigation": "inv",
    "Medicine": "med",
    "Nature": "nat",
    "Perception": "prc",
    "Performance": "prf",
    "Persuasion": "per",
    "Religion": "rel",
    "Sleight of Hand": "slt",
    "Stealth": "ste",
    "Survival": "sur",
}
_ABILITIES = ("Strength", "Dexterity", "Constitution", "Intelligence", "Wisdom", "Charisma")
_DAMAGE = re.compile(
    r"\b(?P<dice>\d{1,2}d\d{1,3}(?: ?[+-] ?\d{1,3})?)\)? (?P<type>acid|bludgeoning|cold|fire|force|lightning|necrotic|"
    r"piercing|poison|psychic|radiant|slashing|thunder)(?: damage\b|\b)",
    re.IGNORECASE,
)
_JOINER = "\u2060"  # seen by nobody; between two brackets it keeps Foundry from reading a command
_COMMAND = re.compile(r"\[(?=\[)|[@&](?=\w+\[)")
_ENRICHED = re.compile(r"(?:\[\[/\w+ [^\[\]]*\]\]|@UUID\[[^\[\]]*\])\{(?P<label>[^{}]*)\}")
_OBSERVER = 2  # players may read it


def write_foundry(answer: Answer, bestiary: Bestiary, *, players: bool = False) -> dict[str, str]:
    """Return the documents by file name; equal answers give equal documents, ids included."""
    scene = scene_of(answer)
    documents = {"journal.json": _journal(answer, bestiary, players=players)}
    known = [(foe, found.creature) for foe in scene.foes if (found := bestiary.find(foe.name)) is not None]
    for _, creature in known:
        documents[f"actor-{file_stem(creature.name)}.json"] = actor(creature)
    if known:
        documents["encounter.json"] = encounter(visible(scene.title.text), known)
    return {name: written_json(content) for name, content in documents.items()}


def read_foundry(text: str, bestiary: Bestiary) -> Answer:
    """Return the scene of a journal entry that we wrote, as its first page reads now.

    Raises:
        InvalidInput: It is no journal entry of ours, or it was damaged.
    """
    journal = parsed_json(text)
    try:
        flags, content = journal["flags"]["fablewright"], journal["pages"][0]["text"]["content"]  # type: ignore[index]
        answer = answer_from_data(flags["scene"])
    except (KeyError, IndexError, TypeError):
        raise InvalidInput("This is no journal entry that Fablewright exported; give its journal.json.") from None
    if not isinstance(content, str):
        raise InvalidInput("The journal entry's first page has no text.")
    return edited(answer, read_pieces(_content(answer, bestiary), _plain), read_pieces(content, _plain))


def _journal(answer: Answer, bestiary: Bestiary, *, players: bool) -> dict[str, Any]:
    name = visible(scene_of(answer).title.text) or "Scene"
    content = _content(answer, bestiary)
    page = {
        "_id": document_id("page", name, content),
        "name": "Scene",
        "type": "text",
        "title": {"show": False, "level": 1},
        "text": {"format": 1, "content": content},
        "image": {},
        "video": {"controls": True, "volume": 0.5},
        "src": None,
        "system": {},
        "sort": 0,
        "ownership": {"default": -1},
        "flags": {},
    }
    return {
        "_id": document_id("journal", name, content),
        "name": name,
        "folder": None,
        "categories": [],
        "sort": 0,
        "ownership": {"default": _OBSERVER if players else 0},
        "flags": {"fablewright": {"scene": answer_data(answer)}},
        "pages": [page],
        "_stats": STATS,
    }


def document_id(*what: str) -> str:
    """Return 16 letters and digits, the same for the same content."""
    return hashlib.sha256("\x00".join(what).encode("utf-8", "replace")).hexdigest()[:16]


def _content(answer: Answer, bestiary: Bestiary) -> str:
    lines: list[str] = []
    part = ""
    for piece in pieces(scene_of(answer)):
        if piece.part != part:
            lines += _between(part, piece.part)
            part = piece.part
        lines.append(_element(piece, bestiary))
    lines += _between(part, "")
    sources = dict.fromkeys(map(source_name, answer.citations))
    if sources:
        lines += ["<h2>Sources</h2>", "<ul>", *(f"<li>{_text(place)}</li>" for place in sources), "</ul>"]
    return "\n".join(lines)


def _between(before: str, part: str) -> Iterator[str]:
    """Yield what closes one part and opens the next."""
    if before and before != "title":
        yield "</section>"
    if part and part != "title":
        if part not in {"read_aloud", "balance"}:
            yield f"<h2>{PARTS[part]}</h2>"
        block = {"read_aloud": "fvtt narrative", "balance": "fvtt advice"}.get(part, "fablewright")
        yield f'<section class="{block}" data-list="{part}">'


def _element(piece: Piece, bestiary: Bestiary) -> str:
    words: Callable[[str], str] = _text
    if piece.part == "checks":
        words = _rolled
    elif piece.part == "foes":
        words = partial(_linked, bestiary=bestiary)
    if piece.hangs_on:
        return _hidden(piece, piece_element("blockquote", piece, lead=f"{LEADS[piece.hangs_on]}:", words=_text))
    return _hidden(piece, piece_element("h1" if piece.place == "title" else "p", piece, words=words))


def _hidden(piece: Piece, element: str) -> str:
    """Put what is secret where Foundry shows it to the GM only."""
    return f'<section class="secret">{element}</section>' if piece.secret else element


def _text(text: str) -> str:
    """Return text as HTML in which damage can be rolled and nothing else happens."""
    parts: list[str] = []
    at = 0
    for match in _DAMAGE.finditer(text):
        parts += [
            _tamed(text[at : match.start()]),
            f"[[/damage {match['dice']} {match['type'].lower()}]]{{{match[0]}}}",
        ]
        at = match.end()
    return "".join([*parts, _tamed(text[at:])])


def _tamed(text: str) -> str:
    return escape(_COMMAND.sub(lambda found: found[0] + _JOINER, text))


def _rolled(text: str) -> str:
    """Return a check's head as a button that asks the players to roll it."""
    match = re.search(r", DC (\d{1,3})$", text)
    skill = next((short for name, short in _SKILLS.items() if name in text), "")
    ability = next((name[:3].lower() for name in _ABILITIES if name in text), "")
    if match is None or re.search(r"[\[\]{}]", text) or not (skill or ability):
        return _text(text)
    if "saving throw" in text.lower():
        command = f"/save {ability} dc={match[1]}" if ability else ""
    else:
        rolled = [f"ability={ability}" if ability else "", f"skill={skill}" if skill else ""]
        command = f"/check {' '.join(filter(None, rolled))} dc={match[1]}"
    return f"[[{command}]]{{{escape(text)}}}" if command else _text(text)


def _linked(text: str, bestiary: Bestiary) -> str:
    """Return a foe with its name as a link to the system's compendium."""
    match = re.fullmatch(r"(?P<count>(?:\d+ ×|some) )(?P<name>[^\[\]{}()]+?)(?P<rest> \(CR .*\))?", text)
    found = bestiary.find(match["name"]) if match else None
    if match is None or found is None:
        return _text(text)
    link = f"@UUID[{compendium_uuid(found.creature)}]{{{escape(match['name'])}}}"
    return f"{match['count']}{link}{escape(match['rest'] or '')}"


def _plain(text: str) -> str:
    return visible(_ENRICHED.sub(lambda found: found["label"], text).replace(_JOINER, ""))
