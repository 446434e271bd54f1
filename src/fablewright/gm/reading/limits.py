"""The lines and veils of a table: what must never come up in play, and what may only be hinted at.

They are read from the table's own safety sheet or house rules: the entries of a list under a heading such as "Lines" or
"Veils (fade to black)", or what follows "Lines:". What a guide says about lines and veils in general is not the
table's. A sentence crosses one when it has every telling word of it, or another for the same out of a small list of
ours; what is said beside it in brackets, or in the sentences after the first, does not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.gm.reading.notes import Passage  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.reading.statements import Role, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["NO_LIMITS", "Limit", "LimitKind", "Limits", "limits_of"]

LimitKind: TypeAlias = Literal["line", "veil"]

_LINES = r"(?:hard )?lines?(?: \(.{0,60}\))?"
_VEILS = r"(?:veils?|soft lines?|off-?screen(?: content)?|fade to black)(?: \(.{0,60}\))?"
_TITLES: dict[LimitKind, re.Pattern[str]] = {
    "line": re.compile(rf"^\W*{_LINES}\W*$", re.IGNORECASE),
    "veil": re.compile(rf"^\W*{_VEILS}\W*$", re.IGNORECASE),
}
_INLINE: dict[LimitKind, re.Pattern[str]] = {
    "line": re.compile(rf"^\W*{_LINES}\s*[:–—]\s*(?P<said>.+)$", re.IGNORECASE),
    "veil": re.compile(rf"^\W*{_VEILS}\s*[:–—]\s*(?P<said>.+)$", re.IGNORECASE),
}
_GUIDE = re.compile(r"\bguid\w*|\badvice\b|\bhandbook\b|\bcompanion\b|\bsrd", re.IGNORECASE)
_EXAMPLE = re.compile(r"\b(?:for example|such as the following|you might|your players)\b", re.IGNORECASE)
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_OR = re.compile(r"\s*(?:,|;|/|\bor\b|\band\b)\s*", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SAYS_NOTHING = frozenset(
    """
    a an the any all of to in on for with from by at under about against as is are be no not never nothing please
    shown show showing screen onscreen off explicit explicitly graphic graphically detailed detail described describe
    depiction depictions scene scenes content theme themes kind kinds sort mention mentions people person persons
    someone somebody anyone anything things character characters npc npcs player players pc pcs game table play over
    towards toward involving related real world whatsoever ever
    """.split()
)
_SAME = tuple(
    frozenset(group.split())
    for group in (
        "child children kid kids boy boys girl girls baby babies infant infants toddler toddlers",
        """
        harm harms harmed harming hurt hurts hurting injure injures injured injury injuries wound wounds wounded kill
        kills killed killing murder murders murdered slay slays slain abuse abuses abused maim maims maimed violence
        cruelty beat beats beaten mistreat mistreated
        """,
        "rat rats rodent rodents",
        "vermin rat rats rodent rodents mouse mice cockroach cockroaches roach roaches",
        "bug bugs insect insects beetle beetles cockroach cockroaches centipede centipedes maggot maggots",
        "spider spiders arachnid arachnids",
        "snake snakes serpent serpents viper vipers",
        "animal animals pet pets dog dogs cat cats horse horses hound hounds puppy kitten",
        "torture tortures tortured torturing torturer",
        "burn burns burned burnt burning ablaze fire flames blaze",
        "alive living dying died dies death",
        "interrogation interrogate interrogates interrogated interrogating questioning",
        "threat threats threaten threatens threatened",
        "rape sexual sex assault assaulted",
        "slavery slave slaves enslaved",
        "suicide suicidal suicides",
        "drown drowns drowned drowning",
        "gore gory entrails guts viscera dismember dismembered",
        "eye eyes eyeball eyeballs",
        "needle needles syringe",
        "corpse corpses cadaver cadavers",
        "pregnancy pregnant miscarriage",
    )
)


@dataclass(frozen=True, slots=True)
class Limit:
    """One line or veil.

    Attributes:
        kind: Which of the two.
        said: The entry as it stands in the notes.
        title: The heading or label that it stands under.
        ways: What crosses it: each way is a set of words, every one of them in any of its forms.
        passage: Where it stands.
    """

    kind: LimitKind
    said: str
    title: str
    ways: tuple[tuple[frozenset[str], ...], ...]
    passage: Passage

    def crossed_by(self, text: str) -> bool:
        """Return whether a sentence has every word of one of the ways."""
        return self.is_crossed_by_words(_words(text))

    def is_crossed_by_words(self, there: frozenset[str]) -> bool:
        """Return whether words in small letters, those of a sentence, have every word of one of the ways."""
        return any(all(not forms.isdisjoint(there) for forms in way) for way in self.ways)

    def asked_for_by(self, request: str) -> bool:
        """Return whether a request touches it: its first telling word is enough, for a game master asks in few."""
        there = _words(request)
        return any(not way[0].isdisjoint(there) for way in self.ways)


@dataclass(frozen=True, slots=True)
class Limits:
    """All lines and veils of a table."""

    every: tuple[Limit, ...] = ()

    def crossed_by(self, text: str, kind: LimitKind | None = None) -> Limit | None:
        """Return the first limit, lines before veils, that a sentence crosses; None when it crosses none."""
        there = _words(text) if self.every else frozenset[str]()
        found = [limit for limit in self.every if kind in (None, limit.kind) and limit.is_crossed_by_words(there)]
        return min(found, key=lambda limit: limit.kind, default=None)

    def asked_for_by(self, request: str) -> Limit | None:
        """Return the first limit that a request touches."""
        return next((limit for limit in self.every if limit.asked_for_by(request)), None)


NO_LIMITS = Limits()


def limits_of(passages: Iterable[Passage]) -> Limits:
    """Return the lines and veils that stand in passages."""
    found: dict[tuple[str, str], Limit] = {}
    for passage in passages:
        if _is_guide(passage):
            continue
        for limit in _in(passage):
            found.setdefault((limit.kind, limit.said), limit)
    return Limits(tuple(found.values()))


def _in(passage: Passage) -> Iterator[Limit]:
    blocks: set[tuple[int, str]] = set()  # of each entry only its first sentence counts
    labelled: tuple[LimitKind, str] | None = None  # a label before a list: "**Lines:**"
    for statement in statements([passage]):
        if statement.role is Role.ROW:
            continue
        title = statement.heading[-1] if statement.heading else ""
        entries: list[tuple[LimitKind, str, str]] = []
        for kind in ("line", "veil"):
            said = _INLINE[kind].match(statement.text)
            if said:
                entries.append((kind, statement.text.partition(":")[0], said["said"]))
            elif _TITLES[kind].match(title):
                entries.append((kind, title, statement.text))
            elif _TITLES[kind].match(statement.text):
                labelled = kind, statement.text
        if not entries and labelled and statement.role is Role.ITEM:
            entries.append((*labelled, statement.text))
        for kind, above, text in entries:
            if (statement.block, kind) not in blocks and (ways := tuple(_ways(text))):
                blocks.add((statement.block, kind))
                yield Limit(kind, text, above.strip(" :*"), ways, passage)


def _ways(said: str) -> Iterator[tuple[frozenset[str], ...]]:
    for alternative in _OR.split(_ASIDE.sub(" ", said)):
        words = [word.lower() for word in _WORD.findall(alternative)]
        telling = [word for word in words if word not in _SAYS_NOTHING]
        if telling:
            yield tuple(_forms(word) for word in telling)


def _forms(word: str) -> frozenset[str]:
    """Return a word with its plain inflections, and the words that mean the same."""
    plain = word.removesuffix("s") if len(word) > 3 else word
    own = {word, plain, f"{plain}s", f"{plain}es"}
    if plain.endswith("y"):
        own.add(f"{plain[:-1]}ies")
    return frozenset(own).union(*(group for group in _SAME if word in group))


@lru_cache(maxsize=4096)  # a scene's sentences are looked at when it is composed, and once more before it is shown
def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))


def _is_guide(passage: Passage) -> bool:
    """Return whether a passage is about lines and veils in general, or gives an example of some."""
    places = " ".join((passage.file.replace("_", " "), *passage.heading))
    return _GUIDE.search(places) is not None or _EXAMPLE.search(passage.text) is not None
