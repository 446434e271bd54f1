"""A club of a hundred askers against one index: through the bus, and the same pipeline asked one by one.

People at a table ask the same things: of the questions that are to hand, the first is asked most, the second half as
often, the third a third as often (Zipf's law with exponent 1). Equal questions that are under way at once share one
search, and what was found is kept. Because that flatters whoever keeps things, it is also measured with all
questions different, where there is nothing to share.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.gm.haystack_pipeline import HaystackPipeline, RetrieveDocuments
from fablewright.protocol.cache import CacheRules
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.adapters.sqlite_index import SqliteIndex

__all__ = ["Throughput", "throughput"]

ASKERS = 100
_EACH = 5


@dataclass(frozen=True, slots=True)
class Throughput:
    """Searches a second."""

    mix: str
    one_by_one: float
    together: float

    @property
    def ratio(self) -> float:
        """How many times as many."""
        return self.together / self.one_by_one


def throughput(index: SqliteIndex, questions: Sequence[str]) -> list[Throughput]:
    """Measure both mixes over an index; haystack is loaded before the clock runs."""
    rng = random.Random(7)
    wanted = ASKERS * _EACH
    weights = [1 / rank for rank in range(1, len(questions) + 1)]
    zipf = rng.choices(list(questions), weights, k=wanted)
    distinct = [f"{questions[n % len(questions)]} ({n})" for n in range(wanted)]
    return [asyncio.run(_measured(name, index, mix)) for name, mix in (("Zipf", zipf), ("all different", distinct))]


async def _measured(name: str, index: SqliteIndex, mix: list[str]) -> Throughput:
    alone = await _one_by_one(index, mix)
    together = await _together(index, mix)
    return Throughput(name, len(mix) / alone, len(mix) / together)


async def _one_by_one(index: SqliteIndex, mix: list[str]) -> float:
    retriever = HaystackRetriever(index)
    await retriever.warm_up()
    await retriever.retrieve(mix[0], max_docs=12, filters={})
    started = time.perf_counter()
    for question in mix:
        await retriever.retrieve(question, max_docs=12, filters={})
    took = time.perf_counter() - started
    retriever.close()
    return took


async def _together(index: SqliteIndex, mix: list[str]) -> float:
    threads = Threads(name="club")
    policy = Policy(cache=CacheRules(ttl=600.0), share=True)
    options = BusOptions(default_timeout=300.0, policies={(HaystackPipeline.name, RetrieveDocuments.action): policy})
    bus = Bus(options)
    retriever = HaystackRetriever(index, threads=threads)
    bus.register(HaystackPipeline(retriever, lambda _stop: iter(()), threads, index_version=lambda: index.version))
    await retriever.warm_up()
    async with bus:
        await bus.ask(HaystackPipeline.name, RetrieveDocuments("warm"), timeout=300.0)
        waiting = list(mix)
        started = time.perf_counter()

        async def asker() -> None:
            while waiting:
                await bus.ask(HaystackPipeline.name, RetrieveDocuments(waiting.pop()), timeout=300.0)

        await asyncio.gather(*(asker() for _ in range(ASKERS)))
        took = time.perf_counter() - started
    threads.close()
    return took
