"""A scene, written by ``scenario_generator`` for where the campaign stands, and kept so that it can be played out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer
from fablewright.gm.answering.steering import game_state
from fablewright.gm.campaign.memory import CampaignMemory, KeepScene
from fablewright.gm.campaign.remarks import with_remarks
from fablewright.gm.scenario_generator import GameState, GenerateScenario, ScenarioGenerator

if TYPE_CHECKING:
    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.scenario_generator import Scenario

__all__ = ["answer_scene", "scene_answer"]


async def answer_scene(asked: Asked) -> Answer:
    """Have a scene written.

    It is kept as prepared, and steers nothing: that it was played, an option that is chosen says, or the GM.
    """
    recalled = await asked.recall()
    state = recalled.found.state if recalled.found else None
    request = GenerateScenario(
        asked.words,
        asked.campaign,
        game_state=game_state(state) if state else GameState(),
        use_rag=asked.use_rag,
        seed=asked.seed,
        conversation_id=asked.conversation_id,
        wishes=asked.wishes,
        prose=asked.prose,
    )
    answer = scene_answer(await asked.ctx.ask(ScenarioGenerator.name, request, timeout=asked.ctx.remaining))
    if recalled.missing:
        answer = replace(answer, status="degraded", missing=(*answer.missing, *recalled.missing))
    if state is None:
        return answer
    if answer.scene is not None:
        answer = replace(answer, scene=with_remarks(answer.scene, state))
    asked.ctx.tell(CampaignMemory.name, KeepScene(answer))  # nobody waits for the disk
    return answer


def scene_answer(scenario: Scenario) -> Answer:
    """Return a scene as the answer to a person."""
    return Answer(
        want="scene",
        status="degraded" if scenario.missing else "answered",
        scene=scenario.scene,
        citations=scenario.citations,
        used_rag=scenario.used_rag,
        generation_method=scenario.generation_method,
        missing=scenario.missing,
        timings=scenario.timings,
        variants=scenario.variants,
    )
