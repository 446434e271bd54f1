from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import ContractViolation, FablewrightError, InvalidInput, RemoteError
from fablewright.gm.embedding import (
    Embedding,
    EmbeddingFollower,
    EmbedPassage,
    EmbedQuery,
    embed_notes,
    embedding_policies,
)
from fablewright.gm.reading.embedded_text import key_of, vector_of
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.ports import Purpose, Vector

pytestmark = pytest.mark.anyio


class Letters:
    """An embedder that counts letters, and remembers what it was asked."""

    model = "letters"

    def __init__(self) -> None:
        self.asked: list[tuple[Purpose, tuple[str, ...]]] = []
        self.failures = 0
        self.closed = 0
        self.too_few = False

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        self.asked.append((purpose, tuple(texts)))
        if self.failures:
            self.failures -= 1
            raise FablewrightError("The embedding server cannot be reached.")
        if any("poison" in text for text in texts):
            raise FablewrightError("That text is too much.")
        vectors = [vector_of([text.count("a") + 1, text.count("e") + 1, len(text)]) for text in texts]
        return vectors[1:] if self.too_few else vectors

    async def close(self) -> None:
        self.closed += 1


class Texts:
    """The slow, obvious index of vectors."""

    def __init__(self, *texts: str) -> None:
        self.texts = {key_of(text): text for text in texts}
        self.vectors: dict[str, Vector] = {}
        self.stored: list[int] = []
        self.version = 1

    def add(self, text: str) -> None:
        self.texts[key_of(text)] = text
        self.version += 1

    def unembedded(self, model: str, *, limit: int) -> dict[str, str]:
        return dict([item for item in self.texts.items() if item[0] not in self.vectors][:limit])

    def store(self, model: str, vectors: Mapping[str, Vector]) -> None:
        self.vectors.update(vectors)
        self.stored.append(len(vectors))
        self.version += 1

    def embedded(self, model: str) -> int:
        return len(self.vectors)

    def nearest(self, model: str, vector: Vector, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        raise NotImplementedError


@pytest.fixture
def threads() -> Iterator[Threads]:
    pool = Threads(2)
    yield pool
    pool.close()


def bus_of(embedder: Letters) -> Bus:
    bus = Bus(BusOptions(policies=embedding_policies(), watchdog=None))
    bus.register(Embedding(embedder))
    return bus


async def ask_on(bus: Bus, text: str) -> Vector:
    return await bus.ask("embedder", EmbedPassage(text), timeout=5)


async def test_questions_that_come_together_are_one_call_and_the_same_ones_come_from_the_cache() -> None:
    embedder = Letters()
    async with bus_of(embedder) as bus:
        wanted = ["ale", "bread", "ale", "cake"]
        first = await asyncio.gather(*(bus.ask("embedder", EmbedQuery(text)) for text in wanted))
        again = await bus.ask("embedder", EmbedQuery("bread"))
    assert embedder.asked == [("query", ("ale", "bread", "cake"))]
    assert first[0] == first[2] != first[1] == again
    assert embedder.closed == 1


async def test_questions_and_passages_are_told_apart() -> None:
    embedder = Letters()
    async with bus_of(embedder) as bus:
        await bus.ask("embedder", EmbedPassage("ale"))
        await bus.ask("embedder", EmbedPassage("ale"))
    assert embedder.asked == [("passage", ("ale",))] * 2  # passages are kept in the index, not in a cache


async def test_one_that_cannot_be_embedded_fails_alone() -> None:
    embedder = Letters()
    async with bus_of(embedder) as bus:
        asks = (bus.ask("embedder", EmbedPassage(text)) for text in ("ale", " \n", "poison", "bread"))
        ale, blank, poison, bread = await asyncio.gather(*asks, return_exceptions=True)
    assert isinstance(ale, bytes)
    assert isinstance(bread, bytes)
    assert isinstance(blank, RemoteError)
    assert isinstance(blank.__cause__, InvalidInput)
    assert isinstance(poison, RemoteError)
    assert all(" \n" not in texts for _, texts in embedder.asked)


async def test_a_very_long_text_counts_by_its_beginning() -> None:
    embedder = Letters()
    async with bus_of(embedder) as bus:
        await bus.ask("embedder", EmbedQuery("a" * 100_000))
    assert len(embedder.asked[0][1][0]) == 8000


async def test_an_embedder_that_loses_a_text_has_broken_its_contract() -> None:
    embedder = Letters()
    embedder.too_few = True
    async with bus_of(embedder) as bus:
        with pytest.raises((RemoteError, ContractViolation)) as caught:
            await bus.ask("embedder", EmbedQuery("ale"))
    assert "0 vectors of 1 texts" in f"{caught.value} {caught.value.__cause__}"


async def test_all_passages_are_embedded_batch_by_batch_each_stored_at_once(threads: Threads) -> None:
    embedder, index = Letters(), Texts(*(f"passage {n}" for n in range(70)), "   ")
    told: list[int] = []
    async with bus_of(embedder) as bus:
        made = await embed_notes(index, "letters", lambda r, _: ask_on(bus, r.text), threads, on_progress=told.append)
        assert await embed_notes(index, "letters", lambda r, _: ask_on(bus, r.text), threads) == 0
    assert made == index.embedded("letters") == 70
    assert index.stored == [32, 32, 6]
    assert told == [32, 64, 70]
    assert {purpose for purpose, _ in embedder.asked} == {"passage"}


async def test_what_was_stored_before_a_failure_stays_and_the_next_run_goes_on(threads: Threads) -> None:
    embedder, index = Letters(), Texts(*(f"passage {n}" for n in range(40)), "poison")
    async with bus_of(embedder) as bus:
        with pytest.raises(RemoteError):
            await embed_notes(index, "letters", lambda r, _: ask_on(bus, r.text), threads)
        assert index.embedded("letters") == 32
        del index.texts[key_of("poison")]
        assert await embed_notes(index, "letters", lambda r, _: ask_on(bus, r.text), threads) == 8


async def test_the_follower_embeds_what_comes_and_tries_again_after_a_failure(
    threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    embedder, index = Letters(), Texts("one")
    bus = bus_of(embedder)
    bus.register(
        EmbeddingFollower(
            index,
            "letters",
            lambda r, _: ask_on(bus, r.text),
            threads,
            version=lambda: index.version,
            look_every=0.01,
        )
    )
    embedder.failures = 3  # the first attempt and both of its retries

    async def until(count: int) -> None:
        async with asyncio.timeout(10):
            while index.embedded("letters") < count:  # noqa: ASYNC110 - an index is looked at, it tells nobody
                await asyncio.sleep(0.005)

    with caplog.at_level(logging.WARNING):
        async with bus:
            await until(1)
            index.add("two")
            await until(2)
            await asyncio.sleep(0.1)
            calls = len(embedder.asked)
            await asyncio.sleep(0.1)
            assert len(embedder.asked) == calls  # nothing new, nothing asked
    assert "cannot be embedded now" in caplog.text
