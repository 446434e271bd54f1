"""There is an answer by the deadline, also from a machine too busy to keep time for it."""

from __future__ import annotations

import pytest

from fablewright.entry.answering import answer_in_time, ask_once
from fablewright.errors import PeerLost
from fablewright.gm.answer import Answer
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.scenario_generator import DECLINED
from fablewright.gm.scene.scenario import Line, Origin, Scene
from fablewright.runtime.bus import Bus
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent

pytestmark = pytest.mark.anyio

INVENTED = Answer(
    "scene",
    "degraded",
    Scene(Line("A bridge", Origin.INVENTED)),
    missing=(f"{DECLINED} All is invented.", "“Orc” has no numbers."),
)


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


async def test_who_is_too_late_with_notes_answers_without_and_says_so() -> None:
    orchestrator = ScriptedAgent("orchestrator", {HandleRequest: (Hang(), Reply(INVENTED))})
    bus = Bus()
    bus.register(orchestrator)
    async with bus:
        answer = await answer_in_time(bus, HandleRequest("They reach the bridge"), remaining=5.0)
    assert (answer.status, answer.scene) == ("degraded", INVENTED.scene)
    no_time = "There was no time left to search your notes: give it more with --timeout."
    assert answer.missing == (no_time, "“Orc” has no numbers.")
    assert [request.use_rag for request in orchestrator.received] == [True, False]


@pytest.mark.parametrize("words", ["log: Tull is dead", "undo", "choose 2"])
async def test_what_changes_the_log_is_not_asked_twice(words: str) -> None:
    orchestrator = ScriptedAgent("orchestrator", {HandleRequest: (Hang(), Reply(INVENTED))})
    bus = Bus()
    bus.register(orchestrator)
    async with bus:
        answer = await ask_once(bus, HandleRequest(words), timeout=5.0)
    assert answer.status == "failed"
    assert len(orchestrator.received) == 1


@pytest.mark.parametrize(
    ("raised", "said", "is_ours"),
    [
        (PeerLost("scenario_generator is silent; it will not be answered."), "scenario_generator is silent", False),
        (KeyError("scene"), "orchestrator failed on handle_request: KeyError", True),
    ],
)
async def test_an_agent_that_is_not_there_is_said_and_is_no_fault_of_ours(
    raised: Exception, said: str, caplog: pytest.LogCaptureFixture, *, is_ours: bool
) -> None:
    bus = Bus()
    bus.register(ScriptedAgent("orchestrator", {HandleRequest: (Raise(raised),)}))
    async with bus:
        answer = await ask_once(bus, HandleRequest("a bridge"), timeout=5.0)
    assert answer.status == "failed"
    assert answer.missing[0].startswith(said)
    assert ("No answer to" in caplog.text) is is_ours


async def test_where_nobody_answers_it_is_said_how_an_agent_is_started() -> None:
    async with Bus() as bus:
        answer = await ask_once(bus, HandleRequest("They reach the bridge"), timeout=5.0)
    assert answer.status == "failed"
    assert answer.missing[0].endswith("`fablewright agent orchestrator` starts one.")
