"""Messages: frozen data that live beside the agent that answers them.

A request names its reply type, so that ``ask`` is typed from end to end::

    @dataclass(frozen=True, slots=True)
    class Roll(Request[Rolled]):
        action: ClassVar[str] = "roll"
        dice: str
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Message", "Request", "StreamRequest"]

R_co = TypeVar("R_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)


class Message:
    """Anything that can be told. Subclasses are frozen dataclasses and name their ``action``.

    Of two messages in one mailbox, that with the higher ``priority`` goes first.
    """

    __slots__ = ()
    action: ClassVar[str]
    priority: int = 0


class Request(Message, Generic[R_co]):
    """A message that is asked: its one reply is of that type.

    ``idempotent`` says that asking twice does no harm; only such requests may be retried, shared, hedged, or
    answered out of a cache.
    """

    __slots__ = ()
    idempotent: ClassVar[bool] = False

    def key(self) -> Hashable:
        """Return what tells this request from others: equal keys share work and replies."""
        return self

    def mark_stale(self, reply: R_co, age: float) -> R_co:  # type: ignore[misc]  # a reply of its own type only
        """Return a reply out of the cache, ``age`` seconds old, that stands in for one that cannot be had now.

        Override it to say so in the reply.
        """
        del age
        return reply


class StreamRequest(Message, Generic[T_co]):
    """A message whose reply comes in pieces, each of that type.

    ``idempotent`` as for ``Request``; it is tried again only before the first piece.
    """

    __slots__ = ()
    idempotent: ClassVar[bool] = False
