"""``scenario_generator``: the agent that writes a scene, grounded in the notes where they can be had.

It never waits longer for the notes than leaves it time to write without them: on time-out, error or nothing
found there is a scene all the same, and it says what it is missing.

Late is not lost: when the documents come after all, or the notes have been read to the end, the scene is written
again and published as ``GroundedSceneReady`` for the conversation that asked for it.

The scene is complete without a model. Where there is one, it is given what is left of the time to write prose.
"""

from __future__ import annotations

import asyncio
import glob
import logging
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from fablewright.errors import ContractViolation, RequestFailed
from fablewright.gm.answer import Timings
from fablewright.gm.haystack_pipeline import (
    Documents,
    HaystackPipeline,
    RetrieveDocuments,
    notice_changes,
    why_missing,
)
from fablewright.gm.reading.limits import NO_LIMITS, Limits
from fablewright.gm.reading.links import links_of
from fablewright.gm.reading.name_key import name_key
from fablewright.gm.reading.notes import Passage  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.rules.budget import Rules  # noqa: TC001 - as above
from fablewright.gm.rules.party import Party  # noqa: TC001 - as above
from fablewright.gm.scene.composer import LeftOut  # noqa: TC001 - as above
from fablewright.gm.scene.drafts import Drafts, Source
from fablewright.gm.scene.focus import (
    Focus,
    Section,
    foci,
    is_about_here,
    merged,
    opening_names,
    plays_on,
    search_words,
    window,
)
from fablewright.gm.scene.note_kind import file_title
from fablewright.gm.scene.onward import next_note, onward, sections_called
from fablewright.gm.scene.scenario import Scene  # noqa: TC001 - as above
from fablewright.gm.scene.table import Table
from fablewright.gm.scene.variants import Variant  # noqa: TC001 - as above
from fablewright.gm.scene.wishes import Wishes
from fablewright.gm.table_limits import find_limits
from fablewright.gm.writer import WriteProse, in_prose
from fablewright.protocol.message import Message, Request
from fablewright.runtime.agent import Agent, handles, hears

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.runtime.context import Context

__all__ = [
    "CampaignContext",
    "GameState",
    "GenerateScenario",
    "GroundedSceneReady",
    "NextScene",
    "Scenario",
    "ScenarioGenerator",
    "SuggestScenes",
    "WriteAgain",
]


_log = logging.getLogger(__name__)

_QUICK = 0.3
"""Seconds; a search that takes longer is not followed by others for the same scene."""

_LEAST_FOR_PROSE = 0.5
"""Seconds; in less no model has ever written a part of a scene."""

_SPARE = 2.0
"""Seconds that further searches may take for a scene that nobody waits for."""

_MOST_WAITING = Agent.concurrency // 2
"""Scenes that may wait for the notes to be read, to be written again; the other handlers are for people who wait."""

_NO_TIME_FOR_PROSE = "The model's prose: there was no time left for it."

_MOST_POINTERS = 4
"""Places that a scene points to, and that are looked at for what comes next."""

DECLINED = "Your notes: you asked to do without them."


@dataclass(frozen=True, slots=True)
class CampaignContext:
    """What is so all campaign long."""

    party: Party
    rules: Rules = "2024"
    name: str = ""


