from __future__ import annotations

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from fablewright.gm.grounding import reserve
from fablewright.gm.haystack_pipeline import Documents, RetrieveDocuments
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import CampaignContext, GameState, GenerateScenario, GroundedSceneReady, Scenario
from fablewright.gm.scene.scenario import Origin
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.runtime.agent import Handler
    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio

NOTE = """# The Mill

> The wheel turns although the stream is dry.

Two bandits sleep in the loft.

# The Ford

Cold."""
DOCUMENTS = Documents(tuple(passages_of("mill.md", NOTE)))


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


def request(
    query: str = "They reach the mill", *, use_rag: bool = True, seed: int | None = 7, conversation: str = ""
) -> GenerateScenario:
    campaign = CampaignContext(parse_party("4x2"))
    return GenerateScenario(query, campaign, use_rag=use_rag, seed=seed, conversation_id=conversation)


class Table:
    """A bus with a generator and a scripted retrieval."""

    def __init__(
        self, bestiary: Bestiary, *steps: Step, options: BusOptions | None = None, patience: float = 10.0
    ) -> None:
        self.retrieval = ScriptedAgent("haystack_pipeline", {RetrieveDocuments: steps})
        self.bus = Bus(options)
        self.bus.register(self.retrieval)
        self.bus.register(ScenarioGenerator(bestiary, retrieve_timeout=patience))

    async def ask(self, message: GenerateScenario, timeout: float = 10.0) -> Scenario:
        return await self.bus.ask("scenario_generator", message, timeout=timeout)


async def test_a_scene_rests_on_the_notes(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(DOCUMENTS, after=0.25))
    async with table.bus:
        scenario = await table.ask(request())
    assert scenario.used_rag
    assert scenario.source_count == len(scenario.citations) == 1
    assert scenario.generation_method == "composer"
    assert scenario.missing == ()
    assert scenario.scene.read_aloud[0].text == "The wheel turns although the stream is dry."
    assert scenario.timings.retrieve_ms == pytest.approx(500)  # searched, then fetched the section
    assert table.retrieval.received[0].query == "They reach mill"
    assert table.retrieval.received[1].filters == {"file": "mill.md", "heading": "The Mill"}


async def test_without_notes_it_writes_at_once_and_says_so(bestiary: Bestiary) -> None:
    table = Table(bestiary, Hang())
    async with table.bus:
        scenario = await table.ask(request(use_rag=False))
        assert table.bus.now() == 0.0
    assert not scenario.used_rag
    assert (scenario.source_count, scenario.generation_method) == (0, "improviser")
    assert scenario.missing == ("Your notes: you asked to do without them.",)
    assert table.retrieval.received == []


async def test_a_retrieval_that_sleeps_for_an_hour_costs_no_more_than_the_deadline(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(DOCUMENTS, after=3600.0))
    async with table.bus:
        scenario = await table.ask(request(), timeout=2.0)
        assert table.bus.now() <= 2.0
        await asyncio.sleep(0.1)
        assert len(table.retrieval.cancelled) == 1  # and nobody goes on searching for nobody
    assert scenario.missing == ("Your notes: no answer within 1.8 s.",)
    assert scenario.scene.title.origin is Origin.INVENTED
    assert scenario.scene.read_aloud
    assert scenario.scene.foes


async def test_it_waits_no_longer_than_the_setting(bestiary: Bestiary) -> None:
    table = Table(bestiary, Hang(), patience=3.0)
    async with table.bus:
        scenario = await table.ask(request(), timeout=60.0)
        assert table.bus.now() == pytest.approx(3.0)
    assert scenario.missing == ("Your notes: no answer within 3.0 s.",)


@pytest.mark.parametrize("error", [OSError("the disk is gone"), RuntimeError("boom")])
async def test_a_retrieval_that_raises_costs_nothing(bestiary: Bestiary, error: Exception) -> None:
    table = Table(bestiary, Raise(error))
    async with table.bus:
        scenario = await table.ask(request())
        assert table.bus.now() == 0.0
    [missing] = scenario.missing
    assert missing.startswith("Your notes could not be searched:")
    assert str(error) in missing
    assert scenario.scene.read_aloud


async def test_a_retrieval_that_keeps_failing_is_not_asked_again_until_later(bestiary: Bestiary) -> None:
    policy = Policy(retry=RetryRules(2), breaker=BreakerRules(5, 60.0))
    options = BusOptions(policies={("haystack_pipeline", "retrieve_documents"): policy}, draw=lambda: 0.0)
    table = Table(bestiary, *[Raise(OSError("down"))] * 5, Reply(DOCUMENTS), options=options)
    async with table.bus:
        for _ in range(4):
            assert not (await table.ask(request())).used_rag
        assert len(table.retrieval.received) == 5  # 3 attempts, 2 more, then the circuit is open
        await asyncio.sleep(61.0)
        assert (await table.ask(request())).used_rag


