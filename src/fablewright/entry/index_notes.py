"""``fablewright index``: read the notes, and say what was read, what was skipped and why.

``--watch`` goes on: it looks at the folder again and again, and says a line for each file that it reads anew. It
looks rather than being told: that works on network drives and in synchronised folders too, and a look at a thousand
files takes a few hundredths of a second.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from fablewright.entry import assemble
from fablewright.entry.embedders import embed_now
from fablewright.entry.event_loop import run_loop
from fablewright.entry.interrupt import Interrupted, first_interrupt
from fablewright.entry.json_output import to_json
from fablewright.entry.no_notes import nothing_readable
from fablewright.entry.terminal import clean, emit, error_console, notice, set_up_streams
from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Loaded, Settings
    from fablewright.entry.invocation import Invocation
    from fablewright.gm.reading.notes import FileReport

__all__ = ["index_notes"]

_LOOK_EVERY = 1.0
"""Seconds between two looks of ``--watch``; more where a look takes long, so that it never takes a tenth of a core."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What came of reading the notes once."""

    label: str
    reports: tuple[FileReport, ...]
    ignored: Mapping[str, int]
    passages: int
    vectors: int
    seconds: float
    stopped: bool

    def count(self, outcome: str) -> int:
        """How many files had that outcome."""
        return sum(1 for report in self.reports if report.outcome == outcome)

    @property
    def held(self) -> int:
        """How many files are in the index now."""
        return self.count("read") + self.count("unchanged")

    @property
    def skipped(self) -> list[FileReport]:
        """Files that could not be read."""
        return [report for report in self.reports if report.outcome == "skipped"]

    @property
    def odd(self) -> list[FileReport]:
        """Files that were read, with a remark."""
        return [report for report in self.reports if report.outcome != "skipped" and report.remark]

    def object(self) -> dict[str, object]:
        """Everything, for programs."""
        return {
            "status": "stopped" if self.stopped else "done",
            "notes": self.label,
            "read": self.count("read"),
            "unchanged": self.count("unchanged"),
            "removed": self.count("removed"),
            "skipped": [{"file": each.name, "why": each.remark} for each in self.skipped],
            "remarks": [{"file": each.name, "remark": each.remark} for each in self.odd],
            "ignored": dict(self.ignored),
            "passages": self.passages,
            "vectors": self.vectors,
            "seconds": round(self.seconds, 3),
        }

    def text(self) -> str:
        """Everything, for people: two lines, and one for each file that needs a word."""
        counts = [f"{self.count('read')} read", f"{self.count('unchanged')} unchanged"]
        counts += [f"{self.count(name)} {name}" for name in ("removed", "skipped") if self.count(name)]
        lines = [
            f"{self.label}: {', '.join(counts)}.",
            f"The index holds {self.passages:,} passages. "
            + (f"{self.vectors:,} were embedded. " if self.vectors else "")
            + f"{self.seconds:.1f} s.",
            *(f"  skipped {each.name}: {each.remark}" for each in self.skipped),
            *(f"  read {each.name}: {each.remark}" for each in self.odd),
        ]
        if self.ignored:
            kinds = (f"{count} {kind or 'without an ending'}" for kind, count in sorted(self.ignored.items()))
            lines.append(f"  not notes: {', '.join(kinds)}")
        return "".join(f"{' '.join(clean(line).splitlines())}\n" for line in lines)


def index_notes(invocation: Invocation, loaded: Loaded, *, watch: bool = False, as_json: bool) -> int:
    """Bring the index up to date, print what became of the files, and return the exit status.

    A folder in which nothing can be read is most likely the wrong one: that is status 2.

    Args:
        invocation: When it began.
        loaded: The settings.
        watch: Whether to go on until Ctrl-C, and read what changes.
        as_json: Whether to print an object for programs; with ``watch`` an object a line, first of all and then
            of each file.

    Raises:
        InvalidInput: A folder does not exist.
    """
    set_up_streams(utf_8=as_json)
    notes = assemble.open_notes(loaded.settings, loaded.settings.notes)
    try:
        reports, stopped = _read(notes)
        vectors, embedded = (0, True) if stopped else _embed(loaded.settings, notes)
        reading = _Reading(
            label=notes.label,
            reports=tuple(reports),
            ignored=Counter(notes.source.ignored),
            passages=notes.index.count(),
            vectors=vectors,
            seconds=invocation.elapsed,
            stopped=stopped or not embedded,
        )
        emit(to_json(reading.object(), one_line=watch) + "\n" if as_json else reading.text())
        if reading.stopped:
            notice(f"You stopped: {reading.held} files are in the index, and the next run goes on from there.")
            return 130
        if watch:
            return _watch(loaded.settings, notes, as_json=as_json)
    finally:
        notes.close()
    if not reading.held and not reading.count("removed"):
        notice(nothing_readable(notes))
        return 2
    return 0


def _watch(settings: Settings, notes: Notes, *, as_json: bool) -> int:
    """Read what changes until Ctrl-C, which is how this ends well."""
    ended = threading.Event()
    said: dict[str, FileReport] = {}
    pause = _LOOK_EVERY
    with first_interrupt(ended.set):
        notice(f"Watching {notes.label}; Ctrl-C ends it.")
        while not ended.wait(pause):
            began = time.monotonic()
            try:
                reports = list(notes.read(ended.is_set))
            except FablewrightError as error:  # the index is busy, or its server away: it may be better next time
                notice(str(error))
                continue
            pause = max(_LOOK_EVERY, 20 * (time.monotonic() - began))
            news = [each for each in reports if each.outcome != "unchanged" and said.get(each.name) != each]
            said = {each.name: each for each in reports if each.outcome == "skipped"}  # these are said once
            for each in news:
                emit(to_json(_line(each), one_line=True) + "\n" if as_json else _sentence(each))
            if any(each.outcome == "read" for each in news) and not _embed(settings, notes)[1]:
                break
    return 0


def _line(report: FileReport) -> dict[str, object]:
    return {
        "file": report.name,
        "outcome": report.outcome,
        "passages": report.passages,
        "remark": report.remark,
    }


def _sentence(report: FileReport) -> str:
    words = f"{report.outcome} {report.name}" + (f": {report.remark}" if report.remark else "")
    return f"{' '.join(clean(words).splitlines())}\n"


def _embed(settings: Settings, notes: Notes) -> tuple[int, bool]:
    """Embed what has no vector yet, if there is an embedder; return how many, and whether it came to its end."""
    made: list[int] = [0]
    console = error_console()
    columns = (TextColumn("Embedding"), TextColumn("{task.completed:,.0f}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def progress(count: int) -> None:
            made[0] = count
            bar.update(task, completed=count)

        try:
            run_loop(embed_now(settings, notes.index, progress))
        except Interrupted:
            return made[0], False
        except FablewrightError as error:
            notice(f"Your notes are found by words alone for now: {error}")
    return made[0], True


def _read(notes: Notes) -> tuple[list[FileReport], bool]:
    """Read file by file behind a progress bar; Ctrl-C ends it after the file that is being read."""
    reports: list[FileReport] = []
    pressed: list[bool] = []
    console = error_console()
    bar = Progress(
        TextColumn("Reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[file]}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with first_interrupt(lambda: pressed.append(True)), bar:
        task = bar.add_task("", total=sum(1 for _ in notes.source.files()), file="")
        for report in notes.read(lambda: bool(pressed), again=True):
            reports.append(report)
            bar.update(task, advance=report.outcome != "removed", file=clean(report.name)[-40:])
    return reports, bool(pressed)
