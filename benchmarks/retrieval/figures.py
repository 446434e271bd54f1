"""What is measured of a set of questions: recall at 5 and at 10, questions covered, and time."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.retrieval.questions import Question
    from fablewright.gm.reading.notes import Passage

__all__ = ["Figures", "Search", "measure"]

Search: TypeAlias = "Callable[[str, int], Sequence[Passage]]"
"""Finds passages for a question, at most so many."""
_DEPTH = 10


@dataclass(slots=True)
class Figures:
    """Of some questions.

    Attributes:
        ranks: For each question with citations the rank of each; None: not among the first ten.
        seconds: What each search took, on the clock on the wall.
        cpu: What each took of a processor: what counts on a machine that does other things as well.
    """

    ranks: list[list[int | None]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def recall(self, depth: int) -> float:
        """Return the share of citations that lie in one of the first ``depth`` passages."""
        every = [rank for ranks in self.ranks for rank in ranks]
        return sum(1 for rank in every if rank and rank <= depth) / len(every) if every else 0.0

    @property
    def covered(self) -> float:
        """The share of questions all of whose citations lie in one of the first ten passages."""
        return sum(all(ranks) for ranks in self.ranks) / len(self.ranks) if self.ranks else 0.0

    def milliseconds(self, percent: float, *, cpu: bool = False) -> float:
        """Return the time that so many percent of the searches stay below."""
        ordered = sorted(self.cpu if cpu else self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0


def measure(questions: Iterable[Question], search: Search, *, rounds: int = 1) -> dict[str, Figures]:
    """Ask every question and return the figures by kind, and under ``all`` those of all kinds together.

    Args:
        questions: What to ask.
        search: What answers; asked once before anything is timed.
        rounds: How often each is asked for the time.
    """
    every = list(questions)
    by_kind: dict[str, Figures] = defaultdict(Figures)
    for question in every:
        search(question.words, _DEPTH)
    for question in every:
        found: Sequence[Passage] = ()
        for _ in range(rounds):
            started, on_cpu = time.perf_counter(), time.thread_time()
            found = search(question.words, _DEPTH)
            for name in ("all", question.kind):
                by_kind[name].cpu.append(time.thread_time() - on_cpu)
                by_kind[name].seconds.append(time.perf_counter() - started)
        if question.cited:
            for name in ("all", question.kind):
                by_kind[name].ranks.append([cited.rank(found) for cited in question.cited])
    return dict(by_kind)
