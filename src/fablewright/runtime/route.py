"""What a bus keeps about one action of one agent."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from fablewright.runtime.statistics import ActionStatistics
from fablewright.runtime.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.breaker import Breaker
    from fablewright.runtime.post import Post

__all__ = ["Route"]


class Guarding(Protocol):
    """What a route knows of its guard, which knows the route."""

    inside: int

    @property
    def breaker(self) -> Breaker | None: ...
    async def ask(self, errand: Any, on_late: Callable[[Any], None] | None) -> Any: ...  # noqa: ANN401 - an Errand
    async def stream(self, errand: Any, once: Callable[[Any, int], Any]) -> None: ...  # noqa: ANN401 - as above
    def invalidate(self) -> None: ...
    def work_for(self, member: str) -> list[str] | None: ...
    def statistics(self, plain: ActionStatistics) -> ActionStatistics: ...


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
        self.guard: Guarding | None = None

    def lead_to(self, post: Post | None) -> None:
        """Take note of where the agent is."""
        usable = post is not None and not post.given_up and self.action in post.agent.handlers
        self.post = post if usable else None

    def statistics(self) -> ActionStatistics:
        """Return a frozen snapshot of what was counted."""
        tally = self.tally
        plain = ActionStatistics(
            asked=tally.asked,
            outcomes=MappingProxyType(tally.ended()),
            latency=tally.latency.copy(),
            retries=tally.retries,
            hedges=tally.hedges,
            unstarted=tally.unstarted,
            batches=MappingProxyType(dict(tally.batches)),
        )
        return plain if self.guard is None else self.guard.statistics(plain)
