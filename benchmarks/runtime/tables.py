"""A report as Markdown tables, which a terminal can read too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.runtime.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.runtime.paired import Costs
    from benchmarks.runtime.report import Report

__all__ = ["costs", "endurance", "expiry", "garbage", "memory", "table", "tables", "targets"]


def tables(report: Report) -> str:
    """Return all tables that the report has figures for."""
    blocks = [targets(report), costs(report), memory(report), expiry(report), garbage(report), endurance(report)]
    return "\n\n".join(block for block in blocks if block)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned; empty without rows. The first column is text, others figures."""
    body = [list(row) for row in rows]
    if not body:
        return ""
    widths = [max(len(row[column]) for row in [head, *body]) for column in range(len(head))]
    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in [head, *body]
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [lines[0], rule, *lines[1:]])


def targets(report: Report) -> str:
    """Return what was promised and what was measured."""
    rows = []
    for target in TARGETS:
        figure = target.figure(report)
        if figure is not None:
            bound = f"{'>=' if target.at_least else '<='} {target.bound:g}"
            rows.append((target.what, bound, _short(figure), "yes" if target.met(figure) else "NO"))
    return table(("promised", "bound", "measured", "met"), rows)


def costs(report: Report) -> str:
    """Return a table for each way of asking: microseconds, and ratios with their quartiles."""
    blocks = []
    for figures in (("p50", "p99"), ("burst",), ("in flight",)):
        head = ["per request"]
        for figure in figures:
            head += [f"{figure}, µs", "x bare", "quartiles"]
        rows = [
            [name, *(cell for figure in figures for cell in _cost(measured[figure]))]
            for name, measured in report.costs.items()
            if all(figure in measured for figure in figures)
        ]
        blocks.append(table(head, rows))
    return "\n\n".join(block for block in blocks if block)


def memory(report: Report) -> str:
    """Return bytes per pending request."""
    rows = [
        (name, f"{weight.with_task:,.0f}", f"{weight.without_task:,.0f}", f"{weight.count:,}")
        for name, weight in report.memory.items()
    ]
    return table(("bytes per pending request", "with the caller's task", "without", "held"), rows)


def expiry(report: Report) -> str:
    """Return what many deadlines at one moment did."""
    rows = [
        (
            name,
            f"{expired.count:,}",
            f"{expired.seconds:.3f}",
            f"{expired.cpu:.3f}",
            f"{expired.cpu / expired.count * 1e6:.1f}",
            f"{expired.stall * 1e3:.1f}",
            f"{expired.stall_cpu * 1e3:.1f}",
            f"{expired.tasks_left:,}",
            f"{expired.timers_left:,}",
        )
        for name, expired in report.expiry.items()
    ]
    head = (
        "all expire at once",
        "pending",
        "s",
        "CPU s",
        "µs each",
        "stall, ms",
        "of it CPU",
        "tasks left",
        "timers left",
    )
    return table(head, rows)


def garbage(report: Report) -> str:
    """Return what only the cyclic collector can free."""
    rows = [
        (name, f"{left.requests:,}", f"{left.per_request:.3f}", ", ".join(left.types) or "none")
        for name, left in report.garbage.items()
    ]
    return table(("garbage in cycles", "requests", "objects per request", "types"), rows)


def endurance(report: Report) -> str:
    """Return what a long run left."""
    long = report.endurance
    if long is None:
        return ""
    slope = "not measured here" if long.rss_slope is None else f"{long.rss_slope:+.2f} MiB per million"
    before, after = long.before, long.after
    rows = [
        ("requests", f"{long.requests:,} in {long.seconds:.0f} s"),
        ("growth of resident memory", slope),
        ("tasks, before and after", f"{before.tasks}, {after.tasks}"),
        ("timers, before and after", f"{before.timers}, {after.timers}"),
        ("open files, before and after", f"{before.open_files}, {after.open_files}"),
    ]
    return table(("a long run", "measured"), rows)


def _cost(cost: Costs) -> tuple[str, str, str]:
    return (
        f"{cost.micros.median:.1f}",
        f"{cost.ratio.median:.2f}",
        f"{cost.ratio.low:.2f} to {cost.ratio.high:.2f}",
    )


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
