"""The token that lets somebody in, and how often it may be tried.

It is made of at least 128 random bits, so that guessing is hopeless; trying is slowed down all the same, because a
server that answers a thousand guesses a second does nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.entry.secret import Secret

__all__ = ["COOKIE", "Gate", "check_token", "new_token"]

COOKIE = "fablewright"
_LEAST_SIGNS = 22
"""A random token in base64 has 128 bits with so many signs."""
_LEAST_DIFFERENT = 8
"""Of 22 random signs more are different, but for one token in a billion; a word written twice has fewer."""
_TRIES = 10.0
_EVERY = 6.0
"""Seconds until another try is allowed, once the first ten are used up."""
_LONGEST = 512


def new_token() -> str:
    """Return a new token of 192 bits, of letters, digits, hyphens and underscores."""
    return secrets.token_urlsafe(24)


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
class Gate:
    """Compares tokens, in a time that does not depend on how much of one is right.

    Wrong ones are counted for everybody together: who tries from many addresses gets no further.

    Attributes:
        token: The right one.
        clock: Returns seconds that only grow.
    """

    token: Secret
    clock: Callable[[], float]
    _left: float = _TRIES
    _at: float = field(default=0.0)

    def wait(self) -> float:
        """Return the seconds until the next try is allowed; 0 when it is."""
        self._refill()
        return 0.0 if self._left >= 1 else (1 - self._left) * _EVERY

    def opens(self, offered: str) -> bool:
        """Whether this is the token; a wrong one counts as a try."""
        if len(offered) <= _LONGEST and hmac.compare_digest(_hash(offered), _hash(self.token.reveal())):
            return True
        self._refill()
        self._left = max(0.0, self._left - 1)
        return False

    def _refill(self) -> None:
        now = self.clock()
        self._left = min(_TRIES, self._left + (now - self._at) / _EVERY)
        self._at = now


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
