from __future__ import annotations

import pytest

from fablewright.errors import ContractViolation, FablewrightError
from fablewright.gm.reranking import Reranking, RerankTexts, reranking_policies
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions

pytestmark = pytest.mark.anyio


class Counts:
    """A reranker that scores a text by its length; fails, or says nonsense, when told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.warm = self.closed = False
        self.error: Exception | None = None
        self.scores: list[float] | None = None

    async def warm_up(self) -> None:
        self.warm = True

    async def rerank(self, question: str, texts: tuple[str, ...]) -> list[float]:
        self.asked += 1
        if self.error:
            raise self.error
        return [float(len(text)) for text in texts] if self.scores is None else self.scores

    async def close(self) -> None:
        self.closed = True


async def test_equal_questions_are_asked_once_and_what_fails_is_left_alone_for_a_while() -> None:
    reranker = Counts()
    bus = Bus(BusOptions(policies=reranking_policies(), watchdog=None))
    bus.register(Reranking(reranker))
    async with bus:
        for _ in range(3):
            assert await bus.ask("reranker", RerankTexts("owl", ("a", "bcd")), timeout=5) == (1.0, 3.0)
        assert (reranker.asked, reranker.warm) == (1, True)
        reranker.error = FablewrightError("out of order")
        for number in range(6):
            with pytest.raises(FablewrightError):
                await bus.ask("reranker", RerankTexts(f"owl {number}", ("a", "b")), timeout=5)
        assert reranker.asked == 1 + 3
    assert reranker.closed


@pytest.mark.parametrize("scores", [[1.0], [1.0, float("nan")], [1.0, float("inf")]])
async def test_a_reranker_has_a_finite_score_for_each_text(scores: list[float]) -> None:
    reranker = Counts()
    reranker.scores = scores
    bus = Bus(BusOptions(watchdog=None))
    bus.register(Reranking(reranker))
    async with bus:
        with pytest.raises((ContractViolation, FablewrightError), match="scores of 2 texts"):
            await bus.ask("reranker", RerankTexts("owl", ("a", "b")), timeout=5)
