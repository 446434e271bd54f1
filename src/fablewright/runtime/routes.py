"""The ways to all actions that were ever asked for, and why there is none to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.errors import Rejected, UnknownRecipient
from fablewright.runtime.route import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.post import Post
    from fablewright.runtime.route import Guarding
    from fablewright.runtime.statistics import ActionStatistics

__all__ = ["Routes"]

_MOST_KNOWN = 1024
"""Routes; whether one leads to an agent on another node is known only when somebody is asked there."""


class Routes:
    """The routes of one bus.

    Args:
        posts: The agents, by name.
        guard: Makes what the policy of a new route puts around its asks.
        lead_abroad: Whether an agent that is not here may be on another node.

    Attributes:
        known: By (agent, action): routes that lead to somebody, or did, or may.
    """

    def __init__(
        self, posts: Mapping[str, Post], guard: Callable[[Route], Guarding | None], *, lead_abroad: bool
    ) -> None:
        self.known: dict[tuple[str, str], Route] = {}
        self._posts = posts
        self._guard = guard
        self._lead_abroad = lead_abroad
        self._nowhere = Route("?", "?")  # counts what was asked of agents and actions that do not exist

    def __repr__(self) -> str:
        return f"<Routes {len(self.known)}>"

    def find(self, to: str, action: str) -> Route:
        """Return the route to an action; those that lead nowhere count as one, so that wrong names do not pile up."""
        route = self.known.get((to, action))
        if route is not None:
            return route
        post = self._posts.get(to)
        route = Route(to, action)
        is_here = post is not None and action in post.agent.handlers
        if not is_here and not (self._lead_abroad and len(self.known) < _MOST_KNOWN):
            route.tally = self._nowhere.tally
            return route
        self.known[to, action] = route
        route.lead_to(post)
        route.guard = self._guard(route)
        return route

    def lead_to(self, name: str) -> None:
        """Let the routes to an agent that came, went or was given up lead where it is now."""
        for (to, _), route in self.known.items():
            if to == name:
                route.lead_to(self._posts.get(name))

    def refusal(self, envelope: Envelope, *, stopped: bool) -> Rejected:
        """Say why a message cannot go where it should."""
        where = {"to": envelope.to, "action": envelope.action, "message_id": envelope.message_id}
        if stopped:
            return Rejected(f"The bus has stopped; {envelope.to} takes nothing any more.", **where)
        post = self._posts.get(envelope.to)
        if post is None:
            known = ", ".join(sorted(self._posts)) or "none"
            return UnknownRecipient(f"There is no agent named {envelope.to}; there are: {known}.", **where)
        if post.given_up:
            return Rejected(f"{post.given_up}.", **where)
        known = ", ".join(sorted(post.agent.handlers)) or "nothing"
        return UnknownRecipient(f"{envelope.to} cannot {envelope.action}; it can: {known}.", **where)

    def statistics(self) -> dict[tuple[str, str], ActionStatistics]:
        """Return a frozen snapshot of what was counted of each action that was asked for, or has a policy."""
        routes = {**self.known, ("?", "?"): self._nowhere}
        return {key: route.statistics() for key, route in routes.items() if route.tally.asked or route.guard}
