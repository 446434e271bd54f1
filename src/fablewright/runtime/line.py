"""Both ends of a transport, as one bus uses it: what goes out, what comes back, and what arrives.

Which end a parcel belongs to makes no difference to a transport. Here the asking end gives it requests and
withdrawals, and the answering end gives it outcomes; a message that cannot be taken when it arrives goes back
as an outcome.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Protocol

from fablewright.errors import Rejected
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.arrivals import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.transport import Parcel, Transport

__all__ = ["Line"]

_log = logging.getLogger(__name__)


class Ends(Protocol):
    """What a line needs of its bus."""

    now: Callable[[], float]

    def arrived(self, envelope: Envelope) -> None: ...
    def settle(self, ended: Ended) -> None: ...
    def withdraw(self, message_id: str, to: str) -> None: ...
    def bury(self, envelope: Envelope, reason: Reason) -> None: ...
    def linger_of(self, envelope: Envelope) -> float: ...


class Line:
    """A transport between the two ends of one bus."""

    def __init__(self, transport: Transport, bus: Ends) -> None:
        self._transport = transport
        self._bus = bus
        self._arrivals = Arrivals(bus.withdraw)

    def __repr__(self) -> str:
        return f"<Line {self._transport!r} {self._arrivals!r}>"

    def send(self, envelope: Envelope) -> None:
        """Send a message to its receiver."""
        try:
            self._transport.carry(envelope, partial(self._arrive, envelope))
        except Exception as error:
            raise Rejected(
                f"{envelope.to} cannot be reached: {error!r}.", to=envelope.to, action=envelope.action
            ) from error

    def send_back(self, ended: Ended) -> None:
        """Send an outcome back to the asker."""
        self._arrivals.end(ended)
        self._carry(ended, partial(self._bus.settle, ended))

    def replied(self, now: float, message_id: str, reply: object) -> None:
        """Send a reply back to the asker."""
        self.send_back(Ended(now, message_id, Outcome.REPLIED, reply))

    def withdraw(self, withdrawn: Withdraw) -> None:
        """Send word that nobody waits any more."""
        self._carry(withdrawn, partial(self._stop, withdrawn))

    def stop(self) -> None:
        """Watch nothing any more."""
        self._arrivals.stop()

    def _carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
        try:
            self._transport.carry(parcel, deliver)
        except Exception:  # noqa: BLE001 - what does not get through is lost; the deadline on the other side knows
            _log.exception("The transport could not take %r", parcel)

    # -------------------------------------------------------------- the answering end

    def _arrive(self, envelope: Envelope) -> None:
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
                self.send_back(Ended(now, envelope.message_id, Outcome.REJECTED, error.with_traceback(None)))
        else:
            if envelope.deadline is not None:
                self._arrivals.begin(envelope, envelope.deadline + self._bus.linger_of(envelope), now)

    def _stop(self, withdrawn: Withdraw) -> None:
        self._arrivals.recall(withdrawn.message_id, self._bus.now())
        self._bus.withdraw(withdrawn.message_id, withdrawn.to)
