"""Who is in a scene, and what the notes and the log say about them; for the GM alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.answering import ask_once
from fablewright.entry.campaign_log import ask_campaign
from fablewright.entry.web.operation import Query, Reply, operation
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.table_replies import CastReply
from fablewright.entry.web.wire import SceneOrder, as_json
from fablewright.errors import FablewrightError
from fablewright.gm.answer_data import answer_data
from fablewright.gm.campaign.choice import named_in
from fablewright.gm.campaign.memory import Recall
from fablewright.gm.exporting.pieces import pieces, scene_of
from fablewright.gm.finding.names import key_of
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.reading.name_key import name_key
from fablewright.gm.reading.query_terms import STOP_WORDS
from fablewright.gm.rules.bestiary import load_bestiary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting
    from fablewright.gm.campaign.state import Person
    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.scene.scenario import Scene

__all__ = ["cast_routes", "names_in"]

_MOST = 8
_NAME = re.compile(r"(?P<the>\b[Tt]he )?(?P<name>\b[A-Z][\w’'-]*[^\W_](?: (?:of |the )?[A-Z][\w’'-]*[^\W_]){0,3})")


def cast_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation(
        "Who is in a scene",
        {200: Reply(CastReply, "What the notes and the log say about them.")},
        queries=(
            Query("run", "The id of the run that made the scene."),
            Query("variant", "Which of its scenes; 0 is the first.", is_number=True, required=False),
        ),
        problems={404: "There is no such run.", 422: "It has no such scene.", 503: "The notes cannot be searched."},
    )
    async def look(request: Request) -> Response:
        asked = request.query_params
        variant = asked.get("variant", "0")
        number = int(variant) if variant.isascii() and variant.isdigit() and len(variant) < 4 else 999
        scene = scene_of(sitting.runs.scene_of(SceneOrder(asked.get("run", ""), number)))
        try:
            names = await sitting.bus.on_thread(_known, sitting, scene)
        except FablewrightError as error:
            raise ProblemError(503, f"The notes cannot be searched: {error}") from error
        people = await _people(sitting)
        cast = [await _told(sitting, name, people.get(name_key(name))) for name in names[:_MOST]]
        return as_json({"cast": cast})

    return [Route("/api/v1/cast", look, methods=["GET"])]


def names_in(scene: Scene) -> tuple[str, ...]:
    """Return what may be names of people in a scene, in the order of play.

    They are words in capitals, the longest stretch of each; what has "the" before it is a place or a thing.
    """
    found = dict.fromkeys(
        match["name"] for piece in pieces(scene)[1:] for match in _NAME.finditer(piece.text) if not match["the"]
    )
    found = {name: None for name in found if name.split()[0].lower() not in STOP_WORDS}  # "On the Stairs"
    return tuple(name for name in found if not any(name != other and name in other.split() for other in found))


def _known(sitting: Sitting, scene: Scene) -> list[str]:
    """Return those whom the scene has as foes by name, and those whom the notes explain; creatures of the rules not.

    A single word must be a title of its own: a section called "Session 1" makes nobody of "Session".
    """
    may_be = [name for name in names_in(scene) if load_bestiary().find(name) is None]

    def look(lookups: Lookups) -> list[str]:
        return [name for name in may_be if _is_explained(name.split(), lookups)]

    return list(dict.fromkeys((*named_in(scene), *sitting.notes.index.look(look))))


def _is_explained(words: list[str], lookups: Lookups) -> bool:
    found = lookups.named(key_of(word.lower() for word in words), 5)
    return any(strength > 2 or len(words) > 1 for _, strength, _ in found)


async def _people(sitting: Sitting) -> Mapping[str, Person]:
    try:
        return (await ask_campaign(sitting.bus, Recall(), timeout=1.0)).state.people
    except FablewrightError:
        return {}


async def _told(sitting: Sitting, name: str, person: Person | None) -> dict[str, object]:
    request = HandleRequest(f"Who is {name}?", want="question")
    answer = answer_data(await ask_once(sitting.bus, request, timeout=sitting.settings.timeout))
    return {
        "name": name,
        "alive": person.alive if person else None,
        "met": person.met if person else False,
        "lines": answer["answer"],
        "citations": answer["citations"],
    }
