"""What peers have in common whose handlers are coroutines: handlers can wait at a gate."""

from __future__ import annotations

from benchmarks.runtime.contestant import Contestant, Gate

__all__ = ["Gated"]


class Gated(Contestant):
    """A contestant with a gate for its handlers."""

    def __init__(self) -> None:
        self.gate = Gate()

    def expect(self, count: int) -> None:
        """Say how many."""
        self.gate.expect(count)

    @property
    def held(self) -> int:
        """How many are held."""
        return len(self.gate)

    def release(self) -> None:
        """Open the gate."""
        self.gate.open()

    async def stop(self) -> None:
        """There is nothing to stop."""
