"""The section that a question is about: the one that is called what it asks for.

"Prone: what does it do" is about the section "Prone [Condition]"; what it says is the answer, with all of its effects
under their leads. Where no section is called so, the passage is taken that has most of the telling words, rare ones
counting more, as long as it has more than half of them.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import content_stems, stems_of
from fablewright.gm.reading.kept import kept
from fablewright.gm.reading.statements import Role, plain, statements
from fablewright.gm.scene.note_kind import file_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement

__all__ = [
    "Rarity",
    "asks_for_all",
    "asks_way_out",
    "asks_way_through",
    "has",
    "is_about",
    "is_lead",
    "is_title_case",
    "lead",
    "says_way_through",
    "section_of",
    "title_of",
    "way_out",
]

_BRACKETS = re.compile(r"[\[(].*?[\])]|^\W*\d+(?:\.\d+)*\.?\s")
_ALL = re.compile(
    r"\bwhat (?:does|do|did|is|are)\b.{0,60}\b(?:do|doing|effects?|mean)\W*$|\beffects?\b|"
    r"\bhow (?:does|do|did) (?:\w+ ){1,4}works?\b|\bhow bad\b|^\W*who(?:'s|’s| is| are| was)\b|^\W*tell me about\b|"
    r"^\W*give me\b|\bexplain\b|^\W*what(?:'s|’s| is| are) an? (?:\w+ ?){1,3}$",
    re.IGNORECASE,
)
_WAY_OUT = re.compile(
    r"\bget(?:s|ting)? (?:\w+ )?(?:out|rid|up|free|away|over|off)\b|\b(?:end|escape|remove|cure|recover|break free|"
    r"shake|stop|undo|lift|interrupts?|breaks?)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"\b(?:end(?:s|ed|ing)?|escap\w+|remov\w+|free(?:s|d)|cure\w*|recover\w*|right yourself|stands?|break\w*|burst\w*|"
    r"slip(?:s|ped|ping)|stopped|interrupt\w*)\b",
    re.IGNORECASE,
)
_DOES = re.compile(r"\b(?:check|saving throw|action|rest|spend\w*|DC)\b", re.IGNORECASE)
_WAY_THROUGH = re.compile(
    r"\b(?:get|go|come|pass|make it|move|sneak|deal|cope)s? (?:safely )?"
    r"(?:through|past|over|across|around|by|into|in|with)\b|"
    r"\b(?:avoid|bypass|counter|resist|survive|cross|beat)\b",
    re.IGNORECASE,
)
_PROTECTS = re.compile(
    r"\b(?:repel\w*|negat\w+|protect\w*|bypass\w*|avoid\w*|cross\w*|immun\w+|safe(?:ly)?|unharmed|without being|"
    r"no longer|allows?|opens?|password|key|disarm\w*|dispel\w*)\b",
    re.IGNORECASE,
)
_STAT_LEAD = re.compile(
    r"\b(?:Casting Time|Trigger|Armor Class|AC):? |^(?:Level \d|\w+ Cantrip\b)[^.]*$|"
    r"^[\w ]+, (?:Very )?(?:Common|Uncommon|Rare)\b"
)
_LEAST_STEM = 5
_TITLE_WORDS, _LEAD_WORDS, _FEW_WORDS = 7, 4, 2
_SMALL = frozenset("a an and at by for from in of on or the to with".split())
_DEEP = 8


class Rarity:
    """How much each stem tells, by how few of some passages have it.

    Args:
        passages: What was found for a question.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.words = {p: _words_of(p) for p in passages}
        self._count = len(passages)
        self._weights: dict[frozenset[str], float] = {}

    def of(self, forms: Iterable[str]) -> float:
        """Return the weight of a word in any of its forms."""
        wanted = frozenset(forms)
        weight = self._weights.get(wanted)
        if weight is None:
            seen = sum(has(there, wanted) for there in self.words.values())
            weight = self._weights[wanted] = math.log(1 + (self._count + 1) / (1 + seen))
        return weight

    def covered(self, terms: Mapping[str, frozenset[str]], there: frozenset[str]) -> float:
        """Return the share of the terms, by weight, that are there."""
        every = [forms | {term} for term, forms in terms.items()]
        whole = sum(map(self.of, every))
        return sum(self.of(forms) for forms in every if has(there, forms)) / whole if whole else 0.0


