"""The named checks of a question: each says whether an answer holds it. One that nobody knows is never passed over.

| check | holds when the answer |
|---|---|
| ``abstain`` | says that the notes do not say; for false, that it does not |
| ``max_words`` | has at most so many words |
| ``xp_total``, ``xp_total_min``, ``xp_total_max`` | weighs a fight at exactly, at least, at most so many XP |
| ``budget`` | names the party's budget: one number, or one for each difficulty |
| ``rating`` | rates the fight so |
| ``table_row`` | has the row in one line: every number, die and word of it |
| ``monsters_all_srd`` | has creatures, and each is in the rules; for false, one is not |
| ``stat_blocks_max`` | has at most so many kinds of creature |
| ``creatures_max``, ``creatures_min`` | has at most, at least so many creatures |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from benchmarks.answers.said import lines_of, said_by
from fablewright.gm.rules.bestiary import load_bestiary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fablewright.gm.answer import Answer

__all__ = ["CHECKS", "failed_checks", "unknown_checks"]

_XP = re.compile(r"(\d[\d,]*) XP(?: × [\d.]+ = ([\d,]+))? against")
_RATED = re.compile(r": ([a-z ]+) \(20\d\d rules\)")
_FOES = re.compile(r"(?<![\w,.])(\d{1,3})(?: ×)? ((?:[A-Z][\w'’-]+|of|the)(?: (?:[A-Z][\w'’-]+|of|the))*)")
_CELL = re.compile(r"\d*d\d+|\d+(?:,\d{3})*|[^\W\d_]{2,}")
_UNITS = frozenset("ft feet gp sp cp lb".split())


def failed_checks(checks: Mapping[str, Any], answer: Answer) -> list[str]:
    """Return the names of those that the answer does not hold; an unknown one is not held."""
    return [name for name, wanted in checks.items() if name not in CHECKS or not CHECKS[name](answer, wanted)]


def unknown_checks(checks: Mapping[str, Any]) -> list[str]:
    """Return the names that nobody knows."""
    return [name for name in checks if name not in CHECKS]


def _total(answer: Answer) -> int:
    """Return the XP that the fight is weighed at; -1 when none is."""
    found = _XP.search(said_by(answer))
    return _number(found[1]) if found else -1


def _budget(answer: Answer, wanted: Any) -> bool:  # noqa: ANN401 - a value of JSON
    said = said_by(answer)
    if isinstance(wanted, dict):
        return all(re.search(rf"(?<![\d,]){xp:,} {word}\b", said) for word, xp in wanted.items())
    return re.search(rf"(?<![\d,]){int(wanted):,}\b", said) is not None


def _rating(answer: Answer, wanted: str) -> bool:
    found = _RATED.search(said_by(answer))
    return found is not None and found[1] == wanted.lower()


def _row(answer: Answer, wanted: str) -> bool:
    cells = {cell.lower() for cell in _CELL.findall(wanted)} - _UNITS
    return any(cells <= {cell.lower() for cell in _CELL.findall(line)} for line in lines_of(answer))


def _creatures(answer: Answer) -> list[tuple[int, str]]:
    """Return how many of what: "1 Bandit Captain, 4 Bandits"."""
    if answer.scene:
        return [(foe.count or 1, foe.name) for foe in answer.scene.foes]
    fight = next((n for n, line in enumerate(answer.lines) if _XP.search(line.text)), len(answer.lines))
    texts = (line.text for line in answer.lines[:fight])
    return [(int(count), name) for text in texts for count, name in _FOES.findall(text)]


def _all_srd(answer: Answer, wanted: bool) -> bool:  # noqa: FBT001 - a value of JSON
    names = [name for _, name in _creatures(answer)]
    return (bool(names) and all(load_bestiary().find(name) for name in names)) == wanted


def _number(said: str) -> int:
    return int(said.replace(",", ""))


CHECKS: Mapping[str, Callable[[Answer, Any], bool]] = {
    "abstain": lambda answer, wanted: (answer.status == "abstained") == wanted,
    "max_words": lambda answer, wanted: len(said_by(answer).split()) <= wanted,
    "xp_total": lambda answer, wanted: _total(answer) == wanted,
    "xp_total_min": lambda answer, wanted: _total(answer) >= wanted,
    "xp_total_max": lambda answer, wanted: 0 <= _total(answer) <= wanted,
    "budget": _budget,
    "rating": _rating,
    "table_row": _row,
    "monsters_all_srd": _all_srd,
    "stat_blocks_max": lambda answer, wanted: 0 < len({name for _, name in _creatures(answer)}) <= wanted,
    "creatures_max": lambda answer, wanted: 0 < sum(count for count, _ in _creatures(answer)) <= wanted,
    "creatures_min": lambda answer, wanted: sum(count for count, _ in _creatures(answer)) >= wanted,
}
"""Each from an answer and the value that it must come to."""
