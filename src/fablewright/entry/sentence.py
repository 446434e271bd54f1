"""A sentence on the page: its words, and the marks behind it that say where it comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from fablewright.entry.terminal import clean
from fablewright.gm.reading.statements import columns_of
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.scene.scenario import Line

__all__ = ["Sentences"]

_LEGEND = {
    Origin.INVENTED: ("*", "* invented, not in your notes"),
    Origin.RETOLD: ("~", "~ your notes in a model's words"),
    Origin.BY_RULE: ("§", "§ worked out from the rules"),
    Origin.FROM_LOG: ("†", "† from your campaign's log"),
}


class Sentences:
    """Writes the sentences of one answer, and numbers their sources in the order in which they are read.

    Several passages under one heading of a file are one source to a reader, so they share a number.

    Attributes:
        places: The sources that were used; the first is number 1.
        columns: For those that begin in the middle of a table, by their numbers: what its columns are called.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._used: set[Origin] = set()
        self.places: list[str] = []
        self.columns: dict[int, str] = {}

    @property
    def legend(self) -> list[str]:
        """What the marks mean, for the marks that were used."""
        return [words for origin, (_, words) in _LEGEND.items() if origin in self._used]

    def text(self, line: Line, style: str = "", *, beside: tuple[int, ...] = ()) -> Text:
        """Return one line of the answer with its marks.

        Args:
            line: The line.
            style: For its words.
            beside: Sources that are marked right next to it: if it has the same, they are not repeated.
        """
        same = self._numbers(line.sources) == self._numbers(beside)
        text = self.marked(clean(line.text), line.origin, () if same else line.sources, style)
        return Text.assemble(("GM only: ", "bold magenta"), text) if line.secret else text

    def marked(self, words: str, origin: Origin, sources: tuple[int, ...], style: str = "") -> Text:
        """Return ``words``, which are clean, with the marks for where they come from."""
        text = Text().append(words, style)
        if origin in _LEGEND and self._is_marked(origin):
            self._used.add(origin)
            text.append(_LEGEND[origin][0], "yellow" if origin is Origin.INVENTED else "dim")
        numbers = self._numbers(sources)
        if numbers:
            text.append(" ").append("".join(f"[{number}]" for number in numbers), "dim cyan")
        return text

    def _is_marked(self, origin: Origin) -> bool:
        if self._answer.want == "scene":
            return True
        # Dice and encounters come from the rules throughout, and "your notes do not say" is no invention: there
        # a mark would say nothing, or something wrong.
        return origin is Origin.INVENTED and self._answer.status != "abstained"

    def _numbers(self, sources: tuple[int, ...]) -> list[int]:
        return sorted({self._number(source) for source in sources})

    def _number(self, source: int) -> int:
        passage = self._answer.citations[source]
        place = _place(passage)
        if place not in self.places:
            self.places.append(place)
        number = self.places.index(place) + 1
        if columns := columns_of(passage):
            self.columns.setdefault(number, clean(columns))
        return number


def _place(passage: Passage) -> str:
    """Say where a passage stands; a heading that only repeats the file's name is left out."""
    name = passage.file.rpartition("/")[2].rpartition(".")[0]
    headings = passage.heading
    if len(headings) > 1 and headings[0].casefold() == name.casefold():
        headings = headings[1:]
    return " ".join(clean(replace(passage, heading=headings).place).split())
