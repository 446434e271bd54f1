from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.gm.answering.fight_wish import FightWish
from fablewright.gm.haystack_pipeline import DescribeNotes, Documents, NotesStatus, RetrieveDocuments
from fablewright.gm.orchestrator import HandleRequest, Orchestrator
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import FileReport
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import CampaignContext
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


def foes(found: Answer) -> set[tuple[str, int | None]]:
    assert found.scene is not None
    return {(foe.name, foe.count) for foe in found.scene.foes}


def weight(found: Answer) -> str:
    assert found.scene is not None
    return " ".join(line.text for line in found.scene.balance)


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
    assert foes(found) == {("Bandit Captain", 1), ("Bandit", 4)}
    assert "550 XP against 400 low / 600 moderate / 800 high" in weight(found)


async def test_a_fight_that_is_named_is_rated_without_notes(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard are 3 ogres?", Hang())
    assert found.status == "answered"
    assert foes(found) == {("Ogre", 3)}
    assert weight(found).startswith("1,350 XP against 400 low")


async def test_one_creature_is_rated_by_its_name(bestiary: Bestiary) -> None:
    for words in ("ogre stats", "stat block of an ogre", "give me an ogre", "How tough is the ogre for my party?"):
        found = await answer(bestiary, words, Reply(Documents(())))
        assert (found.want, found.status) == ("encounter", "answered")
        assert "450 XP against 400 low" in weight(found)


async def test_a_fight_that_the_notes_do_not_have_is_not_rated_in_silence(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard is the lighthouse fight?", Reply(Documents(())))
    assert found.status == "degraded"
    assert "Your notes name no foes" in found.missing[0]


@pytest.mark.parametrize("words", ["hi", "thanks!", "help", "?"])
async def test_small_talk_is_answered_with_what_can_be_asked(bestiary: Bestiary, words: str) -> None:
    found = await answer(bestiary, words, Hang())
    assert (found.want, found.status, found.scene, len(found.lines)) == ("help", "answered", None, 5)


async def test_a_named_foe_among_counted_ones_is_looked_up(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard is the throne room fight, Gardo and his four bandits?")
    assert found.used_rag
    assert "550 XP" in weight(found)


async def test_a_fight_is_built_for_the_party_in_the_words(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "Build a moderate undead fight for five level 3 characters", Hang())
    assert found.status == "answered"
    assert "for five level-3 characters: moderate" in weight(found)
    assert found.scene is not None
    assert all(bestiary.find(foe.name).creature.type == "undead" for foe in found.scene.foes)  # type: ignore[union-attr]


@pytest.mark.parametrize("words", ["2d6+3", "roll 2d6+3", "Roll 2d6 + 3!"])
async def test_dice(bestiary: Bestiary, words: str) -> None:
    words = words.removesuffix("!")
    found = await answer(bestiary, words)
    assert found.want == "dice"
    assert found.lines[0].text.startswith("2d6+3 → [")
    assert found == await answer(bestiary, words)  # the seed's dice


async def test_what_nobody_knows_is_named_and_not_counted(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "2 frobnicators and 3 goblins", Reply(Documents(())))
    assert (found.want, found.status) == ("encounter", "degraded")
    assert foes(found) == {("Goblin Warrior", 3)}
    assert "150 XP against" in weight(found)
    (said,) = found.missing
    assert said.startswith("“Frobnicator” is neither in the SRD 5.2.1 nor, with a Challenge Rating, in your notes")
    many = HandleRequest("2 frobnicators, 3 gromlins, 4 zorbs and an ogre", want="encounter")
    late = await answer(bestiary, many, Hang(), timeout=3.0)
    assert (len(late.missing), foes(late)) == (3, {("Ogre", 1)})
    assert all("and your notes were not searched" in said for said in late.missing)
    nobody = await answer(bestiary, HandleRequest("4 orcs", want="encounter"), Reply(Documents(())))
    assert (nobody.status, nobody.scene) == ("failed", None)
    assert "(the 2014 rules had it)" in nobody.missing[0]


async def test_a_creature_of_the_notes_has_the_notes_numbers(bestiary: Bestiary) -> None:
    own = Reply(Documents(tuple(passages_of("brass.md", "# Frobnicator\n\nA thing of brass. CR 2, AC 15."))))
    found = await answer(bestiary, "2 frobnicators and 3 goblins", own)
    assert (found.status, found.used_rag) == ("answered", True)
    assert foes(found) == {("Frobnicator", 2), ("Goblin Warrior", 3)}
    assert "1,050 XP against" in weight(found)
    assert found.scene is not None
    foe = next(foe for foe in found.scene.foes if foe.name == "Frobnicator")
    assert (foe.origin, found.citations[foe.sources[0]].file) == (Origin.FROM_NOTES, "brass.md")


async def test_a_fight_is_built_to_wishes(bestiary: Bestiary) -> None:
    wish = FightWish("deadly", "undead", "swamp", ("minion",), "2014", "1", built=True)
    found = await answer(
        bestiary, HandleRequest("build", want="encounter", party=parse_party("4x4"), seed=1, fight=wish), Hang()
    )
    assert (found.status, found.missing) == ("answered", ())
    assert "for three level-4 characters: deadly (2014 rules)" in weight(found)
    assert "roles and no habitats" in weight(found)
    assert found.scene is not None
    assert found.scene.title.text.startswith("A deadly fight, undead, swamp: ")
    assert any("minion" in foe.note for foe in found.scene.foes)


async def test_the_same_wishes_in_words(bestiary: Bestiary) -> None:
    words = "Build a deadly undead fight in the marsh by the 2014 rules, with minions; one player is away"
    found = await answer(bestiary, words, Hang())
    assert "for three level-2 characters: deadly (2014 rules)" in weight(found)
    assert found.scene is not None
    assert "swamp" in found.scene.title.text


async def test_a_day_of_fights(bestiary: Bestiary) -> None:
    found = await answer(bestiary, HandleRequest("2 ogres; 3 wolves, then 4 bandits", want="encounter"), Hang())
    assert "Fight 3: 100 XP" in weight(found)
    assert "three fights" in weight(found)
    budget = await answer(bestiary, "xp budget for a day")
    assert "no XP budget for a day" in budget.lines[0].text


async def test_a_person_is_tied_to_the_notes_and_the_secret_is_the_gms(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "give me an NPC")
    assert (found.want, found.status, found.used_rag) == ("npc", "answered", True)
    assert "Hob" in found.lines[4].text
    assert found.citations[found.lines[4].sources[0]].heading == ("People", "Hob")
    assert [line.text.partition(":")[0] for line in found.lines if line.secret] == ["Secret"]
    assert found.lines[0].text != (await answer(bestiary, HandleRequest("give me an NPC", seed=2))).lines[0].text
    alone = await answer(bestiary, "give me an NPC", Hang(), timeout=2.0)
    assert alone.timings.total_ms <= 1_950  # one search that hangs is waited for, not three
    assert (alone.status, alone.used_rag, alone.citations) == ("answered", False, ())


async def test_loot_says_which_table_it_went_by(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "treasure for level 5", Hang())
    assert (found.want, found.status) == ("loot", "answered")
    assert "level 5" in found.lines[0].text
    assert found.lines[-1].text.startswith("Table: 3d8 × 100 gp for level 5. The SRD 5.2.1 has no treasure tables.")
    pockets = await answer(bestiary, HandleRequest("what is in the ogre's pockets", want="loot"), Hang())
    assert "in the pockets, level 2" in pockets.lines[0].text
    wrong = await answer(bestiary, "treasure for level 99", Hang())
    assert (wrong.status, wrong.missing) == ("failed", ("Treasure goes by level or Challenge Rating 0 to 30, not 99.",))


BOOK = """# Rules glossary

## Dazed

While dazed, a creature moves at half its speed.

## Tools

| Tool | Cost | Weight |
|---|---|---|
| Tongs | 3 GP | 2 lb. |
| Bellows | 9 GP | 12 lb. |
"""


async def test_rules_are_quoted_with_their_place_or_worked_out(bestiary: Bestiary) -> None:
    book = Reply(Documents(tuple(passages_of("rules.md", BOOK))))
    dazed = await answer(bestiary, "Rules: what does Dazed do?", book)
    assert (dazed.want, dazed.lines[0].text) == ("rules", "While dazed, a creature moves at half its speed.")
    assert dazed.lines[0].origin is Origin.QUOTED
    assert dazed.citations[0].heading == ("Rules glossary", "Dazed")
    cost = await answer(bestiary, HandleRequest("What is the cost of bellows?", want="rules"), book)
    assert [line.text for line in cost.lines] == ["Bellows: Cost 9 GP, Weight 12 lb."]
    hard = await answer(bestiary, HandleRequest("Which DC is hard?", want="rules"))
    assert [line.text for line in hard.lines] == ["Typical DCs (SRD 5.2.1): hard 20."]


async def test_without_a_rule_book_no_rule_is_made_up(bestiary: Bestiary) -> None:
    none = await answer(bestiary, "rules for grappling")
    assert (none.status, none.citations) == ("abstained", ())
    assert "no rule book among your notes" in none.lines[0].text
    book = Reply(Documents(tuple(passages_of("rules.md", BOOK))))
    silent = await answer(bestiary, "rules for grappling", book)
    assert (silent.status, silent.lines[0].text[:26]) == ("abstained", "The rule books among your ")
    late = await answer(bestiary, "rules for grappling", Hang(), timeout=2.0)
    assert (late.status, late.lines) == ("failed", ())


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


@pytest.mark.parametrize("words", ["build a fight with 3 frobnicators", "build me a moderate fight with frobnicators"])
async def test_a_fight_that_is_wanted_of_unknown_creatures_names_them(bestiary: Bestiary, words: str) -> None:
    answer_ = await answer(bestiary, HandleRequest(words, seed=1), Reply(Documents(())))
    assert (answer_.want, answer_.status) == ("encounter", "degraded")
    assert answer_.missing[0].startswith("“Frobnicator” is neither in the SRD")
    assert answer_.scene is not None  # of others, and it says so
    assert answer_.missing[-1] == "Here is a fight of creatures that have numbers."
