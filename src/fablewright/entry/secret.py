"""A setting that is used and never shown: a key, or a URL with a password in it."""

from __future__ import annotations

import re

__all__ = ["Secret"]


class Secret:
    """Keeps a text to itself: what prints it, logs it or formats it gets only what may be seen.

    Args:
        value: The text; empty when nothing is set.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __str__(self) -> str:
        if "://" in self._value:  # of a URL everything but the password and the query may be seen
            return re.sub(r"(?<=//)([^/@]*?):[^/]*@", r"\1:…@", self._value).partition("?")[0]
        return "set, not shown" if self._value else ""

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def reveal(self) -> str:
        """Return the text, for whoever it is meant for."""
        return self._value
