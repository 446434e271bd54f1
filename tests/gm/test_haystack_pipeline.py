from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import ConfigurationError, InvalidInput, RemoteError
from fablewright.gm.haystack_pipeline import DescribeNotes, HaystackPipeline, RetrieveDocuments
from fablewright.gm.reading.notes import FileReport, Passage
from fablewright.runtime.bus import Bus
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
