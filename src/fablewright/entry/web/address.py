"""Where the server listens, by which names it answers there, and who has to show a token.

A page anywhere can make a browser on this machine send requests to 127.0.0.1, and with a name of its own that it lets
point there (DNS rebinding) even read the answers. So a request counts only if its ``Host`` is one of our names.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Address", "address_of", "is_of_this_machine"]

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_OURSELVES = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True)
class Address:
    """See the attributes.

    Attributes:
        host: The address that is bound.
        port: Where; 0: any that is free.
        names: By which names and addresses people reach it, without the port.
    """

    host: str
    port: int
    names: tuple[str, ...]

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach it."""
        return self.host in _OURSELVES

    @property
    def given(self) -> tuple[str, ...]:
        """The names that a person gave it beside its own."""
        return tuple(name for name in self.names if name != self.host and name not in _OURSELVES)

    @property
    def is_for_others(self) -> bool:
        """Whether other machines are meant to reach it: by its address, or by the name of a server in front of it."""
        return not self.is_loopback or bool(self.given)

    @property
    def behind(self) -> frozenset[str]:
        """What stands in ``Host`` where a server in front of this one speaks TLS by a name that was given."""
        return frozenset(_written(name) for name in self.given)

    def hosts(self, port: int) -> frozenset[str]:
        """Return what may stand in ``Host``, in small letters; ``port`` is the one that was bound."""
        written = [_written(name) for name in self.names]
        return frozenset(f"{name}:{port}" for name in written) | (frozenset(written) if port == 80 else frozenset())

    def url(self, port: int) -> str:
        """Return what to type into a browser."""
        name = self.names[0]
        return f"http://{_written(name)}:{port}/"


def address_of(host: str, port: int, names: Sequence[str] = ()) -> Address:
    """Return an address.

    Args:
        host: An address of this machine, or ``localhost``.
        port: 0 to 65535.
        names: Further names by which it is reached, such as that of the machine in the home's network.

    Raises:
        ConfigurationError: An argument makes no sense, or it listens everywhere and nobody said by which name.
    """
    host = host.strip().strip("[]").lower()
    if host != "localhost":
        try:
            host = str(ipaddress.ip_address(host))
        except ValueError:
            raise ConfigurationError(
                f"--host is an address of this machine, such as 127.0.0.1 or 192.168.1.20, not {host[:40]!r}."
            ) from None
    if not 0 <= port <= 65_535:
        raise ConfigurationError(f"--port goes from 0 to 65535, not {port}.")
    own = tuple(name.strip().strip("[]").rstrip(".").lower() for name in names)
    for name in own:
        if not (_NAME.fullmatch(name) or _is_address(name)):
            raise ConfigurationError(f"--name is a machine's name or address without a port, not {name[:40]!r}.")
    if host in _EVERYWHERE:
        if not own:
            raise ConfigurationError(
                f"--host {host} listens on every address of this machine: say by which name or address "
                "your players reach it, with --name. Or give that address itself as --host."
            )
        return Address(host, port, own)
    return Address(host, port, (*((host,) if host not in _OURSELVES else _OURSELVES), *own))


def _written(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def is_of_this_machine(host: str) -> bool:
    """Whether a ``Host`` or an ``Origin`` without its scheme names the machine that it is sent on.

    Args:
        host: With or without a port.
    """
    name = host.lower().rpartition("]")[0].removeprefix("[") or host.lower().partition(":")[0]
    return name in _OURSELVES


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
