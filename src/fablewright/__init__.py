"""A game master's assistant that never keeps the table waiting, on an agent runtime without hangs.

This is the runtime's front door, everything that an agent needs::

    from dataclasses import dataclass
    from typing import ClassVar

    from fablewright import Agent, Bus, Context, Request, handles


    @dataclass(frozen=True, slots=True)
    class Greet(Request[str]):
        action: ClassVar[str] = "greet"
        name: str


    class Host(Agent):
        name = "host"

        @handles(Greet)
        async def greet(self, request: Greet, ctx: Context) -> str:
            return f"Welcome, {request.name}."


    async def main() -> None:
        bus = Bus()
        bus.register(Host())
        async with bus:
            print(await bus.ask("host", Greet("Marigold"), timeout=1.0))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fablewright.errors import (
        ContractViolation,
        DeadlineExceeded,
        FablewrightError,
        PeerLost,
        Rejected,
        RemoteError,
        RequestFailed,
    )
    from fablewright.protocol.breaker import BreakerRules
    from fablewright.protocol.cache import CacheRules
    from fablewright.protocol.message import Message, Request, StreamRequest
    from fablewright.protocol.pending import Outcome
    from fablewright.protocol.retry import RetryRules
    from fablewright.runtime.agent import Agent, batches, handles, hears, streams
    from fablewright.runtime.bus import Bus
    from fablewright.runtime.context import Context, ReplyToken
    from fablewright.runtime.policies import BusOptions, Policy
    from fablewright.runtime.statistics import BusStatistics

__all__ = [
    "Agent",
    "BreakerRules",
    "Bus",
    "BusOptions",
    "BusStatistics",
    "CacheRules",
    "Context",
    "ContractViolation",
    "DeadlineExceeded",
    "FablewrightError",
    "Message",
    "Outcome",
    "PeerLost",
    "Policy",
    "Rejected",
    "RemoteError",
    "ReplyToken",
    "Request",
    "RequestFailed",
    "RetryRules",
    "StreamRequest",
    "batches",
    "handles",
    "hears",
    "streams",
]

_HOMES = {
    "errors": "ContractViolation DeadlineExceeded FablewrightError PeerLost Rejected RemoteError RequestFailed",
    "protocol.breaker": "BreakerRules",
    "protocol.cache": "CacheRules",
    "protocol.message": "Message Request StreamRequest",
    "protocol.pending": "Outcome",
    "protocol.retry": "RetryRules",
    "runtime.agent": "Agent batches handles hears streams",
    "runtime.bus": "Bus",
    "runtime.context": "Context ReplyToken",
    "runtime.policies": "BusOptions Policy",
    "runtime.statistics": "BusStatistics",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used: the command line's ``--help`` needs none of them."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
