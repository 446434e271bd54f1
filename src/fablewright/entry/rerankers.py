"""Which reranker the settings mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fablewright.entry.config import Settings
    from fablewright.gm.finding.reranker import Reranker
    from fablewright.runtime.threads import Threads

__all__ = ["open_reranker", "patience"]

_SHARE = 0.4
"""Of what a search has, a reranker gets at most so much: the search itself comes first."""


def patience(settings: Settings) -> float:
    """Return how many seconds a search waits for the reranker."""
    return min(settings.reranking_timeout, _SHARE * min(settings.timeout, settings.rag_request_timeout))


def open_reranker(settings: Settings, threads: Threads) -> Reranker | None:
    """Return the reranker of the settings; None without one. Nothing is connected yet.

    Raises:
        ConfigurationError: It needs a model or a URL, or that is none.
    """
    if settings.reranker == "none":
        return None
    from fablewright.adapters.endpoint_reranker import EndpointReranker  # noqa: PLC0415 - only where it is wanted

    return EndpointReranker(
        settings.reranker,
        settings.reranking_model,
        url=settings.reranking_url,
        key=settings.reranking_key.reveal(),
        timeout=patience(settings),
        threads=threads,
    )
