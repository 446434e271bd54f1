"""What is counted while it happens, per action of an agent; ``statistics`` shows it frozen."""

from __future__ import annotations

from collections import Counter

from fablewright.protocol.pending import Outcome
from fablewright.runtime.histogram import Histogram

__all__ = ["Tally"]


class Tally:
    """The counters of one action of one agent.

    Attributes:
        asked: Attempts sent, each retry and hedge counted.
        outcomes: How they ended.
        latency: Seconds from the ask to its reply, of those that were replied to.
        retries: Attempts after the first.
        hedges: Second attempts beside the first.
        unstarted: Those that expired before a handler began with them.
        batches: How many were handled together, by size.
    """

    __slots__ = ("asked", "batches", "hedges", "latency", "outcomes", "retries", "unstarted")

    def __init__(self) -> None:
        self.asked = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.latency = Histogram()
        self.retries = 0
        self.hedges = 0
        self.unstarted = 0
        self.batches: Counter[int] = Counter()

    def ended(self) -> Counter[Outcome]:
        """Return how many ended in each way; replies are counted by their latencies."""
        return self.outcomes + Counter({Outcome.REPLIED: self.latency.count})
