"""Requests of a GM: begun, followed, stopped; or answered in one go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.web.event_stream import event_stream
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.wire import Order, as_json, read
from fablewright.gm.answer_data import answer_data

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.run import Run
    from fablewright.entry.web.sitting import Sitting

__all__ = ["run_routes"]


def run_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    async def begin(request: Request) -> Response:
        run = sitting.runs.begin(sitting.bus, sitting.settings, read(await request.body(), Order), key=_key(request))
        return as_json(_described(run), 202, {"Location": f"/api/v1/runs/{run.id}"})

    async def look(request: Request) -> Response:
        return as_json(_described(sitting.runs.find(request.path_params["run"])))

    async def follow(request: Request) -> Response:
        return event_stream(request, sitting.runs.find(request.path_params["run"]).log)

    async def stop(request: Request) -> Response:
        run = sitting.runs.find(request.path_params["run"])
        run.stop()
        await run.ended()
        return as_json(_described(run))

    async def answer(request: Request) -> Response:
        run = sitting.runs.begin(sitting.bus, sitting.settings, read(await request.body(), Order), key=_key(request))
        try:
            await run.ended()
        except asyncio.CancelledError:
            run.stop()  # the client has left
            raise
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


def _described(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "state": run.state,
        "elapsed_ms": run.elapsed_ms,
        "events": f"/api/v1/runs/{run.id}/events",
        "answer": None if run.answer is None else answer_data(run.answer),
        "problem": run.problem,
    }
