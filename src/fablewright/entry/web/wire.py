"""What clients send, as types: msgspec reads it strictly, and makes the schemas of the OpenAPI document of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta
from starlette.responses import Response

from fablewright.entry.web.complaint import complaint
from fablewright.entry.web.problem import ProblemError
from fablewright.errors import InvalidInput
from fablewright.gm.answer import Want  # noqa: TC001 - msgspec reads the annotations at run time
from fablewright.gm.answering.fight_wish import FightWish
from fablewright.gm.orchestrator import LONGEST_REQUEST, HandleRequest
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.tone import Tone  # noqa: TC001 - as above
from fablewright.gm.scene.wishes import MOST_VARIANTS, Kept, Length, Wishes

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FightOrder", "KeepOrder", "Order", "SceneOrder", "as_json", "read", "request_of"]

T = TypeVar("T")

_Word: TypeAlias = Annotated[str, Meta(max_length=80)]
_Seed: TypeAlias = Annotated[int, Meta(ge=-(2**53), le=2**53)]  # what JavaScript counts exactly
_Variant: TypeAlias = Annotated[
    int, Meta(ge=0, le=MOST_VARIANTS, description="Which of its scenes: 0 is the first, 1 and more are the variants.")
]
_Roll: TypeAlias = Annotated[int, Meta(ge=-100, le=1000)]


class FightOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wished of a fight; what is left out is left to the words."""

    difficulty: Annotated[str, Meta(max_length=80, description="low, moderate, high; easy to deadly in 2014.")] = ""
    theme: Annotated[str, Meta(max_length=80, description="A type or words of names, such as undead.")] = ""
    habitat: Annotated[str, Meta(max_length=80, description="Where, such as swamp.")] = ""
    roles: Annotated[
        tuple[_Word, ...], Meta(max_length=10, description="Parts to be played, such as leader or minion.")
    ] = ()
    rules: Annotated[Literal["2024", "2014"] | None, Meta(description="Whose budgets.")] = None
    absent: Annotated[str, Meta(max_length=80, description="Who is not there: 1, or 1x3 for one of level 3.")] = ""


class SceneOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scene that is there."""

    run: Annotated[str, Meta(max_length=64, description="The id of the run that made it.")]
    variant: _Variant = 0


class KeepOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parts of an earlier scene that are to stay; the others are written anew."""

    run: Annotated[str, Meta(max_length=64, description="The id of the run that made the scene.")]
    parts: Annotated[tuple[_Word, ...], Meta(max_length=8, description="Such as read_aloud or foes.")]
    variant: _Variant = 0


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request of a GM."""

    words: Annotated[str, Meta(min_length=1, max_length=LONGEST_REQUEST, description="What she typed.")]
    want: Annotated[Want | None, Meta(description="What is wanted; left out: found out from the words.")] = None
    party: Annotated[_Word | None, Meta(description="Who plays, such as 4x2.")] = None
    use_rag: Annotated[bool, Meta(description="Whether to look into the notes.")] = True
    seed: Annotated[_Seed | None, Meta(description="The same number gives the same dice.")] = None
    variants: Annotated[int, Meta(ge=1, le=MOST_VARIANTS, description="How many scenes that differ.")] = 1
    tone: Annotated[Tone | None, Meta(description="What comes first.")] = None
    length: Annotated[Length | None, Meta(description="Half, or twice as much as usual.")] = None
    keep: Annotated[KeepOrder | None, Meta(description="Parts of an earlier scene that stay.")] = None
    roll: Annotated[_Roll | None, Meta(description="For choose: what the players rolled themselves.")] = None
    scene: Annotated[
        SceneOrder | None, Meta(description="For choose: whose option it is; left out: of the scene that came last.")
    ] = None
    fight: Annotated[FightOrder | None, Meta(description="What is wished of a fight.")] = None
    prose: Annotated[bool, Meta(description="Whether a model, where there is one, writes prose afterwards.")] = True


def read(body: bytes, kind: type[T]) -> T:
    """Return what a body says.

    Raises:
        ProblemError: It is no JSON (400), or not of this kind (422); the detail says where.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise ProblemError(422, f"The request cannot be understood: {complaint(str(error))}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(400, f"The body is no JSON: {error}.") from error


def as_json(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return data as a response."""
    return Response(msgspec.json.encode(data), status, dict(headers or {}), "application/json")


def request_of(order: Order, *, conversation_id: str, kept: Kept | None = None) -> HandleRequest:
    """Return an order as the orchestrator wants it.

    Args:
        order: Of a client.
        conversation_id: Whose scenes may come again, grounded.
        kept: What ``keep`` means.

    Raises:
        InvalidInput: The party cannot be read, or wishes do not go together.
    """
    if not order.words.strip():
        raise InvalidInput('Say what you need, for example "generate scenario for the first encounter".')
    if kept is not None and order.variants > 1:
        raise InvalidInput("Variants and kept parts do not go together: ask for one of them.")
    fight = order.fight or FightOrder()
    return HandleRequest(
        order.words,
        want=order.want,
        party=parse_party(order.party) if order.party else None,
        use_rag=order.use_rag,
        seed=order.seed,
        conversation_id=conversation_id,
        wishes=Wishes(order.variants, order.tone, order.length, kept),
        prose=False,  # it comes afterwards, part by part
        roll=order.roll,
        fight=FightWish(fight.difficulty, fight.theme, fight.habitat, fight.roles, fight.rules, fight.absent),
    )
