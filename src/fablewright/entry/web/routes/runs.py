"""Requests of a GM: begun, followed, stopped; or answered in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.web.event_stream import event_stream
from fablewright.entry.web.hang_up import until_over
from fablewright.entry.web.operation import Header, Reply, operation
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.replies import AnswerData, RunReply
from fablewright.entry.web.wire import Order, as_json, read
from fablewright.gm.answer_data import answer_data

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.run import Run
    from fablewright.entry.web.sitting import Sitting

__all__ = ["described", "run_routes"]

_ORDER = {"words": "2d6+3", "seed": 7}
_ANSWERED = {
    "status": "answered",
    "want": "dice",
    "scene": None,
    "answer": [{"text": "2d6+3 = 4 + 2 + 3 = 9.", "origin": "by_rule", "sources": [], "secret": False}],
    "citations": [],
    "used_rag": False,
    "generation_method": "rules",
    "missing": [],
    "timings": {"retrieve_ms": 0.0, "compose_ms": 0.0, "total_ms": 0.6},
}
_RUN = {
    "id": "Jm2vKx0pQ3aF",
    "state": "running",
    "elapsed_ms": 3,
    "events": "/api/v1/runs/Jm2vKx0pQ3aF/events",
    "answer": None,
    "problem": None,
}
_EVENTS = """\
Server-sent events: `stage` {stage, elapsed_ms}, `answer` {elapsed_ms, answer} (whole, without a model's prose), `prose`
{part, lines, writer, elapsed_ms}, `missing` {text}, `problem` (as in problem+json), and at last `end` {state,
elapsed_ms}. Whoever was cut off goes on where it was with `Last-Event-ID`; `reset` says that what came after that id is
not kept any more, and all that is kept follows. Who has had the last gets 204."""
_STREAMED = 'id: 3fa9c1d2.0\nevent: stage\ndata: {"stage":"Searching your notes","elapsed_ms":4}\n\n'
_KEY = Header("Idempotency-Key", "Your own name for this request: sent again with it, it is not begun again.", 200)
_LAST_EVENT = Header("Last-Event-ID", "The id of the event that you had last.")
_GONE = {404: "There is no such request any more: the latest 200 are kept."}
_ORDERING = {
    400: "The body is no JSON.",
    422: "The order makes no sense; `detail` says where.",
    429: "Too many requests at once; `Retry-After` says when to come again.",
}


def run_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation(
        "Begin a request",
        {202: Reply(RunReply, "It is begun; `Location` says where it is.", example=_RUN)},
        detail="Follow its events, look at it, or stop it.",
        body=Order,
        example=_ORDER,
        headers=(_KEY,),
        problems=_ORDERING,
    )
    async def begin(request: Request) -> Response:
        run = sitting.runs.begin(
            sitting.bus, sitting.settings, read(await request.body(), Order), key=_key(request), ask=sitting.net.ask
        )
        return as_json(described(run), 202, {"Location": f"/api/v1/runs/{run.id}"})

    @operation("Look at a request", {200: Reply(RunReply, "As it stands.", example=_RUN)}, problems=_GONE)
    async def look(request: Request) -> Response:
        return as_json(described(sitting.runs.find(request.path_params["run"])))

    @operation(
        "Follow a request",
        {
            200: Reply(None, "What happens, as it happens.", "text/event-stream", _STREAMED),
            204: Reply(None, "Nothing will come any more.", ""),
        },
        detail=_EVENTS,
        headers=(_LAST_EVENT,),
        problems=_GONE,
    )
    async def follow(request: Request) -> Response:
        return event_stream(request, sitting.runs.find(request.path_params["run"]).log)

    @operation(
        "Stop a request",
        {200: Reply(RunReply, "It has ended; what was there is kept.", example={**_RUN, "state": "stopped"})},
        problems=_GONE,
    )
    async def stop(request: Request) -> Response:
        run = sitting.runs.find(request.path_params["run"])
        run.stop()
        await run.ended()
        return as_json(described(run))

    @operation(
        "Ask, and wait for the answer",
        {200: Reply(AnswerData, "The answer, with a model's prose where there is a model.", example=_ANSWERED)},
        detail="A client that hangs up stops it, unless it gave an Idempotency-Key and may come again.",
        body=Order,
        example=_ORDER,
        headers=(_KEY,),
        problems={**_ORDERING, 503: "Nothing could be answered; `detail` says why."},
    )
    async def answer(request: Request) -> Response:
        key = _key(request)
        run = sitting.runs.begin(
            sitting.bus, sitting.settings, read(await request.body(), Order), key=key, ask=sitting.net.ask
        )
        await until_over(run, None if key else request)
        if run.answer is None:
            problem = run.problem
            raise ProblemError(problem.status if problem else 503, problem.detail if problem else "It was stopped.")
        return as_json(answer_data(run.answer))

    return [
        Route("/api/v1/answers", answer, methods=["POST"]),
        Route("/api/v1/runs", begin, methods=["POST"]),
        Route("/api/v1/runs/{run}", look, methods=["GET"]),
        Route("/api/v1/runs/{run}", stop, methods=["DELETE"]),
        Route("/api/v1/runs/{run}/events", follow, methods=["GET"]),
    ]


def _key(request: Request) -> str:
    return request.headers.get("idempotency-key", "").strip()


def described(run: Run) -> RunReply:
    """Return a run as clients get it."""
    answer = None if run.answer is None else answer_data(run.answer)
    return RunReply(run.id, run.state, run.elapsed_ms, f"/api/v1/runs/{run.id}/events", answer, run.problem)
