"""How long answers take without a model: one table's, and those of fifty tables that ask at once in one process.

    uv run python -m benchmarks.tables --corpus DIR --questions FILE [FILE ...]

FILE is JSON lines with ``prompt``. The notes are copied side by side until they have as many passages as are to be
searched. Each question is asked for the first time unless a row says otherwise, with everything else warm. One table's
answers come one after the other; "its first line" is when the first line of a scene could be written to a terminal.
CPU time is that of the whole process, all threads counted: on a busy machine it says more than the clock does.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from fablewright.entry.answering import ask_once
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import Settings
from fablewright.entry.render import render
from fablewright.gm.orchestrator import HandleRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.gm.answer import Answer, Want
    from fablewright.runtime.bus import Bus

_ALONE = 25
_TIMEOUT = 60.0
"""Seconds; what is measured is how long it took, not whether that was in time."""


@dataclass(slots=True)
class Row:
    """The answers of one kind.

    Attributes:
        name: Which they are.
        took: Seconds that each took.
        cpu: Seconds of CPU time that all of them took together.
        status: How many ended how.
    """

    name: str
    took: list[float] = field(default_factory=list)
    cpu: float = 0.0
    status: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        ordered = sorted(self.took)
        p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        times = "".join(f"{1000 * took:8.0f}" for took in (statistics.median(ordered), p95, ordered[-1]))
        ends = ", ".join(f"{count} {status}" for status, count in self.status.most_common())
        return f"{self.name:32}{times}{1000 * self.cpu / len(ordered):12.1f}  {ends}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tables", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, metavar="DIR", required=True, help="a folder of notes")
    parser.add_argument("--questions", type=Path, metavar="FILE", nargs="+", required=True, help="the questions")
    parser.add_argument("--tables", type=int, default=50, metavar="N", help="how many ask at once (default 50)")
    parser.add_argument("--passages", type=int, default=5000, metavar="N", help="how many to search (default 5000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="for the order of the questions (default 1)")
    options = parser.parse_args()
    words = list(
        dict.fromkeys(
            json.loads(line)["prompt"] for file in options.questions for line in file.read_text("utf-8").splitlines()
        )
    )
    if len(words) < options.tables:
        parser.error(f"there are {len(words)} questions for {options.tables} tables")
    random.Random(options.seed).shuffle(words)
    with tempfile.TemporaryDirectory() as work:
        settings = _settings(Path(work), options.corpus, options.passages)
        asyncio.run(measure(settings, words, options.tables))


async def measure(settings: Settings, words: Sequence[str], tables: int) -> None:
    """Ask one by one, then all at once, and print each row as soon as it is there."""
    print(f"{'milliseconds':32}{'p50':>8}{'p95':>8}{'max':>8}{'CPU each':>12}")
    together = words[:tables]
    alone = words[tables : tables + _ALONE] or together[:_ALONE]
    async with assistant(settings, open_notes(settings)) as bus:
        await ask_once(bus, HandleRequest("generate scenario for the first encounter"), timeout=_TIMEOUT)
        print(await _one_by_one("one table, questions", bus, alone))
        print(
            await _one_by_one("one table, scenes: its first line", bus, [f"{each} tonight" for each in alone], "scene")
        )
        print(await _at_once(f"{tables} at once, questions", bus, together))
        print(await _at_once(f"{tables} at once, scenes", bus, [f"{each} tonight" for each in together], "scene"))
        print(await _at_once(f"{tables} at once, questions again", bus, together))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


async def _one_by_one(name: str, bus: Bus, words: Iterable[str], want: Want | None = None) -> Row:
    row = Row(name)
    for each in words:
        await _ask(row, bus, each, want, show=True)
    return row


async def _at_once(name: str, bus: Bus, words: Iterable[str], want: Want | None = None) -> Row:
    row = Row(name)
    began = time.process_time()
    await asyncio.gather(*(_ask(row, bus, each, want) for each in words))
    row.cpu = time.process_time() - began
    return row


async def _ask(row: Row, bus: Bus, words: str, want: Want | None, *, show: bool = False) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    answer = await ask_once(bus, HandleRequest(words, want=want, seed=1), timeout=_TIMEOUT)
    if show and answer.scene is not None:  # fifty tables of one process have no terminal in it
        _written(answer)
    row.took.append(time.perf_counter() - began)
    row.cpu += time.process_time() - cpu
    row.status[answer.status] += 1


def _written(answer: Answer) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    console.print(render(answer, console))


def _settings(work: Path, corpus: Path, passages: int) -> Settings:
    """Copy and index the notes until there are enough of them, and return how to open them."""
    folder = work / "notes"
    settings = Settings(notes=(folder,), data_dir=work / "data", timeout=_TIMEOUT, prose="off")
    number = there = 0
    while there < passages:
        number += 1
        shutil.copytree(corpus, folder / f"copy-{number}")
        notes = open_notes(settings)
        files = sum(1 for _ in notes.read())
        there = notes.index.count()
        notes.close()
    print(f"{there:,} passages of {files:,} files: {number} times {corpus}")
    return settings


if __name__ == "__main__":
    main()
