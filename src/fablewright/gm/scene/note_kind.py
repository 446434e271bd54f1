"""What in the notes is never a scene, seen by its marks: safety sheets, house rules, rosters, logs, rule books, advice.

Most say what they are in a title: of a folder, of the file, or of a heading above the passage. Rule books and
advice on the craft are also known by how they talk. Advice addresses its reader ("you can", "your players") and speaks
of monsters, encounters and scenes as such; a note made to be played speaks of these bandits and this hall, and has
boxed text, checks or numbered foes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from fablewright.gm.reading.kept import kept
from fablewright.gm.reading.searchable import searchable

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage

__all__ = ["file_title", "is_advice", "is_rule_book", "is_sheet_title", "kept_beside_play"]

_BESIDE_PLAY = re.compile(
    r"\bsafety\b(?! (?:line|rope|net|valve)s?\b)|\bx[- ]card\b|\bcontent warnings?\b|"
    r"\btrigger warnings?\b|\bsession (?:zero|0)\b|"
    r"\blines (?:and|&|/) veils\b|^\W*(?:lines|veils)\b(?:\W*\(.*\))?\W*$|"
    r"\b(?:house|table|home) ?-?rules\b|\bhomebrew\b|\btable etiquette\b|"
    r"^\W*(?:the |our )?(?:party|pcs|player characters|(?:player )?characters|players|heroes)\W*$|"
    r"\b(?:party|player|character) (?:roster|sheets?|list|overview|inventory)\b|\broster\b|\bbackstor(?:y|ies)\b|"
    r"\bsession \d{1,4}\b.*\b(?:log|recap|summary|report|journal)\b|"
    r"\b(?:session|campaign|adventure|game|party) (?:logs?|recaps?|journals?|diary|reports?|summar(?:y|ies))\b|"
    r"^\W*(?:recaps?|changelog|journal)\b|\b(?:npc|quest|initiative|clue|xp) (?:tracker|list)\b|\btracker\b|"
    r"\b(?:gm|dm|game master|dungeon master|conductor)(?:'s)? (?:guid\w+|advice|tips|tools?|prep\w*|handbook|screen)\b|"
    r"\bgenerators?\b|\btemplates?\b|"
    r"^\W*(?:notice|licen[cs]e|credits|read ?me|about this (?:vault|folder))\W*$",
    re.IGNORECASE,
)
_RULE_BOOK = tuple(
    (sign, re.compile(pattern))
    for sign, pattern in (
        ("Casting Time", r"\bCasting Time\b"),
        ("Armor Class", r"\bArmor Class\b"),
        ("**AC**", r"\*\*AC\*\*"),
        ("**HP**", r"\*\*HP\*\*"),
        ("Wondrous Item", r"\bWondrous Item\b"),
        ("Requires Attunement", r"\bRequires Attunement\b"),
        ("_Level ", r"_Level \d"),
        ("Spell Slot", r"\bSpell Slot"),
        ("Proficiency Bonus", r"\bProficiency Bonus\b"),
        ("you", r"\byour? (?:players|table|game|campaign|adventure)\b"),
        ("as a ", r"\bas a (?:GM|DM|Conductor)\b"),
        ("the GM ", r"\bthe GM (?:can|may|decides|determines)\b"),
        ("when you ", r"\bwhen you (?:design|build|plan|create)\b"),
    )
)
"""Each with a sign of it: to look for that takes a hundredth of the time."""
_RULE_BOOK_TITLE = re.compile(
    r"^\W*(?:srd[\d._ -]*|system reference document.*|(?:core |basic |the )?rules?(?: ?book)?|rules glossary|glossary"
    r"|bestiary|monster manual|player'?s'? handbook|(?:dungeon|game) master'?s guide|(?:.* )?stat ?blocks?"
    r"|(?:monsters|animals|beasts|spells|feats|magic items|items)(?: (?:a.{1,3}z|list|descriptions?))?"
    r"|equipment|weapons|armou?r|adventuring gear|classes|species|races|backgrounds|conditions|playing the game"
    r"|character creation|game ?play toolbox|(?:.* )?rules definitions|reference)\W*$",
    re.IGNORECASE,
)
_TO_THE_READER = re.compile(
    r"\b(?:you|GMs?|DMs?|Conductors?) "
    r"(?:can|could|may|might|should|must|need|want|don't|do|decide|already|also|use|roll)\b|"
    r"\bif you\b|\bwhen you\b|\byour\b|\byou(?:'re|'ll|’re|’ll)\b",
    re.IGNORECASE,
)
_OF_THE_CRAFT = frozenset(
    """
    monster monsters encounter encounters scene scenes player players adventure adventures campaign campaigns story
    stories villain villains situations session sessions gamemaster gamemasters gm gms dm dms conductor conductors
    storyteller storytelling improvise improvisation difficulty challenge battle battles table tables characters
    """.split()
)
_GAME_MASTER = re.compile(r"\bgame masters?\b")
_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"[_\s]+|-(?=[^\W\d_])")


@lru_cache(maxsize=4096)
def file_title(file: str) -> str:
    """Return the file's name as a title: without folder and ending."""
    return _SPACE.sub(" ", file.rsplit("/", 1)[-1].rsplit(".", 1)[0]).strip()


def kept_beside_play(passage: Passage) -> str:
    """Return the title that marks a passage as a sheet that is kept beside play; empty when there is none."""
    return next(filter(is_sheet_title, _titles(passage)), "")


@lru_cache(maxsize=4096)  # a title stands above many passages
def is_sheet_title(title: str) -> bool:
    """Return whether a title is that of a sheet that is kept beside play: "House rules", "Session 2 log"."""
    return _BESIDE_PLAY.search(title) is not None


@lru_cache(maxsize=4096)
def _is_rule_book_title(title: str) -> bool:
    return _RULE_BOOK_TITLE.match(title) is not None


@kept
def is_rule_book(passage: Passage) -> bool:
    """Return whether a passage stands in a rule book, or talks like one."""
    if any(map(_is_rule_book_title, _titles(passage))):
        return True
    text = passage.text
    return any(sign in text and pattern.search(text) is not None for sign, pattern in _RULE_BOOK)


@kept
def is_advice(passage: Passage) -> bool:
    """Return whether a passage without boxed text talks of running games to whoever reads it."""
    text = searchable(passage.text)
    lower = text.lower()
    craft = {word.removesuffix("s") for word in _OF_THE_CRAFT.intersection(_WORD.findall(lower))}
    if "game master" in lower and _GAME_MASTER.search(lower):
        craft.add("game master")
    return len(craft) >= 3 or (len(craft) >= 2 and _TO_THE_READER.search(text) is not None)


def _titles(passage: Passage) -> tuple[str, ...]:
    return (*_folders(passage.file), file_title(passage.file), *passage.heading)


@lru_cache(maxsize=4096)
def _folders(file: str) -> tuple[str, ...]:
    return tuple(_SPACE.sub(" ", folder) for folder in file.split("/")[:-1])
