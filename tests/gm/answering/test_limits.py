"""Answers stay within the table's lines and veils, and say what was left out, where, and never with its words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.answer import Answer
from fablewright.gm.answering.limits import held_to
from fablewright.gm.haystack_pipeline import Documents, FindLimits, RetrieveDocuments
from fablewright.gm.orchestrator import HandleRequest, Orchestrator
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.limits import NO_LIMITS, limits_of
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import CampaignContext
from fablewright.gm.scene.scenario import Line, Option, Origin, Scene
from fablewright.gm.scene.variants import Variant
from fablewright.runtime.bus import Bus
from fablewright.testing.fakes import Reply, ScriptedAgent

if TYPE_CHECKING:
    from fablewright.gm.reading.limits import Limits
    from fablewright.gm.rules.bestiary import Bestiary

pytestmark = pytest.mark.anyio

SHEET = "# House rules and safety\n\n## Lines\n\n- Spiders (Jo)\n\n## Veils\n\n- Torture\n"
CELLAR = """# The Cellar

> Barrels stand along the walls. Something moves behind them.

Three giant spiders lurk behind the barrels. They drop this barrel on whoever comes near. Two bandits sleep here.

A door leads to the well. The cook owns the cellar.
"""
NOTES = (*passages_of("cellar.md", CELLAR), *passages_of("Safety.md", SHEET))
LIMITS = limits_of(NOTES)


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


async def answer(bestiary: Bestiary, words: str) -> Answer:
    return await answer_with(bestiary, words, LIMITS)


async def answer_with(bestiary: Bestiary, words: str, limits: Limits) -> Answer:
    bus = Bus()
    bus.register(
        ScriptedAgent("haystack_pipeline", {RetrieveDocuments: Reply(Documents(NOTES)), FindLimits: Reply(limits)})
    )
    bus.register(ScenarioGenerator(bestiary))
    bus.register(Orchestrator(CampaignContext(parse_party("4x2")), bestiary))
    async with bus:
        return await bus.ask("orchestrator", HandleRequest(words, seed=1), timeout=10.0)


def said(found: Answer) -> str:
    return repr((found.scene, found.lines))


async def test_a_scene_is_composed_without_what_crosses_a_line(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "They go down to the cellar")
    assert found.want == "scene"
    assert "pider" not in said(found)
    assert "this barrel" not in said(found)  # nor what only makes sense with it
    assert found.scene is not None
    assert [(foe.name, foe.count) for foe in found.scene.foes] == [("Bandit", 2)]
    [left] = [line for line in found.lines if "line of your table" in line.text]
    assert "2 sentences of cellar.md" in left.text
    assert found.citations[left.sources[0]].file == "Safety.md"


async def test_a_question_whether_one_may_is_shown_the_veil(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "Can I describe the torture of the cook?")
    assert found.lines[0].text == "Veils: Torture"
    assert found.citations[found.lines[0].sources[0]].file == "Safety.md"


async def test_the_limits_themselves_are_listed_when_asked_for(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "What are our lines and veils?")
    assert [line.text for line in found.lines] == ["Lines: Spiders (Jo)", "Veils: Torture"]
    assert found.status == "answered"


async def test_what_crosses_nothing_is_left_as_it_is(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "Who owns the cellar?")
    assert [line.text for line in found.lines] == ["The cook owns the cellar."]


def test_without_limits_nothing_changes() -> None:
    plain = Answer("scene", "answered", Scene(Line("Spiders", Origin.INVENTED)))
    assert held_to(NO_LIMITS, plain) is plain


def test_rules_and_the_sheet_itself_are_hers_to_read() -> None:
    rules = passages_of("srd/monsters.md", "# Monsters\n\nGiant spiders climb. **AC** 14, Armor Class, _Level 1.")
    lines = (Line("Giant spiders climb.", Origin.QUOTED, (0,)), Line("Spiders (Jo)", Origin.QUOTED, (1,)))
    found = Answer("question", "answered", lines=lines, citations=(rules[0], LIMITS.every[0].passage))
    assert held_to(LIMITS, found).lines == lines


TEXTS = st.sampled_from(["A spider drops.", "Spiders!", "The torture goes on.", "Rain falls.", "The inn is warm.", ""])
LINES = st.builds(Line, TEXTS, st.just(Origin.INVENTED))
PARTS = st.lists(LINES, max_size=3).map(tuple)


OPTIONS = st.lists(st.builds(Option, LINES, LINES), max_size=3).map(tuple)
SCENES = st.builds(Scene, LINES, read_aloud=PARTS, here=PARTS, loot=PARTS, options=OPTIONS)


@given(SCENES, PARTS)
def test_no_part_of_any_scene_crosses_a_limit_afterwards(scene: Scene, lines: tuple[Line, ...]) -> None:
    held = held_to(LIMITS, Answer("scene", "answered", scene, lines=lines))
    assert "pider" not in said(held)
    assert "orture" not in said(held)
    kept = [line for line in (*scene.here, *scene.loot, *lines) if LIMITS.crossed_by(line.text) is None]
    assert all(line.text in said(held) for line in kept)


@pytest.mark.parametrize("words", ["treasure for level 3", "an npc"])
async def test_treasure_and_people_are_drawn_again_until_they_keep_within_the_lines(
    bestiary: Bestiary, words: str
) -> None:
    free = await answer_with(bestiary, words, NO_LIMITS)
    telling = max(re.findall(r"[a-z]{5,}", free.lines[-2].text.split(":")[-1]), key=len)
    sheet = passages_of("Safety.md", f"# Safety\n\n## Lines\n\n- {telling}\n")
    held = await answer_with(bestiary, words, limits_of(sheet))
    assert telling not in repr(held.lines)
    assert len(held.lines) >= len(free.lines) - 2  # something else stands there
    assert held.lines[-1].text == "Drawn again, because of a line of your table; see Safety.md."
    assert held.citations[held.lines[-1].sources[0]].file == "Safety.md"


async def test_a_fight_is_weighed_without_the_foes_that_a_line_is_on(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard is a fight with 3 giant spiders and 2 bandits?")
    assert found.scene is not None
    assert [(foe.name, foe.count) for foe in found.scene.foes] == [("Bandit", 2)]
    assert found.scene.balance[0].text.startswith("50 XP")


@pytest.mark.parametrize("kind", ["bandits", "zombies", "wolves"])
async def test_a_fight_is_built_of_what_no_line_is_on(bestiary: Bestiary, kind: str) -> None:
    sheet = passages_of("Safety.md", f"# Safety\n\n## Lines\n\n- {kind}\n")
    words = "build a moderate fight with undead, humanoids or beasts"
    found = await answer_with(bestiary, words, limits_of(sheet))
    assert found.status == "answered"
    assert found.scene is not None
    assert found.scene.title.text != "(left out)"
    assert not any("left out" in line.text for line in found.lines)


async def test_a_fight_of_nothing_but_what_a_line_is_on_is_none(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "build a fight with giant spiders")
    assert (found.status, found.scene) == ("failed", None)
    assert found.missing == ("A line of your table stands against it; see Safety.md.",)


def test_variants_are_held_to_the_limits_and_what_they_lose_is_said() -> None:
    cellar = passages_of("cellar.md", "# The Cellar\n\nSpiders spin here.\n")[0]
    first = Scene(Line("The Yard", Origin.INVENTED))
    other = Scene(Line("The Cellar", Origin.QUOTED, (0,)), here=(Line("Spiders spin here.", Origin.QUOTED, (0,)),))
    found = held_to(LIMITS, Answer("scene", "answered", first, variants=(Variant("elsewhere", 0.5, other, (cellar,)),)))
    assert found.variants[0].scene.here == ()
    assert [line.text for line in found.lines] == [
        "A line of your table left out one sentence of cellar.md › The Cellar; see Safety.md."
    ]
