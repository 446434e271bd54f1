"""A scene, written by ``scenario_generator`` for where the campaign stands, and kept so that it can be played out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer
from fablewright.gm.answering.harder import rescaled_scene
from fablewright.gm.answering.limits import within_limits
from fablewright.gm.answering.steering import game_state
from fablewright.gm.campaign.memory import CampaignMemory, KeepScene
from fablewright.gm.campaign.remarks import with_remarks
from fablewright.gm.follow_up import direction_in
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import GameState, GenerateScenario
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from fablewright.gm.answering.desk import Asked, Remembered
    from fablewright.gm.campaign.state import CampaignState
    from fablewright.gm.scenario_request import Scenario
    from fablewright.gm.scene.composer import LeftOut

__all__ = ["answer_scene", "remarked", "scene_answer"]


async def answer_scene(asked: Asked) -> Answer:
    """Have a scene written, within the limits of the table.

    It is kept as prepared, and steers nothing: that it was played, an option that is chosen says, or the GM.
    """
    direction = direction_in(asked.words)
    recalled = await asked.recall(with_scene=direction is not None)
    if direction is not None and recalled.found is not None:
        answer = rescaled_scene(recalled.found.prepared, direction, asked.table)
    else:
        answer = await within_limits(partial(_written, recalled), asked)
    if recalled.found is not None and not asked.ahead:
        asked.ctx.tell(CampaignMemory.name, KeepScene(answer, asked.request_key))  # nobody waits for the disk
    return answer


async def _written(recalled: Remembered, asked: Asked) -> Answer:
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
    return remarked(answer, state) if state is not None else answer


def remarked(answer: Answer, state: CampaignState) -> Answer:
    """Return a scene and its variants with what the campaign's log has to say to them."""
    return replace(
        answer,
        scene=with_remarks(answer.scene, state) if answer.scene else None,
        variants=tuple(replace(each, scene=with_remarks(each.scene, state)) for each in answer.variants),
    )


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
