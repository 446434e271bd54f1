"""Both ends of a transport, as one bus uses it: what goes out, what comes back, and what arrives.

Which end a parcel belongs to makes no difference to a transport. Here the asking end gives it requests and
withdrawals, and the answering end gives it outcomes.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Protocol

from fablewright.errors import Rejected
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.receiving import Ends, Receiving

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.transport import Parcel, Transport

__all__ = ["Line"]

_log = logging.getLogger(__name__)


class BothEnds(Ends, Protocol):
    """What a line needs of its bus."""

    def settle(self, ended: Ended) -> None: ...


class Line:
    """A transport between the two ends of one bus."""

    def __init__(self, transport: Transport, bus: BothEnds) -> None:
        self._transport = transport
        self._bus = bus
        self._receiving = Receiving(bus, self.send_back)

    def __repr__(self) -> str:
        return f"<Line {self._transport!r} {self._receiving!r}>"

    def send(self, envelope: Envelope) -> None:
        """Send a message to its receiver."""
        try:
            self._transport.carry(envelope, partial(self._receiving.arrive, envelope))
        except Exception as error:
            raise Rejected(
                f"{envelope.to} cannot be reached: {error!r}.", to=envelope.to, action=envelope.action
            ) from error

    def send_back(self, ended: Ended) -> None:
        """Send an outcome back to the asker."""
        self._receiving.end(ended)
        self._carry(ended, partial(self._bus.settle, ended))

    def replied(self, now: float, message_id: str, reply: object) -> None:
        """Send a reply back to the asker."""
        self.send_back(Ended(now, message_id, Outcome.REPLIED, reply))

    def withdraw(self, withdrawn: Withdraw) -> None:
        """Send word that nobody waits any more."""
        self._carry(withdrawn, partial(self._receiving.recall, withdrawn))

    def stop(self) -> None:
        """Watch nothing any more."""
        self._receiving.stop()

    def _carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
        try:
            self._transport.carry(parcel, deliver)
        except Exception:  # noqa: BLE001 - what does not get through is lost; the deadline on the other side knows
            _log.exception("The transport could not take %r", parcel)
