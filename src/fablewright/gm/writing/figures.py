"""Numbers in a sentence, each with the words around it: "four bandits" and "4 tired bandits" are one figure.

A number by itself proves nothing: "four guards" is not supported by "the mill is four miles away". So a figure of one
text is in another only if it stands there beside one of the same words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.writing.telling import telling

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Figure", "figures", "unsupported"]

_UNITS = "two three four five six seven eight nine ten eleven twelve".split()
_VALUES = {
    **{word: str(number) for number, word in enumerate(_UNITS, 2)},
    **{
        word: str(number)
        for word, number in {
            "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
            "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
            "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000, "dozen": 12, "pair": 2, "couple": 2,
        }.items()
    },
}  # fmt: skip
_FIGURE = re.compile(
    rf"\bDC\s*\d+|\b\d*d\d+(?:\s*[+−-]\s*\d+)?|\d[\d,.]*\d|\d|\b(?:{'|'.join(_VALUES)})(?:-\w+)?\b", re.IGNORECASE
)
_AROUND = 28
"""Characters on each side in which a figure's words are looked for."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number.

    Attributes:
        value: In digits, dice as dice, difficulty classes as ``dc12``.
        near: The telling words beside it.
    """

    value: str
    near: frozenset[str]


def figures(text: str) -> list[Figure]:
    """Return the numbers of a text. "One" is none: it stands for anybody."""
    found: list[Figure] = []
    for match in _FIGURE.finditer(text):
        said = re.sub(r"[\s,]", "", match[0].casefold())
        value = _VALUES.get(said, said)
        if "-" in said and not any(mark.isdigit() for mark in said):  # "twenty-two", "two-handed"
            first, _, second = said.partition("-")
            value = f"{_VALUES[first]}-{_VALUES.get(second, second)}"
        before = text[max(0, match.start() - _AROUND) : match.start()].partition(" ")[2]
        after = text[match.end() : match.end() + _AROUND].rpartition(" ")[0] or text[match.end() :][:_AROUND]
        found.append(Figure(value, telling(f"{before} {after}")))
    return found


def unsupported(sentence: str, texts: Iterable[str], counts: Iterable[Figure] = ()) -> list[Figure]:
    """Return the figures of a sentence that stand in none of the texts beside the same words.

    Args:
        sentence: What is doubted.
        texts: What it rests on.
        counts: Further figures that hold: how many foes there are, as the rules count them.
    """
    held = [*(figure for text in texts for figure in figures(text)), *counts]
    return [
        figure
        for figure in figures(sentence)
        if not any(other.value == figure.value and (other.near & figure.near or not figure.near) for other in held)
    ]
