"""``fablewright index``: read the notes, and say what was read, what was skipped and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from fablewright.entry import assemble
from fablewright.entry.interrupt import first_interrupt
from fablewright.entry.json_output import to_json
from fablewright.entry.no_notes import nothing_readable
from fablewright.entry.terminal import clean, emit, error_console, notice, set_up_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Loaded
    from fablewright.entry.invocation import Invocation
    from fablewright.gm.reading.notes import FileReport

__all__ = ["index_notes"]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What came of reading the notes once."""

    label: str
    reports: tuple[FileReport, ...]
    ignored: Mapping[str, int]
    passages: int
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
            "seconds": round(self.seconds, 3),
        }

    def text(self) -> str:
        """Everything, for people: two lines, and one for each file that needs a word."""
        counts = [f"{self.count('read')} read", f"{self.count('unchanged')} unchanged"]
        counts += [f"{self.count(name)} {name}" for name in ("removed", "skipped") if self.count(name)]
        lines = [
            f"{self.label}: {', '.join(counts)}.",
            f"The index holds {self.passages:,} passages. {self.seconds:.1f} s.",
            *(f"  skipped {each.name}: {each.remark}" for each in self.skipped),
            *(f"  read {each.name}: {each.remark}" for each in self.odd),
        ]
        if self.ignored:
            kinds = (f"{count} {kind or 'without an ending'}" for kind, count in sorted(self.ignored.items()))
            lines.append(f"  not notes: {', '.join(kinds)}")
        return "".join(f"{' '.join(clean(line).splitlines())}\n" for line in lines)


def index_notes(invocation: Invocation, loaded: Loaded, *, as_json: bool) -> int:
    """Bring the index up to date, print what became of the files, and return the exit status.

    A folder in which nothing can be read is most likely the wrong one: that is status 2.

    Raises:
        InvalidInput: A folder does not exist.
    """
    set_up_streams(utf_8=as_json)
    notes = assemble.open_notes(loaded.settings, loaded.settings.notes)
    reports, stopped = _read(notes)
    reading = _Reading(
        label=notes.label,
        reports=tuple(reports),
        ignored=Counter(notes.source.ignored),
        passages=notes.index.count(),
        seconds=invocation.elapsed,
        stopped=stopped,
    )
    notes.close()
    emit(to_json(reading.object()) + "\n" if as_json else reading.text())
    if reading.stopped:
        notice(f"You stopped: {reading.held} files are in the index, and the next run goes on from there.")
        return 130
    if not reading.held and not reading.count("removed"):
        notice(nothing_readable(notes))
        return 2
    return 0


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
