"""``haystack_pipeline``: the agent that finds passages in the GM's notes.

It reads the notes into the index beside its handlers. A query that comes while that is still under way
waits for it as long as its own deadline allows, and is then answered out of what is there already, marked
as incomplete: a large folder never keeps the table waiting.

Replies may be kept in a cache, and then a query does not come this far. So two things are done for whoever asks:
``on_change`` is called whenever what was found so far may not be found any more, and ``find_documents`` has the
folder looked at before it asks. An incomplete reply is outdated from the start: it never answers a later query as
if it were the whole, and may only stand in when nothing better can be had.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from fablewright.errors import ContractViolation, DeadlineExceeded, FablewrightError, InvalidInput, RequestFailed
from fablewright.gm.reading.limits import Limits, limits_of
from fablewright.gm.reading.notes import FileReport, Passage
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, Spawn, handles

if TYPE_CHECKING:
    from collections.abc import Hashable

    from fablewright.gm.reading.ports import Retriever
    from fablewright.runtime.context import Context
    from fablewright.runtime.threads import Threads

__all__ = [
    "DescribeNotes",
    "Documents",
    "FindLimits",
    "HaystackPipeline",
    "ListNotes",
    "NotesStatus",
    "NoticeChanges",
    "ReadNotes",
    "RetrieveDocuments",
    "find_documents",
    "notice_changes",
    "why_missing",
]

_log = logging.getLogger(__name__)

MOST_DOCUMENTS = 100

_NOTICE_WITHIN = 0.5
"""Seconds that a query waits for a look at the folder, should the agent be too busy even for that."""

ReadNotes: TypeAlias = Callable[[Callable[[], bool]], Iterator[FileReport]]
"""Reads what changed in the notes into the index, a report a file; stops early once told to."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The reply to ``RetrieveDocuments``.

    Attributes:
        passages: Best first.
        complete: Whether all notes had been read when they were searched.
        remark: For a person: why not; empty when complete.
        waited: Seconds that the search itself had to wait for, once: until the retriever was loaded and the notes
            were read. The rest of what the asker waited is what a search takes.
        took: Seconds that the search itself took; whoever gets it out of a cache can tell by that.
        age: Seconds since they were found, if they stand in for newer ones that cannot be had; 0 otherwise.
    """

    passages: tuple[Passage, ...]
    complete: bool = True
    remark: str = ""
    waited: float = 0.0
    took: float = 0.0
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class RetrieveDocuments(Request[Documents]):
    """Find passages.

    Attributes:
        query: Words of a person.
        max_docs: How many passages at the most, 1 to 100.
        filters: ``file``: a glob over the file's name; ``heading``: words that the headings must contain; ``lately``:
            names of what happened last, with ``;`` between, which keep nothing out and decide where all else is alike.
    """

    action: ClassVar[str] = "retrieve_documents"
    idempotent: ClassVar[bool] = True
    query: str
    max_docs: int = 12
    filters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def key(self) -> Hashable:
        """Return what tells this search from others; a mapping alone cannot be hashed."""
        return self.query, self.max_docs, tuple(sorted(self.filters.items()))

    def mark_stale(self, reply: Documents, age: float) -> Documents:
        """Return older documents that stand in for those that cannot be had now, and say so."""
        remark = f"Your notes cannot be searched now: this rests on what was found in them {_duration(age)} ago."
        return replace(reply, complete=False, remark=f"{remark} {reply.remark}".rstrip(), age=age)


@dataclass(frozen=True, slots=True)
class NoticeChanges(Request[bool]):
    """Look at the notes, and read what has changed in them, for as long as a query would wait for that.

    The reply is whether all of it has been read that was there when this was asked.
    """

    action: ClassVar[str] = "notice_changes"
    idempotent: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class NotesStatus:
    """The reply to ``DescribeNotes``.

    Attributes:
        files: Files that can be searched.
        reading: Whether notes are being read right now.
        skipped: Files that could not be read, with the reason.
        problem: Why reading ended early; empty when it did not.
    """

    files: int
    reading: bool
    skipped: tuple[FileReport, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DescribeNotes(Request[NotesStatus]):
    """Say how the notes are doing."""

    action: ClassVar[str] = "describe_notes"
    idempotent: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ListNotes(Request[tuple[str, ...]]):
    """Name the files that can be searched, in the order of their names."""

    action: ClassVar[str] = "list_notes"
    idempotent: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class FindLimits(Request[Limits]):
    """Say what the lines and veils of the table are."""

    action: ClassVar[str] = "find_limits"
    idempotent: ClassVar[bool] = True


_WHERE_LIMITS_ARE: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("lines veils", {"heading": "lines"}),
    ("lines veils", {"heading": "veils"}),
    ("safety sheet lines and veils", {}),
)


async def find_documents(
    ctx: Context,
    search: RetrieveDocuments,
    *,
    timeout: float,
    keep: float = 0.0,
    on_late: Callable[[Documents], None] | None = None,
) -> Documents:
    """Search the notes as they are now; see ``Context.ask`` for the arguments.

    The folder is looked at first, so that an edit is noticed before an earlier reply could come out of a cache.

    Raises:
        RequestFailed: One of its kinds, when no reply comes.
        ContractViolation: The agent broke its contract.
    """
    await notice_changes(ctx, timeout=timeout, keep=keep)
    return await ctx.ask(HaystackPipeline.name, search, timeout=timeout, keep=keep, on_late=on_late)


async def notice_changes(ctx: Context, *, timeout: float, keep: float = 0.0) -> None:
    """Have the folder looked at, for half a second at most; see ``Context.ask`` for the arguments."""
    patience = min(_NOTICE_WITHIN, timeout, ctx.remaining / 4)
    with contextlib.suppress(RequestFailed, ContractViolation):  # the search itself will say what is wrong
        await ctx.ask(HaystackPipeline.name, NoticeChanges(), timeout=patience, keep=keep)


def why_missing(error: RequestFailed | ContractViolation, waited: float) -> str:
    """Say to a person why nothing came from the notes; ``waited`` in seconds."""
    if isinstance(error, DeadlineExceeded):
        return f"Your notes: no answer within {waited:.1f} s."
    return f"Your notes could not be searched: {error}"


def _duration(seconds: float) -> str:
    """Return a time as people say it: never with more than one unit."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


