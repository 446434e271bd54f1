from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.gm.haystack_pipeline import DescribeNotes, Documents, NotesStatus, RetrieveDocuments
from fablewright.gm.orchestrator import HandleRequest, Orchestrator
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import FileReport
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scenario_generator import CampaignContext, ScenarioGenerator
from fablewright.gm.scene.scenario import Origin
from fablewright.runtime.bus import Bus
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent, Step

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer
    from fablewright.gm.rules.bestiary import Bestiary

pytestmark = pytest.mark.anyio

NOTE = """# The Throne Room

> Braziers burn beside the throne.

Gardo, a bandit captain, and four bandits sort their loot.

# People

## Hob

Hob owns the mill. He has 3 gp.
"""
FOUND = Reply(Documents(tuple(passages_of("keep.md", NOTE))))
STATUS = Reply(NotesStatus(files=3, reading=False, skipped=(FileReport("x.md", "skipped", 0, "not a text file"),)))


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


async def answer(bestiary: Bestiary, message: HandleRequest | str, step: Step = FOUND, timeout: float = 10.0) -> Answer:
    campaign = CampaignContext(parse_party("4x2"))
    bus = Bus()
    bus.register(ScriptedAgent("haystack_pipeline", {RetrieveDocuments: step, DescribeNotes: STATUS}))
    bus.register(ScenarioGenerator(bestiary))
    bus.register(Orchestrator(campaign, bestiary))
    request = HandleRequest(message, seed=1) if isinstance(message, str) else message
    async with bus:
        return await bus.ask("orchestrator", request, timeout=timeout)


async def test_a_scene(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "They burst into the throne room")
    assert (found.want, found.status, found.used_rag) == ("scene", "answered", True)
    assert found.scene is not None
    assert found.scene.title.text == "The Throne Room"
    assert {(foe.name, foe.count) for foe in found.scene.foes} == {("Bandit Captain", 1), ("Bandit", 4)}


async def test_a_scene_without_retrieval_is_degraded_and_says_why(bestiary: Bestiary) -> None:
    for step in (Hang(), Raise(OSError("gone")), Reply(Documents(()))):
        found = await answer(bestiary, "They burst into the throne room", step, timeout=2.0)
        assert (found.status, found.used_rag, len(found.missing)) == ("degraded", False, 1)
        assert found.scene is not None
        assert found.scene.read_aloud


async def test_a_question_is_answered_in_the_notes_own_words(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "Who owns the mill?")
    assert (found.want, found.status) == ("question", "answered")
    assert found.lines[0].text == "Hob owns the mill."
    assert found.lines[0].origin is Origin.QUOTED
    assert found.citations[found.lines[0].sources[0]].heading == ("People", "Hob")


async def test_what_the_notes_do_not_say_is_not_made_up(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "Who owns the lighthouse?")
    assert (found.status, found.citations, found.used_rag) == ("abstained", (), False)
    assert "do not say" in found.lines[0].text


async def test_a_question_that_cannot_be_looked_up_has_failed(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "Who owns the mill?", Hang(), timeout=2.0)
    assert found.status == "failed"
    assert found.missing == ("Your notes: no answer within 1.8 s.",)


async def test_the_fight_at_a_place_is_rated(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard is the throne room fight?")
    assert (found.want, found.used_rag) == ("encounter", True)
    assert [line.text for line in found.lines][:2] == ["1 × Bandit Captain (450 XP each)", "4 × Bandit (25 XP each)"]
    assert "550 XP against 400 low / 600 moderate / 800 high" in found.lines[2].text


async def test_a_fight_that_is_named_is_rated_without_notes(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard are 3 ogres?", Hang())
    assert found.status == "answered"
    assert found.lines[0].text.startswith("1,350 XP against 400 low")


async def test_one_creature_is_rated_by_its_name(bestiary: Bestiary) -> None:
    for words in ("ogre stats", "stat block of an ogre", "give me an ogre", "How tough is the ogre for my party?"):
        found = await answer(bestiary, words, Reply(Documents(())))
        assert (found.want, found.status) == ("encounter", "answered")
        assert "450 XP against 400 low" in found.lines[0].text


async def test_a_fight_that_the_notes_do_not_have_is_not_rated_in_silence(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard is the lighthouse fight?", Reply(Documents(())))
    assert found.status == "degraded"
    assert "Your notes name no foes" in found.missing[0]


@pytest.mark.parametrize("words", ["hi", "thanks!", "help", "?"])
async def test_small_talk_is_answered_with_what_can_be_asked(bestiary: Bestiary, words: str) -> None:
    found = await answer(bestiary, words, Hang())
    assert (found.want, found.status, found.scene, len(found.lines)) == ("help", "answered", None, 4)


async def test_a_named_foe_among_counted_ones_is_looked_up(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard is the throne room fight, Gardo and his four bandits?")
    assert found.used_rag
    assert "550 XP" in found.lines[2].text


async def test_a_fight_is_built_for_the_party_in_the_words(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "Build a moderate undead fight for five level 3 characters", Hang())
    assert found.status == "answered"
    assert "for five level-3 characters: moderate" in found.lines[1].text


@pytest.mark.parametrize("words", ["2d6+3", "roll 2d6+3", "Roll 2d6 + 3!"])
async def test_dice(bestiary: Bestiary, words: str) -> None:
    words = words.removesuffix("!")
    found = await answer(bestiary, words)
    assert found.want == "dice"
    assert found.lines[0].text.startswith("2d6+3 → [")
    assert found == await answer(bestiary, words)  # the seed's dice


async def test_the_status(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "status")
    assert [line.text for line in found.lines] == [
        "The assistant is up.",
        "Your notes are ready: 3 files.",
        "Skipped x.md: not a text file",
    ]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (HandleRequest(""), "Say what you need"),
        (HandleRequest("   \n"), "Say what you need"),
        (HandleRequest("x" * 5000), "at most 4,000"),
        (HandleRequest("roll 2d0"), "sides"),
        (HandleRequest("banana", want="dice"), "banana"),
        (HandleRequest("a fight for 4 level 99 characters"), "99"),
    ],
)
async def test_what_cannot_be_understood_is_answered_with_what_to_mend(
    bestiary: Bestiary, request_: HandleRequest, said: str
) -> None:
    found = await answer(bestiary, request_)
    assert found.status == "failed"
    assert said in found.missing[0]
