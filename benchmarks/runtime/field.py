"""Who takes part on this machine: ours and the plain ones always, a peer if it is installed."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

from benchmarks.runtime.ours import Deferred, Fablewright, WithPolicies
from benchmarks.runtime.plain import BareAsyncio, BareFutures, TaskAndTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.runtime.contestant import Contestant

__all__ = ["PEERS", "the_field"]

#: Distribution, and where its contestant is.
PEERS: dict[str, tuple[str, str]] = {
    "pykka": ("pykka", "Pykka"),
    "autogen-core": ("autogen_core", "AutogenCore"),
    "langgraph": ("langgraph", "LangGraph"),
    "llama-index-workflows": ("workflows", "Workflows"),
}


def the_field(only: Sequence[str] = ()) -> tuple[list[type[Contestant]], dict[str, str | None]]:
    """Return who takes part, the baseline first, and each peer's version, None if it is not installed.

    Args:
        only: Parts of names; all take part if there are none. The baseline always does.
    """
    field: list[type[Contestant]] = [TaskAndTimeout, Fablewright, Deferred, WithPolicies, BareFutures]
    versions: dict[str, str | None] = {}
    for package, (module, name) in PEERS.items():
        if only and not any(word in package for word in only):
            continue
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
        else:
            field.append(getattr(import_module(f"benchmarks.runtime.peers.{module}"), name))
    return [BareAsyncio, *(one for one in field if not only or any(word in one.name for word in only))], versions