class HaystackPipeline(Agent):
    """Answers with passages of the notes.

    Args:
        retriever: Finds passages in what has been read.
        read_notes: Brings the index up to date.
        threads: Where reading runs, off the event loop.
        on_report: Told of every file, on the event loop.
        on_change: Called on the event loop when replies that were given before may be outdated.
        index_version: Returns a number that is another one after every change of what a search can find, also if
            another process made it; may block.
        reread_after: Seconds after which a query looks for changed files again.
        patience: Seconds that such a look may hold up a query; it goes on beside the answer.
    """

    name = "haystack_pipeline"

    def __init__(  # noqa: PLR0913 - its two ports, who is to be told, and how patient it is
        self,
        retriever: Retriever,
        read_notes: ReadNotes,
        threads: Threads,
        *,
        on_report: Callable[[FileReport], None] | None = None,
        on_change: Callable[[], None] = lambda: None,
        index_version: Callable[[], int] = lambda: 0,
        reread_after: float = 2.0,
        patience: float = 0.25,
    ) -> None:
        self._retriever = retriever
        self._read_notes = read_notes
        self._threads = threads
        self._on_report = on_report
        self._on_change = on_change
        self._index_version = index_version
        self._reread_after = reread_after
        self._patience = patience
        self._spawn: Spawn | None = None
        self._stopping = False
        self._warm = asyncio.Event()  # set once the retriever is loaded, or has failed to load
        self._idle = asyncio.Event()  # set while nothing is being read
        self._read_once = False
        self._changed = False  # whether this reading has found anything new; looking alone takes nothing away
        self._began_at = 0.0  # when the latest look at the folder began, and when it ended
        self._read_at = 0.0
        self._version: int | None = None  # of the index after the latest look; None: it could not be had
        self._problem = ""
        self._files: set[str] = set()
        self._skipped: dict[str, FileReport] = {}

    # -------------------------------------------------------------- handlers

    @handles(RetrieveDocuments)
    async def retrieve_documents(self, request: RetrieveDocuments, ctx: Context) -> Documents:
        """Search the notes.

        Raises:
            InvalidInput: ``max_docs`` or a filter makes no sense.
        """
        if not 1 <= request.max_docs <= MOST_DOCUMENTS:
            raise InvalidInput(f"max_docs goes from 1 to {MOST_DOCUMENTS}, not {request.max_docs}.")
        started = ctx.now
        await self._catch_up(ctx)
        began = ctx.now
        incomplete = self._remark()  # also if the rest is read while this searches, it may have been too early for it
        passages = await self._retriever.retrieve(request.query, max_docs=request.max_docs, filters=request.filters)
        remark = incomplete or self._remark()
        if remark:
            self._on_change()  # a cache takes this reply as of before the change, and so never for a fresh one
        return Documents(
            tuple(passages), complete=not remark, remark=remark, waited=began - started, took=ctx.now - began
        )

    @handles(FindLimits)
    async def find_limits(self, request: FindLimits, ctx: Context) -> Limits:  # noqa: ARG002 - the shape of a handler
        """Search the notes for the table's own lines and veils."""
        await self._catch_up(ctx)
        searches = (self._retriever.retrieve(words, max_docs=20, filters=where) for words, where in _WHERE_LIMITS_ARE)
        found = await asyncio.gather(*searches)
        if self._remark():
            self._on_change()
        return limits_of(passage for passages in found for passage in passages)

    @handles(NoticeChanges)
    async def notice_changes(self, request: NoticeChanges, ctx: Context) -> bool:  # noqa: ARG002 - the shape of a handler
        """Wait for a look at the folder that begins from now on; the first of all will do, if it is under way."""
        since = asyncio.get_running_loop().time() if self._read_once else self._began_at
        try:
            async with asyncio.timeout(self._patience):
                await self._idle.wait()
                while self._began_at < since:  # else somebody who waited too has begun one
                    if self._idle.is_set():
                        self._begin_reading()
                    await self._idle.wait()
        except TimeoutError:
            return False
        return not self._problem

    @handles(DescribeNotes)
    async def describe_notes(self, request: DescribeNotes, ctx: Context) -> NotesStatus:  # noqa: ARG002 - the shape of a handler
        """Describe what has been read."""
        return NotesStatus(
            files=len(self._files),
            reading=not self._idle.is_set(),
            skipped=tuple(self._skipped.values()),
            problem=self._problem,
        )

    @handles(ListNotes)
    async def list_notes(self, request: ListNotes, ctx: Context) -> tuple[str, ...]:  # noqa: ARG002 - as above
        """Name what has been read."""
        return tuple(sorted(self._files))

    # -------------------------------------------------------------- reading beside the handlers

    async def on_start(self, spawn: Spawn) -> None:
        """Begin to read the notes and to load the retriever, both beside the handlers."""
        self._spawn = spawn
        self._stopping = False
        self._begin_reading()
        spawn(self._load())

    async def warm_up(self) -> None:
        """Wait until the retriever is loaded and the notes are read."""
        await self._warm.wait()
        await self._idle.wait()

    async def on_stop(self) -> None:
        """Let the reader stop after the file that it is at."""
        self._stopping = True

    async def _load(self) -> None:
        try:
            await self._retriever.warm_up()
        except FablewrightError as error:
            _log.warning("The retriever is not ready: %s", error)  # the first query will say so to its asker
        finally:
            self._warm.set()

    async def _catch_up(self, ctx: Context) -> None:
        """Wait until the retriever is loaded and the notes are read, as long as that leaves time to search them."""
        if self._read_once and self._idle.is_set():
            if asyncio.get_running_loop().time() - self._read_at < self._reread_after:
                return
            self._begin_reading()
        limit = ctx.remaining * 0.8
        with contextlib.suppress(TimeoutError):  # then answer out of what is there
            async with asyncio.timeout(limit):
                await self._warm.wait()
            async with asyncio.timeout(min(limit, self._patience) if self._read_once else ctx.remaining * 0.8):
                await self._idle.wait()

    def _begin_reading(self) -> None:
        if self._spawn is None:
            return
        self._idle.clear()
        self._began_at = asyncio.get_running_loop().time()
        self._spawn(self._read())

    async def _read(self) -> None:
        self._changed = False
        loop = asyncio.get_running_loop()
        version: int | None = None

        def tell(reports: tuple[FileReport, ...]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                loop.call_soon_threadsafe(self._note_all, reports)

        def work() -> int:
            # Nearly always nothing has changed, and to wake the loop for each file takes longer than to look at it.
            unchanged: list[FileReport] = []
            try:
                for report in self._read_notes(lambda: self._stopping):
                    if report.outcome == "unchanged":
                        unchanged.append(report)
                    else:
                        tell((*unchanged, report))
                        unchanged.clear()
            finally:
                tell(tuple(unchanged))
            return self._index_version()

        try:
            version = await self._threads.run(work)
            self._problem = ""
        except Exception as error:  # noqa: BLE001 - whatever a reader raises, the notes are incomplete and it is said
            self._problem = str(error) or type(error).__name__
            _log.warning("The notes could not be read to the end: %s", error, exc_info=error)
        finally:
            self._read_once = True
            self._read_at = loop.time()
            if version is None or version != self._version:  # changed, maybe by another process, or nobody knows
                self._version = version
                self._on_change()
            self._idle.set()

    def _note_all(self, reports: tuple[FileReport, ...]) -> None:
        for report in reports:
            self._note(report)

    def _note(self, report: FileReport) -> None:
        if report.outcome in {"read", "removed"}:
            self._changed = True
            self._on_change()
        if report.outcome in {"skipped", "removed"}:
            self._files.discard(report.name)
        else:
            self._files.add(report.name)
        if report.outcome == "skipped":
            self._skipped[report.name] = report
        else:
            self._skipped.pop(report.name, None)
        if self._on_report is not None:
            self._on_report(report)

    def _remark(self) -> str:
        if self._problem:
            return f"The notes could not be read to the end: {self._problem}"
        if not self._read_once:
            return f"The notes are still being read: {len(self._files)} files so far."
        if self._changed and not self._idle.is_set():
            return "Your notes have changed and are being read again: this is from before."
        return ""
