"""A circuit breaker for each action of the old agents, that knows that many of them never answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fablewright.protocol.breaker import Breaker, BreakerRules, State
from fablewright.runtime.policies import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Breakers", "expect_answers"]


class Breakers(Mapping[tuple[str, str], Policy]):
    """The policy of every action there is: what keeps failing is left alone for a while."""

    _policy = Policy(breaker=BreakerRules())

    def __getitem__(self, key: tuple[str, str]) -> Policy:
        return self._policy

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def get(self, key: tuple[str, str], default: object = None) -> Policy:
        """Return the one policy, whatever is asked for."""
        del key, default
        return self._policy


def expect_answers(breaker: Breaker, now: float, *, has_answered: bool) -> None:
    """Let the silence of an action be no failure until it has answered once.

    Many old handlers are commands: they are sent a request, do something, and answer nobody.
    """
    if breaker.state is State.FORCED_CLOSED and has_answered:
        breaker.release(now)
    elif breaker.state is State.CLOSED and not has_answered:
        breaker.force_closed(now)
