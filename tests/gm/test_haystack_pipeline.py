from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import ConfigurationError, InvalidInput, RemoteError
from fablewright.gm.haystack_pipeline import (
    DescribeNotes,
    Documents,
    HaystackPipeline,
    NoticeChanges,
    RetrieveDocuments,
)
from fablewright.gm.reading.notes import FileReport, Passage
from fablewright.protocol.cache import CacheRules
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

pytestmark = pytest.mark.anyio  # on a real loop: reading runs on threads


class Retriever:
    """Remembers what it was asked, and finds one passage."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, dict[str, str]]] = []

    async def warm_up(self) -> None:
        raise ConfigurationError("not ready")  # the first query will say so; nothing else may break

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        self.asked.append((query, max_docs, dict(filters)))
        return [Passage("The mill burns.", "mill.md", (), 0, 15, 1.0)]


class Reading:
    """A folder whose reading can be held up from outside, before its first file or after it."""

    def __init__(self, *reports: FileReport | Exception) -> None:
        self.reports = reports
        self.after_first = threading.Event()
        self.after_first.set()
        self.go_on = threading.Event()
        self.times = 0

    def __call__(self, stop: Callable[[], bool]) -> Iterator[FileReport]:
        self.times += 1
        assert self.go_on.wait(10.0)
        for report in self.reports:
            if stop():
                return
            if isinstance(report, Exception):
                raise report
            yield report
            assert self.after_first.wait(10.0)


READ = FileReport("mill.md", "read", 1)
SKIPPED = FileReport("song.md", "skipped", 0, "not a text file")


async def test_a_query_waits_for_the_notes_to_be_read() -> None:
    reading, seen = Reading(READ, SKIPPED), list[FileReport]()
    retriever, threads = Retriever(), Threads()
    bus = Bus()
    bus.register(HaystackPipeline(retriever, reading, threads, on_report=seen.append))
    async with bus:
        asking = asyncio.gather(bus.ask("haystack_pipeline", RetrieveDocuments("mill", 3, {"file": "*"}), timeout=5.0))
        await asyncio.sleep(0.05)
        assert retriever.asked == []
        assert (await bus.ask("haystack_pipeline", DescribeNotes())).reading
        reading.go_on.set()
        [documents] = await asking
        status = await bus.ask("haystack_pipeline", DescribeNotes())
    assert documents.complete
    assert [p.text for p in documents.passages] == ["The mill burns."]
    assert retriever.asked == [("mill", 3, {"file": "*"})]
    assert (status.files, status.reading, status.skipped) == (1, False, (SKIPPED,))
    assert seen == [READ, SKIPPED]
    threads.close()


async def test_when_time_runs_short_it_answers_out_of_what_is_there() -> None:
    reading, threads = Reading(READ), Threads()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads))
    async with bus:
        documents = await bus.ask("haystack_pipeline", RetrieveDocuments("mill"), timeout=0.5)
        reading.go_on.set()
    assert not documents.complete
    assert documents.passages
    assert documents.remark == "The notes are still being read: 0 files so far."
    threads.close()


@pytest.mark.parametrize("error", [ConfigurationError("the disk is full"), OSError("the disk is full")])
async def test_reading_that_fails_is_said_and_what_is_there_is_searched(error: Exception) -> None:
    reading, threads = Reading(READ, error), Threads()
    reading.go_on.set()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads))
    async with bus:
        documents = await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))
        status = await bus.ask("haystack_pipeline", DescribeNotes())
    assert documents.passages
    assert documents.remark == "The notes could not be read to the end: the disk is full"
    assert status.problem == "the disk is full"
    threads.close()


async def test_notes_that_change_during_the_evening_are_read_again() -> None:
    reading, threads = Reading(READ), Threads()
    reading.go_on.set()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads, reread_after=0.0))
    async with bus:
        await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))
        await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))
    assert reading.times == 2
    threads.close()


async def test_an_answer_given_while_notes_are_read_again_says_so() -> None:
    reading, threads = Reading(READ), Threads()
    reading.go_on.set()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads, reread_after=0.0, patience=0.05))
    async with bus:
        assert (await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))).complete
        reading.go_on.clear()
        looking = await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))
        reading.after_first.clear()
        reading.go_on.set()
        reading_again = await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))
        reading.after_first.set()
    assert looking.complete  # nothing has been found to be new so far
    assert not reading_again.complete
    assert "being read again" in reading_again.remark
    threads.close()


async def test_stopping_lets_go_of_the_reader() -> None:
    reading, threads = Reading(*[READ] * 1000), Threads()
    seen: list[FileReport] = []
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads, on_report=seen.append))
    await bus.start()
    await asyncio.sleep(0.05)
    await bus.stop()
    reading.go_on.set()
    await asyncio.sleep(0.05)
    assert seen == []
    threads.close()


@pytest.mark.parametrize("most", [0, -1, 101])
async def test_a_senseless_number_of_documents_is_refused(most: int) -> None:
    reading, threads = Reading(), Threads()
    reading.go_on.set()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads))
    async with bus:
        with pytest.raises(RemoteError, match="max_docs goes from 1 to 100") as caught:
            await bus.ask("haystack_pipeline", RetrieveDocuments("mill", most))
    assert isinstance(caught.value.__cause__, InvalidInput)
    threads.close()


# ------------------------------------------------------------------ kept replies


def test_equal_searches_have_equal_keys_and_others_do_not() -> None:
    search = RetrieveDocuments("mill", 3, {"file": "a", "heading": "b"})
    assert search.key() == RetrieveDocuments("mill", 3, {"heading": "b", "file": "a"}).key()
    assert hash(search.key()) == hash(RetrieveDocuments("mill", 3, {"heading": "b", "file": "a"}).key())
    others = [replace(search, query="ford"), replace(search, max_docs=4), replace(search, filters={"file": "a"})]
    others.append(replace(search, filters={"file": "b", "heading": "a"}))
    assert all(search.key() != other.key() for other in others)
    assert RetrieveDocuments("mill").key() == RetrieveDocuments("mill", filters={}).key()


@pytest.mark.parametrize(
    ("age", "words"),
    [(0.4, "0 seconds"), (89.0, "89 seconds"), (90.0, "2 minutes"), (3000.0, "50 minutes"), (7300.0, "2 hours")],
)
def test_documents_that_stand_in_say_how_old_they_are(age: float, words: str) -> None:
    stale = RetrieveDocuments("mill").mark_stale(Documents((), remark="And not all."), age)
    said = f"Your notes cannot be searched now: this rests on what was found in them {words} ago. And not all."
    assert stale == Documents((), complete=False, remark=said, age=age)


async def test_whoever_keeps_replies_is_told_when_they_are_outdated() -> None:
    versions, told = iter([7, 7, 8, 8, 8]), list[str]()
    reading, threads = Reading(), Threads()
    reading.go_on.set()
    agent = HaystackPipeline(
        Retriever(),
        reading,
        threads,
        on_change=lambda: told.append("changed"),
        index_version=lambda: next(versions),
        reread_after=0.0,
    )

    async def look() -> int:
        told.clear()
        assert (await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))).passages
        return len(told)

    bus = Bus()
    bus.register(agent)
    async with bus:
        assert await look() >= 1  # nobody knew what stood there before
        assert await look() == 0
        assert await look() == 1  # another process has read something
        reading.reports = (READ, SKIPPED, FileReport("ford.md", "removed"))
        assert await look() == 2
        reading.reports = (FileReport("mill.md", "unchanged"),)
        assert await look() == 0
        reading.reports = (OSError("gone"),)
        assert await look() >= 1  # what cannot be looked at is not known to be the same
    threads.close()


async def test_an_incomplete_reply_is_outdated_when_it_is_given() -> None:
    reading, threads, told = Reading(READ), Threads(), list[str]()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads, on_change=lambda: told.append("changed")))
    async with bus:
        assert not (await bus.ask("haystack_pipeline", RetrieveDocuments("mill"), timeout=0.2)).complete
        assert told == ["changed"]
        reading.go_on.set()
    threads.close()


async def test_an_incomplete_reply_is_never_kept_for_a_complete_one() -> None:
    reading, threads = Reading(READ), Threads()
    policy = Policy(cache=CacheRules(ttl=3600.0, stale_ttl=3600.0), share=True)
    bus = Bus(BusOptions(policies={("haystack_pipeline", "retrieve_documents"): policy}))
    retriever = Retriever()
    changed = partial(bus.invalidate, "haystack_pipeline", "retrieve_documents")
    bus.register(HaystackPipeline(retriever, reading, threads, on_change=changed))
    async with bus:
        for _ in range(2):
            assert not (await bus.ask("haystack_pipeline", RetrieveDocuments("mill"), timeout=0.2)).complete
        assert len(retriever.asked) == 2
        reading.go_on.set()
        await bus.ask("haystack_pipeline", NoticeChanges())
        for _ in range(2):
            assert (await bus.ask("haystack_pipeline", RetrieveDocuments("mill"), timeout=5.0)).complete
        assert len(retriever.asked) == 3
    threads.close()


async def test_a_search_during_which_the_notes_were_read_to_the_end_was_too_early_for_some() -> None:
    reading, threads = Reading(READ), Threads()

    class Waits(Retriever):
        async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
            reading.go_on.set()
            await asyncio.sleep(0.1)
            return await super().retrieve(query, max_docs=max_docs, filters=filters)

    bus = Bus()
    bus.register(HaystackPipeline(Waits(), reading, threads))
    async with bus:
        documents = await bus.ask("haystack_pipeline", RetrieveDocuments("mill"), timeout=1.5)
        assert not (await bus.ask("haystack_pipeline", DescribeNotes())).reading
    assert not documents.complete
    assert documents.remark == "The notes are still being read: 0 files so far."
    assert documents.took == pytest.approx(0.15, abs=0.1)
    threads.close()


async def test_many_who_notice_while_somebody_looks_share_the_next_look() -> None:
    reading, threads = Reading(READ), Threads()
    reading.go_on.set()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads, patience=5.0))
    async with bus:
        await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))
        reading.go_on.clear()
        noticing = asyncio.gather(*(bus.ask("haystack_pipeline", NoticeChanges()) for _ in range(20)))
        await asyncio.sleep(0.05)
        assert reading.times == 2
        reading.go_on.set()
        assert await noticing == [True] * 20
        assert reading.times == 3
    threads.close()


async def test_the_first_reading_of_all_is_a_look_too() -> None:
    reading, threads = Reading(READ), Threads()
    reading.go_on.set()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads))
    async with bus:
        assert await bus.ask("haystack_pipeline", NoticeChanges())
        assert reading.times == 1
    threads.close()


async def test_nobody_waits_long_for_a_look() -> None:
    reading, threads = Reading(READ), Threads()
    bus = Bus()
    bus.register(HaystackPipeline(Retriever(), reading, threads, patience=0.05))
    async with bus:
        assert not await bus.ask("haystack_pipeline", NoticeChanges(), timeout=1.0)
        reading.go_on.set()
        await bus.ask("haystack_pipeline", RetrieveDocuments("mill"))
        reading.go_on.clear()
        assert not await bus.ask("haystack_pipeline", NoticeChanges(), timeout=1.0)
        reading.go_on.set()
        assert await bus.ask("haystack_pipeline", NoticeChanges(), timeout=1.0)
        reading.reports = (OSError("gone"),)
        assert not await bus.ask("haystack_pipeline", NoticeChanges(), timeout=1.0)
    threads.close()
