"""Retrieval through a Haystack pipeline over a passage index.

Two components of our own stand in the pipeline: ``cleaner`` (a request as typed becomes a query) and
``retriever`` (the query becomes documents). Haystack is imported late and on a thread: that takes about a
second. Its usage reports are switched off unless the user has decided about them: our product phones nobody.

The retriever component is asynchronous by itself. Haystack would run a synchronous one in asyncio's default
executor, whose threads are joined at exit: a search that hangs would then keep the process alive.
"""

from __future__ import annotations

import os
import threading
import unicodedata
from typing import TYPE_CHECKING, Any

from fablewright.errors import ConfigurationError, FablewrightError, MissingExtra
from fablewright.gm.reading.notes import Passage
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from haystack import Document, Pipeline

    from fablewright.gm.reading.ports import PassageIndex

__all__ = ["HaystackRetriever", "clean_query"]

_REQUIREMENT = "haystack-ai>=3.4,<4"
_LONGEST_QUERY = 4000
"""Characters; more is a pasted page, and no page is a question."""


class HaystackRetriever:
    """A :class:`~fablewright.gm.reading.ports.Retriever` that runs a Haystack pipeline.

    Args:
        index: Where the passages are.
        threads: Where blocking calls run; by default a pool of its own, which :meth:`close` closes.
    """

    def __init__(self, index: PassageIndex, *, threads: Threads | None = None) -> None:
        self._index = index
        self._own_threads = threads is None
        self._threads = threads or Threads(name="retrieval")
        self._loading = threading.Lock()
        self._pipeline: Pipeline | None = None

    async def warm_up(self) -> None:
        """Import Haystack and build the pipeline, once; later calls return at once.

        Raises:
            MissingExtra: Haystack is not installed.
            ConfigurationError: Haystack is installed and cannot be imported.
        """
        await self._loaded()

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        """Return at most ``max_docs`` passages, best first; see the index for the filters.

        Raises:
            InvalidInput: The index does not know a filter.
            FablewrightError: The index cannot be read, or Haystack cannot be loaded; see :meth:`warm_up`.
        """
        pipeline = await self._loaded()
        data = {"cleaner": {"query": query}, "retriever": {"max_docs": max_docs, "filters": dict(filters)}}
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
        documents: list[Document] = outcome["retriever"]["documents"]
        return [_passage(document) for document in documents]

    def close(self) -> None:
        """End the threads that this object started itself; the index stays open."""
        if self._own_threads:
            self._threads.close()

    async def _loaded(self) -> Pipeline:
        if self._pipeline is not None:
            return self._pipeline
        return await self._threads.run(self._load)

    def _load(self) -> Pipeline:
        with self._loading:  # those who come while it loads wait here, on their threads, and find it loaded
            if self._pipeline is None:
                self._pipeline = _pipeline(self._index, self._threads)
            return self._pipeline


def clean_query(query: str) -> str:
    """Return a request on one line: no control characters, no doubled spaces, at most 4,000 characters."""
    printable = ("" if unicodedata.category(mark) in {"Cc", "Cs"} and not mark.isspace() else mark for mark in query)
    return " ".join("".join(printable).split())[:_LONGEST_QUERY]


def _pipeline(index: PassageIndex, threads: Threads) -> Pipeline:
    """Import Haystack, which takes about a second, and join its components; see the head of this file."""
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # it is read while Haystack is imported
    try:
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
    class PassageRetriever:
        """Finds passages in the index and hands them on as Haystack's documents."""

        @component.output_types(documents=list[Document])
        def run(self, query: str, max_docs: int, filters: dict[str, str]) -> dict[str, Any]:
            return {"documents": [as_document(p) for p in index.search(query, limit=max_docs, filters=filters)]}

        @component.output_types(documents=list[Document])
        async def run_async(self, query: str, max_docs: int, filters: dict[str, str]) -> dict[str, Any]:
            return await threads.run(self.run, query, max_docs, filters)

    def as_document(passage: Passage) -> Document:
        meta = {
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
