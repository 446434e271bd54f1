"""A scene, written by ``scenario_generator``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer
from fablewright.gm.scenario_generator import GenerateScenario, ScenarioGenerator
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.scenario_generator import Scenario
    from fablewright.gm.scene.composer import LeftOut

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
        limits=asked.limits,
    )
    return scene_answer(await asked.ctx.ask(ScenarioGenerator.name, request, timeout=asked.ctx.remaining))


def scene_answer(scenario: Scenario) -> Answer:
    """Return a scene as the answer to a person."""
    cited = list(dict.fromkeys((*scenario.citations, *(each.limit.passage for each in scenario.left_out))))
    left_out = tuple(_said(each, cited.index(each.limit.passage)) for each in scenario.left_out)
    return Answer(
        want="scene",
        status="degraded" if scenario.missing else "answered",
        scene=scenario.scene,
        lines=left_out,
        citations=tuple(cited),
        used_rag=scenario.used_rag,
        generation_method=scenario.generation_method,
        missing=scenario.missing,
        timings=scenario.timings,
        variants=scenario.variants,
    )


def _said(left_out: LeftOut, source: int) -> Line:
    """Return what is said of sentences that were left out: where they stand, never their words."""
    what = "one sentence" if left_out.count == 1 else f"{left_out.count} sentences"
    where = f"{what} of {left_out.passage.place}"
    if left_out.limit.kind == "veil":
        text = f"A veil of your table covers {where}: fade to black there."
    else:
        text = f"A line of your table left out {where}: put something else there, or nothing."
    return Line(text, Origin.BY_RULE, (source,))
