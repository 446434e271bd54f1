"""What was found out, as tables."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.soak.trend import calm, drift, ends, memory_slope, thirds

if TYPE_CHECKING:
    from benchmarks.soak.experiment import Found
    from benchmarks.soak.meters import Sample

__all__ = ["report"]


def report(found: Found) -> str:
    """Return the tables in Markdown, and below them what did not hold."""
    load = found.load
    judged = load.windows[found.judged :]
    asked = sum(window.requests for window in load.windows)
    lines = [
        f"{found.capacity:.0f} requests a second can be answered; asked at {found.rate:.0f} a second: {asked:,}.",
        f"Of all: {', '.join(f'{count:,} {kind}' for kind, count in load.kinds.most_common())}.",
        "",
        "| seconds | requests | p50 ms | p99 ms | a bare timer was late, p99 ms | others took, processors |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for number, window in enumerate(load.windows):
        mark = " (warm-up)" if number < found.judged else ""
        times = " | ".join(f"{1000 * each:.1f}" for each in (window.p50, window.p99, window.lateness))
        lines.append(f"| {window.at:.0f}{mark} | {window.requests:,} | {times} | {window.others:.2f} |")
    undisturbed = calm(judged)
    if undisturbed:
        first, last = thirds(undisturbed)
        told = (
            f"p99 over the run: {drift(undisturbed):+.0%} of its median; first third {1000 * first:.1f} ms, "
            f"last {1000 * last:.1f} ms. {len(judged) - len(undisturbed)} of {len(judged)} windows were disturbed."
        )
        lines += ["", told]
    lines += [
        "",
        "| process | MiB: first | last | MiB per 100,000 requests | descriptors | threads | CPU ms a request |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(_row(name, samples) for name, samples in found.samples.items() if samples),
        "",
        f"Did not hold: {len(found.broken)}." if found.broken else "All held that should.",
        *(f"- {each}" for each in found.broken),
    ]
    return "\n".join(lines)


def _row(name: str, samples: list[Sample]) -> str:
    counts = []
    for values in ([sample.descriptors for sample in samples], [sample.threads for sample in samples]):
        before, after = (round(statistics.median(part)) for part in ends(values))
        counts.append(f"{before} → {after}")
    first, last = samples[0], samples[-1]
    cpu = 1000 * (last.cpu - first.cpu) / max(1, last.requests - first.requests)
    return (
        f"| {name} | {first.mib:.1f} | {last.mib:.1f} | {memory_slope(samples):+.2f} | {counts[0]} | {counts[1]} "
        f"| {cpu:.2f} |"
    )
