"""Late is not lost: the whole assistant with a search of the notes that is slow, fails, or meets an edit."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.entry import assemble
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import Settings
from fablewright.gm.answering.scene import scene_answer
from fablewright.gm.haystack_pipeline import HaystackPipeline, RetrieveDocuments
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.scenario_request import GroundedSceneReady
from fablewright.protocol.breaker import State
from fablewright.runtime.threads import Threads
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from fablewright.entry.assemble import Notes
    from fablewright.gm.answer import Answer
    from fablewright.gm.reading.notes import Passage
    from fablewright.protocol.cache import CacheStatistics
    from fablewright.runtime.bus import Bus

FIRST = "generate scenario for the first encounter"
SEARCH = (HaystackPipeline.name, RetrieveDocuments.action)


class AtOnce(Threads):
    """Calls on the loop itself what would run on a thread: in virtual time nobody waits for a thread."""

    async def run(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return work(*args, **kwargs)


LIMITS = ("lines veils", "safety sheet lines and veils")
"""What is searched for beside, to hold every answer to the lines and veils of the table."""


class Slow:
    """The real retriever over the real index; each search first takes as many seconds as it is told, or fails.

    Args:
        notes: Where to search.
        times: Seconds for each search in turn, or the error that it fails with; the last one repeats.
        threads: Where the search itself runs.
    """

    def __init__(self, notes: Notes, *times: float | Exception, threads: Threads | None = None) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.left = list(times)
        self._real = HaystackRetriever(notes.index, threads=threads or AtOnce())

    async def warm_up(self) -> None:
        await self._real.warm_up()

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        step = self.left[0]
        if query not in LIMITS:
            self.asked.append((query, *filters.values()))
            del self.left[: len(self.left) > 1]
        if isinstance(step, Exception):
            raise step
        await asyncio.sleep(step)
        return await self._real.retrieve(query, max_docs=max_docs, filters=filters)


class Evening:
    """An assistant on virtual time, and what it published."""

    def __init__(self, bus: Bus, retriever: Slow) -> None:
        self.bus = bus
        self.retriever = retriever
        self.scenes = bus.subscribe(GroundedSceneReady)

    async def ask(self, words: str = FIRST, *, conversation: str = "ours", **more: Any) -> Answer:
        request = HandleRequest(words, seed=1, conversation_id=conversation, **more)
        return await self.bus.ask("orchestrator", request, timeout=10.0)

    @property
    def cache(self) -> CacheStatistics:
        seen = self.bus.statistics().actions[SEARCH].cache
        assert seen is not None
        return seen


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemble, "Threads", lambda **_: AtOnce())


@asynccontextmanager
async def evening(settings: Settings, *times: float | Exception) -> AsyncIterator[Evening]:
    notes = open_notes(settings)
    retriever = Slow(notes, *times)
    async with assistant(settings, notes, retriever=retriever) as bus:
        yield Evening(bus, retriever)


def timeless(answer: Answer) -> Answer:
    return replace(answer, timings=type(answer.timings)())


async def fast_answer(settings: Settings) -> Answer:
    async with evening(settings, 0.0) as quick:
        return timeless(await quick.ask())


# ------------------------------------------------------------------ the story of the mission


@pytest.mark.usefixtures("virtual")
@pytest.mark.parametrize("max_docs", [2, 12])
def test_a_scene_that_came_without_the_notes_is_offered_again_with_them(settings: Settings, max_docs: int) -> None:
    settings = Settings(data_dir=settings.data_dir, max_docs=max_docs)  # with 2 it takes further searches

    async def story() -> None:
        expected = await fast_answer(settings)
        async with evening(settings, 30.0, 0.0) as late:  # the disk hangs for half a minute
            began = late.bus.now()
            answer = await late.ask()
            assert late.bus.now() - began <= 10.0
            assert (answer.status, answer.used_rag, answer.generation_method) == ("degraded", False, "improviser")
            assert answer.missing == ("Your notes: no answer within 9.8 s.",)
            assert answer.scene is not None
            assert answer.scene.read_aloud
            assert late.scenes.take() is None

            await asyncio.sleep(began + 29.9 - late.bus.now())
            assert late.scenes.take() is None
            await asyncio.sleep(0.2)
            ready = late.scenes.take()
            assert ready is not None
            assert ready.conversation_id == "ours"
            assert ready.request.query == FIRST
            assert timeless(scene_answer(ready.scenario)) == expected
            assert expected.used_rag
            assert expected.missing == ()

            searched = list(late.retriever.asked)
            began = late.bus.now()
            again = await late.ask()
            assert timeless(again) == expected
            assert late.bus.now() - began < 0.01
            assert late.retriever.asked == searched  # nothing was searched for a second time
            await asyncio.sleep(300.0)
            assert late.scenes.take() is None  # told once

    run_virtual(story())


@pytest.mark.usefixtures("virtual")
def test_when_every_search_is_slow_the_scene_is_made_of_the_one_that_came(settings: Settings) -> None:
    settings = Settings(data_dir=settings.data_dir, circuit_breaker_threshold=2)

    async def story() -> None:
        async with evening(settings, 30.0) as late:
            assert not (await late.ask()).used_rag
            await asyncio.sleep(21.0)  # 30 s for the search
            assert late.scenes.take() is None
            await asyncio.sleep(2.0)  # the others are not waited for any longer
            ready = late.scenes.take()
            assert ready is not None
            assert ready.scenario.used_rag
            began, searched = late.bus.now(), len(late.retriever.asked)
            again = await late.ask()
            assert again.used_rag
            assert again.missing == ()
            assert late.bus.now() - began < 0.01
            assert len(late.retriever.asked) == searched
            breaker = late.bus.breaker(*SEARCH)
            assert breaker is not None
            assert breaker.state is State.CLOSED  # searches that were left are no failures
            assert late.bus.statistics().pending == 0

    run_virtual(story())


@pytest.mark.usefixtures("virtual")
@pytest.mark.parametrize("conversation", ["", "ours"])
def test_who_does_not_stay_is_offered_nothing(settings: Settings, conversation: str) -> None:
    async def story() -> int:
        async with evening(settings, 30.0, 0.0) as late:
            await late.ask(conversation=conversation)
            await asyncio.sleep(60.0)
            assert late.cache.entries > 0  # but what came is kept
            return int(late.scenes.take() is not None)

    assert run_virtual(story()) == bool(conversation)


@pytest.mark.usefixtures("virtual")
def test_a_search_that_takes_minutes_is_given_up_and_forgotten(settings: Settings) -> None:
    async def story() -> None:
        async with evening(settings, 3600.0) as late:
            await late.ask()
            await asyncio.sleep(4000.0)
            assert late.scenes.take() is None
            assert late.cache.entries == 0
            assert late.bus.statistics().pending == 0

    run_virtual(story())


@pytest.mark.usefixtures("virtual")
def test_notes_that_say_nothing_about_it_are_not_offered(settings: Settings) -> None:
    async def story() -> None:
        async with evening(settings, 30.0, 0.0) as late:
            answer = await late.ask("They ride to Castle Ravenloft. Give me the scene")
            assert not answer.used_rag
            await asyncio.sleep(60.0)
            assert late.scenes.take() is None
            assert late.cache.entries > 0

    run_virtual(story())


# ------------------------------------------------------------------ shared, kept, and standing in


@pytest.mark.usefixtures("virtual")
@pytest.mark.parametrize("seconds", [0.0, 1.0, 30.0])
def test_twenty_equal_requests_at_once_make_one_search(settings: Settings, seconds: float) -> None:
    async def story() -> None:
        async with evening(settings, seconds) as late:
            answers = await asyncio.gather(*(late.ask(conversation=f"table {n}") for n in range(20)))
            assert {answer.used_rag for answer in answers} == {seconds < 10.0}
            assert len({repr(timeless(answer).scene) for answer in answers}) == 1
            assert len(set(late.retriever.asked)) == len(late.retriever.asked)
            seen = late.bus.statistics().actions[SEARCH]
            assert seen.joined >= 19
            await asyncio.sleep(60.0)
            told = []
            while (ready := late.scenes.take()) is not None:
                told.append(ready.conversation_id)
            assert sorted(told) == (sorted(f"table {n}" for n in range(20)) if seconds > 10.0 else [])

    run_virtual(story())


@pytest.mark.usefixtures("virtual")
@pytest.mark.parametrize("trouble", [OSError("the disk is gone"), 3600.0])
def test_when_the_search_fails_the_last_good_passages_stand_in(settings: Settings, trouble: float | Exception) -> None:
    async def story() -> None:
        async with evening(settings, 0.0) as late:
            good = await late.ask()
            late.retriever.left = [trouble]
            assert timeless(await late.ask()) == timeless(good)  # nothing was searched
            await asyncio.sleep(720.0)
            answer = await late.ask()
            assert (answer.status, answer.used_rag) == ("degraded", True)
            assert answer.scene is not None
            assert good.scene is not None
            assert answer.scene.title == good.scene.title
            remark = "Your notes cannot be searched now: this rests on what was found in them 12 minutes ago."
            assert answer.missing == (remark,)
            question = await late.ask("Who is Ambrose Teal?")
            assert (question.status, question.used_rag) == ("failed", False)  # never found before
            await asyncio.sleep(5 * 3600.0)
            assert not (await late.ask()).used_rag  # too old for anything

    run_virtual(story())


@pytest.mark.usefixtures("virtual")
def test_older_passages_that_stood_in_are_followed_by_newer_ones_if_they_differ(
    settings: Settings, tmp_path: Path
) -> None:
    note = tmp_path / "vault" / "mill.md"
    note.parent.mkdir()
    note.write_text("# The mill\n\n> The wheel stands still.\n", "utf-8")
    settings = Settings(data_dir=settings.data_dir, notes=(note.parent,))

    async def story() -> None:
        async with evening(settings, 0.0) as late:
            assert (await late.ask("They reach the mill. Give me the scene")).used_rag
            for text, differs in ((None, False), ("# The mill\n\n> The wheel turns backwards.\n", True)):
                await asyncio.sleep(720.0)
                if text is not None:
                    note.write_text(text, "utf-8")
                late.retriever.left = [30.0, 0.0]
                answer = await late.ask("They reach the mill. Give me the scene")
                assert answer.status == "degraded"
                assert answer.scene is not None
                assert answer.scene.read_aloud[0].text == "The wheel stands still."
                await asyncio.sleep(30.0)
                ready = late.scenes.take()
                assert (ready is not None) == differs
        assert ready is not None
        assert ready.scenario.scene.read_aloud[0].text == "The wheel turns backwards."

    run_virtual(story())


# ------------------------------------------------------------------ edits, with real files on a real loop


@pytest.mark.anyio
async def test_a_query_right_after_an_edit_never_gets_what_stood_there_before(
    settings: Settings, tmp_path: Path
) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    settings = Settings(data_dir=settings.data_dir, notes=(vault,))
    notes = open_notes(settings)
    retriever = Slow(notes, 0.0, threads=Threads())
    async with assistant(settings, notes, retriever=retriever) as bus:
        for owner in ("Hob", "Nell", "Bram", "Ada", "Finn"):
            (vault / "mill.md").write_text(f"# Mill\n\n{owner} owns the mill.\n", "utf-8")
            for _ in range(2):
                answer = await bus.ask("orchestrator", HandleRequest("Who owns the mill?"), timeout=10.0)
                assert [line.text for line in answer.lines] == [f"{owner} owns the mill."]
                assert answer.missing == ()
        assert len(retriever.asked) == 5  # one for each edit; the second query was answered out of the cache
        (vault / "mill.md").unlink()
        answer = await bus.ask("orchestrator", HandleRequest("Who owns the mill?"), timeout=10.0)
        assert answer.status == "abstained"


@pytest.mark.anyio
async def test_an_edit_that_another_process_has_read_is_noticed_too(settings: Settings, tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    settings = Settings(data_dir=settings.data_dir, notes=(vault,))
    notes, elsewhere = open_notes(settings), open_notes(settings)
    (vault / "mill.md").write_text("# Mill\n\nHob owns the mill.\n", "utf-8")
    async with assistant(settings, notes, retriever=Slow(notes, 0.0, threads=Threads())) as bus:
        await bus.ask("orchestrator", HandleRequest("Who owns the mill?"), timeout=10.0)
        (vault / "mill.md").write_text("# Mill\n\nNell owns the mill.\n", "utf-8")
        assert [report.outcome for report in elsewhere.read()] == ["read"]
        answer = await bus.ask("orchestrator", HandleRequest("Who owns the mill?"), timeout=10.0)
    elsewhere.close()
    assert [line.text for line in answer.lines] == ["Nell owns the mill."]
