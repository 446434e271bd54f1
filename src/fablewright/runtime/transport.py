"""The port between the two sides of a bus: whoever asks, and whoever answers.

In one process nothing is needed between them, and the bus hands everything over directly. A transport may
bring a parcel later, twice, in another order, or not at all; the simulation's faults are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from fablewright.protocol.envelope import Envelope
from fablewright.protocol.pending import Ended, Withdraw

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Parcel", "Transport"]

Parcel: TypeAlias = Envelope | Ended | Withdraw
"""A message on its way to its receiver, an outcome on its way back, or word that nobody waits any more."""


class Transport(Protocol):
    """Carries parcels."""

    def carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
        """Bring a parcel to the other side: ``deliver`` hands it over, on the loop of the bus, and raises nothing."""
        ...
