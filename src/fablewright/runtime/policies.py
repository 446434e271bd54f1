"""What the bus does around an ask: declared once per (agent, action), in one frozen object."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fablewright.errors import ContractViolation
from fablewright.runtime.posts import Restarts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fablewright.protocol.breaker import BreakerRules
    from fablewright.protocol.cache import CacheRules
    from fablewright.protocol.message import Request
    from fablewright.protocol.retry import RetryRules
    from fablewright.runtime.network import Network
    from fablewright.runtime.transport import Transport

__all__ = ["BusOptions", "HealthCheck", "Policy"]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """What is asked to see whether an action works again.

    Attributes:
        request: A small one, to the same action.
        every: Seconds between two.
        timeout: Seconds that each may take.

    Raises:
        ContractViolation: A time makes no sense, or the request is not idempotent: it is made again and again.
    """

    request: Request[Any]
    every: float = 2.0
    timeout: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.every < float("inf") and 0 < self.timeout < float("inf")):
            raise ContractViolation("A health check needs finite numbers of seconds above 0.")
        if not self.request.idempotent:
            raise ContractViolation("What is asked to see whether an agent is well must be idempotent.")


@dataclass(frozen=True, slots=True)
class Policy:
    """How one action of one agent is asked; whatever is left out is not done.

    Of a stream's policy only ``retry`` and ``breaker`` apply, up to its first piece.

    Attributes:
        bulkhead: How many asks may be under way at once; one more is ``BulkheadFull`` at once.
        cache: Keep replies, and answer equal requests with them; only for idempotent requests.
        share: Whether equal requests that are under way at once share one handling (single-flight); only for
            idempotent requests.
        retry: Try again after a crash, a loss or a full mailbox; only for idempotent requests.
        breaker: Leave the agent alone for a while after it failed too often.
        health: What is asked meanwhile, to see whether it is well again before that while is over.
        attempt_timeout: Seconds for one attempt, when that is to be less than what the asker is willing to wait.
        hedge: Ask a second time when an answer takes longer than 95 % of them did, and take the first that comes;
            only for idempotent requests, within the retry budget.
        linger: Seconds that the work may go on after its asker's deadline, so that the late reply can be kept in the
            cache and given to ``on_late``. 0: it is stopped at the deadline.
    """

    bulkhead: int | None = None
    cache: CacheRules | None = None
    share: bool = False
    retry: RetryRules | None = None
    breaker: BreakerRules | None = None
    health: HealthCheck | None = None
    attempt_timeout: float | None = None
    hedge: bool = False
    linger: float = 0.0

    def __post_init__(self) -> None:
        if self.bulkhead is not None and not self.bulkhead >= 1:  # NaN is neither below nor above anything
            raise ContractViolation(f"A bulkhead lets at least 1 ask through, not {self.bulkhead}.")
        if self.attempt_timeout is not None and not 0 < self.attempt_timeout < float("inf"):
            raise ContractViolation(f"An attempt needs a finite number of seconds above 0, not {self.attempt_timeout}.")
        if not 0 <= self.linger < float("inf"):
            raise ContractViolation(f"Work lingers for a finite number of seconds, not {self.linger}.")
        if self.health is not None and self.breaker is None:
            raise ContractViolation("A health check says when a breaker may close: without a breaker there is none.")


@dataclass(frozen=True, slots=True)
class BusOptions:
    """Everything about a bus that can be set.

    Attributes:
        default_timeout: Seconds that an ask waits when it does not say.
        policies: By (agent name, action); whatever is not named is asked once, with nothing around it.
        restarts: How often an agent that crashes is started again.
        dead_letters: How many dead letters to keep for inspection.
        max_body_bytes: How much memory a message may take, estimated; a message that takes more, or that holds anything
            but data, is refused where it is sent. None: nothing is checked.
        threads: How many handlers that block may run at once, all agents together; one that waits in
            ``ask_from_thread`` does not count.
        watchdog: Seconds that the event loop may be held up before the handler that does so is named in the log;
            None for no watchdog.
        transport: What carries parcels between askers and answerers; None: they are handed over directly.
        network: The way to agents that are not on this bus; None: there is none.
        traceparent: Makes the W3C trace context of each message: it is given that of the message whose handling sends
            this one (None for the first) and the id of the new message. None: contexts are passed on unchanged.
        draw: Source of the random numbers of the backoff, in [0, 1).
    """

    default_timeout: float = 10.0
    policies: Mapping[tuple[str, str], Policy] = field(default_factory=lambda: MappingProxyType({}))
    restarts: Restarts = field(default_factory=Restarts)
    dead_letters: int = 1000
    max_body_bytes: int | None = 16 * 1024 * 1024
    threads: int = 32
    watchdog: float | None = 0.1
    transport: Transport | None = None
    network: Network | None = None
    traceparent: Callable[[str | None, str], str | None] | None = None
    draw: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if self.watchdog is not None and not 0 < self.watchdog < float("inf"):
            raise ContractViolation(
                f"A watchdog's patience is a finite number of seconds above 0, or None, not {self.watchdog}."
            )
        if self.transport is not None and self.network is not None:
            raise ContractViolation("A bus has a transport between its own ends, or a network to others, not both.")
        if self.dead_letters < 0:
            raise ContractViolation(f"A bus keeps 0 dead letters or more, not {self.dead_letters}.")
        if self.max_body_bytes is not None and self.max_body_bytes < 1:
            raise ContractViolation(f"A message may take at least 1 byte, or None, not {self.max_body_bytes}.")
