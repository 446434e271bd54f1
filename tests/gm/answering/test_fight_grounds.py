"""A fight comes with what the notes say to it: the rule, the house rule, ground to move on and ways to ease it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from fablewright.gm.haystack_pipeline import Documents, RetrieveDocuments
from fablewright.gm.orchestrator import HandleRequest, Orchestrator
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import CampaignContext
from fablewright.gm.scene.scenario import Origin
from fablewright.runtime.bus import Bus
from fablewright.testing.fakes import Hang, Reply, ScriptedAgent

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.testing.fakes import Step

pytestmark = pytest.mark.anyio

BOOK = """# Rules

## Budgets

Multiply the budget in the XP table by the number of characters.

Deduct the XP of each creature from the XP budget.

A moderate encounter for five level 3 characters has an XP budget of 1,125.

With more than two creatures per character, use fragile ones.
"""
CRAFT = """# Difficult terrain

Ground can matter.

- A rope bridge that sways
- Loose stones

# Easing off

In a battle that goes badly, some monsters may flee or surrender.
"""
HOUSE = "# House rules\n\n## House rules\n\n- We never go over the high XP budget.\n"
NOTES = Reply(
    Documents(tuple(p for n, t in (("r.md", BOOK), ("c.md", CRAFT), ("h.md", HOUSE)) for p in passages_of(n, t)))
)


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


async def answer(bestiary: Bestiary, words: str, step: Step = NOTES, party: str = "5x3") -> Answer:
    bus = Bus()
    bus.register(ScriptedAgent("haystack_pipeline", {RetrieveDocuments: step}))
    bus.register(ScenarioGenerator(bestiary))
    bus.register(Orchestrator(CampaignContext(parse_party(party)), bestiary))
    async with bus:
        return await bus.ask("orchestrator", HandleRequest(words, seed=1), timeout=10.0)


def quoted(found: Answer) -> list[str]:
    return [line.text for line in found.lines if line.origin is Origin.QUOTED]


async def test_a_fight_that_is_weighed_cites_house_rule_rule_and_the_example_for_this_party(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "How hard are 3 ogres for us?")
    assert quoted(found) == [
        "We never go over the high XP budget.",
        "Multiply the budget in the XP table by the number of characters.",
        "Deduct the XP of each creature from the XP budget.",
        "A moderate encounter for five level 3 characters has an XP budget of 1,125.",
    ]
    assert {found.citations[line.sources[0]].file for line in found.lines if line.sources} == {"r.md", "h.md"}


async def test_a_warning_brings_its_rule(bestiary: Bestiary) -> None:
    found = await answer(bestiary, "Are 11 rats too hard?")
    assert "With more than two creatures per character, use fragile ones." in quoted(found)


async def test_a_fight_that_is_built_has_ground_of_the_request_first_and_a_way_to_ease_it(bestiary: Bestiary) -> None:
    found = quoted(await answer(bestiary, "Build a moderate fight on a rope bridge"))
    assert "In a battle that goes badly, some monsters may flee or surrender." in found
    assert found.index("A rope bridge that sways") < found.index("Loose stones")


async def test_without_notes_the_fight_stands_alone(bestiary: Bestiary) -> None:
    for step in (Reply(Documents(())), Hang()):
        began = anyio.current_time()
        found = await answer(bestiary, "How hard are 3 ogres?", step)
        assert quoted(found) == []
        assert anyio.current_time() - began <= 8.5  # of 10, for the place that may be meant and for the rules
        assert found.scene is not None
        assert "XP against" in found.scene.balance[0].text
