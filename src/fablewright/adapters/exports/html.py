"""A scene as one page of HTML, for the screen and for paper: nothing remote, no script, everything escaped.

It fits A4 and letter alike; which one it is, is said when it is printed. The scene's data is in a ``meta`` element.
"""

from __future__ import annotations

from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from fablewright.adapters.exports.carried import MARK, carried, packed
from fablewright.adapters.exports.tagged import piece_element, read_pieces
from fablewright.gm.exporting.edits import edited
from fablewright.gm.exporting.pieces import LEADS, PARTS, pieces, scene_of, source_name
from fablewright.gm.exporting.visible import visible
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.answer import Answer
    from fablewright.gm.exporting.pieces import Piece
    from fablewright.gm.rules.bestiary import Bestiary

__all__ = ["PAPERS", "read_html", "write_html"]

PAPERS = ("a4", "letter")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # a browser loads nothing and runs nothing
_LEGEND = {
    Origin.INVENTED: "* invented, not in the notes",
    Origin.RETOLD: "~ the notes in a model's words",
    Origin.BY_RULE: "§ worked out from the rules",
    Origin.FROM_LOG: "† from the campaign's log",
}
_LISTED = {"here": "ul", "options": "ol", "consequences": "ul", "loot": "ul"}
_ELEMENTS = {
    "title": ("h1", ""),
    "read_aloud": ("p", ""),
    "balance": ("p", ""),
    "checks": ("div", "head"),
    "foes": ("div", "head"),
}
_MOST_BOXES = 12
"""Creatures up to which each has a box to keep its Hit Points in."""


def write_html(answer: Answer, bestiary: Bestiary, *, paper: str = "") -> str:
    """Return the page.

    Args:
        answer: Has a scene.
        bestiary: Whose numbers stand beside the foes.
        paper: ``a4`` or ``letter`` where the page says itself what it is printed on.
    """
    title = escape(visible(scene_of(answer).title.text) or "Scene")
    size = f"\n@page {{ size: {paper}; }}" if paper else ""
    head = (
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="generator" content="Fablewright">',
        f'<meta name="{MARK}" content="{packed(answer)}">',
        f"<title>{title}</title>",
        f"<style>\n{_style()}{size}\n</style>",
        "</head>",
        "<body>",
    )
    return "\n".join([*head, *_Body(answer, bestiary).lines(), "</body>", "</html>", ""])


def read_html(text: str, bestiary: Bestiary) -> Answer:
    """Return the scene of a page that we wrote, as it reads now.

    Raises:
        InvalidInput: The page carries no scene, or its parts have no names any more.
    """
    answer = carried(text)
    return edited(answer, read_pieces(write_html(answer, bestiary)), read_pieces(text))


@cache
def _style() -> str:
    return resources.files("fablewright.adapters.exports").joinpath("data", "page.css").read_text("utf-8").strip()


class _Body:
    """The page of one answer; numbers its sources as they come."""

    def __init__(self, answer: Answer, bestiary: Bestiary) -> None:
        self._answer = answer
        self._bestiary = bestiary
        self._scene = scene_of(answer)
        self._places: list[str] = []

    def lines(self) -> Iterator[str]:
        shown = pieces(self._scene)
        yield "<main>"
        part = open_ = ""
        for piece in shown:
            if piece.part != part:
                yield from self._between(part, piece.part)
                part = piece.part
            if part in {"checks", "foes"} and not piece.hangs_on:
                yield from filter(None, ("</div>" if open_ == part else "", f'<div class="{part[:-1]}">'))
                open_ = part
            yield self._element(piece)
            if part == "foes" and not piece.hangs_on:
                yield from self._numbers(int(piece.place.partition(".")[2]))
        yield from self._between(part, "")
        yield "</main>"
        yield from self._foot(shown)

    def _between(self, before: str, part: str) -> Iterator[str]:
        """Yield what closes one part and opens the next."""
        if before in {"checks", "foes"}:
            yield "</div>"
        if before and before != "title":
            yield f"</{_LISTED.get(before, 'div')}>" if before in _LISTED else "</div>"
            yield "</section>"
        if not part or part == "title":
            return
        yield "<section>"
        if part not in {"read_aloud", "balance"}:
            yield f"<h2>{PARTS[part]}</h2>"
        if part in _LISTED:
            yield f'<{_LISTED[part]} data-list="{part}">'
        else:
            yield f'<div class="{"aloud" if part == "read_aloud" else part}" data-list="{part}">'

    def _element(self, piece: Piece) -> str:
        tag, style = _ELEMENTS.get(piece.part, ("li", ""))
        if piece.hangs_on:
            tag, style = ("li" if piece.part == "options" else "div"), "end"
        return piece_element(
            tag,
            piece,
            classes=[*filter(None, [style]), *(["secret"] if piece.secret else [])],
            lead=LEADS.get(piece.hangs_on, ""),
            marks=_LEGEND.get(piece.origin, "")[:1] + ("" if piece.hangs_on else self._sources(piece)),
        )

    def _sources(self, piece: Piece) -> str:
        numbers: set[int] = set()
        for source in piece.sources:
            place = source_name(self._answer.citations[source])
            if place not in self._places:
                self._places.append(place)
            numbers.add(self._places.index(place) + 1)
        return ", ".join(map(str, sorted(numbers)))

    def _numbers(self, number: int) -> Iterator[str]:
        """Yield what the rules say about a foe, and boxes to count its Hit Points in."""
        foe = self._scene.foes[number]
        found = self._bestiary.find(foe.name)
        if found is None:
            yield '<span class="stats">no stat block in the rules</span>'
            return
        creature = found.creature
        told = (
            f"AC {creature.ac}",
            f"HP {creature.hp}",
            f"Init {creature.initiative:+d}".replace("-", "−"),
            f"PP {creature.passive_perception}",
            creature.speed_text,
        )
        yield f'<span class="stats">{escape(" · ".join(told))}</span>'
        if foe.count is not None and 1 <= foe.count <= _MOST_BOXES:
            yield f'<span class="boxes">HP {"<i></i>" * foe.count}</span>'

    def _foot(self, shown: tuple[Piece, ...]) -> Iterator[str]:
        if self._answer.missing:
            yield '<div class="missing">'
            yield from (f"<p>{escape(visible(line))}</p>" for line in self._answer.missing)
            yield "</div>"
        used = {piece.origin for piece in shown}
        legend = " · ".join(words for origin, words in _LEGEND.items() if origin in used)
        if self._places or legend:
            yield "<footer>"
            if self._places:
                yield "<ol>"
                yield from (f'<li dir="auto">{escape(place)}</li>' for place in self._places)
                yield "</ol>"
            yield f"<p>{legend}</p>" if legend else ""
            yield "</footer>"
