"""An option of the last scene, chosen: its check is rolled, what comes of it goes into the log, and on it goes."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, InvalidInput, RequestFailed
from fablewright.gm.answer import Answer
from fablewright.gm.answer_data import answer_from_data
from fablewright.gm.answering.log import BACK
from fablewright.gm.answering.steering import game_state
from fablewright.gm.campaign.choice import check_of, named_in, option_meant, play_out
from fablewright.gm.campaign.events import Fact, plain
from fablewright.gm.campaign.log_line import line_of
from fablewright.gm.grounding import reserve
from fablewright.gm.reading.name_key import name_key
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import SuggestScenes
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.campaign.choice import Choice
    from fablewright.gm.campaign.memory import Logged
    from fablewright.gm.campaign.ports import StoredScene
    from fablewright.gm.campaign.state import CampaignState
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.scenario_request import NextScene

__all__ = ["answer_choice"]

_LEAD = re.compile(
    r"^\W*(?:(?:so |then |and )?(?:they|we|the (?:party|players|characters)|i) )?"
    r"(?:choose|chooses|chose|pick|picks|take|takes|go with|goes with)\b\s*",
    re.IGNORECASE,
)
_ROLLED = re.compile(
    r"\W+(?:and |with |we |they |i )*(?:rolled|rolls?|rolling|with|got)\W+(?:an? )?(?P<roll>-?\d{1,3})\W*$",
    re.IGNORECASE,
)
_NO_SCENE = 'There is no scene whose options could be chosen: ask for one first, as in `fablewright scene "…"`.'


async def answer_choice(asked: Asked) -> Answer:
    """Play an option out.

    Raises:
        InvalidInput: There is no scene, or no such option.
    """
    recalled = await asked.recall(with_scene=True)
    if recalled.found is None:
        return Answer("choose", "failed", missing=recalled.missing)
    stored = recalled.found.prepared
    if stored is None:
        raise InvalidInput(_NO_SCENE)
    prepared = answer_from_data(json.loads(stored.data))
    scene = prepared.scene
    if scene is None:
        raise InvalidInput(_NO_SCENE)
    words, said_roll = _understood(asked.words)
    number = option_meant(words, scene)
    own = asked.roll if asked.roll is not None else said_roll
    if own is not None and not -20 <= own <= 100:
        raise InvalidInput(f"Nobody rolls {own}: a check comes to something from -20 to 100.")
    needs_roll = check_of(scene.options[number - 1], scene) is not None
    roll = own if own is not None else random.Random(asked.seed).randint(1, 20) if needs_roll else None
    choice = play_out(number, scene, roll)
    facts = _facts(stored, choice, recalled.found.state, named_in(scene))
    logged, missing = await asked.log(facts)
    following, cited = await _next(asked, len(prepared.citations)) if logged else ((), ())
    lines = (*_played(choice, rolled=own is None), *_logged(logged), *following)
    return Answer(
        want="choose",
        status="degraded" if missing else "answered",
        lines=lines,
        citations=(*prepared.citations, *cited),
        used_rag=prepared.used_rag,
        generation_method="rules",
        missing=missing,
    )


def _understood(words: str) -> tuple[str, int | None]:
    """Return what is chosen, and what was rolled for it where that is said: "choose 2, rolled 17"."""
    rest = _LEAD.sub("", words)
    match = _ROLLED.search(rest)
    return (rest[: match.start()], int(match["roll"])) if match else (rest, None)


def _facts(stored: StoredScene, choice: Choice, state: CampaignState, names: tuple[str, ...]) -> tuple[Fact, ...]:
    """Return what the choice puts into the log: also the scene and who is in it, when it has only just begun."""
    title = plain(stored.title)
    if name_key(title) == name_key(state.place) and name_key(title) in state.played:
        return (choice.fact,)
    met = (Fact("met", name) for name in names if name_key(name) not in state.people)
    return (Fact("played", title), *met, choice.fact)


def _played(choice: Choice, *, rolled: bool) -> Iterator[Line]:
    action = choice.option.action
    yield replace(action, text=f"Option {choice.number}: {action.text}", origin=_from_notes(action.origin))
    if choice.check is not None and choice.outcome:
        how = " on the d20, without a modifier," if rolled else ""
        yield Line(f"Rolled {choice.roll}{how} against DC {choice.check.dc}: a {choice.outcome}.", Origin.BY_RULE)
    yield from choice.became
    if not choice.became:
        what = f"what a {choice.outcome} brings" if choice.outcome else "what comes of it"
        yield Line(f"Neither your notes nor the scene say {what}: it is yours to tell.", Origin.BY_RULE)


def _logged(logged: Logged | None) -> tuple[Line, ...]:
    """Say in one line what is in the log now; the choice itself was just told."""
    if logged is None:
        return ()
    facts = [event.fact for event in logged.events]
    before = [line_of(fact) for fact in facts if fact.kind == "played"]
    met = ", ".join(fact.text for fact in facts if fact.kind == "met")
    before += [f"Met: {met}"] if met else []
    return (Line(f"In the log now: {'; '.join([*before, 'this choice'])}. {BACK}.", Origin.FROM_LOG),)


def _from_notes(origin: Origin) -> Origin:
    return Origin.FROM_NOTES if origin is Origin.QUOTED else origin


async def _next(asked: Asked, cited: int) -> tuple[tuple[Line, ...], tuple[Passage, ...]]:
    """Return what could come next, as the log has it now; nothing where the notes cannot be searched."""
    recalled = await asked.recall()
    if recalled.found is None or not asked.use_rag:
        return (), ()
    request = SuggestScenes(game_state(recalled.found.state))
    try:
        found: tuple[NextScene, ...] = await asked.ctx.ask(
            ScenarioGenerator.name, request, timeout=asked.retrieve_timeout, keep=reserve(asked.ctx.remaining)
        )
    except (RequestFailed, ContractViolation):
        return (), ()
    lines = (
        Line(f"Next could be: {each.title}", Origin.FROM_NOTES, (cited + number,)) for number, each in enumerate(found)
    )
    return tuple(lines), tuple(each.passage for each in found)