@pytest.mark.parametrize("reply", ["words", Documents(("not a passage",)), 7])  # type: ignore[arg-type]  # on purpose
async def test_a_reply_of_another_shape_costs_the_notes_and_not_the_scene(bestiary: Bestiary, reply: object) -> None:
    table = Table(bestiary, Reply(reply))
    async with table.bus:
        scenario = await table.ask(request())
    assert not scenario.used_rag
    assert "cannot be used" in scenario.missing[0]
    assert scenario.scene.read_aloud


async def test_nothing_found_is_said(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(Documents(())))
    async with table.bus:
        scenario = await table.ask(request())
    assert scenario.missing == ("Your notes say nothing about this.",)
    assert not scenario.used_rag


async def test_notes_about_something_else_are_not_played(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(DOCUMENTS))
    async with table.bus:
        scenario = await table.ask(request("They ride to Castle Ravenloft"))
    assert scenario.missing == ("Your notes say nothing about this.",)
    assert (scenario.used_rag, scenario.generation_method) == (False, "improviser")


async def test_notes_that_are_still_being_read_make_a_scene_that_says_so(bestiary: Bestiary) -> None:
    partial = Documents(DOCUMENTS.passages, complete=False, remark="The notes are still being read: 3 files so far.")
    table = Table(bestiary, Reply(partial))
    async with table.bus:
        scenario = await table.ask(request())
    assert scenario.used_rag
    assert scenario.missing == ("The notes are still being read: 3 files so far.",)


async def test_a_section_that_cannot_be_fetched_whole_is_played_as_found(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(DOCUMENTS), Raise(OSError("gone")))
    async with table.bus:
        scenario = await table.ask(request())
    assert scenario.used_rag
    assert scenario.scene.title.text == "The Mill"


async def test_twenty_scenes_at_once_wait_side_by_side(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(DOCUMENTS, after=1.0))
    async with table.bus:
        scenarios = await asyncio.gather(*(table.ask(request()) for _ in range(20)))
        assert table.bus.now() == pytest.approx(1.0)
    assert all(scenario.used_rag for scenario in scenarios)
    assert len(table.retrieval.received) == 20  # a slow search is not followed by a second one


async def test_a_search_that_had_to_wait_for_the_notes_is_not_a_slow_one(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(replace(DOCUMENTS, waited=0.95), after=1.0), Reply(DOCUMENTS))
    async with table.bus:
        scenario = await table.ask(request("generate scenario for the first encounter at the mill"))
    assert scenario.used_rag
    assert len(table.retrieval.received) > 2


async def test_equal_seeds_invent_equal_scenes(bestiary: Bestiary) -> None:
    table = Table(bestiary, Hang())
    async with table.bus:
        scenes = [(await table.ask(request(use_rag=False, seed=seed))).scene for seed in (1, 1, 2)]
    assert scenes[0] == scenes[1] != scenes[2]


async def test_where_the_party_is_helps_to_find_the_notes(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(DOCUMENTS))
    message = GenerateScenario(
        "They look around", CampaignContext(parse_party("4x2")), GameState("the mill", ("Hob",)), seed=1
    )
    async with table.bus:
        await table.ask(message)
    assert table.retrieval.received[0].query == "They look around the mill Hob"


def test_what_is_kept_for_writing_is_a_tenth_and_never_much() -> None:
    assert reserve(1.0) == pytest.approx(0.1)
    assert reserve(60.0) == 0.25
    assert reserve(0.0) == 0.0


# ------------------------------------------------------------------ written again


READING = Documents(DOCUMENTS.passages[:1], complete=False, remark="The notes are still being read: 3 files so far.")
LINGERING = BusOptions(policies={("haystack_pipeline", "retrieve_documents"): Policy(linger=60.0)})
NOWHERE = Documents(tuple(passages_of("sea.md", "# The Sea\n\nIt is wet.")))


async def offered(table: Table, *messages: GenerateScenario, within: float = 100.0) -> list[GroundedSceneReady]:
    """Ask for scenes, and return what is published before or within so many seconds after the last of them."""
    with table.bus.subscribe(GroundedSceneReady) as ready:
        for message in messages:
            await table.ask(message)
        await asyncio.sleep(within)
        return list(iter(ready.take, None))


async def test_what_comes_late_is_published_for_the_conversation_that_asked(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(DOCUMENTS, after=30.0), Reply(DOCUMENTS), options=LINGERING)
    quick = Table(bestiary, Reply(DOCUMENTS))
    message = request(conversation="ours")
    async with quick.bus, table.bus:
        [ready] = await offered(table, message)
        expected = await quick.ask(message)
    assert ready.request == message
    assert ready.scenario.scene == expected.scene
    assert ready.scenario.citations == expected.citations
    assert ready.scenario.missing == ()
    assert ready.scenario.timings.retrieve_ms == pytest.approx(30_000)


