"""A scene, written by ``scenario_generator``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer
from fablewright.gm.scenario_generator import GenerateScenario, ScenarioGenerator

if TYPE_CHECKING:
    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.scenario_generator import Scenario

__all__ = ["answer_scene", "scene_answer"]


async def answer_scene(asked: Asked) -> Answer:
    """Have a scene written."""
    request = GenerateScenario(
        asked.words,
        asked.campaign,
        use_rag=asked.use_rag,
        seed=asked.seed,
        conversation_id=asked.conversation_id,
        wishes=asked.wishes,
        prose=asked.prose,
    )
    return scene_answer(await asked.ctx.ask(ScenarioGenerator.name, request, timeout=asked.ctx.remaining))


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
