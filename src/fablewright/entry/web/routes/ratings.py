"""A fight weighed by rule, at once: what the Balance tab asks after every change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.orders import CreatureOrder, RatingOrder
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.table_replies import CreatureReply, RatingReply
from fablewright.entry.web.wire import as_json, read
from fablewright.errors import InvalidInput
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.creature import cr_text
from fablewright.gm.rules.party import parse_party
from fablewright.gm.rules.rating import Foe, rate

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting
    from fablewright.gm.rules.rating import Rating

__all__ = ["rating_routes"]


def rating_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation(
        "Weigh a fight by rule",
        {200: Reply(RatingReply, "XP, marks, difficulty and warnings.")},
        body=RatingOrder,
        example={"creatures": [{"name": "Goblin Warrior", "count": 4}], "party": "4x2"},
        problems={400: "The body is no JSON.", 422: "A party, a count or a rating makes no sense."},
    )
    async def weigh(request: Request) -> Response:
        order = read(await request.body(), RatingOrder)
        found = [(creature, _foe(creature)) for creature in order.creatures]
        try:
            party = parse_party(order.party or sitting.settings.party)
            rating = rate([foe for _, foe in found if foe], party, order.rules or sitting.settings.rules)
        except InvalidInput as error:
            raise ProblemError(422, str(error)) from error
        sitting.good.good("rules")
        return as_json(_shown(rating, [creature.name for creature, foe in found if foe is None]))

    @operation("The creatures of the rules", {200: Reply(list[CreatureReply], "By name.")})
    async def creatures(_request: Request) -> Response:
        return as_json(
            [{"name": each.name, "cr": each.cr_text, "xp": each.xp} for each in load_bestiary().creatures],
        )

    return [
        Route("/api/v1/ratings", weigh, methods=["POST"]),
        Route("/api/v1/creatures", creatures, methods=["GET"]),
    ]


def _foe(creature: CreatureOrder) -> Foe | None:
    """Return what the rules say of a creature; None where they do not know it."""
    found = load_bestiary().find(creature.name)
    if found is not None:
        return Foe.of(found.creature, creature.count)
    if creature.cr is None:
        return None
    try:
        return Foe.of((creature.name, creature.cr), creature.count)
    except InvalidInput as error:
        raise ProblemError(422, str(error)) from error


def _shown(rating: Rating, unknown: list[str]) -> dict[str, object]:
    return {
        "rules": rating.rules,
        "party": str(rating.party),
        "party_words": rating.party.words,
        "xp": rating.xp,
        "multiplier": rating.multiplier,
        "adjusted_xp": rating.adjusted_xp,
        "difficulty": rating.difficulty,
        "marks": [{"name": name, "xp": xp} for name, xp in rating.budget.marks],
        "warnings": list(rating.warnings),
        "text": rating.text,
        "creatures": [
            {"name": foe.name, "count": foe.count, "cr": cr_text(foe.cr), "xp": foe.xp} for foe in rating.foes
        ],
        "unknown": unknown,
    }
