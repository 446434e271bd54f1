"""What was found out, as tables."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.chaos.experiment import Found
    from benchmarks.chaos.trial import Episode

__all__ = ["report"]

_MOST_SHOWN = 20


def report(found: Found) -> str:
    """Return the tables in Markdown, and below them what did not hold."""
    trial = found.trial
    late = sorted(1000 * scene.overrun for scene in trial.scenes)
    by_fault: dict[str, list[Episode]] = {}
    for episode in trial.episodes:
        by_fault.setdefault(str(episode.fault), []).append(episode)
    twice = sum(count > 1 for count in found.copies.values())
    acknowledged = trial.witness.acknowledged
    lost = sum(not found.copies[key] for key in {*acknowledged, *found.copies})
    promised = len(trial.witness.promised)
    ours = 1000 * max(trial.overruns().values())
    overran = sum(each > 0 for each in late)
    slow = f"a machine {found.slowness:.1f} times slower than a quiet one"
    lines = [
        f"{len(trial.scenes):,} scenes, {len(trial.episodes)} faults, {slow}.",
        f"Outcomes: {_counted(trial.outcomes)}.",
        f"Written down: {sum(found.copies.values()):,}; twice: {twice}. Second outcomes: {trial.twice}.",
        f"Acknowledged: {len(acknowledged):,}, of them promised for later: {promised}; lost: {lost}.",
        f"After its deadline came the outcome of {overran} scenes, the latest {late[-1]:.0f} ms after it.",
        f"Without those of a process that was held up, and what a bare timer was late: {ours:.0f} ms.",
        "",
        "| fault | times | first scene after its end, s: median | longest | out of the notes: longest | outcomes |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for name, episodes in sorted(by_fault.items()):
        first = [episode.first for episode in episodes]
        outcomes: Counter[str] = sum((episode.outcomes for episode in episodes), Counter())
        lines.append(
            f"| {name} | {len(episodes)} | {statistics.median(first):.2f} | {max(first):.2f} "
            f"| {max(episode.grounded for episode in episodes):.2f} | {_counted(outcomes)} |"
        )
    lines += ["", f"Did not hold: {len(found.broken)}." if found.broken else "All held that should."]
    lines += [f"- {each}" for each in found.broken[:_MOST_SHOWN]]
    return "\n".join(lines)


def _counted(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
