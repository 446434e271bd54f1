"""What a policy puts around the asks for one action: bulkhead, then cache, then single-flight, then the attempts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from fablewright.errors import BulkheadFull, ContractViolation, DeadlineExceeded, RequestFailed
from fablewright.protocol.cache import Cache
from fablewright.protocol.size import size_of
from fablewright.runtime.attempts import Attempts
from fablewright.runtime.flying import Flying, Lobby
from fablewright.runtime.health import Health

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from fablewright.protocol.breaker import Breaker
    from fablewright.protocol.message import Request
    from fablewright.runtime.errand import Errand
    from fablewright.runtime.policies import Policy
    from fablewright.runtime.route import Route
    from fablewright.runtime.statistics import ActionStatistics
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Guard"]


class Guard:
    """The policy of one action at work.

    Args:
        bus: Sends, and keeps who waits.
        route: The action.
        policy: What was declared for it.
        draw: Source of random numbers in [0, 1).
        supervisor: Runs what is shared.

    Attributes:
        attempts: How it is tried.
        cache: Replies that were kept; None without a cache.
        flying: What is shared; None when nothing is.
        inside: How many asks are under way.
        shed: How many found the bulkhead full.
    """

    def __init__(
        self, bus: Lobby, route: Route, policy: Policy, draw: Callable[[], float], supervisor: Supervisor
    ) -> None:
        self.attempts = Attempts(bus, route, policy, draw, self._opened)
        self._health: Health | None = None
        if policy.health is not None and self.attempts.breaker is not None:
            self._health = Health(bus, route, self.attempts.breaker, policy.health, supervisor)
        self.cache = None if policy.cache is None else Cache(policy.cache)
        self.flying = Flying(bus, route, self.attempts, supervisor, linger=policy.linger) if policy.share else None
        self.inside = 0
        self.shed = 0
        self._bus = bus
        self._route = route
        self._policy = policy

    def __repr__(self) -> str:
        return f"<Guard {self._route.name} inside={self.inside} {self.cache!r} {self.flying!r}>"

    async def ask(self, errand: Errand, on_late: Callable[[Any], None] | None) -> object:
        """Answer a request out of the cache, of a flight, or by attempts of its own.

        Raises:
            BulkheadFull: Too many asks are under way.
            ContractViolation: The policy shares or keeps what is not idempotent, or has no hashable key.
            RequestFailed: As ``Bus.ask``.
        """
        bulkhead = self._policy.bulkhead
        if bulkhead is not None and self.inside >= bulkhead:
            self.shed += 1
            full = f"{bulkhead} asks for {self._route.name} are under way; no more are let in."
            self.attempts.note("refused", full, errand)
            raise BulkheadFull(full, to=self._route.to, action=self._route.action)
        self.inside += 1
        try:
            if self.cache is not None:
                return await self._kept(self.cache, errand, on_late)
            if self.flying is not None:
                return await self.flying.board(self._key(errand), errand, None)
            return await self.attempts.run(errand)
        except DeadlineExceeded as error:
            if on_late is not None:
                self._bus.when_late(error.message_id, on_late)
            raise
        finally:
            self.inside -= 1

    async def stream(self, errand: Errand, once: Callable[[Errand, int], Awaitable[object]]) -> None:
        """Make the attempts to begin a stream; nothing of it is kept or shared."""
        await self.attempts.run(errand, once)

    def work_for(self, member: str) -> list[str] | None:
        """Return the requests that one who joined a flight waits for; None for who has joined none."""
        return None if self.flying is None else self.flying.work_for(member)

    @property
    def breaker(self) -> Breaker | None:
        """The action's circuit breaker, if it has one."""
        return self.attempts.breaker

    def invalidate(self) -> None:
        """Let what was kept so far be out of date; it may still stand in when nothing better can be had."""
        if self.cache is not None:
            self.cache.invalidate()

    def statistics(self, plain: ActionStatistics) -> ActionStatistics:
        """Return what the route counted, with what the policy did."""
        asked, outcomes, joined = plain.asked, Counter(plain.outcomes), 0
        if self.flying is not None:
            asked += self.flying.tally.asked
            outcomes += self.flying.tally.ended()
            joined = self.flying.flights.joined
        breaker = self.attempts.breaker
        return replace(
            plain,
            asked=asked,
            outcomes=MappingProxyType(outcomes),
            joined=joined,
            shed=self.shed,
            breaker=None if breaker is None else breaker.state,
            breaker_moves=MappingProxyType(dict(self.attempts.moves)),
            cache=None if self.cache is None else self.cache.statistics(),
        )

    # -------------------------------------------------------------- inside

    def _opened(self) -> None:
        if self._health is not None:
            self._health.watch()

    async def _kept(self, cache: Cache, errand: Errand, on_late: Callable[[Any], None] | None) -> object:
        key = self._key(errand)
        hit = cache.get(key, self._bus.now())
        if hit is not None:
            if self._bus.audience.observers:
                self.attempts.note("cached", f"{hit.age:.3f} s old", errand)
            return hit.value
        try:
            return await self._worked_on(cache, key, errand)
        except RequestFailed as error:
            stale = cache.get_stale(key, self._bus.now())
            if stale is None:
                raise
            state = "" if stale.fresh else ", out of date"
            self.attempts.note("cached", f"{stale.age:.3f} s old{state}; {error}", errand, error.message_id)
            if stale.fresh:  # it came meanwhile, at the very last moment or for somebody else
                return stale.value
            if on_late is not None and isinstance(error, DeadlineExceeded):
                self._bus.when_late(error.message_id, on_late)
            return cast("Request[Any]", errand.request).mark_stale(stale.value, stale.age)

    async def _worked_on(self, cache: Cache, key: Hashable, errand: Errand) -> object:
        keep = partial(self._keep, cache, key, cache.version)
        if self.flying is not None:
            return await self.flying.board((key, cache.version), errand, keep)
        try:
            reply = await self.attempts.run(errand)
        except DeadlineExceeded as error:
            self._bus.when_late(error.message_id, keep)
            raise
        keep(reply)
        return reply

    def _keep(self, cache: Cache, key: Hashable, version: int, reply: object) -> None:
        """Put a reply into the cache, as of the version that its work began with."""
        size = size_of(reply, name=f"reply of {self._route.name}")
        cache.put(key, reply, size, self._bus.now(), version)

    def _key(self, errand: Errand) -> Hashable:
        request: Any = errand.request  # a Request: streams are neither kept nor shared
        if not request.idempotent:
            raise ContractViolation(f"The policy of {self._route.name} keeps or shares replies: not idempotent ones.")
        key: Hashable = request.key()
        try:
            hash(key)
        except TypeError as error:
            raise ContractViolation(f"{self._route.name} needs a key() that can be hashed: {error}.") from None
        return key