@kept
def _words_of(passage: Passage) -> frozenset[str]:
    return stems_of(" ".join((*passage.heading, plain(passage))))


def has(there: frozenset[str], forms: frozenset[str]) -> bool:
    """Return whether one of the forms is there, or begins a word that is: "swamp" in "swampland"."""
    if not forms.isdisjoint(there):
        return True
    long = tuple(form for form in forms if len(form) >= _LEAST_STEM)
    return bool(long) and any(word.startswith(long) for word in there)


def title_of(passage: Passage) -> str:
    """Return the innermost heading without brackets and numbers, or the file's name."""
    title = passage.heading[-1] if passage.heading else file_title(passage.file)
    return _BRACKETS.sub(" ", title).strip() or title


def section_of(
    words: frozenset[str], head: str, question: str, passages: Sequence[Passage], told: str = ""
) -> Passage | None:
    """Return the passage whose title has only words of the question, the longest and best found first.

    Args:
        words: The stems of the question.
        head: What the question says that it is about; empty when it does not.
        question: The question as typed: of "Poison" and "Poisoned" the one that it says is meant.
        passages: What was found, best first.
        told: What is told before anything is asked: "They are in manacles."
    """
    told_stems = content_stems(told)
    said = frozenset(question.lower().replace(":", " ").replace(",", " ").replace("?", " ").split())
    explicit = content_stems(head) if head else frozenset[str]()
    best: tuple[float, Passage] | None = None
    for rank, passage in enumerate(passages[:_DEEP]):
        title = content_stems(title_of(passage))
        if not title <= words:
            continue
        exact = len(said & frozenset(title_of(passage).lower().split()))
        weight = (
            len(title)
            + 0.9 * exact
            + 2.0 * bool(title & explicit or (title and title <= told_stems))
            - 0.3 * rank
            + 0.2 * ("[" in "".join(passage.heading[-1:]))
        )
        if best is None or weight > best[0]:
            best = weight, passage
    return best[1] if best else None


def is_about(passage: Passage, topic: Passage) -> bool:
    """Return whether two sections are about one thing, as "Grappled" and "Grappling" are."""
    return passage == topic or content_stems(title_of(passage)) == content_stems(title_of(topic))


def asks_for_all(text: str) -> bool:
    """Return whether everything about something is asked for: "what does it do"."""
    return _ALL.search(text) is not None


def asks_way_out(text: str) -> bool:
    """Return whether it is asked how something ends: "how do you get out"."""
    return _WAY_OUT.search(text) is not None


def way_out(found: Iterable[Statement]) -> list[Statement]:
    """Return the statements that say how something ends, those that say what to do for it first."""
    ways = [statement for statement in found if _ENDS.search(statement.text)]
    return sorted(ways, key=lambda statement: _DOES.search(statement.text) is None)


def asks_way_through(text: str) -> bool:
    """Return whether it is asked how one gets past something."""
    return _WAY_THROUGH.search(text) is not None


def says_way_through(text: str) -> bool:
    """Return whether a sentence says what protects, opens or leads past."""
    return _PROTECTS.search(text) is not None


def is_lead(text: str) -> bool:
    """Return whether a sentence only leads the next one in: "Attacks Affected."."""
    words = text.split()
    most = _FEW_WORDS if re.search(r"\d", text) else _TITLE_WORDS if is_title_case(words) else _LEAD_WORDS
    return text.endswith(".") and len(words) <= most


def is_title_case(words: Sequence[str]) -> bool:
    """Return whether every word but the small ones has a capital: "Ability Checks and Attacks Affected."."""
    return all(not word[0].islower() or word in _SMALL for word in words)


def lead(passage: Passage, words: int) -> list[Statement]:
    """Return the statements of a section in order, up to so many words; not the lines of numbers at its top."""
    kept: list[Statement] = []
    for statement in statements([passage]):
        if statement.role is Role.ROW or _STAT_LEAD.search(statement.text):
            continue
        if passage.heading and statement.heading[-1:] != passage.heading[-1:]:
            break
        words -= len(statement.text.split())
        if kept and words < 0:
            break
        kept.append(statement)
    return kept
