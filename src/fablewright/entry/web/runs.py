"""All requests of clients that are known to a server: those under way, and the latest of those that are over."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from fablewright.entry.answering import ask_once
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.run import Run
from fablewright.entry.web.wire import Order, SceneOrder, request_of
from fablewright.errors import InvalidInput
from fablewright.gm.campaign.memory import CampaignMemory, KeepScene
from fablewright.gm.exporting.pieces import scene_of as scene_in
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.scene.wishes import Kept
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.entry.answering import Ask
    from fablewright.entry.config import Settings
    from fablewright.entry.stages import Stages
    from fablewright.gm.answer import Answer
    from fablewright.runtime.bus import Bus

__all__ = ["Runs"]

_MOST_RUNNING = 64
_MOST_KEPT = 200
_LONGEST_KEY = 200


class Runs:
    """Begins runs, finds them again, and ends them.

    Args:
        conversation_id: Whose scenes may come again, grounded.
        stages: An observer of the bus.
        on_prose: Told whenever a model has written a part that passed.
    """

    def __init__(self, conversation_id: str, stages: Stages, on_prose: Callable[[], None] = lambda: None) -> None:
        self._conversation_id = conversation_id
        self._stages = stages
        self._on_prose = on_prose
        self._supervisor = Supervisor()
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._by_key: dict[str, tuple[bytes, str]] = {}  # idempotency key: what was ordered, and its run
        self._running = 0
        self._is_ending = False

    def begin(self, bus: Bus, settings: Settings, order: Order, *, key: str = "", ask: Ask = ask_once) -> Run:
        """Begin what is ordered; the same key and order again lead to the same run.

        Args:
            bus: With all agents up.
            settings: For the time-outs.
            order: Of the client.
            key: The client's own name for this order (``Idempotency-Key``).
            ask: How it is asked.

        Raises:
            ProblemError: The order makes no sense (422), the key was used for another order (422) or is too long
                (400), there are too many runs at once (429), or the server ends (503).
        """
        if self._is_ending:
            raise ProblemError(503, "The server ends: ask again when it is back.")
        if len(key) > _LONGEST_KEY:
            raise ProblemError(400, f"An Idempotency-Key has at most {_LONGEST_KEY} characters.")
        digest = hashlib.sha256(msgspec.json.encode(order)).digest()
        if key in self._by_key:
            ordered, known = self._by_key[key]
            if ordered != digest:
                raise ProblemError(422, "This Idempotency-Key was used for another request: make a new one.")
            return self._runs[known]
        if self._running >= _MOST_RUNNING:
            raise ProblemError(429, "Too many requests at once: try again in a second.", {"Retry-After": "1"})
        try:
            request = request_of(order, conversation_id=self._conversation_id, kept=self._kept(order))
        except InvalidInput as error:
            raise ProblemError(422, str(error)) from error
        if key:  # known also to a server that is started after this one
            request = replace(request, request_key=hashlib.sha256(key.encode() + digest).hexdigest()[:32])
        run = Run(secrets.token_urlsafe(9), request, order.prose, self._on_prose)
        if order.scene is not None:  # it may be another page's that came last
            bus.tell(CampaignMemory.name, KeepScene(self.scene_of(order.scene)))
        self._keep(run)
        if key:
            self._by_key[key] = digest, run.id
        self._running += 1
        work = run.work(bus, self._stages, ask=ask, timeout=settings.timeout, prose_timeout=settings.model_timeout)
        run.begun(self._supervisor.start(work, name=f"run {run.id}", on_end=lambda: self._over(run)))
        return run

    def find(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            ProblemError: There is none of that id (404).
        """
        try:
            return self._runs[run_id]
        except KeyError:
            raise ProblemError(404, "There is no such request any more: ask again.") from None

    def scene_of(self, order: SceneOrder) -> Answer:
        """Return the answer that a run had, with the scene that is meant as its scene.

        Raises:
            ProblemError: There is no such run (404), or no such scene in it (422).
        """
        answer = self.find(order.run).answer
        if answer is None or answer.scene is None or order.variant > len(answer.variants):
            raise ProblemError(422, "That request has no such scene.")
        if not order.variant:
            return replace(answer, variants=())
        variant = answer.variants[order.variant - 1]
        return replace(answer, scene=variant.scene, citations=variant.citations, variants=())

    def latest_scene(self) -> Run | None:
        """Return the newest run that has a scene; a page that is opened shows it."""
        return next((run for run in reversed(self._runs.values()) if run.answer and run.answer.scene), None)

    def adopt(self, answer: Answer, words: str) -> Run:
        """Return a run for an answer that came by itself, so that all can be done with it that runs allow."""
        run = Run(secrets.token_urlsafe(9), HandleRequest(words), prose=False)
        run.show(answer)
        run.state = "done"
        run.over()
        self._keep(run)
        return run

    async def stop(self) -> None:
        """End all that is under way."""
        await self._supervisor.stop()

    async def wind_down(self, moment: float) -> None:
        """Begin nothing any more, and end what is not over in a moment, so that whoever follows it is told.

        Args:
            moment: Seconds.
        """
        self._is_ending = True
        running = [run.ended() for run in self._runs.values() if run.state == "running"]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(moment):
                await asyncio.gather(*running)
        await self.stop()

    def _kept(self, order: Order) -> Kept | None:
        if order.keep is None:
            return None
        answer = self.scene_of(SceneOrder(order.keep.run, order.keep.variant))
        return Kept(scene_in(answer), answer.citations, order.keep.parts)

    def _keep(self, run: Run) -> None:
        self._runs[run.id] = run
        if len(self._runs) <= _MOST_KEPT:
            return
        oldest = next(each.id for each in self._runs.values() if each.state != "running")
        del self._runs[oldest]
        for key in [key for key, (_, known) in self._by_key.items() if known == oldest]:
            del self._by_key[key]

    def _over(self, run: Run) -> None:
        self._running -= 1
        run.over()