@pytest.mark.parametrize("options", [LINGERING, None])
async def test_nothing_is_published_when_nobody_stays_or_nothing_lingers(
    bestiary: Bestiary, options: BusOptions | None
) -> None:
    table = Table(bestiary, Reply(DOCUMENTS, after=30.0), Reply(DOCUMENTS), options=options)
    async with table.bus:
        assert await offered(table, request(conversation="" if options else "ours")) == []


async def test_what_comes_late_and_is_about_something_else_is_not_published(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(NOWHERE, after=30.0), Reply(NOWHERE), options=LINGERING)
    async with table.bus:
        assert await offered(table, request("They ride to Castle Ravenloft", conversation="ours")) == []
    assert table.retrieval.cancelled == []


async def test_a_late_reply_of_another_shape_harms_nobody(bestiary: Bestiary, caplog: pytest.LogCaptureFixture) -> None:
    bad = Documents(("not a passage",))  # type: ignore[arg-type]  # on purpose
    table = Table(bestiary, Reply(bad, after=30.0), Reply(DOCUMENTS), options=LINGERING)
    async with table.bus:
        assert await offered(table, request(conversation="ours")) == []
        assert (await table.ask(request())).used_rag
    assert "write_again" in caplog.text


async def test_a_scene_out_of_notes_that_were_still_being_read_follows_when_they_are(bestiary: Bestiary) -> None:
    whole = Documents(tuple(passages_of("mill.md", NOTE.replace("Two bandits", "Nine bandits"))))
    table = Table(bestiary, *[Reply(READING)] * 2, Reply(whole, after=40.0), Reply(whole))
    message = request(conversation="ours")
    with table.bus.subscribe(GroundedSceneReady) as scenes:
        async with table.bus:
            first = await table.ask(message)
            assert first.missing == (READING.remark,)
            await asyncio.sleep(39.0)
            assert scenes.take() is None
            await asyncio.sleep(2.0)
            ready = scenes.take()
    assert ready is not None
    assert ready.scenario.missing == ()
    assert "Nine bandits" in str(ready.scenario.scene)
    assert "Nine bandits" not in str(first.scene)


@pytest.mark.parametrize(
    "then", [Reply(replace(READING, complete=True, remark="")), Reply(READING), Raise(OSError("gone")), Hang()]
)
async def test_notes_that_have_nothing_new_are_not_published(bestiary: Bestiary, then: Step) -> None:
    table = Table(bestiary, *[Reply(READING)] * 2, then)
    async with table.bus:
        assert await offered(table, request(conversation="ours")) == []
        assert len(table.retrieval.received) > 2
        assert table.bus.statistics().pending == 0


async def test_however_many_scenes_wait_for_the_notes_the_next_one_is_written_at_once(bestiary: Bestiary) -> None:
    table = Table(bestiary, Reply(READING), patience=0.5)
    many = [request(conversation=f"table {n}") for n in range(ScenarioGenerator.concurrency)]
    async with table.bus:
        table.retrieval.handlers = MappingProxyType(
            {RetrieveDocuments.action: slow_when(lambda ctx: ctx.remaining > 1.0)}
        )
        await asyncio.gather(*map(table.ask, many))
        before = table.bus.now()
        assert len(table.bus.waits()) == ScenarioGenerator.concurrency // 2
        await table.ask(request())
        assert table.bus.now() == before
        await asyncio.sleep(100.0)
        assert table.bus.waits() == ()


def slow_when(is_slow: Callable[[Context], bool]) -> Handler:
    """Return a retrieval of notes that are still being read: who can wait, waits."""

    async def retrieve(_agent: object, _request: object, ctx: Context) -> Documents:
        await asyncio.sleep(90.0 if is_slow(ctx) else 0.0)
        return READING

    return retrieve


async def test_a_slow_search_that_was_kept_is_not_followed_by_others(bestiary: Bestiary) -> None:
    kept = replace(DOCUMENTS, took=30.0)
    table = Table(bestiary, Reply(replace(DOCUMENTS, took=1.0), after=1.0), Reply(kept))
    async with table.bus:
        for _ in range(2):
            assert (await table.ask(request())).used_rag
    assert len(table.retrieval.received) == 2  # one for each scene


async def test_older_passages_do_not_go_together_with_new_ones(bestiary: Bestiary) -> None:
    old = replace(DOCUMENTS, passages=tuple(passages_of("mill.md", "# The Mill\n\nAn old tale.")), age=60.0)
    table = Table(bestiary, Reply(DOCUMENTS), Reply(old))
    async with table.bus:
        scenario = await table.ask(request())
    assert len(table.retrieval.received) > 1
    assert "An old tale" not in str(scenario)


async def test_while_the_notes_cannot_be_searched_they_are_not_searched_for_nobody(bestiary: Bestiary) -> None:
    old = replace(DOCUMENTS, complete=False, remark="This is from a minute ago.", age=60.0)
    table = Table(bestiary, Reply(old))
    async with table.bus:
        assert await offered(table, request(conversation="ours")) == []
    assert len(table.retrieval.received) == 2  # for the scene itself
