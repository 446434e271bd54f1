"""Where everybody meets: settings, adapters and agents become one running assistant.

Nobody else knows which adapter satisfies which port.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.adapters.documents.process import DocumentProcess
from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.adapters.notes_folder import NotesFolder
from fablewright.adapters.sqlite_campaign import SqliteCampaigns
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.entry.embedders import asking, open_embedder
from fablewright.entry.rerankers import open_reranker, patience
from fablewright.entry.story_file import StoryFile
from fablewright.entry.writers import open_writer
from fablewright.errors import FablewrightError
from fablewright.gm.campaign.memory import CampaignMemory
from fablewright.gm.embedding import Embedding, EmbeddingFollower, EmbedQuery, embedding_policies
from fablewright.gm.finding.finder import QueryVector
from fablewright.gm.haystack_pipeline import FindLimits, HaystackPipeline, RetrieveDocuments
from fablewright.gm.orchestrator import Orchestrator
from fablewright.gm.reading.indexing import refresh
from fablewright.gm.reranking import Reranking, RerankTexts, reranking_policies
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scenario_generator import CampaignContext, ScenarioGenerator
from fablewright.gm.writer import Writing, writing_policies
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from fablewright.adapters.haystack_retriever import EmbedQuestion
    from fablewright.adapters.postgres_index import PostgresIndex
    from fablewright.entry.config import Settings
    from fablewright.gm.finding.reranker import Rerank
    from fablewright.gm.reading.notes import FileReport
    from fablewright.gm.reading.ports import Retriever

__all__ = ["Notes", "assistant", "most_document_bytes", "open_notes", "sample_campaign"]

_CAMPAIGNS = "campaigns.sqlite"
_ID_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
"""What looks like another sign is left out: a GM may have to type it."""
_MB = 1_000_000
_ROOM_FOR_PICTURES = 10
"""How many times larger than a text file a document may be that holds pictures too."""
_LINGER = 120.0
"""Seconds after its deadline that a search is still of use; later the scene at the table is over."""
_FRESH = 600.0
"""Seconds that found passages are kept for fresh. The notes are looked at before each request, and an edit ends it
at once; so this bounds only what no look can see."""
_EVENING = 4 * 3600.0
"""Seconds that they may stand in for newer ones when the notes cannot be searched."""
_KEPT = CacheRules(ttl=_FRESH, stale_ttl=_EVENING)


@dataclass(frozen=True, slots=True)
class Notes:
    """Folders of notes and the index of what is in them.

    Attributes:
        source: The files.
        index: The passages; kept on disk or in a database between runs.
        label: What to call the notes, for people.
        is_sample: Whether this is the campaign that we ship.
        key: What tells these folders from others, in the names of files and databases.
    """

    source: NotesFolder
    index: SqliteIndex | PostgresIndex
    label: str
    is_sample: bool = False
    key: str = "notes"

    def read(self, stop: Callable[[], bool] = lambda: False, *, again: bool = False) -> Iterator[FileReport]:
        """Bring the index up to date, a report a file; blocks, so run it off the event loop; see ``refresh``."""
        return refresh(self.source, self.index, now_ns=time.time_ns(), stop=stop, again=again)

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()


def sample_campaign() -> Path:
    """Return the folder of the sample campaign that comes with the package."""
    return Path(str(resources.files("fablewright") / "sample_campaign"))


def open_notes(settings: Settings, folders: Sequence[Path] = ()) -> Notes:
    """Open the notes in some folders; without any, those of the settings, else the sample campaign.

    Each set of folders has an index of its own, so that one campaign's words do not weigh in another's.

    Raises:
        InvalidInput: A folder is missing or is none.
        ConfigurationError: The index cannot be kept in ``data_dir``, or in the database of the settings.
        MissingExtra: The index is to be in PostgreSQL, and its driver is not installed.
    """
    chosen = [Path(folder) for folder in folders or settings.notes]
    is_sample = not chosen
    if is_sample:
        chosen = [sample_campaign()]
    source = NotesFolder(
        chosen,
        documents=DocumentProcess(),
        max_bytes=settings.max_file_mb * _MB,
        max_document_bytes=most_document_bytes(settings),
    )
    chosen = [folder.expanduser() for folder in chosen]  # who starts us without a shell may have left a ~
    places = sorted(str(folder.resolve()) for folder in chosen)
    digest = hashlib.sha256("\n".join(places).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    name = re.sub(r"[^\w-]+", "-", chosen[0].resolve().name)[:40].strip("-") or "notes"
    key = f"{name}-{digest}"
    index = _open_index(settings, key)
    label = "the sample campaign" if is_sample else ", ".join(str(folder) for folder in chosen)
    return Notes(source, index, label, is_sample, key)


def most_document_bytes(settings: Settings) -> int:
    """Return how large the largest file is that is read as notes."""
    return _ROOM_FOR_PICTURES * settings.max_file_mb * _MB


def _open_index(settings: Settings, name: str) -> SqliteIndex | PostgresIndex:
    if not settings.index:
        return SqliteIndex(settings.data_dir / "index" / f"{name}.sqlite")
    from fablewright.adapters.postgres_index import PostgresIndex  # noqa: PLC0415 - only where it is wanted

    return PostgresIndex(settings.index.reveal(), name)


@asynccontextmanager
async def assistant(
    settings: Settings,
    notes: Notes,
    *,
    on_report: Callable[[FileReport], None] | None = None,
    retriever: Retriever | None = None,
) -> AsyncIterator[Bus]:
    """Run all agents; ask ``orchestrator`` with ``HandleRequest``.

    The notes are brought up to date beside the first requests, and closed at the end.

    Args:
        settings: See ``Settings``.
        notes: From ``open_notes``.
        on_report: Told of each file that is read, on the event loop.
        retriever: Instead of the Haystack pipeline over the notes' index.

    Raises:
        InvalidInput: The party of the settings cannot be read, or there is no such model.
        ConfigurationError: A setting of the model makes no sense.
        MissingExtra: What a model on this machine needs is not installed.
    """
    threads = Threads(name="notes")
    try:
        campaign = CampaignContext(parse_party(settings.party), settings.rules, notes.label)
        writer = open_writer(settings, threads)
    except FablewrightError:
        notes.close()
        raise
    bestiary = load_bestiary()
    search = (HaystackPipeline.name, RetrieveDocuments.action)
    limits = (HaystackPipeline.name, FindLimits.action)
    policies = {
        search: _search_policy(settings),
        limits: Policy(cache=_KEPT, share=True, linger=_LINGER),
        **embedding_policies(),
        **reranking_policies(),
        **writing_policies(),
    }
    bus = Bus(BusOptions(default_timeout=settings.timeout, policies=policies))

    def changed() -> None:
        bus.invalidate(*search)
        bus.invalidate(*limits)

    waits, most = settings.rag_request_timeout, settings.max_docs
    bus.register(
        HaystackPipeline(
            retriever or _retriever(settings, notes, bus, threads),
            notes.read,
            threads,
            on_report=on_report,
            on_change=changed,
            index_version=lambda: notes.index.version,
        )
    )
    bus.register(
        ScenarioGenerator(
            bestiary,
            retrieve_timeout=waits,
            max_docs=most,
            linger=_LINGER,
            prose_timeout=settings.model_timeout if writer else 0.0,
            model_is_set=bool(settings.model or settings.model_url or settings.model_key),
        )
    )
    if writer:
        bus.register(Writing(writer))
    bus.register(Orchestrator(campaign, bestiary, retrieve_timeout=waits, max_docs=most))
    store = SqliteCampaigns(settings.data_dir / _CAMPAIGNS)
    bus.register(_memory(settings, notes, store, threads))
    story = StoryFile(settings.data_dir)
    bus.observe(story)
    try:
        async with bus:
            yield bus
    finally:
        story.close()
        threads.close()
        notes.close()
        store.close()


@asynccontextmanager
async def remembering(settings: Settings, notes: Notes) -> AsyncIterator[Bus]:
    """Run only what keeps the campaign's log, which needs no search of the notes: it is there at once."""
    threads = Threads(name="campaign")
    bus = Bus(BusOptions(default_timeout=settings.timeout))
    store = SqliteCampaigns(settings.data_dir / _CAMPAIGNS)
    bus.register(_memory(settings, notes, store, threads))
    bus.register(Orchestrator(CampaignContext(parse_party(settings.party), settings.rules), load_bestiary()))
    try:
        async with bus:
            yield bus
    finally:
        threads.close()
        notes.close()
        store.close()


