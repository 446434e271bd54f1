"""A trace: what happened in a simulated run, in order, as plain data.

Each event is ``(at, what, who, detail)``: seconds of virtual time, one of the words below, the number of an ask or
the id of a message (or the name of an agent), and plain values. So a trace has a hash that is the same in every
process, and a history of it can be kept as JSON lines.

=============  ==========================================================  ======================================
what           who and when                                                detail
=============  ==========================================================  ======================================
``asked``      an ask, when its asker begins                               parent, to, action, ticks, ticks kept
``got``        an ask, when its asker has its result                       the result, its value or message id
``sent``       a message, when the transport takes it                      ask, if asked, to, parent, deadline, attempt
``reached``    a message, each time it arrives at its agent                None
``started``    a message, when its handler begins                          None
``lingers``    a message, when its handler is cancelled and goes on        None
``stopped``    a message, when its handler is over                         how
``owed``       a message, when its reply token is used or let go           None
``ended``      a message, when its outcome goes on its way back            outcome, value
``told``       a message, each time an outcome of it arrives               outcome, value
``withdrawn``  a message, when its withdrawal goes on its way              None
``recalled``   a message, each time its withdrawal arrives                 None
``crashed``    an agent                                                    None
``stopping``   the bus                                                     None
``calm``       the bus, between two instants: everything due has happened  asked, settled, pending, agents, breakers
``counted``    the bus, when it has stopped                                asked, outcomes, late dead letters
``wrong``      an ask, a message or the loop: what nobody should ever see  words
=============  ==========================================================  ======================================
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Event", "Trace"]

Event: TypeAlias = "tuple[float, str, int | str, object]"
"""At, what, who, detail. A plain tuple: a named one costs three times as much, ten times per request."""


class Trace:
    """Takes notes of what happens.

    Args:
        now: The clock, in seconds.
    """

    __slots__ = ("_now", "events")

    def __init__(self, now: Callable[[], float]) -> None:
        self.events: list[Event] = []
        self._now = now

    def __repr__(self) -> str:
        return f"<Trace {len(self.events)} events>"

    def note(self, what: str, who: int | str, detail: object = None) -> None:
        """Write down one event that happens now."""
        self.events.append((self._now(), what, who, detail))

    def digest(self) -> str:
        """Return a hash of all events, in hexadecimal; the same in every process that saw the same."""
        return hashlib.blake2b(repr(self.events).encode(), digest_size=16).hexdigest()

    def lines(self) -> Iterator[str]:
        """Yield each event as a line of JSON, without its line end."""
        for event in self.events:
            yield json.dumps(event, ensure_ascii=False)
