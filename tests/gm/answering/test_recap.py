"""Where nothing is logged yet a recap is told out of the notes' session logs; the players' without its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.gm.campaign.memory import CampaignMemory, Recall, Recalled
from fablewright.gm.campaign.state import state_of
from fablewright.gm.haystack_pipeline import Documents, FindLimits, RetrieveDocuments
from fablewright.gm.orchestrator import HandleRequest, Orchestrator
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.limits import NO_LIMITS
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scenario_request import CampaignContext
from fablewright.runtime.bus import Bus
from fablewright.testing.fakes import Reply, ScriptedAgent

if TYPE_CHECKING:
    from fablewright.gm.rules.bestiary import Bestiary

pytestmark = pytest.mark.anyio

SESSION = """# Session 1

- The party came to the mill and bought flour.
- Hans the miller, a wererat, poisoned the flour of the abbey.
"""
PEOPLE = "# Hans\n\n**Secret:** Hans the miller is a wererat who poisoned the flour of the abbey.\n"
LOGS = tuple(passages_of("session_1.md", SESSION))
NOTES = (*LOGS, *passages_of("npcs.md", PEOPLE))


def found(request: RetrieveDocuments) -> Documents:
    return Documents(LOGS if request.filters else NOTES)  # the search for logs finds no other notes


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@pytest.mark.parametrize(("words", "lines"), [("recap of session 1", 2), ("recap for the players", 1)])
async def test_a_recap_out_of_session_logs(bestiary: Bestiary, words: str, lines: int) -> None:
    bus = Bus()
    bus.register(ScriptedAgent("haystack_pipeline", {RetrieveDocuments: Reply(found), FindLimits: Reply(NO_LIMITS)}))
    bus.register(ScriptedAgent(CampaignMemory.name, {Recall: Reply(Recalled("c", state_of(())))}))
    bus.register(Orchestrator(CampaignContext(parse_party("4x2")), bestiary))
    async with bus:
        told = await bus.ask("orchestrator", HandleRequest(words, want="recap"), timeout=10.0)
    assert [line.text for line in told.lines] == [
        "The party came to the mill and bought flour.",
        "Hans the miller, a wererat, poisoned the flour of the abbey.",
    ][:lines]
    assert bool(told.missing) is (lines == 1)
    assert told.citations[0].file == "session_1.md"
