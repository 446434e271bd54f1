"""Retrieval through a Haystack pipeline over a passage index.

Components of our own stand in the pipeline: ``cleaner`` (a request as typed becomes a query), ``embedder`` (the query
becomes a vector, where there is a model), ``retriever`` (both become documents, in the steps of ``gm.finding``) and
``reranker``, where there is one. A model that is late or fails costs its step and nothing else. Haystack is imported
late and on a thread: that takes about a second. Its usage reports are switched off unless the user has decided about
them: our product phones nobody.

The retriever component is asynchronous by itself. Haystack would run a synchronous one in asyncio's default
executor, whose threads are joined at exit: a search that hangs would then keep the process alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from fablewright.errors import ConfigurationError, ContractViolation, FablewrightError, MissingExtra
from fablewright.gm.finding.finder import Finder, QueryVector
from fablewright.gm.finding.lookups import LookupIndex
from fablewright.gm.finding.options import ALL_STEPS
from fablewright.gm.finding.reranker import RERANKED, reordered, reranked_text
from fablewright.gm.reading.notes import Passage
from fablewright.runtime.threads import IMPORTING, Threads

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from haystack import Document, Pipeline

    from fablewright.gm.finding.options import FindingOptions
    from fablewright.gm.finding.reranker import Rerank
    from fablewright.gm.reading.ports import PassageIndex

__all__ = ["EmbedQuestion", "HaystackRetriever", "clean_query"]

_log = logging.getLogger(__name__)

EmbedQuestion: TypeAlias = Callable[[str], Awaitable[QueryVector | None]]
"""Makes the vector of a question; None: there is none now."""

_PATIENCE_FOR_A_VECTOR = 0.5
"""Seconds; a search by words and names is answered long before."""

_PATIENCE_FOR_A_MODEL = 2.0
"""Seconds; the first search waits for it, and has other ways than meaning."""

_REQUIREMENT = "haystack-ai>=3.4,<4"
_LONGEST_QUERY = 4000
"""Characters; more is a pasted page, and no page is a question."""


class HaystackRetriever:
    """A :class:`~fablewright.gm.reading.ports.Retriever` that runs a Haystack pipeline.

    Args:
        index: Where the passages are; one that is a ``LookupIndex`` is searched in all steps. A search with filters is
            for a known part of the notes, and goes by words alone.
        threads: Where blocking calls run; by default a pool of its own, which :meth:`close` closes.
        options: Which steps a search takes.
        embed: Makes the vector of a query, if there is a model.
        rerank: Reads question and passages together, if there is somebody who does.
    """

    def __init__(
        self,
        index: PassageIndex,
        *,
        threads: Threads | None = None,
        options: FindingOptions = ALL_STEPS,
        embed: EmbedQuestion | None = None,
        rerank: Rerank | None = None,
    ) -> None:
        self._index = index
        self._finder = Finder(options)
        self._embed = embed
        self._rerank = rerank
        self._own_threads = threads is None
        self._threads = threads or Threads(name="retrieval")
        self._pipeline: Pipeline | None = None

    async def warm_up(self) -> None:
        """Import Haystack and build the pipeline, once, and have the model loaded that makes vectors, if there is one.

        A model that fails or takes long is no error: searches go without meaning, and say so.

        Raises:
            MissingExtra: Haystack is not installed.
            ConfigurationError: Haystack is installed and cannot be imported.
        """
        await self._loaded()
        if self._embed is not None:
            with contextlib.suppress(FablewrightError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_FOR_A_MODEL):
                    await self._embed("warm up")

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        """Return at most ``max_docs`` passages, best first; see the index for the filters.

        ``lately`` among the filters is none: it names what happened last, which decides between passages that are
        otherwise alike.

        Raises:
            InvalidInput: The index does not know a filter.
            FablewrightError: The index cannot be read, or Haystack cannot be loaded; see :meth:`warm_up`.
        """
        pipeline = await self._loaded()
        wanted = dict(filters)
        lately = wanted.pop("lately", "")
        reranks = self._rerank is not None and not wanted and max_docs > 0
        deep = max(max_docs, RERANKED) if reranks else max_docs
        data: dict[str, Any] = {
            "cleaner": {"query": query},
            "retriever": {"max_docs": deep, "filters": wanted, "lately": lately},
        }
        if self._embed is not None:
            data["embedder"] = {"filters": wanted}
        if self._rerank is not None:
            data["reranker"] = {"filters": wanted}
        try:
            outcome = await pipeline.run_async(data)
        except FablewrightError:
            raise
        except Exception as error:
            # Haystack wraps what a component raises; our own errors are meant for people and come out again.
            cause = error.__cause__
            if isinstance(cause, FablewrightError):
                raise cause from error
            raise
        documents: list[Document] = outcome["reranker" if self._rerank else "retriever"]["documents"]
        return [_passage(document) for document in documents[:max_docs]]

    def close(self) -> None:
        """End the threads that this object started itself; the index stays open."""
        if self._own_threads:
            self._threads.close()

    async def _loaded(self) -> Pipeline:
        if self._pipeline is not None:
            return self._pipeline
        return await self._threads.run(self._load)

    def _load(self) -> Pipeline:
        with IMPORTING:  # those who come while it loads wait here, on their threads, and find it loaded
            if self._pipeline is None:
                lane = asyncio.Semaphore(self._index.searches_at_once)
                steps = _Steps(self._index, self._threads, self._finder, self._embed, self._rerank, lane)
                self._pipeline = _pipeline(steps)
            return self._pipeline


def clean_query(query: str) -> str:
    """Return a request on one line: no control characters, no doubled spaces, at most 4,000 characters."""
    printable = ("" if unicodedata.category(mark) in {"Cc", "Cs"} and not mark.isspace() else mark for mark in query)
    return " ".join("".join(printable).split())[:_LONGEST_QUERY]


@dataclass(frozen=True, slots=True)
class _Steps:
    """What the components do, without Haystack."""

    index: PassageIndex
    threads: Threads
    finder: Finder
    embed: EmbedQuestion | None
    rerank: Rerank | None
    lane: asyncio.Semaphore

    def find(
        self, query: str, max_docs: int, filters: dict[str, str], vector: QueryVector | None, lately: str
    ) -> tuple[list[Passage], Collection[int]]:
        """Search in all steps, with filters by words alone; blocks.

        Returns:
            The passages, and at which of their places something stands that no word of the query found.
        """
        index = self.index
        if filters or max_docs <= 0 or not isinstance(index, LookupIndex):
            return index.search(query, limit=max_docs, filters=filters), ()
        finding = index.look(lambda lookups: self.finder.find(query, lookups, vector=vector, lately=lately))
        found = finding.found[:max_docs]
        passages = index.passages([(one.passage, one.score) for one in found])
        if len(passages) < len(found):  # some are gone since, and nobody knows which
            return passages, ()
        return passages, {at for at, one in enumerate(found) if one.is_offered}

    async def vector(self, query: str, filters: dict[str, str]) -> QueryVector | None:
        """Return the vector of a query; None without a model, and when it fails or takes too long."""
        if self.embed is None or filters:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_FOR_A_VECTOR):
                return await self.embed(query)
        except (FablewrightError, TimeoutError) as error:
            _log.info("This search goes without meaning: %s", str(error) or "the model takes too long")
            return None

    async def reranked(
        self, query: str, passages: list[Passage], offered: Collection[int], filters: dict[str, str]
    ) -> list[Passage]:
        """Return passages in the order of search and reranker together, or as they were when that fails."""
        judged = [at for at in range(len(passages[:RERANKED])) if at not in offered]
        if self.rerank is None or filters or len(judged) < 2:
            return passages
        try:
            scores = await self.rerank(query, [reranked_text(passages[at]) for at in judged])
        except FablewrightError as error:
            _log.info("This search goes without the reranker: %s", error)
            return passages
        return reordered(passages, dict(zip(judged, scores, strict=True)))


def _pipeline(steps: _Steps) -> Pipeline:  # noqa: C901 - components can be declared only once Haystack is here
    """Import Haystack, which takes about a second, and join its components; see the head of this file."""
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # it is read while Haystack is imported
    try:
        import haystack.tools  # noqa: PLC0415, F401 - else the first run imports it, and holds up the event loop
        from haystack import Document, Pipeline, component  # noqa: PLC0415 - a second that --help need not pay
    except ModuleNotFoundError as error:
        missing = "Haystack" if error.name == "haystack" else f"Haystack's dependency {error.name}"
        raise MissingExtra(f"{missing} is not installed; run: pip install '{_REQUIREMENT}'") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigurationError(
            f"Haystack cannot be loaded ({reason}); run: pip install --force-reinstall '{_REQUIREMENT}'"
        ) from error

    @component
    class QueryCleaner:
        """Makes a query of a request as it was typed."""

        @component.output_types(query=str)
        def run(self, query: str) -> dict[str, Any]:
            return {"query": clean_query(query)}

        @component.output_types(query=str)
        async def run_async(self, query: str) -> dict[str, Any]:
            return self.run(query)

    @component
    class QueryEmbedder:
        """Makes a vector of a query, or None."""

        @component.output_types(vector=QueryVector | None)
        async def run_async(self, query: str, filters: dict[str, str]) -> dict[str, Any]:
            return {"vector": await steps.vector(query, filters)}

        @component.output_types(vector=QueryVector | None)
        def run(self, query: str, filters: dict[str, str]) -> dict[str, Any]:  # noqa: ARG002 - the shape of a component
            raise ContractViolation("A vector is awaited; run the pipeline with run_async.")

    @component
    class PassageRetriever:
        """Finds passages in the index and hands them on as Haystack's documents."""

        @component.output_types(documents=list[Document])
        def run(
            self, query: str, max_docs: int, filters: dict[str, str], lately: str, vector: QueryVector | None = None
        ) -> dict[str, Any]:
            found, offered = steps.find(query, max_docs, filters, vector, lately)
            return {"documents": [as_document(p, offered=at in offered) for at, p in enumerate(found)]}

        @component.output_types(documents=list[Document])
        async def run_async(
            self, query: str, max_docs: int, filters: dict[str, str], lately: str, vector: QueryVector | None = None
        ) -> dict[str, Any]:
            async with steps.lane:  # whose asker has left leaves the lane, also if its thread hangs
                return await steps.threads.run(self.run, query, max_docs, filters, lately, vector)

    @component
    class PassageReranker:
        """Orders documents anew; they are ``list[Any]`` because Haystack cannot resolve a name of this function."""

        @component.output_types(documents=list[Document])
        async def run_async(self, query: str, documents: list[Any], filters: dict[str, str]) -> dict[str, Any]:
            offered = {at for at, document in enumerate(documents) if document.meta["offered"]}
            ordered = await steps.reranked(query, [_passage(document) for document in documents], offered, filters)
            return {"documents": [as_document(passage) for passage in ordered]}

        @component.output_types(documents=list[Document])
        def run(self, query: str, documents: list[Any], filters: dict[str, str]) -> dict[str, Any]:  # noqa: ARG002 - as above
            raise ContractViolation("A reranker is awaited; run the pipeline with run_async.")

    def as_document(passage: Passage, *, offered: bool = False) -> Document:
        meta = {
            "offered": offered,
            "file": passage.file,
            "heading": list(passage.heading),
            "start": passage.start,
            "end": passage.end,
            "page": passage.page,
            "table_header": passage.table_header,
        }
        # An id of our own: Haystack would hash the whole text for one.
        place = f"{passage.file}:{passage.start}-{passage.end}"
        return Document(id=place, content=passage.text, meta=meta, score=passage.score)

    pipeline = Pipeline()
    pipeline.add_component("cleaner", QueryCleaner())
    pipeline.add_component("retriever", PassageRetriever())
    pipeline.connect("cleaner.query", "retriever.query")
    if steps.embed is not None:
        pipeline.add_component("embedder", QueryEmbedder())
        pipeline.connect("cleaner.query", "embedder.query")
        pipeline.connect("embedder.vector", "retriever.vector")
    if steps.rerank is not None:
        pipeline.add_component("reranker", PassageReranker())
        pipeline.connect("cleaner.query", "reranker.query")
        pipeline.connect("retriever.documents", "reranker.documents")
    return pipeline


def _passage(document: Document) -> Passage:
    meta = document.meta
    return Passage(
        text=document.content or "",
        file=meta["file"],
        heading=tuple(meta["heading"]),
        start=meta["start"],
        end=meta["end"],
        score=document.score or 0.0,
        page=meta["page"],
        table_header=meta["table_header"],
    )
