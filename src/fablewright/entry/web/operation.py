"""What a route says about itself, for the API's description: it stands right above the handler, so that both change.

::

    @operation("Look at a request", replies={200: Reply(RunReply, "As it stands.")}, problems={404: "There is none."})
    async def look(request: Request) -> Response: ...
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

__all__ = ["SCHEMAS", "Header", "Operation", "Query", "Reply", "operation", "operation_of"]

Handler: TypeAlias = "Callable[[Request], Awaitable[Response]]"
H = TypeVar("H", bound=Handler)

SCHEMAS = "#/components/schemas/"
"""Where the description has the schemas of types, by name."""
_PLACE = "operation"


@dataclass(frozen=True, slots=True)
class Header:
    """A header that a client may send.

    Attributes:
        name: As it is sent.
        words: What it is for.
        longest: Characters; None: a longer one does no harm.
    """

    name: str
    words: str
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What a client may write behind the question mark of an address.

    Attributes:
        name: As it is written.
        words: What it is for.
        is_number: Whether it is a whole number, not negative.
        required: Whether there is no answer without it.
    """

    name: str
    words: str
    is_number: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """One way in which a request ends well.

    Attributes:
        kind: The type that the body is made of; None for a body that is no JSON, or for none.
        words: What it means.
        media: What kind of body; empty for none.
        example: One as plain data, or as text where the body is no JSON.
        streamed: An example of the stream of events that it is instead when the client wants that.
    """

    kind: Any
    words: str
    media: str = "application/json"
    example: object = None
    streamed: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be done at one address with one method.

    Attributes:
        summary: In a few words.
        replies: How it ends well, by status.
        detail: What else there is to know.
        body: The type of what is sent; None for nothing, or for what is no JSON.
        takes: The kind of body; empty for none.
        example: Of the body, as plain data.
        headers: That matter.
        queries: What may stand behind the address.
        problems: What may go wrong here, by status, and when.
    """

    summary: str
    replies: Mapping[int, Reply]
    detail: str = ""
    body: Any = None
    takes: str = ""
    example: object = None
    headers: tuple[Header, ...] = ()
    queries: tuple[Query, ...] = ()
    problems: Mapping[int, str] = field(default_factory=dict)


def operation(summary: str, replies: Mapping[int, Reply], **more: Any) -> Callable[[H], H]:  # noqa: ANN401 - of Operation
    """Return a decorator that lets a handler say what it does; see ``Operation`` for the arguments."""
    said = Operation(summary, replies, **more)

    def says(handler: H) -> H:
        setattr(handler, _PLACE, said)
        return handler

    return says


def operation_of(route: Route) -> Operation | None:
    """Return what a route's handler says about itself, if it does."""
    return getattr(route.endpoint, _PLACE, None)
