"""The agents of an assistant, each made out of settings and adapters; any number of them may run in one process.

Whoever is asked on the bus by name need not live in this process; so each is made apart from all others, and only
where it is wanted.
"""

from __future__ import annotations

import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING

from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.entry.embedders import asking, open_embedder
from fablewright.entry.rerankers import open_reranker, patience
from fablewright.entry.writers import open_writer
from fablewright.gm.campaign.memory import CampaignMemory
from fablewright.gm.embedding import Embedding, EmbeddingFollower, EmbedQuery, embedding_policies
from fablewright.gm.finding.finder import QueryVector
from fablewright.gm.haystack_pipeline import FindLimits, HaystackPipeline, RetrieveDocuments
from fablewright.gm.orchestrator import Orchestrator
from fablewright.gm.reranking import Reranking, RerankTexts, reranking_policies
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import CampaignContext
from fablewright.gm.writer import Writing, writing_policies
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.policies import HealthCheck, Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fablewright.adapters.haystack_retriever import EmbedQuestion
    from fablewright.entry.config import Settings
    from fablewright.entry.notes import Notes
    from fablewright.gm.campaign.ports import CampaignStore
    from fablewright.gm.finding.reranker import Rerank
    from fablewright.gm.reading.notes import FileReport
    from fablewright.gm.reading.ports import Embedder, Retriever
    from fablewright.runtime.agent import Agent
    from fablewright.runtime.bus import Bus
    from fablewright.runtime.threads import Threads

__all__ = ["AGENTS", "CLASSES", "SEARCHES", "Crew", "policies"]

_ID_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
"""What looks like another sign is left out: a GM may have to type it."""
_LINGER = 120.0
"""Seconds after its deadline that a search is still of use; later the scene at the table is over."""
_FRESH = 600.0
"""Seconds that found passages are kept for fresh. The notes are looked at before each request, and an edit ends it
at once; so this bounds only what no look can see."""
_EVENING = 4 * 3600.0
"""Seconds that they may stand in for newer ones when the notes cannot be searched."""
_KEPT = CacheRules(ttl=_FRESH, stale_ttl=_EVENING)

SEARCHES = ((HaystackPipeline.name, RetrieveDocuments.action), (HaystackPipeline.name, FindLimits.action))
"""The requests whose replies are outdated when the notes change."""


