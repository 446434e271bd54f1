"""HTML in which each piece of a scene stands in an element of its own, named by ``data-part``: written, found again.

What a browser or an editor does to the rest does not matter. In an element with ``data-list`` a new ``<li>`` or
``<p>`` without a name is a piece that somebody added.
"""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.exporting.edits import Seen
from fablewright.gm.exporting.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fablewright.gm.exporting.pieces import Piece

__all__ = ["piece_element", "read_pieces"]

_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_MARKS = frozenset(("sup", "small"))
"""Elements whose text is a mark beside a piece and no part of it."""


def piece_element(
    tag: str,
    piece: Piece,
    *,
    classes: Sequence[str] = (),
    lead: str = "",
    marks: str = "",
    words: Callable[[str], str] = escape,
) -> str:
    """Return an element that shows a piece.

    Args:
        tag: Its name.
        piece: What it shows.
        classes: Its classes.
        lead: Small letters before the piece.
        marks: Raised letters behind it.
        words: Makes HTML of the piece's text.
    """
    named = f' class="{" ".join(classes)}"' if classes else ""
    before = f"<small>{escape(lead)}</small> " if lead else ""
    behind = f"<sup>{escape(marks)}</sup>" if marks else ""
    return f'<{tag}{named} data-part="{piece.place}" dir="auto">{before}{words(piece.text)}{behind}</{tag}>'


def read_pieces(html: str, plain: Callable[[str], str] = visible) -> tuple[Seen, ...]:
    """Return the pieces that an HTML text shows, in its order.

    Args:
        html: A page or a part of one.
        plain: Takes off what a format put into the text.

    Raises:
        InvalidInput: No piece is named any more.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    seen = [Seen(each.place, plain(visible("".join(each.words))), each.secret) for each in reader.found]
    if not seen:
        raise InvalidInput("The names of the scene's parts (data-part) are gone from the text, so it cannot be read.")
    return _numbered_once(seen)


def _numbered_once(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Take a second piece of one name, which a copied line has, for one that was added; drop empty additions."""
    names: set[str] = set()
    once: list[Seen] = []
    for each in seen:
        part, _, rest = each.place.partition(".")
        if each.place in names and rest.isdecimal():
            once.append(Seen(f"{part}.+", each.text, each.secret))
        elif each.place not in names and (each.text or not each.place.endswith("+")):
            names |= set() if each.place.endswith("+") else {each.place}
            once.append(each)
    return tuple(once)


class _Found:
    """A piece while it is read."""

    def __init__(self, place: str, *, secret: bool) -> None:
        self.place = place
        self.secret = secret
        self.words: list[str] = []


class _Reader(HTMLParser):
    """Knows the open elements, each with the piece, the list and the secret that it opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[_Found] = []
        self._open: list[tuple[str, _Found | None, str, bool, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self._say(" ")
            return
        named = dict(attrs)
        _, piece, listed, secret, silent = self._open[-1] if self._open else ("", None, "", False, False)
        secret = secret or "secret" in (named.get("class") or "").split()
        listed = named.get("data-list") or listed
        place = named.get("data-part") or ""
        if not place and piece is None and listed and tag in {"li", "p"}:
            place = f"{listed}.+"
        if place and piece is None:
            piece = _Found(place, secret=secret)
            self.found.append(piece)
        self._open.append((tag, piece, listed, secret, silent or tag in _MARKS or tag in {"style", "script"}))

    def handle_endtag(self, tag: str) -> None:
        if any(each[0] == tag for each in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._say(data)

    def _say(self, data: str) -> None:
        if self._open:
            _, piece, _, _, silent = self._open[-1]
            if piece is not None and not silent:
                piece.words.append(data)
