"""An answer as Markdown for chat programs: the parts of a scene one by one, each line with where it comes from.

What stands in the notes is escaped, so that nothing in it becomes a picture that is fetched, a link or HTML.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.gm.exporting.pieces import LEADS, PARTS, pieces, source_name
from fablewright.gm.exporting.visible import visible
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.answer import Answer
    from fablewright.gm.exporting.pieces import Piece
    from fablewright.gm.scene.scenario import Line

__all__ = ["ChatText"]

_LEGEND = {
    Origin.INVENTED: ("\\*", "\\* invented, not in your notes"),
    Origin.RETOLD: ("\\~", "\\~ your notes in a model's words"),
    Origin.BY_RULE: ("§", "§ worked out from the rules"),
    Origin.FROM_LOG: ("†", "† from your campaign's log"),
}
_SPECIAL = re.compile(r"[\\`*_<>|~$^{}]|\](?=[(\[:])|&(?=[#a-zA-Z])")
"""What means something in Markdown; of brackets the one that would make a link, so that dice stay as they are."""
_AT_START = re.compile(r"^(?:[-+#]|\d+[.)])")
_LEADS = {"read_aloud": "> ", "balance": ""}
_PARAGRAPHS = frozenset(("read_aloud", "balance"))
_CARDS = frozenset(("npc", "loot"))


class ChatText:
    """Writes one answer, and numbers its sources in the order in which they are read.

    Args:
        answer: The answer.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._numbers: dict[str, int] = {}
        self._used: dict[Origin, None] = {}
        self._told = 0  # how many sources stand at the foot already
        self._said: set[Piece] = set()

    def parts(self) -> Iterator[str]:
        """Yield the parts from top to bottom, each with an empty line behind it; at last the sources."""
        answer = self._answer
        if answer.scene is not None:
            yield from self._scene(answer)
        else:
            yield from self._lines(answer.lines)
        for number, variant in enumerate(answer.variants, 2):
            self._answer = replace(answer, scene=variant.scene, citations=variant.citations, variants=())
            yield f"---\n\n**Variant {number}.** {_escaped(variant.differs)}\n\n"
            yield from self._scene(self._answer)
        self._answer = answer
        if answer.missing:
            yield _paragraph("*Missing:*", *(f"- {_escaped(line)}" for line in answer.missing))
        yield from self._foot()

    def later(self, answer: Answer, part: str, writer: str) -> Iterator[str]:
        """Yield what of a part has come in a model's words, and the sources that are new.

        Args:
            answer: With the part.
            part: Which.
            writer: The model's name.
        """
        if answer.scene is None:
            return
        self._answer = answer
        new = [piece for piece in pieces(answer.scene) if piece.part == part and piece not in self._said]
        if new:
            yield from self._part(part, new, f"{PARTS[part]}, by {_escaped(writer)}")
            yield from self._foot()

    # -------------------------------------------------------------- inside

    def _scene(self, answer: Answer) -> Iterator[str]:
        assert answer.scene is not None  # noqa: S101 - looked at by who calls
        title, *rest = pieces(answer.scene)
        words = self._words(title.text, title.origin, title.sources, secret=title.secret)
        yield f"## {words}\n\n"
        for part, heading in PARTS.items():
            if found := [piece for piece in rest if piece.part == part]:
                yield from self._part(part, found, heading)

    def _part(self, part: str, found: Sequence[Piece], heading: str) -> Iterator[str]:
        self._said.update(found)
        lines: list[str] = []
        number = 0
        beside: tuple[int, ...] = ()  # the sources of the piece that others hang on
        for piece in found:
            if piece.hangs_on:
                lead = f"   - *{LEADS[piece.hangs_on]}:* "
            elif part == "options":
                number += 1
                lead = f"{number}. "
            else:
                lead = _LEADS.get(part, "- ")
            if lines and part in _PARAGRAPHS:
                lines.append(lead.rstrip())
            same = bool(piece.hangs_on) and piece.sources == beside
            beside = beside if piece.hangs_on else piece.sources
            sources = () if same else piece.sources
            lines.append(lead + self._words(piece.text, piece.origin, sources, secret=piece.secret))
        yield _paragraph(f"### {heading}", "", *lines)

    def _lines(self, lines: Sequence[Line]) -> Iterator[str]:
        if self._answer.want in _CARDS and lines:
            yield f"## {self._line(lines[0])}\n\n"
            yield _paragraph(*(f"- {self._labelled(line)}" for line in lines[1:]))
        elif lines:
            lead = "- " if len(lines) > 1 else ""
            yield _paragraph(*(f"{lead}{self._line(line)}" for line in lines))

    def _line(self, line: Line) -> str:
        return self._words(line.text, line.origin, line.sources, secret=line.secret)

    def _labelled(self, line: Line) -> str:
        """Return a line of a card, which begins with what it is about: ``Look: …``."""
        label, _, text = line.text.partition(": ")
        lead = f"**{_escaped(label)}:** " if label and text else ""
        return self._words(text if lead else line.text, line.origin, line.sources, secret=line.secret, lead=lead)

    def _words(self, text: str, origin: Origin, sources: Sequence[int], *, secret: bool, lead: str = "") -> str:
        mark = ""
        if origin in _LEGEND and self._is_marked(origin):
            self._used[origin] = None
            mark = _LEGEND[origin][0]
        places = dict.fromkeys(source_name(self._answer.citations[source]) for source in sources)
        numbers = sorted(self._numbers.setdefault(place, len(self._numbers) + 1) for place in places)
        links = " " + "".join(f"[{number}]" for number in numbers) if numbers else ""
        return f"{'**GM only:** ' if secret else ''}{lead}{_escaped(text)}{mark}{links}"

    def _is_marked(self, origin: Origin) -> bool:
        """Say of a scene's lines where they come from; of other answers, only what is invented."""
        if self._answer.want == "scene":
            return True
        return origin is Origin.INVENTED and self._answer.status != "abstained"

    def _foot(self) -> Iterator[str]:
        new = [f"{number}. {_escaped(place)}" for place, number in self._numbers.items() if number > self._told]
        self._told = len(self._numbers)
        if new:
            yield _paragraph("**Sources**", "", *new)
        if self._used:
            yield _paragraph("*" + " · ".join(_LEGEND[origin][1] for origin in self._used) + "*")
            self._used.clear()


def _paragraph(*lines: str) -> str:
    return "\n".join(lines) + "\n\n"


def _escaped(text: str) -> str:
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", visible(text))
    return _AT_START.sub(lambda found: rf"{found[0][:-1]}\{found[0][-1]}", escaped)
