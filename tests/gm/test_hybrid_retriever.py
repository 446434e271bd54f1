from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import FablewrightError
from fablewright.gm.hybrid_retriever import HybridRetriever, fused
from fablewright.gm.reading.embedded_text import vector_of
from fablewright.gm.reading.notes import Passage
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fablewright.gm.reading.ports import Vector

pytestmark = pytest.mark.anyio


def passage(name: str) -> Passage:
    return Passage(name, f"{name}.md", (), 0, 1)


A, B, C, D = map(passage, "abcd")


class Words:
    """Finds what it is told to."""

    warm = False

    async def warm_up(self) -> None:
        self.warm = True

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        assert max_docs >= 50
        return [A, B, C]


class Near:
    """An index that finds these by any vector."""

    def __init__(self, *found: Passage) -> None:
        self.found = list(found)
        self.filters: Mapping[str, str] = {}

    def nearest(self, model: str, vector: Vector, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        assert model == "m"
        self.filters = filters
        return self.found[:limit]

    unembedded = store = embedded = NotImplemented


async def question(_: str) -> Vector:
    return vector_of([1.0])


def names(found: Sequence[Passage]) -> str:
    return "".join(each.text for each in found)


def test_ranks_are_added_up_by_weight() -> None:
    assert names(fused([([A, B, C], 1.0), ([C, D], 1.0)])) == "cabd"
    assert names(fused([([A, B, C], 1.0), ([C, D], 0.02)])) == "abcd"
    assert names(fused([([A], 1.0), ([A], 1.0)])) == "a"
    scores = [each.score for each in fused([([A, B], 1.0), ([B, C], 0.25)])]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1 / 12 + 0.25 / 11)


async def test_words_first_and_what_is_near_besides() -> None:
    threads, near = Threads(2), Near(D, C)
    retriever = HybridRetriever(Words(), near, "m", question, threads, weight=1.0)
    await retriever.warm_up()
    assert names(await retriever.retrieve("x", max_docs=3, filters={"file": "*"})) == "cad"
    assert near.filters == {"file": "*"}
    threads.close()


@pytest.mark.parametrize("trouble", ["fails", "is late", "has none"])
async def test_without_vectors_the_words_answer_alone(trouble: str) -> None:
    async def embed(text: str) -> Vector:
        if trouble == "fails":
            raise FablewrightError("The embedding server cannot be reached.")
        if trouble == "is late":
            await asyncio.sleep(60)
        return await question(text)

    threads = Threads(2)
    retriever = HybridRetriever(Words(), Near(), "m", embed, threads, patience=0.05)
    assert await retriever.retrieve("x", max_docs=2, filters={}) == [A, B]
    threads.close()
