"""What of the notes a scene rests on: the searches that it takes, and what they were about.

A table waits for one slow search, not for three: what was found is then played as it is.
"""

from __future__ import annotations

import asyncio
import glob
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, RequestFailed
from fablewright.gm.haystack_pipeline import Documents, HaystackPipeline, RetrieveDocuments, notice_changes
from fablewright.gm.reading.limits import NO_LIMITS, Limits
from fablewright.gm.reading.links import links_of
from fablewright.gm.reading.name_key import name_key
from fablewright.gm.scene.drafts import Source
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
from fablewright.gm.table_limits import find_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.scenario_request import GameState, GenerateScenario
    from fablewright.runtime.context import Context

__all__ = ["SPARE", "Grounding", "Grounds", "reserve"]

SPARE = 2.0
"""Seconds that further searches may take for a scene that nobody waits for."""

_QUICK = 0.3
"""Seconds; a search that takes longer is not followed by others for the same scene."""

_MOST_POINTERS = 4
"""Places that a scene points to, and that are looked at for what comes next."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the notes gave: passages and a focus, or the reason why not; and what else could be played."""

    passages: tuple[Passage, ...] = ()
    focus: Focus | None = None
    missing: tuple[str, ...] = ()
    others: tuple[Source, ...] = ()
    limits: Limits = NO_LIMITS


class Grounding:
    """Searches the notes for what scenes rest on.

    Args:
        bestiary: The creatures that a note may speak of.
        timeout: Seconds to wait for the notes at most.
        max_docs: How many passages to ask for.
    """

    def __init__(self, bestiary: Bestiary, *, timeout: float, max_docs: int) -> None:
        self._bestiary = bestiary
        self._timeout = timeout
        self._max_docs = max_docs
        self._pace = 0.0  # seconds that the latest search took that was not answered out of a cache

    def note(self, documents: Documents) -> None:
        """Take note of how long a search took."""
        self._pace = documents.took

    def spare(self, documents: Documents, elapsed: float) -> float:
        """Return how many seconds further searches may take; 0 where the notes are slow.

        Args:
            documents: What the first search found.
            elapsed: The seconds that it took here, without those in which the notes were still being read.
        """
        if elapsed >= documents.took and not documents.age:  # else it was kept from an earlier search
            self.note(documents)
        return self._timeout if max(elapsed, self._pace) <= _QUICK else 0.0

    def first_search(self, request: GenerateScenario) -> RetrieveDocuments:
        """Return what to search for first."""
        state = request.game_state
        if state.played and plays_on(request.query):
            return RetrieveDocuments(f"{state.lately} {state.words}".strip(), self._max_docs)
        filters = {"lately": state.names} if state.names else {}
        words = f"{search_words(request.query)} {_here(request)}".strip()
        return RetrieveDocuments(words, self._max_docs, filters)

    async def first(
        self, request: GenerateScenario, on_late: Callable[[Documents], None] | None, ctx: Context
    ) -> tuple[Documents, Limits]:
        """Search the notes as they are now, for the scene and, beside that, for the limits of the table."""
        keep = reserve(ctx.remaining)
        await notice_changes(ctx, timeout=self._timeout, keep=keep)
        search = self.first_search(request)
        return await asyncio.gather(
            ctx.ask(HaystackPipeline.name, search, timeout=self._timeout, keep=keep, on_late=on_late),
            find_limits(ctx, within=self._timeout),
        )

    async def choose(
        self, request: GenerateScenario, documents: Documents, ctx: Context, *, spare: float, limits: Limits
    ) -> Grounds:
        """Choose what the scene is about, and fetch all of that; ``spare``: seconds for the searches that takes.

        Without any, only an opening is still searched for, and only if nothing that was found can be played.
        """
        until = ctx.now + spare
        missing = (documents.remark,) if documents.remark else ()
        chosen: tuple[Focus, ...]
        if request.wishes.sections:
            until, spare = max(until, ctx.now + 0.4 * ctx.remaining), max(spare, SPARE)  # nobody waits for it
            passages, chosen = list(documents.passages), (Focus(request.wishes.sections),)
            unsaid = "Your notes do not have this any more."
        elif request.game_state.played and plays_on(request.query):
            until = max(until, ctx.now + min(SPARE, 0.4 * ctx.remaining))  # these searches are what it takes
            passages, chosen = await self.onward(request.game_state, until, ctx, documents)
            unsaid = "Your notes do not say what comes next."
        else:
            told = f"{request.query} {_here(request)}".strip()
            headings = opening_names(told)
            if not spare and foci(told, documents.passages, self._bestiary):
                headings = ()
            elif not spare:
                until = ctx.now + min(SPARE, 0.4 * ctx.remaining)  # else the notes would seem to say nothing
            searches = (RetrieveDocuments(name, 20, {"heading": name}) for name in headings)
            openings = await self._all(searches, until, ctx)
            passages = merged([(1.0, documents.passages), *((0.6, found) for found in openings)])
            chosen = foci(told, passages, self._bestiary)
            unsaid = "Your notes say nothing about this."
        chosen = chosen[: request.wishes.variants]
        if not chosen:
            return Grounds(missing=(*missing, unsaid), limits=limits)
        sections = [section for each in chosen for section in each.sections]
        fetched = await self._all(map(_whole, sections if spare else ()), until, ctx)
        whole = dict(zip(sections, fetched, strict=False))  # nothing is fetched when there is no time to spare
        first, *rest = (Source(each, _played(each, passages, whole)) for each in chosen)
        if not any(map(first.focus.holds, first.passages)):
            return Grounds(missing=(*missing, unsaid), limits=limits)
        return Grounds(first.passages, first.focus, missing, tuple(rest), limits)

    async def onward(
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
                        HaystackPipeline.name, search, timeout=self._timeout, keep=reserve(ctx.remaining)
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
