"""What a bus keeps about one action of one agent."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fablewright.runtime.statistics import ActionStatistics
from fablewright.runtime.tally import Tally

if TYPE_CHECKING:
    from fablewright.runtime.guard import Guard
    from fablewright.runtime.post import Post

__all__ = ["Route"]


class Route:
    """The way to one action of one agent.

    Attributes:
        to: The agent's name.
        action: The action's name.
        name: Both, for people.
        post: Where the agent takes its messages; None when there is no such agent or action, or not any more.
        tally: What is counted.
        guard: What the policy puts around an ask; None when it puts nothing.
    """

    __slots__ = ("action", "guard", "name", "post", "tally", "to")

    def __init__(self, to: str, action: str) -> None:
        self.to = to
        self.action = action
        self.name = f"{to}.{action}"
        self.post: Post | None = None
        self.tally = Tally()
        self.guard: Guard | None = None

    def lead_to(self, post: Post | None) -> None:
        """Take note of where the agent is."""
        usable = post is not None and not post.given_up and self.action in post.agent.handlers
        self.post = post if usable else None

    def statistics(self) -> ActionStatistics:
        """Return a frozen snapshot of what was counted."""
        tally, guard = self.tally, self.guard
        asked, outcomes = tally.asked, tally.ended()
        if guard is not None and guard.flying is not None:
            asked += guard.flying.tally.asked
            outcomes += guard.flying.tally.ended()
        breaker = None if guard is None else guard.attempts.breaker
        return ActionStatistics(
            asked=asked,
            outcomes=MappingProxyType(outcomes),
            latency=tally.latency.copy(),
            retries=tally.retries,
            hedges=tally.hedges,
            joined=0 if guard is None or guard.flying is None else guard.flying.flights.joined,
            shed=0 if guard is None else guard.shed,
            breaker=None if breaker is None else breaker.state,
            breaker_moves=MappingProxyType({} if guard is None else dict(guard.attempts.moves)),
            cache=None if guard is None or guard.cache is None else guard.cache.statistics(),
        )
