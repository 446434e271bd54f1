"""The network that the settings mean: where agents in other processes are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fablewright.entry.crew import CLASSES
from fablewright.entry.inspector import Inspector, NodeReport
from fablewright.errors import ConfigurationError
from fablewright.gm.scenario_request import GroundedSceneReady

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.entry.config import Settings
    from fablewright.entry.secret import Secret
    from fablewright.runtime.network import Network

__all__ = ["bus_place", "nats_servers", "open_network", "role_of"]

_PUBLISHED = (GroundedSceneReady, NodeReport)
"""What is published and handled by no agent: who wants it subscribes."""
_SCHEMES = frozenset({"nats", "tls"})


def open_network(settings: Settings) -> Network | None:
    """Return the way to agents in other processes; None where all are in one. Nothing is connected yet.

    Raises:
        ConfigurationError: The URL is none of NATS, or the key or the certificates cannot be used.
        MissingExtra: The client of NATS is not installed.
    """
    if not settings.bus:
        return None
    servers = nats_servers(settings.bus, "A bus")
    from fablewright.adapters.nats_access import Access  # noqa: PLC0415 - an extra
    from fablewright.adapters.nats_network import NatsNetwork  # noqa: PLC0415 - as above
    from fablewright.adapters.wire.codec import Wire  # noqa: PLC0415 - only where it is wanted
    from fablewright.adapters.wire.registry import messages_of  # noqa: PLC0415 - as above

    wire = Wire({*messages_of((*CLASSES, Inspector)), *_PUBLISHED})
    return NatsNetwork(servers, wire, Access(settings.bus_key, settings.bus_ca), owner=settings.owner)


def nats_servers(urls: Secret, what: str) -> list[str]:
    """Return the NATS servers that a setting names, with commas between.

    Raises:
        ConfigurationError: One of them is no address; it begins with ``what`` is to be there.
    """
    servers = _split(urls)
    if not all(map(_is_address, servers)):
        raise ConfigurationError(f"{what} is at nats://ADDRESS:4222, or tls://; {_shown(servers)} is none.")
    return servers


def _split(urls: Secret) -> list[str]:
    return re.split(r"\s*,\s*(?=\w+://)", urls.reveal().strip())  # there may be a comma in a password


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0 and parts.path in {"", "/"}
    except ValueError:
        return False


def role_of(agents: Sequence[str]) -> str:
    """Return what a process is on the bus, by the agents that run in it.

    What it may do there is said by its key, not by its role; but the key decides which role it can have.
    """
    return "front" if not agents else agents[0] if len(agents) == 1 else "crew"


def bus_place(settings: Settings) -> str:
    """Return where the bus is, for people: without names, passwords and tokens."""
    return _shown(_split(settings.bus))


def _shown(servers: Sequence[str]) -> str:
    return ",".join(re.sub("//.*@", "//", server) for server in servers)