@dataclass(frozen=True, slots=True)
class GameState:
    """Where the story stands.

    Attributes:
        location: Where the party is.
        present: Who is with them.
        played: The titles of the scenes that were played, the last one last.
        lately: What happened last, in words.
        people: Everybody whom the log knows.
    """

    location: str = ""
    present: tuple[str, ...] = ()
    played: tuple[str, ...] = ()
    lately: str = ""
    people: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Where and with whom, on one line."""
        return " ".join((self.location, *self.present)).strip()

    @property
    def names(self) -> str:
        """The names in it, as a search takes them that shall prefer what speaks of them."""
        return ";".join(filter(None, (self.location, *self.present)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """The reply to ``GenerateScenario``.

    Attributes:
        scene: The scene.
        citations: The passages that its lines point to by index; one that came along as a part of the section
            and was not found by the words themselves has score 0.
        used_rag: Whether it rests on the notes.
        generation_method: ``composer`` (out of the notes) or ``improviser`` (without them); ``model`` where a part
            of it is in a model's words.
        missing: What could not be had and why, a sentence each.
        timings: How long it took.
        variants: Other scenes for the same request, as many as were wished for and differ.
        left_out: What of the place a line or veil of the table left out.
    """

    scene: Scene
    citations: tuple[Passage, ...]
    used_rag: bool
    generation_method: str
    missing: tuple[str, ...]
    timings: Timings
    variants: tuple[Variant, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def source_count(self) -> int:
        """How many passages it rests on."""
        return len(self.citations)


@dataclass(frozen=True, slots=True)
class GenerateScenario(Request[Scenario]):
    """Write a scene.

    Attributes:
        query: The GM's words.
        campaign_context: For whom.
        game_state: Where the story stands.
        use_rag: Whether to look into the notes at all.
        seed: For what is left to chance; None for a new one each time.
        conversation_id: Names whoever will still be there to be offered the scene again when the notes come late;
            empty when nobody will.
        wishes: Variants, tone, length, and what is to stay of a scene that there is.
        prose: Whether to wait for a model's prose; who would rather have the scene at once asks ``writer`` for it
            afterwards.
    """

    action: ClassVar[str] = "generate_scenario"
    idempotent: ClassVar[bool] = True
    query: str
    campaign_context: CampaignContext
    game_state: GameState = field(default_factory=GameState)
    use_rag: bool = True
    seed: int | None = None
    conversation_id: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    prose: bool = True


@dataclass(frozen=True, slots=True)
class NextScene:
    """A scene of the notes that could be played next: its title, a passage of it, and where it stands."""

    title: str
    passage: Passage
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class SuggestScenes(Request[tuple[NextScene, ...]]):
    """Say what of the notes could be played next, best first."""

    action: ClassVar[str] = "suggest_scenes"
    idempotent: ClassVar[bool] = True
    game_state: GameState


@dataclass(frozen=True, slots=True)
class GroundedSceneReady(Message):
    """Published when a scene that had to be written without the notes, or with a part of them, can rest on them.

    Attributes:
        request: What was asked for.
        scenario: The scene as it is with the notes.
    """

    action: ClassVar[str] = "grounded_scene_ready"
    request: GenerateScenario
    scenario: Scenario

    @property
    def conversation_id(self) -> str:
        """Whom it is for."""
        return self.request.conversation_id


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


@dataclass(frozen=True, slots=True)
class _Found:
    """What the notes gave: passages and a focus, or the reason why not; and what else could be played."""

    passages: tuple[Passage, ...] = ()
    focus: Focus | None = None
    missing: tuple[str, ...] = ()
    others: tuple[Source, ...] = ()
    limits: Limits = NO_LIMITS


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
        self._max_docs = max_docs
        self._linger = linger
        self._prose_timeout = prose_timeout
        self._model_is_set = model_is_set
        self._pace = 0.0  # seconds that the latest search took that was not answered out of a cache
        self._waiting = 0  # scenes that wait for the notes to be read

    @handles(GenerateScenario)
    async def generate_scenario(self, request: GenerateScenario, ctx: Context) -> Scenario:
        """Write the scene, with the notes if they come in time."""
        started = ctx.now
        found = await self._look(request, ctx) if request.use_rag else _Found(missing=(DECLINED,))
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
        self, request: GenerateScenario, found: _Found, started: float, retrieved: float, ctx: Context
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
        passages, foci = await self._onward(request.game_state, until, ctx)
        found = ((focus, next(filter(focus.holds, passages), None)) for focus in foci)
        return tuple(NextScene(focus.title, passage, focus.sections) for focus, passage in found if passage is not None)

    @hears(WriteAgain)
    async def write_again(self, message: WriteAgain, ctx: Context) -> None:
        """Publish the scene as it is with the notes, unless they say nothing about it, or nothing new."""
        documents = message.documents or await self._when_read(message.request, ctx)
        if documents is None or documents.passages == message.given:
            return
        limits = await find_limits(ctx)
        found = await self._choose(message.request, documents, ctx, spare=_SPARE, limits=limits)
        if found.focus is not None:
            scenario = self._write(message.request, found, message.asked_at, ctx.now, ctx)
            ctx.publish(GroundedSceneReady(message.request, scenario))

    async def _when_read(self, request: GenerateScenario, ctx: Context) -> Documents | None:
        """Search notes that were still being read once more; such a search waits until they are, or time is up."""
        if self._waiting >= _MOST_WAITING:
            return None
        self._waiting += 1
        try:
            documents = await ctx.ask(HaystackPipeline.name, self._first_search(request), timeout=self._linger)
        except (RequestFailed, ContractViolation):
            return None
        finally:
            self._waiting -= 1
        return documents if documents.complete else None

    # -------------------------------------------------------------- what the notes have about it

    async def _look(self, request: GenerateScenario, ctx: Context) -> _Found:
        """Find what the scene is about; whatever comes back from the notes, the table gets its scene."""
        try:
            return await self._find(request, ctx)
        except Exception as error:  # noqa: BLE001 - a reply of another shape breaks anywhere, and costs the notes only
            _log.warning("What the notes gave cannot be used: %r", error, exc_info=error)
            return _Found(
                missing=("Your notes gave something that cannot be used; `fablewright doctor` may know more.",)
            )

    async def _find(self, request: GenerateScenario, ctx: Context) -> _Found:
        """Search the notes, and go on from there; if they come late or are incomplete, come back to it."""
        started = ctx.now
        given: tuple[Passage, ...] = ()

        def late(documents: Documents) -> None:
            self._pace = documents.took
            ctx.tell(self.name, WriteAgain(request, started, documents, given))

        try:
            documents, limits = await self._first(request, late if request.conversation_id else None, ctx)
        except (RequestFailed, ContractViolation) as error:
            return _Found(missing=(why_missing(error, ctx.now - started),))
        given = documents.passages
        elapsed = ctx.now - started - documents.waited
        if elapsed >= documents.took and not documents.age:  # else it was kept from an earlier search
            self._pace = documents.took
        # A table waits for one slow search, not for three: what was found is then played as it is.
        spare = self._retrieve_timeout if max(elapsed, self._pace) <= _QUICK else 0.0
        found = await self._choose(request, documents, ctx, spare=spare, limits=limits)
        if request.conversation_id and not documents.complete and not documents.age:
            ctx.tell(self.name, WriteAgain(request, started, given=given))
        return found

    def _first_search(self, request: GenerateScenario) -> RetrieveDocuments:
        state = request.game_state
        if state.played and plays_on(request.query):
            return RetrieveDocuments(f"{state.lately} {state.words}".strip(), self._max_docs)
        filters = {"lately": state.names} if state.names else {}
        words = f"{search_words(request.query)} {_here(request)}".strip()
        return RetrieveDocuments(words, self._max_docs, filters)

    async def _first(
        self, request: GenerateScenario, on_late: Callable[[Documents], None] | None, ctx: Context
    ) -> tuple[Documents, Limits]:
        """Search the notes as they are now, for the scene and, beside that, for the limits of the table."""
        keep = reserve(ctx.remaining)
        await notice_changes(ctx, timeout=self._retrieve_timeout, keep=keep)
        search = self._first_search(request)
        return await asyncio.gather(
            ctx.ask(HaystackPipeline.name, search, timeout=self._retrieve_timeout, keep=keep, on_late=on_late),
            find_limits(ctx, within=self._retrieve_timeout),
        )

    async def _choose(
        self, request: GenerateScenario, documents: Documents, ctx: Context, *, spare: float, limits: Limits
    ) -> _Found:
        """Choose what the scene is about, and fetch all of that; ``spare``: seconds for the searches that takes.

        Without any, only an opening is still searched for, and only if nothing that was found can be played.
        """
        until = ctx.now + spare
        missing = (documents.remark,) if documents.remark else ()
        chosen: tuple[Focus, ...]
        if request.wishes.sections:
            until, spare = max(until, ctx.now + 0.4 * ctx.remaining), max(spare, _SPARE)  # nobody waits for it
            passages, chosen = list(documents.passages), (Focus(request.wishes.sections),)
            unsaid = "Your notes do not have this any more."
        elif request.game_state.played and plays_on(request.query):
            until = max(until, ctx.now + min(_SPARE, 0.4 * ctx.remaining))  # these searches are what it takes
            passages, chosen = await self._onward(request.game_state, until, ctx, documents)
            unsaid = "Your notes do not say what comes next."
        else:
            told = f"{request.query} {_here(request)}".strip()
            headings = opening_names(told)
            if not spare and foci(told, documents.passages, self._bestiary):
                headings = ()
            elif not spare:
                until = ctx.now + min(_SPARE, 0.4 * ctx.remaining)  # else the notes would seem to say nothing
            searches = (RetrieveDocuments(name, 20, {"heading": name}) for name in headings)
            openings = await self._all(searches, until, ctx)
            passages = merged([(1.0, documents.passages), *((0.6, found) for found in openings)])
            chosen = foci(told, passages, self._bestiary)
            unsaid = "Your notes say nothing about this."
        chosen = chosen[: request.wishes.variants]
        if not chosen:
            return _Found(missing=(*missing, unsaid), limits=limits)
        sections = [section for each in chosen for section in each.sections]
        fetched = await self._all(map(_whole, sections if spare else ()), until, ctx)
        whole = dict(zip(sections, fetched, strict=False))  # nothing is fetched when there is no time to spare
        first, *rest = (Source(each, _played(each, passages, whole)) for each in chosen)
        if not any(map(first.focus.holds, first.passages)):
            return _Found(missing=(*missing, unsaid), limits=limits)
        return _Found(first.passages, first.focus, missing, tuple(rest), limits)

    async def _onward(
        self, state: GameState, until: float, ctx: Context, documents: Documents | None = None
    ) -> tuple[list[Passage], tuple[Focus, ...]]:
        """Return what could be played next, best first, and the passages in which it was looked for.

        Looked at are what was found about what happened last, the whole note that was played out of, and where its
        scene points to.
        """
        last = state.played[-1] if state.played else ""
        lately = RetrieveDocuments(f"{state.lately} {state.words}".strip(), self._max_docs)
        searches = [RetrieveDocuments(last, 20, {"heading": last})] if last else []
        told, own = (*await self._all([*([] if documents else [lately]), *searches], until, ctx), (), ())[:2]
        if documents is not None:
            told, own = documents.passages, told
        sections = sections_called(last, [*own, *told])
        names = dict.fromkeys(name for p in (*own, *told) if Section.of(p) in sections for name in _pointed_to(p))
        files = dict.fromkeys(section.file for section in sections)
        notes = [name for file in [*files][:1] for name in (file, next_note(file)) if name]
        further = [RetrieveDocuments(file_title(name), 100, {"file": glob.escape(name)}) for name in notes]
        further += [RetrieveDocuments(name, 10, {"heading": name}) for name in [*names][:_MOST_POINTERS]]
        found = await self._all(further, until, ctx)
        passages = merged([(1.0, told), (0.3, own), *((0.6, each) for each in found)])
        words = f"{state.lately} {' '.join(names)}"
        behind = frozenset(map(name_key, (*state.played, *state.people)))
        return passages, onward(last, words, passages, behind, self._bestiary)

    async def _all(
        self, searches: Iterable[RetrieveDocuments], until: float, ctx: Context
    ) -> list[tuple[Passage, ...]]:
        """Run several searches side by side; one that fails or is late finds nothing, for there is enough without."""

        async def passages(search: RetrieveDocuments) -> tuple[Passage, ...]:
            try:
                async with asyncio.timeout(until - ctx.now):  # to be left is no failure, and opens no circuit
                    documents = await ctx.ask(
                        HaystackPipeline.name, search, timeout=self._retrieve_timeout, keep=reserve(ctx.remaining)
                    )
            except (RequestFailed, ContractViolation, TimeoutError):
                return ()
            if documents.age:  # older ones do not go together with those of the first search
                return ()
            if ctx.now - asked >= documents.took:
                self._pace = documents.took
            return documents.passages

        asked = ctx.now
        return await asyncio.gather(*map(passages, searches))


def _here(request: GenerateScenario) -> str:
    """Return where and with whom the party is, if the request is about that: "they look around"."""
    return request.game_state.words if is_about_here(request.query) else ""


def _pointed_to(passage: Passage) -> list[str]:
    """Return the headings, else the notes, that a passage points to."""
    return [link.heading or link.target for link in links_of(passage.text, passage.file).targets]


def _played(
    focus: Focus, passages: Sequence[Passage], whole: Mapping[Section, tuple[Passage, ...]]
) -> tuple[Passage, ...]:
    """Return all passages of what is played, each with its score, and the others that were found."""
    own: list[Passage] = []
    for section in focus.sections:
        found = [p for p in passages if Section.of(p) == section]
        parts = [p for p in whole.get(section, ()) if Section.of(p) == section]
        own += window(parts or found, found[0] if found else None)
    scores = {(p.file, p.start): p.score for p in passages}
    scored = (replace(p, score=scores.get((p.file, p.start), 0.0)) for p in own)
    return (*scored, *(p for p in passages if not focus.holds(p)))


def _whole(section: Section) -> RetrieveDocuments:
    """Return the search for all passages of a section."""
    filters = {"file": glob.escape(section.file)}
    if section.heading:
        filters["heading"] = section.title
    return RetrieveDocuments(section.title, 50, filters)


def reserve(remaining: float) -> float:
    """Return how many of the remaining seconds to keep for writing: a tenth, at most a quarter of a second."""
    return min(0.25, 0.1 * remaining)
