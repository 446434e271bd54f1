"""The figures as Markdown tables, which are readable as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.retrieval.figures import Figures
    from benchmarks.retrieval.throughput import Throughput

__all__ = ["ablation_table", "kinds_table", "throughput_table"]


def kinds_table(by_kind: Mapping[str, Figures]) -> str:
    """Return a row for each kind of question, all of them first."""
    names = ["all", *sorted(kind for kind in by_kind if kind != "all")]
    rows = [
        (name, len(own.ranks), own.recall(5), own.recall(10), own.covered, *_times(own))
        for name in names
        if (own := by_kind[name]).seconds
    ]
    lines = [
        f"| {name} | {count or '–'} | {_or_none(count, f'{at_5:.2f} | {at_10:.2f} | {covered:.0%}')} | "
        f"{p50:.1f} | {p99:.1f} | {cpu:.1f} |"
        for name, count, at_5, at_10, covered, p50, p99, cpu in rows
    ]
    head = "| kind | questions | recall@5 | recall@10 | covered | p50 ms | p99 ms | p50 CPU ms |"
    return "\n".join([head, "|---|---|---|---|---|---|---|---|", *lines])


def ablation_table(variants: Iterable[tuple[str, Figures]]) -> str:
    """Return a row for each variant; beside each figure the difference from the first."""
    rows = list(variants)
    first = rows[0][1]
    lines = []
    for name, own in rows:
        cells = [
            _beside(value, before, same=own is first)
            for value, before in (
                (own.recall(5), first.recall(5)),
                (own.recall(10), first.recall(10)),
                (own.covered, first.covered),
            )
        ]
        lines.append(f"| {name} | {' | '.join(cells)} | {own.milliseconds(50, cpu=True):.1f} |")
    return "\n".join(["| | recall@5 | recall@10 | covered | p50 CPU ms |", "|---|---|---|---|---|", *lines])


def throughput_table(measured: Iterable[Throughput]) -> str:
    """Return a row for each mix of questions."""
    lines = [f"| {t.mix} | {t.one_by_one:,.0f} | {t.together:,.0f} | {t.ratio:.1f} × |" for t in measured]
    head = "| questions | one by one, searches/s | 100 askers on the bus, searches/s | ratio |"
    return "\n".join([head, "|---|---|---|---|", *lines])


def _or_none(count: int, figures: str) -> str:
    """Return the figures, or dashes for questions that have nothing to find."""
    return figures if count else "– | – | –"


def _times(own: Figures) -> tuple[float, float, float]:
    return own.milliseconds(50), own.milliseconds(99), own.milliseconds(50, cpu=True)


def _beside(value: float, before: float, *, same: bool) -> str:
    difference = value - before
    return f"{value:.2f}" if same or abs(difference) < 0.005 else f"{value:.2f} ({difference:+.2f})"
