"""A transport for httpx that looks at every address before it connects: no URL leads into the machine's own innards.

A model's URL comes out of the configuration, but whoever answers for its name may let it point anywhere, and
differently each time (DNS rebinding). So names are looked up here, all that they stand for is looked at, and the
connection goes to exactly the address that was seen. Two kinds of address are never connected to: those where clouds
hand out keys to whoever asks from inside, and those that are nobody's (link-local, multicast, unspecified); IPv6 forms
of IPv4 addresses are taken for what is in them. This machine itself counts only if the URL says so, and a name that was
once in the open may not move into a private network.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, TypeAlias

import httpx

from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from fablewright.runtime.threads import Threads

__all__ = ["GuardedTransport", "address_seen"]

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure's wire server
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",  # Amazon, over IPv6
        "fd20:ce::254",  # Google Cloud, over IPv6
    )
)
"""Where clouds answer their own machines, beside 169.254.0.0/16, which is link-local."""
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))  # RFC 6052, RFC 8215
_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, 2.5.5.1


def address_seen(address: _Address) -> _Address:
    """Return the IPv4 address inside an IPv6 form of one: mapped, compatible, NAT64, 6to4, Teredo; else the same."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


class GuardedTransport(httpx.AsyncHTTPTransport):
    """See the top of the file.

    Args:
        verify: For TLS.
        threads: Where names are looked up: that blocks for as long as it likes.
        look_up: As ``socket.getaddrinfo``.
    """

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | bool,
        threads: Threads,
        look_up: Callable[..., Sequence[tuple[object, ...]]] = socket.getaddrinfo,
    ) -> None:
        super().__init__(verify=verify)
        self._threads = threads
        self._look_up = look_up
        self._in_the_open: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to an address that was looked at.

        Raises:
            FablewrightError: The host leads to where no model's server is.
            httpx.ConnectError: The host is unknown.
        """
        host = request.url.host
        address = await self._address(host)
        if str(address) != host:
            request.extensions = {**request.extensions, "sni_hostname": host}
            request.url = request.url.copy_with(host=str(address))  # ``Host`` stands in the headers already
        return await super().handle_async_request(request)

    async def _address(self, host: str) -> _Address:
        try:
            found = await self._threads.run(self._look_up, host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} is unknown") from error
        addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]  # type: ignore[index] # getaddrinfo's
        if not addresses:
            raise httpx.ConnectError(f"{host} is unknown")
        for address in addresses:
            self._check(host, address_seen(address))
        if all(address_seen(address).is_global for address in addresses):
            self._in_the_open.add(host)
        return addresses[0]

    def _check(self, host: str, address: _Address) -> None:
        nobody = address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA
        elsewhere = address.is_loopback and not _says_loopback(host)
        moved = host in self._in_the_open and not address.is_global
        if nobody or elsewhere or moved:
            raise FablewrightError(f"{host} leads to {address}, where no model's server is: nothing was sent.")


def _says_loopback(host: str) -> bool:
    """Whether a host is this machine by its own words."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
