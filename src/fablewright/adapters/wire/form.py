"""A form: how the values of one type travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Form"]


class Form(NamedTuple):
    """How the values of one type travel.

    Attributes:
        kind: The type that msgspec writes and reads.
        pack: Makes of a value what msgspec is to write; None: the value itself.
        unpack: Makes the value of what msgspec has read; None: that is it.
        is_odd: Whether a value needs that at all; None: each does. Those that do not, nearly all, msgspec writes as
            they are, and reads as the type itself; what it cannot read like that is odd.
    """

    kind: Any
    pack: Callable[[Any], Any] | None = None
    unpack: Callable[[Any], Any] | None = None
    is_odd: Callable[[Any], bool] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether msgspec alone does it."""
        return self.pack is None

    @property
    def is_mostly_plain(self) -> bool:
        """Whether msgspec alone does it, odd values aside."""
        return self.pack is None or self.is_odd is not None
