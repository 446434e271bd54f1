"""Messages: frozen data that live beside the agent that answers them.

A request names its reply type, so that ``ask`` is typed from end to end::

    @dataclass(frozen=True, slots=True)
    class Roll(Request[Rolled]):
        action: ClassVar[str] = "roll"
        dice: str
"""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

__all__ = ["Message", "Request"]

R_co = TypeVar("R_co", covariant=True)


class Message:
    """Anything that can be told. Subclasses are frozen dataclasses and name their ``action``."""

    __slots__ = ()
    action: ClassVar[str]


class Request(Message, Generic[R_co]):
    """A message that is asked: its one reply is of that type.

    ``idempotent`` says that asking twice does no harm; only such requests may be retried.
    """

    __slots__ = ()
    idempotent: ClassVar[bool] = False
