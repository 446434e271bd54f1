"""A passage where it stands: what a source mark opens. Only files that are in the index can be looked into."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from fablewright.entry.web.operation import Query, Reply, operation
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.wire import as_json
from fablewright.errors import InvalidInput
from fablewright.gm.reading.notes import Passage
from fablewright.gm.reading.statements import statements

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.assemble import Notes
    from fablewright.entry.web.sitting import Sitting

__all__ = ["Stretch", "passage_routes"]

_AROUND = 900
"""Characters shown before and after a passage."""
_LONGEST = 20_000


class Stretch(msgspec.Struct, frozen=True):
    """A passage with what stands around it, as it is in the file.

    Attributes:
        file: Where.
        before: What stands before it.
        text: The passage.
        after: What stands after it.
        begins: Whether ``before`` is from the file's beginning.
        ends: Whether ``after`` goes to its end.
        open: The passage without markup and without what is marked as a secret: a paragraph each.
    """

    file: str
    before: str
    text: str
    after: str
    begins: bool
    ends: bool
    open: list[str]


def passage_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation(
        "A passage where it stands",
        {200: Reply(Stretch, "With what stands around it.")},
        queries=(
            Query("file", "As a citation names it."),
            Query("start", "Its first character.", is_number=True),
            Query("end", "One past its last character.", is_number=True),
        ),
        problems={404: "There is no such file in the index, or no such passage.", 422: "The numbers are none."},
    )
    async def look(request: Request) -> Response:
        file = request.query_params.get("file", "")
        start, end = _number(request, "start"), _number(request, "end")
        stretch = await sitting.bus.on_thread(_read, sitting.notes, file, start, end)
        return as_json(stretch)

    return [Route("/api/v1/passages", look, methods=["GET"])]


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise ProblemError(422, f"Say where the passage is: {name} is a number of characters.")
    return int(text)


def _read(notes: Notes, file: str, start: int, end: int) -> Stretch:
    if not notes.index.holds(file):
        raise ProblemError(404, "There is no such file in your notes.")
    try:
        text = notes.source.read(file).text
    except InvalidInput as error:
        raise ProblemError(404, str(error)) from error
    if not start < end <= len(text) or end - start > _LONGEST:
        raise ProblemError(404, "The file has changed since: there is no such passage in it any more.")
    first, last = max(0, start - _AROUND), min(len(text), end + _AROUND)
    if first:  # not in the middle of a line, where there is another one
        first = min(start, text.find("\n", first, start) + 1 or first)
    if last < len(text):
        last = max(end, text.rfind("\n", end, last)) if "\n" in text[end:last] else last
    passage = Passage(text[start:end], file, (), start, end)
    return Stretch(file, text[first:start], passage.text, text[end:last], first == 0, last == len(text), _open(passage))


def _open(passage: Passage) -> list[str]:
    blocks = groupby(statements([passage]), key=lambda statement: statement.block)
    paragraphs = (" ".join(each.text for each in block if not each.secret) for _, block in blocks)
    return [paragraph for paragraph in paragraphs if paragraph]
