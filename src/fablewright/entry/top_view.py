"""How a server is doing, on one screen of a terminal: tables out of a report, for ``fablewright top``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.columns import Columns
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fablewright.entry.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from fablewright.entry.system_report import ActionReport, BreakerReport, PendingReport, SystemReport

__all__ = ["breaker_remark", "breaker_row", "duration", "figures", "tables"]

_BARS = "▁▂▃▄▅▆▇█"
_STYLES = {"closed": "green", "open": "bold red", "forced_open": "bold red"}
_MOST_ROWS = 12


def figures(report: SystemReport) -> RenderableType:
    """Return the counts: in one line where there is room, else one below the other, none torn apart."""
    missed = sum(count for outcome, count in report.outcomes.items() if outcome != "replied")
    parts = (
        (f"{report.asked:,}", "requests", ""),
        (f"{report.pending_count:,}", "waiting", ""),
        (f"{missed:,}", "without a reply", "bold red" if missed else ""),
        (f"{sum(report.dead_letters.values()):,}", "dead letters", ""),
        *([(f"{report.unreadable:,}", "unreadable", "bold red")] if report.unreadable else []),
        (f"{report.tasks:,}", "tasks", ""),
        (duration(report.loop_lag_ms), "longest hold-up", "bold red" if report.loop_lag_ms > 250 else ""),
    )
    counts = [Text.assemble((value, style or "bold"), (f" {words}", "dim")) for value, words, style in parts]
    return Columns(counts, padding=(0, 3))


def tables(report: SystemReport) -> RenderableType:
    """Return everything else, from top to bottom; what there is nothing of is left out."""
    parts: list[RenderableType] = [_agents(report)]
    if report.pending:
        parts += [Text(), _pending(report.pending)]
    if report.actions:
        parts += [Text(), _actions(report.actions)]
    if report.caches:
        table = _table("Kept replies to", "hits", "misses", "stood in", "kept")
        for cache in report.caches:
            counts = (cache.hits, cache.misses, cache.stale, cache.entries)
            table.add_row(_route(cache.agent, cache.action), *(f"{count:,}" for count in counts))
        parts += [Text(), table]
    if report.letters:
        table = _table("Dead letters", "what", "message", "ago")
        for letter in report.letters[:_MOST_ROWS]:
            table.add_row(letter.reason.replace("_", " "), clean(letter.what), letter.id, duration(letter.age_ms))
        parts += [Text(), table]
    return Group(*parts)


def breaker_row(breaker: BreakerReport) -> tuple[Text, Text]:
    """Return the cells for a circuit breaker."""
    state = Text(breaker.state.replace("_", " "), _STYLES.get(breaker.state, "yellow"))
    return _route(breaker.agent, breaker.action), state


def breaker_remark(breaker: BreakerReport) -> str:
    """Return what there is to say about a circuit breaker beside its state, in one line; empty for nothing."""
    said = (
        f"opened {breaker.opened} ×" if breaker.opened else "",
        f"tried again in {duration(breaker.retry_ms)}" if breaker.retry_ms else "",
        f"last: {clean(breaker.last_cause)}" if breaker.last_cause else "",
    )
    remark = "; ".join(filter(None, said))
    return f"{breaker.action}: {remark}" if remark else ""


def duration(milliseconds: float | None) -> str:
    """Return a time for people."""
    if milliseconds is None:
        return "–"
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s" if milliseconds < 60_000 else f"{milliseconds / 60_000:.0f} min"


# ------------------------------------------------------------------ inside


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, expand=True, header_style="bold", pad_edge=False)
    table.add_column(first, ratio=3, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _route(agent: str, action: str) -> Text:
    return Text(action).append(f" {agent}", "dim")


def _agents(report: SystemReport) -> Table:
    table = _table("Agents", "mailbox", "handlers", "crashes")
    for agent in report.agents:
        crashes = Text(f"{agent.crashes}", "bold red" if agent.crashes else "dim")
        waiting = Text(f"{agent.waiting:,}", "bold yellow" if agent.waiting else "").append(
            f" of {agent.room:,}", "dim"
        )
        running = Text(f"{agent.running}", "bold" if agent.running else "").append(f" of {agent.concurrency}", "dim")
        table.add_row(agent.name, waiting, running, crashes)
    return table


def _of(count: int, most: int, style: str) -> Text:
    return Text(f"{count:,}", style if count else "").append(f" of {most:,}", "dim")


def _pending(pending: Sequence[PendingReport]) -> Table:
    table = _table("Who waits for whom", "", "since", "left")
    depths: dict[str, int] = {}
    for wait in _in_order(pending, depths)[:_MOST_ROWS]:
        lead = "  " * depths[wait.id]
        who = Text(f"{lead}{wait.asker or 'somebody outside'} → ").append_text(_route(wait.to, wait.action))
        state = Text("" if wait.started else "queued", "yellow")
        table.add_row(who, state, duration(wait.age_ms), duration(max(0.0, wait.left_ms)))
    if len(pending) > _MOST_ROWS:
        table.add_row(Text(f"and {len(pending) - _MOST_ROWS} more", "dim"))
    return table


def _in_order(pending: Sequence[PendingReport], depths: dict[str, int]) -> list[PendingReport]:
    """Return the waits, each before those of its handler, and note how deep each stands."""
    below: dict[str, list[PendingReport]] = {}
    for wait in pending:
        below.setdefault(wait.cause, []).append(wait)
    known = {wait.id for wait in pending}
    ordered: list[PendingReport] = []
    left = [(wait, 0) for wait in reversed(pending) if wait.cause not in known]
    while left:
        wait, depth = left.pop()
        depths[wait.id] = depth
        ordered.append(wait)
        left += [(each, depth + 1) for each in reversed(below.get(wait.id, ()))]
    return ordered


def _actions(actions: Sequence[ActionReport]) -> Table:
    bounds = sorted({bucket.upto_ms for action in actions for bucket in action.latency})
    span = f"{duration(bounds[0])} … {duration(bounds[-1])}" if bounds else ""
    table = _table("Replies from", "asked", "p50", "p95", "p99")
    table.add_column(span, no_wrap=True, min_width=len(bounds))
    for action in actions:
        times = (action.p50_ms, action.p95_ms, action.p99_ms)
        counts = {bucket.upto_ms: bucket.count for bucket in action.latency}
        shape = Text(_shape([counts.get(bound, 0) for bound in bounds]), "cyan")
        table.add_row(_route(action.agent, action.action), f"{action.asked:,}", *map(duration, times), shape)
    return table


def _shape(counts: Sequence[int]) -> str:
    """Return a histogram as one line of blocks, on the same scale for all; what is there at all is seen."""
    most = max(counts, default=0)
    return "".join(" " if not count else _BARS[(count * (len(_BARS) - 1)) // most] for count in counts)
