"""Prometheus reads the statistics of a bus: nothing is done per request, everything when it comes to look.

::

    async with bus:
        exporter(bus)
        prometheus_client.start_http_server(9464)

Prometheus comes on a thread of its own; the statistics are taken on the bus's loop. A loop that is held up for
longer than ``PATIENCE`` fails the visit, which then shows as ``up == 0``.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, Any

from fablewright.errors import ContractViolation, MissingExtra
from fablewright.protocol.breaker import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

    from fablewright.runtime.bus import Bus
    from fablewright.runtime.histogram import Histogram
    from fablewright.runtime.statistics import ActionStatistics, AgentStatistics, BusStatistics

__all__ = ["PATIENCE", "Exporter", "exporter", "exposition"]

PATIENCE = 5.0
"""Seconds that a visit waits for the loop; half of what Prometheus itself waits by default."""

_SHORTEST, _LONGEST = 0.0001, 150.0
"""Of the histogram's doublings those in between are shown: 21 time series an action, not 38."""

_SIZES = tuple(1 << power for power in range(11))

_ROUTE = ("agent", "action")

_MISSING = "prometheus-client is not installed; run: pip install 'fablewright[prometheus]'"

_Rows = list[tuple[tuple[str, ...], float]]

_ACTION_COUNTERS: dict[str, tuple[str, Callable[[ActionStatistics], float]]] = {
    "requests": ("Requests made, each retry, hedge and wait for a shared flight counted.", lambda of: of.asked),
    "retries": ("Attempts after the first.", lambda of: of.retries),
    "hedges": ("Second attempts beside the first.", lambda of: of.hedges),
    "unstarted": ("Requests that expired before a handler began with them.", lambda of: of.unstarted),
    "flights_joined": ("Asks that shared the work of another.", lambda of: of.joined),
    "shed": ("Asks that found the bulkhead full.", lambda of: of.shed),
}
_CACHE_COUNTERS = {
    "hits": "Asks that found a fresh reply in the cache.",
    "misses": "Asks that found none.",
    "stale": "Failures for which a reply that was kept stood in.",
    "evictions": "Replies dropped from the cache to make room.",
}
_CACHE_GAUGES = {"bytes": "What the replies in the cache take.", "entries": "Replies in the cache."}
_AGENT_GAUGES: dict[str, tuple[str, Callable[[AgentStatistics], float]]] = {
    "mailbox_depth": ("Messages that wait for a handler.", lambda of: of.waiting),
    "running_handlers": ("Handlers that run.", lambda of: of.running),
}


def exporter(bus: Bus, registry: CollectorRegistry | None = None) -> Exporter:
    """Show the statistics of a bus to Prometheus; call it on the bus's event loop.

    Args:
        bus: Whose statistics.
        registry: Where they are registered; prometheus-client's own when None.

    Raises:
        MissingExtra: prometheus-client is not installed.
        ContractViolation: No event loop runs here, or the registry shows a bus already.
    """
    try:
        import prometheus_client  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtra(_MISSING) from error
    shown = Exporter(bus, registry or prometheus_client.REGISTRY)
    try:
        shown.registry.register(shown)
    except ValueError as error:
        raise ContractViolation("The registry shows a bus already; give each bus a registry of its own.") from error
    return shown


