"""A prepared session as one Markdown document: what is in it, and scene after scene, each in the order of play."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.exporting.pieces import LEADS, PARTS, pieces, scene_of, source_name
from fablewright.gm.exporting.visible import visible
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.answer import Answer
    from fablewright.gm.exporting.pieces import Piece
    from fablewright.gm.preparing.prepared import Prepared

__all__ = ["document_of"]

_MARKS = {Origin.INVENTED: "\\*", Origin.RETOLD: "\\~", Origin.BY_RULE: "§", Origin.FROM_LOG: "†"}
_LEGEND = {
    Origin.INVENTED: "\\* invented, not in the notes",
    Origin.RETOLD: "\\~ the notes in a model's words",
    Origin.BY_RULE: "§ worked out from the rules",
    Origin.FROM_LOG: "† from the campaign's log",
}
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~$]")
_AT_START = re.compile(r"^(?:[-+=]|\d+[.)])")


def document_of(title: str, scenes: Sequence[Prepared]) -> str:
    """Return a session as Markdown.

    Args:
        title: What to call it.
        scenes: In their order; those that are not ready are named with their reason.
    """
    return "\n".join(_lines(title, scenes)) + "\n"


def _lines(title: str, scenes: Sequence[Prepared]) -> Iterator[str]:
    yield from (f"# {_escaped(title)}", "")
    for scene in scenes:
        state = "" if scene.answer is not None else f" ({_escaped(scene.remark)})"
        yield f"{scene.number}. {_escaped(scene.title)}: {_escaped(scene.why)}{state}"
    for scene in scenes:
        if scene.answer is not None:
            yield from ("", f"## {scene.number}. {_escaped(scene.title)}")
            yield from _scene(scene.answer)


def _scene(answer: Answer) -> Iterator[str]:
    part, shown = "", pieces(scene_of(answer))
    for piece in shown:
        if piece.part == "title":
            continue
        if piece.part != part:
            part = piece.part
            yield from ("", f"### {PARTS[part]}", "")
        yield _line(piece)
    used = {piece.origin for piece in shown}
    legend = " · ".join(words for origin, words in _LEGEND.items() if origin in used)
    sources = [f"[{number}] {_escaped(source_name(each))}" for number, each in enumerate(answer.citations, 1)]
    cited = {source + 1 for piece in shown for source in piece.sources}
    named = "; ".join(text for number, text in enumerate(sources, 1) if number in cited)
    for line in (f"Sources: {named}" if named else "", legend, *map(_escaped, answer.missing)):
        if line:
            yield from ("", line)


def _line(piece: Piece) -> str:
    lead = f"*{LEADS[piece.hangs_on]}:* " if piece.hangs_on else ""
    secret = "**GM only.** " if piece.secret else ""
    marks = _MARKS.get(piece.origin, "") + "".join(f" [{source + 1}]" for source in dict.fromkeys(piece.sources))
    text = f"{secret}{lead}{_escaped(piece.text)}{marks}"
    if piece.part == "read_aloud":
        return f"> {text}\n>"
    return f"  - {text}" if piece.hangs_on else f"- {text}"


def _escaped(text: str) -> str:
    text = _SPECIAL.sub(lambda found: f"\\{found[0]}", visible(text))
    return _AT_START.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", text)
