"""``scenario_generator``: the agent that writes a scene, grounded in the notes where they can be had.

It never waits longer for the notes than leaves it time to write without them: on time-out, error or nothing
found there is a scene all the same, and it says what it is missing.

Late is not lost: when the documents come after all, or the notes have been read to the end, the scene is written
again and published as ``GroundedSceneReady`` for the conversation that asked for it.

The scene is complete without a model. Where there is one, it is given what is left of the time to write prose.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from fablewright.errors import ContractViolation, RequestFailed
from fablewright.gm.answer import Timings
from fablewright.gm.grounding import SPARE, Grounding, Grounds, reserve
from fablewright.gm.haystack_pipeline import Documents, HaystackPipeline, why_missing
from fablewright.gm.reading.notes import Passage  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.scenario_request import GenerateScenario, GroundedSceneReady, NextScene, Scenario, SuggestScenes
from fablewright.gm.scene.drafts import Drafts, Source
from fablewright.gm.scene.table import Table
from fablewright.gm.table_limits import find_limits
from fablewright.gm.writer import WriteProse, in_prose
from fablewright.protocol.message import Message
from fablewright.runtime.agent import Agent, handles, hears

if TYPE_CHECKING:
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.runtime.context import Context

__all__ = ["DECLINED", "ScenarioGenerator", "WriteAgain"]

_log = logging.getLogger(__name__)

_LEAST_FOR_PROSE = 0.5
"""Seconds; in less no model has ever written a part of a scene."""

_MOST_WAITING = Agent.concurrency // 2
"""Scenes that may wait for the notes to be read, to be written again; the other handlers are for people who wait."""

_NO_TIME_FOR_PROSE = "The model's prose: there was no time left for it."

DECLINED = "Your notes: you asked to do without them."


@dataclass(frozen=True, slots=True)
class WriteAgain(Message):
    """Told by the generator to itself: write a scene that went out without the notes, or with a part of them.

    Attributes:
        request: What was asked for.
        asked_at: When, in the bus's time.
        documents: What came late; None: the notes were still being read, and are to be searched when they have been.
        given: The passages that the first scene had.
    """

    action: ClassVar[str] = "write_again"
    priority = -1  # after those who wait
    request: GenerateScenario
    asked_at: float
    documents: Documents | None = None
    given: tuple[Passage, ...] = ()


class ScenarioGenerator(Agent):
    """Writes scenes.

    Args:
        bestiary: The creatures that it knows.
        retrieve_timeout: Seconds to wait for the notes at most.
        max_docs: How many passages to ask for.
        linger: Seconds after which a scene that went out without the notes is not written again.
        prose_timeout: Seconds to wait for a model's prose at most; 0: there is no model.
        model_is_set: Whether there is one for sure, and not only if it can be found; then it is missed.
    """

    name = "scenario_generator"

    def __init__(
        self,
        bestiary: Bestiary,
        *,
        retrieve_timeout: float = 10.0,
        max_docs: int = 12,
        linger: float = 60.0,
        prose_timeout: float = 0.0,
        model_is_set: bool = False,
    ) -> None:
        self._bestiary = bestiary
        self._retrieve_timeout = retrieve_timeout
        self._grounding = Grounding(bestiary, timeout=retrieve_timeout, max_docs=max_docs)
        self._linger = linger
        self._prose_timeout = prose_timeout
        self._model_is_set = model_is_set
        self._waiting = 0  # scenes that wait for the notes to be read

    @handles(GenerateScenario)
    async def generate_scenario(self, request: GenerateScenario, ctx: Context) -> Scenario:
        """Write the scene, with the notes if they come in time."""
        started = ctx.now
        found = await self._look(request, ctx) if request.use_rag else Grounds(missing=(DECLINED,))
        scenario = self._write(request, found, started, ctx.now, ctx)
        if not (request.prose and self._prose_timeout) or scenario.variants:  # she compares what the notes give
            return scenario
        scenario = await self._in_prose(scenario, request, ctx)
        return replace(scenario, timings=replace(scenario.timings, total_ms=1000 * (ctx.now - started)))

    async def _in_prose(self, scenario: Scenario, request: GenerateScenario, ctx: Context) -> Scenario:
        """Give a model what is left of the time; what it has not written by then stays as it is."""
        within = min(self._prose_timeout, ctx.remaining - reserve(ctx.remaining))
        if within < _LEAST_FOR_PROSE:
            missed = (_NO_TIME_FOR_PROSE,) if self._model_is_set else ()
            return replace(scenario, missing=(*scenario.missing, *missed))
        kept = request.wishes.kept
        locked = kept.parts if kept is not None else ()
        asked = WriteProse(request.query, scenario.scene, scenario.citations, locked=locked)
        async with aclosing(in_prose(ctx, asked, timeout=within)) as pieces:
            async for prose in pieces:
                scenario = replace(
                    scenario,
                    scene=prose.scene,
                    generation_method="model" if prose.woven else scenario.generation_method,
                    missing=(*scenario.missing, *prose.missing),
                )
        return scenario

    def _write(
        self, request: GenerateScenario, found: Grounds, started: float, retrieved: float, ctx: Context
    ) -> Scenario:
        campaign = request.campaign_context
        table = Table(campaign.party, campaign.rules, self._bestiary, found.limits)
        source = Source(found.focus, found.passages) if found.focus is not None else None
        scenes = Drafts(request.query, table, request.seed, request.wishes).write(source, found.others)
        return Scenario(
            scene=scenes.first.scene,
            citations=scenes.first.citations,
            used_rag=found.focus is not None or bool(scenes.first.citations),
            generation_method="composer" if found.focus is not None else "improviser",
            missing=(*found.missing, *scenes.missing),
            variants=scenes.variants,
            timings=Timings(
                retrieve_ms=1000 * (retrieved - started),
                compose_ms=1000 * (ctx.now - retrieved),
                total_ms=1000 * (ctx.now - started),
            ),
            left_out=scenes.first.left_out,
        )

    @handles(SuggestScenes)
    async def suggest_scenes(self, request: SuggestScenes, ctx: Context) -> tuple[NextScene, ...]:
        """Look for what belongs to where the party is and was not played."""
        until = ctx.now + min(self._retrieve_timeout, 0.8 * ctx.remaining)
        passages, foci = await self._grounding.onward(request.game_state, until, ctx)
        found = ((focus, next(filter(focus.holds, passages), None)) for focus in foci)
        return tuple(NextScene(focus.title, passage, focus.sections) for focus, passage in found if passage is not None)

    @hears(WriteAgain)
    async def write_again(self, message: WriteAgain, ctx: Context) -> None:
        """Publish the scene as it is with the notes, unless they say nothing about it, or nothing new."""
        documents = message.documents or await self._when_read(message.request, ctx)
        if documents is None or documents.passages == message.given:
            return
        limits = await find_limits(ctx)
        found = await self._grounding.choose(message.request, documents, ctx, spare=SPARE, limits=limits)
        if found.focus is not None:
            scenario = self._write(message.request, found, message.asked_at, ctx.now, ctx)
            ctx.publish(GroundedSceneReady(message.request, scenario))

    async def _when_read(self, request: GenerateScenario, ctx: Context) -> Documents | None:
        """Search notes that were still being read once more; such a search waits until they are, or time is up."""
        if self._waiting >= _MOST_WAITING:
            return None
        self._waiting += 1
        try:
            documents = await ctx.ask(
                HaystackPipeline.name, self._grounding.first_search(request), timeout=self._linger
            )
        except (RequestFailed, ContractViolation):
            return None
        finally:
            self._waiting -= 1
        return documents if documents.complete else None

    # -------------------------------------------------------------- what the notes have about it

    async def _look(self, request: GenerateScenario, ctx: Context) -> Grounds:
        """Find what the scene is about; whatever comes back from the notes, the table gets its scene."""
        try:
            return await self._find(request, ctx)
        except Exception as error:  # noqa: BLE001 - a reply of another shape breaks anywhere, and costs the notes only
            _log.warning("What the notes gave cannot be used: %r", error, exc_info=error)
            return Grounds(
                missing=("Your notes gave something that cannot be used; `fablewright doctor` may know more.",)
            )

    async def _find(self, request: GenerateScenario, ctx: Context) -> Grounds:
        """Search the notes, and go on from there; if they come late or are incomplete, come back to it."""
        started = ctx.now
        given: tuple[Passage, ...] = ()

        def late(documents: Documents) -> None:
            self._grounding.note(documents)
            ctx.tell(self.name, WriteAgain(request, started, documents, given))

        try:
            documents, limits = await self._grounding.first(request, late if request.conversation_id else None, ctx)
        except (RequestFailed, ContractViolation) as error:
            return Grounds(missing=(why_missing(error, ctx.now - started),))
        given = documents.passages
        spare = self._grounding.spare(documents, ctx.now - started - documents.waited)
        found = await self._grounding.choose(request, documents, ctx, spare=spare, limits=limits)
        if request.conversation_id and not documents.complete and not documents.age:
            ctx.tell(self.name, WriteAgain(request, started, given=given))
        return found
