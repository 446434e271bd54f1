"""What happens at the table, and what the rule book calls it.

People say "they dive after the chest", the book says Underwater Combat, and no word is in both. The names are those of
the d20 rules (SRD 5.2.1); a name that no section of the notes has costs nothing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from fablewright.gm.finding.names import key_of
from fablewright.gm.finding.ranked import Ranked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.finding.kind import Kind
    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.finding.options import Weights

__all__ = ["called_in_the_rules", "rule_names"]

_LEAVES_ROOM = frozenset({"now", "table", "stats", "scene", "fight", "adjust"})
"""Kinds of question that leave room for a rule; who somebody is, and what happened, stands in other books."""
_ASKS = re.compile(
    r"\b(?:can (?!you\b)\w+|do(?:es)? (?:it|this|that|she|he|they|i)|what (?:does|do|is|happens|now|gives)|"
    r"how (?:do|does|much|many|far|long|high|well|tough|hard|deep))\b",
    re.IGNORECASE,
)
"""Asks for a rule, though it may also be a scene."""
_MOST_SECTIONS = 4
_BEHIND_THE_BUDGET = 4.0
"""Places: whoever builds a fight asks for its budget first, and for the ground second."""

_WORDS = (
    ("Suffocation", r"hold\w* (?:\w+ ){0,2}breath|drown\w*|chok\w+|suffocat\w+|strangl\w+"),
    ("Burning", r"on fire|burning|in flames|(?:catch(?:es)?|caught) fire|ablaze"),
    (
        "Falling",
        (
            r"(?:falls?|fell|drops?|dropped|plung\w+|tumbl\w+)\b[^.?!]{0,40}\b(?:feet|ft|foot|met(?:re|er)s|down|"
            r"into|off)"
        ),
    ),
    ("Malnutrition", r"hungry|hunger|starv\w+|eaten|(?:no|without|out of) food|rations"),
    ("Dehydration", r"thirst\w*|(?:no|without|out of) water|drunk nothing|waterskins? (?:is|are) empty"),
    ("Extreme Cold; Frigid Water", r"freez\w+|blizzard|winter clothes|(?:bitter|ice)[- ]cold"),
    ("Extreme Heat", r"desert|scorching|heat ?wave|sweltering|blazing sun"),
    (
        "Heavy Precipitation; Heavily Obscured",
        (
            r"pour(?:s|ing)\b[^.?!]{0,20}\b(?:rain|outside|down)|downpour|heavy (?:rain|snow)\w*|(?:thick|"
            r"dense) (?:fog|mist)"
        ),
    ),
    ("Strong Wind", r"(?:storm|gale|(?:high|strong) wind)s?"),
    ("Thin Ice; Slippery Ice", r"frozen (?:lake|river|pond)|thin ice|ice breaks|on the ice"),
    ("Underwater Combat", r"under ?water|(?:below|under) the surface|div(?:e|es|ing)|sea ?bed"),
    ("Mounted Combat", r"horse(?:s|back)?|riding|mount(?:ed|s)?|saddle"),
    ("Long Rest", r"night(?:'s|’s)? (?:of )?(?:sleep|rest)|full night|sleep till|camp for the night|eight hours"),
    ("Short Rest", r"breather|an hour(?:'s|’s)? rest|catch (?:\w+ )?breath|short break"),
    (
        "Opportunity Attacks",
        r"free (?:swing|hit|attack|blow)|attacks? of opportunity|(?:walk|run|step|back|turn)s? away",
    ),
    (
        "Improvised Weapons",
        r"(?:bottle|chair|stool|mug|tankard|pan|table leg|torch|rock)\b[^.?!]{0,40}\b(?:over|weapon|hits?|head|club)",
    ),
    ("Long Jump; High Jump", r"leap\w*|jump\w*"),
    ("Hide; Hiding", r"sneak\w*|hid(?:e|es|ing)|unseen|stealth\w*"),
    ("Grappling; Grappled", r"wrestl\w+|grabs?|grabb\w+|(?:pin|hold)s? (?:him|her|it|them)(?: down| fast)?"),
    ("Unarmed Strike", r"shov\w+|push\w*|punch\w*|headbutt\w*|bare hands|fists?"),
    (
        "Death Saving Throws; Dropping to 0 Hit Points",
        (
            r"dying|bleed\w* out|death saves?|(?:goes|went) down|drops? to (?:0|zero|nothing)|(?:0|zero) (?:hp|"
            r"hit points)"
        ),
    ),
    (
        "Knocking Out a Creature",
        (
            r"knock\w* (?:\w+ )?(?:out|unconscious)|without killing|(?:take|want|need|"
            r"capture)s? [^.?!]{0,25}\balive|non-?lethal"
        ),
    ),
    (
        "Breaking Objects",
        (
            r"(?:smash|break|kick|hack|bash|ram|batter)\w*\b[^.?!]{0,30}\b(?:door|gate|chest|wall|window|lock|table|"
            r"statue)"
        ),
    ),
    ("Carrying Capacity", r"carry|carries|lift|lug|drag|haul|heave|shoulders?|too heavy"),
    (
        "Darkness; Vision and Light; Dim Light",
        (
            r"pitch[- ]dark|in the dark|(?:no|without a) light|(?:lantern|torch|lamp|candle|light)(?:es|s)? (?:goes|"
            r"go|went|is|are|burns?) out|torchlight|moonlight"
        ),
    ),
    (
        "Cover",
        (
            r"behind (?:an?|the|some) (?:\w+ )?(?:wall|tree|pillar|barrel|crate|table|cart|door)s?|crouch\w* behind|"
            r"tak\w+ cover|arrow slits?"
        ),
    ),
    ("Surprise", r"surpris\w+|off (?:their |his |her )?guard|unawares"),
    ("Exhaustion", r"exhausted|dead tired|forced march|worn out|no sleep|sleepless"),
    ("Frightened", r"terrified|scared|afraid|panick\w*"),
    (
        "Concentration",
        (
            r"(?:keep|hold|maintain|sustain)\w* (?:up )?(?:an?|the|his|her|their|two) (?:\w+ )?spells?|lose (?:the|"
            r"his|her|their) spell"
        ),
    ),
    ("Critical Hit; Rolling 20 or 1", r"crits?|nat(?:ural)? ?(?:20|1)|(?:rolls?|rolled) an? (?:20|1)"),
    ("Initiative", r"who (?:goes|acts|is) first|turn order"),
    ("Ready", r"waits? (?:until|till|for)|holds? (?:his|her|their) action"),
    ("Difficult Terrain", r"mud|rubble|undergrowth|knee-deep|bog|wad(?:e|es|ing)"),
    ("Influence", r"haggl\w+|persuad\w+|bluff\w*|brib\w+|talk (?:him|her|it|them) (?:into|out of)"),
    ("Harvesting Poison", r"(?:brew|harvest|milk|extract|collect|make)\w*\b[^.?!]{0,30}\b(?:poison|venom)"),
    ("Hirelings", r"hir(?:e|es|ing)|hirelings?|mercenar(?:y|ies)"),
    ("Selling Equipment", r"(?:sell|fence|get for)\w*\b[^.?!]{0,30}\b(?:loot|armou?r|weapons?|gear|swords?)"),
)


@cache  # not at import: --help need not wait for forty expressions
def _called() -> tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]:
    return tuple(
        (tuple(names.split("; ")), re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)) for names, pattern in _WORDS
    )


def rule_names(question: str) -> list[str]:
    """Return what the rule book calls that which a question speaks of, in the order of this file."""
    return list(dict.fromkeys(name for names, pattern in _called() if pattern.search(question) for name in names))


def called_in_the_rules(question: str, kinds: Sequence[Kind], lookups: Lookups, weights: Weights) -> Iterator[Ranked]:
    """Yield the sections of a rule book on what happens in a question; they get places below the best finds."""
    of = {kind.name for kind in kinds}
    if not of <= _LEAVES_ROOM or ("scene" in of and not _ASKS.search(question)):
        return
    names = rule_names(question)
    sections: dict[int, None] = {}
    for name in names:
        there = lookups.named(key_of(name.split()), _MOST_SECTIONS + 1)
        if len(there) <= _MOST_SECTIONS:
            sections.update(dict.fromkeys(passage for passage, strength, _ in there if strength == 4))
    about = lookups.about(list(sections))
    rules = [passage for passage in sections if about[passage][0] == "rules"]
    behind = _BEHIND_THE_BUDGET if "fight" in of else 0.0
    places = [place + behind for place in weights.rule]
    yield Ranked("rule", dict(zip(rules, places, strict=False)), note=", ".join(names), places=True)
