"""The answering end: what becomes of a message that comes from afar, over a transport or from another node.

It is handled once, never after its time, and stopped when nobody waits any more. A message that cannot be taken goes
back as an outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fablewright.errors import Rejected
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.arrivals import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope

__all__ = ["Receiving"]


class Ends(Protocol):
    """What is needed of the bus."""

    @property
    def now(self) -> Callable[[], float]: ...
    def arrived(self, envelope: Envelope) -> None: ...
    def withdraw(self, message_id: str, to: str) -> None: ...
    def bury(self, envelope: Envelope, reason: Reason) -> None: ...
    def linger_of(self, envelope: Envelope) -> float: ...


class Receiving:
    """Takes what comes from afar.

    Args:
        bus: The bus on this end.
        send_back: Called with the outcome of a message that cannot be taken.
    """

    def __init__(self, bus: Ends, send_back: Callable[[Ended], None]) -> None:
        self._bus = bus
        self._send_back = send_back
        self._arrivals = Arrivals(bus.withdraw)

    def __len__(self) -> int:
        return len(self._arrivals)

    def __repr__(self) -> str:
        return f"<Receiving {self._arrivals!r}>"

    def arrive(self, envelope: Envelope) -> None:
        """Take a message."""
        now = self._bus.now()
        if not self._arrivals.is_new(envelope):
            recalled = self._arrivals.was_recalled(envelope.message_id)
            self._bus.bury(envelope, Reason.EXPIRED if recalled else Reason.DUPLICATE)
            return
        if envelope.deadline is not None and envelope.deadline <= now:
            self._bus.bury(envelope, Reason.EXPIRED)
            return
        try:
            self._bus.arrived(envelope)
        except Rejected as error:
            if envelope.deadline is None:
                self._bus.bury(envelope, Reason.UNDELIVERABLE)
            else:
                self._send_back(Ended(now, envelope.message_id, Outcome.REJECTED, error.with_traceback(None)))
        else:
            if envelope.deadline is not None:
                self._arrivals.begin(envelope, envelope.deadline + self._bus.linger_of(envelope), now)

    def end(self, ended: Ended) -> None:
        """Take note that a request was answered; once more changes nothing."""
        self._arrivals.end(ended)

    def recall(self, withdrawn: Withdraw) -> None:
        """Take word that nobody waits for a request any more."""
        self._arrivals.recall(withdrawn.message_id, self._bus.now())
        self._bus.withdraw(withdrawn.message_id, withdrawn.to)

    def stop(self) -> None:
        """Watch nothing any more."""
        self._arrivals.stop()
