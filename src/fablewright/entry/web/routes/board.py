"""The GM's hand on the players' board: what is put there, and the address that the players open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.web.board import Shown, handout, read_aloud
from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.orders import BoardOrder
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.table_replies import BoardReply
from fablewright.entry.web.wire import as_json, read
from fablewright.errors import FablewrightError, InvalidInput
from fablewright.gm.haystack_pipeline import HaystackPipeline, RetrieveDocuments

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting
    from fablewright.gm.reading.notes import Passage

__all__ = ["board_routes"]

_LOOKED_UP = 1000
"""Characters of a hand-out that are looked up in the notes."""
_MOST = 40
"""Passages whose secrets it may not tell."""
_PATIENCE = 2.0
"""Seconds that the GM waits for that."""


def board_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation("What the players see", {200: Reply(BoardReply, "And the way to their page.")})
    async def look(_request: Request) -> Response:
        return as_json({"shown": sitting.board.shown, "link": _link(sitting)})

    @operation(
        "Show something to the players",
        {200: Reply(BoardReply, "They see it now; of an empty order: nothing.")},
        body=BoardOrder,
        example={"handout": "A torn ticket for the ferry."},
        problems={
            400: "The body is no JSON.",
            404: "There is no such run.",
            409: "Nobody can say whether it would: the notes cannot be searched now.",
            422: "It would tell a secret.",
        },
    )
    async def put(request: Request) -> Response:
        order = read(await request.body(), BoardOrder)
        try:
            shown = await _meant(sitting, order)
        except InvalidInput as error:
            raise ProblemError(422, str(error)) from error
        sitting.board.put(shown)
        sitting.news.append("board", shown)
        return as_json({"shown": shown, "link": _link(sitting)})

    return [
        Route("/api/v1/board", look, methods=["GET"]),
        Route("/api/v1/board", put, methods=["PUT"]),
    ]


async def _meant(sitting: Sitting, order: BoardOrder) -> Shown:
    answer = sitting.runs.scene_of(order.scene) if order.scene else None
    if order.handout.strip():
        latest = sitting.runs.latest_scene()
        about = await _about(sitting, order.handout, unchecked=order.unchecked)
        return handout(order.handout, answer or (latest.answer if latest else None), about)
    return read_aloud(answer, order.lines) if answer else Shown()


async def _about(sitting: Sitting, words: str, *, unchecked: bool) -> tuple[Passage, ...]:
    """Return what the notes have about the words of a hand-out; ``unchecked``: as far as they can be searched now.

    Raises:
        ProblemError: They cannot be searched, or not all of them have been read (409).
    """
    try:
        search = RetrieveDocuments(words[:_LOOKED_UP], _MOST)
        found = await sitting.bus.ask(HaystackPipeline.name, search, timeout=_PATIENCE)
    except FablewrightError as error:
        if unchecked:
            return ()
        raise _unknown("Your notes cannot be searched now") from error
    if not (found.complete or unchecked):
        raise _unknown("Not all of your notes can be searched now")
    return found.passages


def _unknown(why: str) -> ProblemError:
    return ProblemError(409, f"{why}, so nobody knows whether this tells a secret of theirs. It is not shown.")


def _link(sitting: Sitting) -> str:
    token = sitting.player_token.reveal()
    return f"/play?token={token}" if token else "/play"