def _memory(settings: Settings, notes: Notes, store: SqliteCampaigns, threads: Threads) -> CampaignMemory:
    folder = "sample campaign" if notes.is_sample else notes.key.rpartition("-")[0]
    return CampaignMemory(
        store,
        threads,
        notes=notes.key,
        usual=folder,
        named=settings.campaign,
        today=lambda: time.strftime("%Y-%m-%d"),
        new_id=lambda: "".join(secrets.choice(_ID_SIGNS) for _ in range(8)),
    )


def _retriever(settings: Settings, notes: Notes, bus: Bus, threads: Threads) -> Retriever:
    """Return what finds passages: with an embedder also by meaning, with a reranker in a better order."""
    embed, rerank = _embed(settings, notes, bus, threads), _rerank(settings, bus, threads)
    return HaystackRetriever(notes.index, threads=threads, embed=embed, rerank=rerank)


def _embed(settings: Settings, notes: Notes, bus: Bus, threads: Threads) -> EmbedQuestion | None:
    """Return what makes vectors of questions, if there is an embedder; the notes are then embedded too."""
    embedder = open_embedder(settings, threads)
    if embedder is None:
        return None

    async def embed(question: str) -> QueryVector:
        vector = await bus.ask(Embedding.name, EmbedQuery(question), timeout=settings.rag_request_timeout)
        return QueryVector(embedder.model, vector)

    bus.register(Embedding(embedder))
    bus.register(
        EmbeddingFollower(notes.index, embedder.model, asking(bus), threads, version=lambda: notes.index.version)
    )
    return embed


def _rerank(settings: Settings, bus: Bus, threads: Threads) -> Rerank | None:
    """Return what puts passages in a better order, if there is a reranker."""
    reranker = open_reranker(settings, threads)
    if reranker is None:
        return None

    async def rerank(question: str, texts: Sequence[str]) -> Sequence[float]:
        return await bus.ask(Reranking.name, RerankTexts(question, tuple(texts)), timeout=patience(settings))

    bus.register(Reranking(reranker))
    return rerank


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
        linger=_LINGER,
    )