class Crew:
    """Makes the agents of one assistant.

    Args:
        settings: See ``Settings``.
        notes: Where passages are found.
        store: Where campaigns are kept.
        bus: Where agents ask each other.
        threads: Where reading and searching blocks.
        on_report: Told of each file that is read, on the event loop.
        on_change: Called when the notes have changed.
        retriever: Instead of the Haystack pipeline over the notes' index.

    Raises:
        InvalidInput: The party of the settings cannot be read.
    """

    def __init__(  # noqa: PLR0913 - what an assistant is made of
        self,
        settings: Settings,
        notes: Notes,
        store: CampaignStore,
        bus: Bus,
        threads: Threads,
        *,
        on_report: Callable[[FileReport], None] | None = None,
        on_change: Callable[[], None] = lambda: None,
        retriever: Retriever | None = None,
    ) -> None:
        self._settings = settings
        self._notes = notes
        self._store = store
        self._bus = bus
        self._threads = threads
        self._on_report = on_report
        self._on_change = on_change
        self._own_retriever = retriever
        self._bestiary = load_bestiary()
        self._campaign = CampaignContext(parse_party(settings.party), settings.rules, notes.label)

    def make(self, name: str) -> Agent | None:
        """Make an agent; None where the settings do not call for it. Nothing is loaded or connected yet.

        Raises:
            ConfigurationError: A setting of a model makes no sense.
            InvalidInput: There is no such model.
            MissingExtra: What a model on this machine needs is not installed.
        """
        return _BY_NAME[name](self)

    def campaign_memory(self) -> CampaignMemory:
        """Return what keeps the campaign's log."""
        notes = self._notes
        folder = "sample campaign" if notes.is_sample else notes.key.rpartition("-")[0]
        return CampaignMemory(
            self._store,
            self._threads,
            notes=notes.key,
            usual=folder,
            named=self._settings.campaign,
            today=lambda: time.strftime("%Y-%m-%d"),
            new_id=lambda: "".join(secrets.choice(_ID_SIGNS) for _ in range(8)),
        )

    def orchestrator(self) -> Orchestrator:
        """Return who is asked by people."""
        waits, most = self._settings.rag_request_timeout, self._settings.max_docs
        return Orchestrator(self._campaign, self._bestiary, retrieve_timeout=waits, max_docs=most)

    def _scenario_generator(self) -> ScenarioGenerator:
        settings = self._settings
        return ScenarioGenerator(
            self._bestiary,
            retrieve_timeout=settings.rag_request_timeout,
            max_docs=settings.max_docs,
            linger=_LINGER,
            prose_timeout=0.0 if settings.prose == "off" else settings.model_timeout,
            model_is_set=bool(settings.model or settings.model_url or settings.model_key),
        )

    def _haystack_pipeline(self) -> HaystackPipeline:
        notes = self._notes
        return HaystackPipeline(
            self._own_retriever or self._retriever(),
            notes.read,
            self._threads,
            on_report=self._on_report,
            on_change=self._on_change,
            index_version=lambda: notes.index.version,
        )

    def _retriever(self) -> Retriever:
        """Return what finds passages: with an embedder also by meaning, with a reranker in a better order."""
        return HaystackRetriever(self._notes.index, threads=self._threads, embed=self._embed(), rerank=self._rerank())

    @cached_property
    def _embedder(self) -> Embedder | None:
        return open_embedder(self._settings, self._threads)

    def _embed(self) -> EmbedQuestion | None:
        """Return what has vectors of questions made, if there is an embedder."""
        embedder = self._embedder
        if embedder is None:
            return None

        async def embed(question: str) -> QueryVector:
            timeout = self._settings.rag_request_timeout
            vector = await self._bus.ask(Embedding.name, EmbedQuery(question), timeout=timeout)
            return QueryVector(embedder.model, vector)

        return embed

    def _rerank(self) -> Rerank | None:
        """Return what has passages put in a better order, if there is a reranker."""
        if self._settings.reranker == "none":
            return None

        async def rerank(question: str, texts: Sequence[str]) -> Sequence[float]:
            asked = RerankTexts(question, tuple(texts))
            return await self._bus.ask(Reranking.name, asked, timeout=patience(self._settings))

        return rerank

    def _writing(self) -> Writing | None:
        writer = open_writer(self._settings, self._threads)
        return None if writer is None else Writing(writer)

    def _embedding(self) -> Embedding | None:
        return None if self._embedder is None else Embedding(self._embedder)

    def _embedding_follower(self) -> EmbeddingFollower | None:
        if self._embedder is None:
            return None
        index = self._notes.index
        return EmbeddingFollower(
            index, self._embedder.model, asking(self._bus), self._threads, version=lambda: index.version
        )

    def _reranking(self) -> Reranking | None:
        reranker = open_reranker(self._settings, self._threads)
        return None if reranker is None else Reranking(reranker)


_MAKERS: Mapping[type[Agent], Callable[[Crew], Agent | None]] = {
    Writing: Crew._writing,  # noqa: SLF001 - of this class
    HaystackPipeline: Crew._haystack_pipeline,  # noqa: SLF001
    Embedding: Crew._embedding,  # noqa: SLF001
    EmbeddingFollower: Crew._embedding_follower,  # noqa: SLF001
    Reranking: Crew._reranking,  # noqa: SLF001
    ScenarioGenerator: Crew._scenario_generator,  # noqa: SLF001
    Orchestrator: Crew.orchestrator,
    CampaignMemory: Crew.campaign_memory,
}

CLASSES = tuple(_MAKERS)
"""Those of all agents."""
_BY_NAME = {each.name: make for each, make in _MAKERS.items()}
AGENTS = tuple(_BY_NAME)
"""The names of all agents."""


def policies(settings: Settings) -> Mapping[tuple[str, str], Policy]:
    """Return what stands around the requests of an assistant."""
    search, limits = SEARCHES
    return {
        search: _search_policy(settings),
        limits: Policy(cache=_KEPT, share=True, linger=_LINGER),
        **embedding_policies(),
        **reranking_policies(),
        **writing_policies(),
    }


def _search_policy(settings: Settings) -> Policy:
    """Return what stands around each search of the notes.

    Two things that a policy can do are left out. A hedge would be a second search on the same threads, the same
    disk and the same index: it would be as slow as the first, which no thread can be made to stop, and would double
    the load exactly when there is too much of it. A bulkhead would shed before the cache is asked; a single scene
    makes half a dozen searches at once, and what is too much is bounded already by the agent's handlers and mailbox
    and is never started after its deadline.
    """
    return Policy(
        cache=_KEPT,
        share=True,
        retry=RetryRules(settings.max_rag_retries),
        breaker=BreakerRules(settings.circuit_breaker_threshold, settings.circuit_breaker_reset_time),
        health=HealthCheck(RetrieveDocuments("notes", max_docs=1)),
        linger=_LINGER,
    )
