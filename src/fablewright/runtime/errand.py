"""What is to be got, whoever gets it: by one ask, by several attempts, or on a flight with others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope
    from fablewright.protocol.message import Request, StreamRequest

__all__ = ["Errand", "errand"]


class Errand(NamedTuple):
    """What is to be got.

    Attributes:
        request: What to ask.
        deadline: Until when, in seconds of the bus's clock.
        parent: The envelope on whose behalf.
        story: The correlation id, when there is no parent but something that it goes on with.
        sent: Gets the id of each attempt, for those who wait for this errand with somebody else; None for no such.
    """

    request: Request[Any] | StreamRequest[Any]
    deadline: float
    parent: Envelope | None
    story: str = ""
    sent: list[str] | None = None


_Fields: TypeAlias = "tuple[Request[Any] | StreamRequest[Any], float, Envelope | None, str, list[str] | None]"
errand: Callable[[_Fields], Errand] = partial(tuple.__new__, Errand)
"""Makes one out of a tuple at half the price of the constructor."""