def exposition(bus: Bus) -> tuple[bytes, str]:
    """Return the statistics of a bus as text for Prometheus, with its content type; call it on the bus's event loop.

    Raises:
        MissingExtra: prometheus-client is not installed.
    """
    try:
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtra(_MISSING) from error
    registry = CollectorRegistry()
    exporter(bus, registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST


class Exporter:
    """A collector, as prometheus-client calls it.

    Attributes:
        registry: Where it is registered.
    """

    def __init__(self, bus: Bus, registry: CollectorRegistry) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ContractViolation("exporter(bus) is called on the event loop that the bus runs on.") from None
        self._bus = bus
        self.registry = registry

    def __repr__(self) -> str:
        return f"<Exporter {self._bus!r}>"

    def close(self) -> None:
        """Show nothing any more."""
        self.registry.unregister(self)

    def describe(self) -> Iterable[Metric]:
        """Return every metric without a value: so a registry finds two of the same name."""
        return _metrics(None)

    def collect(self) -> Iterable[Metric]:
        """Return every metric as it stands; called from any thread.

        Raises:
            TimeoutError: The loop was held up for longer than ``PATIENCE``.
        """
        return _metrics(self._statistics())

    def _statistics(self) -> BusStatistics:
        try:
            here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop or not self._loop.is_running():
            return self._bus.statistics()
        taken: concurrent.futures.Future[BusStatistics] = concurrent.futures.Future()

        def take() -> None:
            try:
                taken.set_result(self._bus.statistics())
            except Exception as error:  # noqa: BLE001 - it is the visitor's to know
                taken.set_exception(error)

        self._loop.call_soon_threadsafe(take)
        return taken.result(PATIENCE)


def _metrics(seen: BusStatistics | None) -> Iterator[Metric]:
    """Yield every metric; without rows when nothing was seen."""
    actions = {} if seen is None else seen.actions
    yield from _of_actions(actions)
    yield from _of_breakers(seen, actions)
    yield from _of_caches(actions)
    agents = {} if seen is None else seen.agents
    for name, (words, count) in _AGENT_GAUGES.items():
        yield _gauge(name, words, ("agent",), [((agent,), count(of)) for agent, of in agents.items()])
    crashes: _Rows = [((agent,), of.crashes) for agent, of in agents.items()]
    yield _counter("crashes", "Crashes of the agent.", ("agent",), crashes)
    yield from _of_the_bus(seen)


def _of_actions(actions: Mapping[tuple[str, str], ActionStatistics]) -> Iterator[Metric]:
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415 - an extra

    for name, (words, count) in _ACTION_COUNTERS.items():
        yield _counter(name, words, _ROUTE, [(route, count(of)) for route, of in actions.items()])
    ends: _Rows = [
        ((*route, outcome.value), count) for route, of in actions.items() for outcome, count in of.outcomes.items()
    ]
    yield _counter("outcomes", "How requests ended; expired ones are the time-outs.", (*_ROUTE, "outcome"), ends)
    latency = HistogramMetricFamily(
        "fablewright_reply_seconds", "From the ask to its reply, of those that were replied to.", labels=_ROUTE
    )
    batches = HistogramMetricFamily("fablewright_batch_size", "Requests handled together.", labels=_ROUTE)
    for route, of in actions.items():
        latency.add_metric(route, _durations(of.latency), of.latency.total)
        if of.batches:
            batches.add_metric(route, _sizes(of.batches), sum(size * count for size, count in of.batches.items()))
    yield latency
    yield batches


def _of_breakers(seen: BusStatistics | None, actions: Mapping[tuple[str, str], ActionStatistics]) -> Iterator[Metric]:
    breakers = {} if seen is None else seen.breakers
    states: _Rows = [
        ((*route, each.value), float(each is state)) for route, state in breakers.items() for each in State
    ]
    yield _gauge("breaker_state", "1 for the state of the circuit breaker, 0 for others.", (*_ROUTE, "state"), states)
    moves: _Rows = [
        ((*route, state.value), count) for route, of in actions.items() for state, count in of.breaker_moves.items()
    ]
    yield _counter("breaker_moves", "Moves of the circuit breaker into a state.", (*_ROUTE, "state"), moves)


def _of_caches(actions: Mapping[tuple[str, str], ActionStatistics]) -> Iterator[Metric]:
    caches = {route: of.cache for route, of in actions.items() if of.cache is not None}
    for name, words in _CACHE_COUNTERS.items():
        rows: _Rows = [(route, getattr(cache, name)) for route, cache in caches.items()]
        yield _counter(f"cache_{name}", words, _ROUTE, rows)
    for name, words in _CACHE_GAUGES.items():
        rows = [(route, getattr(cache, name)) for route, cache in caches.items()]
        yield _gauge(f"cache_{name}", words, _ROUTE, rows)


def _of_the_bus(seen: BusStatistics | None) -> Iterator[Metric]:
    letters: _Rows = [] if seen is None else [((reason.value,), count) for reason, count in seen.dead_letters.items()]
    yield _counter("dead_letters", "Messages that found no taker.", ("reason",), letters)

    def row(value: Callable[[BusStatistics], float]) -> _Rows:
        return [] if seen is None else [((), value(seen))]

    violations = row(lambda of: of.contract_violations)
    yield _counter("contract_violations", "Handlers that answered twice, or not at all.", (), violations)
    unreadable = row(lambda of: of.unreadable)
    yield _counter("unreadable", "What came over the network and was dropped.", (), unreadable)
    yield _gauge("pending_requests", "Requests that have no outcome yet.", (), row(lambda of: of.pending))
    yield _gauge("pending_bytes", "What their bodies take in memory.", (), row(lambda of: of.pending_bytes))
    yield _gauge("tasks", "Tasks that have something to do.", (), row(lambda of: of.tasks))
    lag = row(lambda of: of.loop_lag)
    yield _gauge("loop_lag_seconds", "The longest that the event loop was seen to be held up.", (), lag)


# ------------------------------------------------------------------ families and buckets


def _counter(name: str, words: str, labels: Sequence[str], rows: _Rows) -> Metric:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - an extra

    return _filled(CounterMetricFamily(f"fablewright_{name}", words, labels=labels), rows)


def _gauge(name: str, words: str, labels: Sequence[str], rows: _Rows) -> Metric:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an extra

    return _filled(GaugeMetricFamily(f"fablewright_{name}", words, labels=labels), rows)


def _filled(family: Any, rows: _Rows) -> Metric:  # noqa: ANN401 - a family of either kind
    for labels, value in rows:
        family.add_metric(labels, value)
    return family  # type: ignore[no-any-return]  # as it came


def _durations(histogram: Histogram) -> list[tuple[str, float]]:
    """Return (upper bound in seconds, how many took no longer), as Prometheus wants them."""
    buckets = [
        (f"{bound:.6g}", float(count)) for bound, count in histogram.cumulative() if _SHORTEST < bound < _LONGEST
    ]
    return [*buckets, ("+Inf", float(histogram.count))]


def _sizes(batches: Mapping[int, int]) -> list[tuple[str, float]]:
    """Return (size, how many batches were no larger); always for the same sizes, as Prometheus wants them."""
    buckets = [(str(bound), float(sum(n for size, n in batches.items() if size <= bound))) for bound in _SIZES]
    return [*buckets, ("+Inf", float(sum(batches.values())))]
