"""A request as text that outlives the process that took it, and back; as it travels between processes."""

from __future__ import annotations

from functools import cache

import msgspec

from fablewright.adapters.wire.registry import Registry
from fablewright.errors import FablewrightError
from fablewright.gm.orchestrator import HandleRequest

__all__ = ["order_read", "order_written"]


def order_written(request: HandleRequest) -> str:
    """Return a request as text."""
    return msgspec.json.encode(_registry().by_class[HandleRequest].message.out(request)).decode()


def order_read(text: str) -> HandleRequest:
    """Return the request that ``order_written`` wrote down.

    Raises:
        FablewrightError: It is none, or one of a newer release that this one does not understand.
    """
    try:
        request = _registry().by_class[HandleRequest].message.read(msgspec.Raw(text.encode()))
    except Exception as error:  # whatever is wrong with it
        raise FablewrightError(f"The request cannot be read: {error}.") from error
    assert isinstance(request, HandleRequest)  # noqa: S101 - read as that
    return request


@cache
def _registry() -> Registry:
    return Registry([HandleRequest])
