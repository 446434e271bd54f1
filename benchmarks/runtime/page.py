"""Writes docs/performance.md out of a report: the words here, every figure from the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.runtime import tables
from benchmarks.runtime.ours import POLICIES_ON
from benchmarks.runtime.targets import TARGETS

if TYPE_CHECKING:
    from benchmarks.runtime.report import Report

__all__ = ["page"]

_OURS = "fablewright"

#: What somebody who is cheaper than we are leaves out, or does otherwise.
_WHY = {
    "create_task + timeout": (
        "one task and one time-out, called directly: no mailbox and so no bound on what piles up, no overload that "
        "is refused, nothing counted, and nobody can find out what is pending. For a single call whose answerer is "
        "in the same function, use that"
    ),
    "bare asyncio, one caller": (
        "the floor: one caller makes all futures and awaits them one by one, so no caller has a task. It is shown "
        "to say how much of everybody's figure with many in flight is the callers' own tasks"
    ),
    "pykka": (
        "an actor on a thread. With many in flight its messages wait in a queue without a task or a timer each, "
        "and the time-out is on the caller's side alone: the actor goes on with what nobody waits for. Each request "
        "that is waited for blocks a thread, so its callers are as many as the threads that one can afford"
    ),
}

_INTRODUCTION = """\
What a request costs on the runtime, beside bare asyncio and beside other runtimes. This page is written by \
`uv run --group bench python -m benchmarks.runtime --long --markdown`; run it to have the figures of your machine."""

_METHOD = """\
## How it is measured

All contestants run in one process and one event loop, in turn, in slices of a few milliseconds: 200 requests \
one after the other, or 1,000 at once. A slice of the baseline is timed right before each slice of anybody, and \
the figure is the median of the ratios of such pairs, with its quartiles beside it. A busy machine slows both \
halves of a pair; microseconds change from machine to machine, ratios hardly do. The baseline is also paired with \
itself: how far that is from 1.00 is how far to trust the rest.

Every contestant carries a number to a handler and one more than it back, within a deadline of 10 s, and every \
reply is checked. Each is used as its documentation shows first, with its defaults. Who has no deadline is called \
inside `asyncio.timeout`, as its user would have to.

- **bare asyncio** is the baseline: a worker task reads an `asyncio.Queue`, the asker makes a future and a timer \
(`call_at`), awaits the one and cancels the other.
- **create_task + timeout** is what one writes by hand: the handler in a task, awaited inside `asyncio.timeout`.
- **fablewright** is `Bus.ask` as it comes: deadline, correlation ids, bounded mailbox, metrics. **Deferred**: the \
handler returns `ctx.defer()`, and one place answers all tokens later. **All policies**: {policies}.

"Burst" is 1,000 requests asked at once and answered at once. "In flight" is 1,000 that are held until all have \
arrived, so that at one moment all are pending; then they are answered. Both are CPU time of the whole process, all \
threads counted, with the callers' tasks. Garbage of one contestant is collected before the next begins, and \
what was imported is frozen, so nobody pays for another's heap.

Memory is what Python allocated (`tracemalloc`). To let requests expire, the loop's clock is set forward past all \
deadlines; a ticker that wants to run every millisecond says how long the loop was away, and how much of that was \
this program's own CPU time. Garbage is counted with the collector off, and is what one collection then finds. \
Asks that end in every way (replied, raised, expired, cancelled, deferred, dropped, rejected) are in it.
"""


def page(report: Report) -> str:
    """Return the page."""
    return "\n\n".join(block for block in _blocks(report) if block)


def _blocks(report: Report) -> list[str]:
    return [
        "# Performance",
        _INTRODUCTION,
        f"Measured on {report.machine}. {_peers(report)}",
        "## What was promised",
        tables.targets(report),
        _METHOD.format(policies=POLICIES_ON).rstrip(),
        "## Time",
        tables.costs(report),
        "## Memory",
        tables.memory(report),
        "## A hundred thousand deadlines at one moment",
        tables.expiry(report),
        "## What stays behind",
        tables.garbage(report),
        tables.endurance(report),
        "## Read it honestly",
        _reading(report),
    ]


def _peers(report: Report) -> str:
    there = ", ".join(f"{name} {version}" for name, version in report.peers.items() if version is not None)
    missing = ", ".join(name for name, version in report.peers.items() if version is None)
    parts = [f"Peers: {there}." if there else "", f"Not installed: {missing}." if missing else ""]
    return " ".join(part for part in parts if part)


def _reading(report: Report) -> str:
    """Say who is cheaper and why, what was missed, and what the figures do not show."""
    lines = ["Fablewright is not the fastest."]
    words = {
        "p50": "one after the other",
        "burst": "in a burst",
        "in flight": "with 1,000 in flight",
    }
    ours = report.costs.get(_OURS, {})
    cheaper: dict[str, list[str]] = {}
    for name, figures in report.costs.items():
        for figure, phrase in words.items():
            if name == "bare asyncio" or name.startswith(_OURS) or figure not in figures or figure not in ours:
                continue
            theirs, mine = figures[figure].ratio, ours[figure].ratio
            if theirs.high < mine.low:
                cheaper.setdefault(name, []).append(f"{phrase} ({theirs.median:.2f}x, ours {mine.median:.2f}x)")
    if ours:
        prices = ", ".join(
            f"{ours[figure].ratio.median:.2f}x {phrase}" for figure, phrase in words.items() if figure in ours
        )
        lines.append(
            f"- **bare asyncio** is always cheaper: ours is {prices}. The difference buys one outcome per request "
            "whatever happens, deadlines that travel, a mailbox that refuses overload, withdrawal of work that nobody "
            "waits for, ids that tell a story, and figures per agent and action. Where none of that is wanted, use it."
        )
    lines += [
        f"- **{name}** is cheaper {', '.join(where)}: {_WHY.get(name, 'see its documentation')}."
        for name, where in cheaper.items()
    ]
    missed = [
        target.what for target in TARGETS if (value := target.figure(report)) is not None and not target.met(value)
    ]
    if missed:
        lines.append(f"- **Missed in this run**: {'; '.join(missed)}.")
    lines.append(
        "- A request here does nothing but add one. A handler that asks a model or a disk takes a thousand times as "
        "long as any figure in these tables; then the cost of the runtime shows only in how many requests may be in "
        "flight, in memory, and in what happens when many fail at once."
    )
    lines.append(
        "- autogen-core, langgraph and llama-index-workflows do things that this test does not ask of them: "
        "serialisation and tracing hooks, state graphs, checkpoints, streams of events. Who needs those pays for them "
        "somewhere. They were given fewer turns and smaller crowds, because a turn of theirs takes seconds."
    )
    return "\n".join([lines[0], "", *lines[1:]])
