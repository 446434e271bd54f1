"""The token that lets somebody in, and how often it may be tried.

It is made of at least 128 random bits, so that guessing is hopeless; trying is slowed down all the same, because a
server that answers a thousand guesses a second does nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.entry.secret import Secret
from fablewright.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COOKIE", "Gate", "check_token", "new_token", "player_token"]

COOKIE = "fablewright"
_LEAST_SIGNS = 22
"""A random token in base64 has 128 bits with so many signs."""
_LEAST_DIFFERENT = 8
"""Of 22 random signs more are different, but for one token in a billion; a word written twice has fewer."""
_TRIES = 10.0
_EVERY = 6.0
"""Seconds until another try is allowed, once the first ten are used up."""
_LONGEST = 512
_MOST_ADDRESSES = 1000
"""That are remembered; on a network of that many guessers the token is still 192 bits long."""


def new_token() -> str:
    """Return a new token of 192 bits, of letters, digits, hyphens and underscores."""
    return secrets.token_urlsafe(24)


def player_token(token: Secret) -> Secret:
    """Return what the players show instead of the GM's token; the same after a restart, and it does not lead back."""
    if not token:
        return Secret()
    return Secret(hmac.new(token.reveal().encode(), b"players", hashlib.sha256).hexdigest()[:43])


def check_token(token: Secret) -> None:
    """Look at a token that a person chose.

    Raises:
        ConfigurationError: It can be guessed, or cannot stand in a URL.
    """
    text = token.reveal()
    if not text.isascii() or not all(sign.isalnum() or sign in "-_.~" for sign in text):
        raise ConfigurationError("The token has signs that cannot stand in a URL: use letters, digits, - and _.")
    if len(text) < _LEAST_SIGNS or len(set(text)) < _LEAST_DIFFERENT:
        raise ConfigurationError(
            f"The token is too easy to guess: it needs {_LEAST_SIGNS} random signs. Leave it out and give "
            "--make-token, and one is made."
        )


@dataclass(slots=True)
class _Tries:
    """How many tries somebody has left, and when that was so."""

    left: float
    at: float


@dataclass(slots=True)
class Gate:
    """Compares tokens, in a time that does not depend on how much of one is right.

    Wrong ones count for the address that they came from, so that nobody can lock out the GM by guessing.

    Attributes:
        token: The right one.
        clock: Returns seconds that only grow.
    """

    token: Secret
    clock: Callable[[], float]
    _tries: OrderedDict[str, _Tries] = field(default_factory=OrderedDict)

    def wait(self, address: str) -> float:
        """Return the seconds until the next try from an address is allowed; 0 when it is."""
        left = self._left(address)
        return 0.0 if left >= 1 else (1 - left) * _EVERY

    def opens(self, offered: str) -> bool:
        """Whether this is the token."""
        return len(offered) <= _LONGEST and hmac.compare_digest(_hash(offered), _hash(self.token.reveal()))

    def missed(self, address: str) -> None:
        """Count a wrong one that came from an address."""
        left = max(0.0, self._left(address) - 1)
        key = _network(address)
        self._tries[key] = _Tries(left, self.clock())
        self._tries.move_to_end(key)
        if len(self._tries) > _MOST_ADDRESSES:
            self._tries.popitem(last=False)

    def _left(self, address: str) -> float:
        tries = self._tries.get(_network(address))
        if tries is None:
            return _TRIES
        return min(_TRIES, tries.left + (self.clock() - tries.at) / _EVERY)


def _network(address: str) -> str:
    """Return what one machine has: an IPv4 address, or the 64 bits of an IPv6 network, in which it may choose any."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
