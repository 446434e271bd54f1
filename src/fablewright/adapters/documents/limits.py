"""What one document may cost, and how a worker is held to it from inside."""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EXHAUSTED", "HARMLESS", "Limits", "hold", "may_compute", "used"]

HARMLESS = 0.5
"""Share of the memory that a worker may have used at its peak and still be given the next document."""
EXHAUSTED = 0.8
"""Share at which something that failed has most likely failed for want of memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for each document.

    Attributes:
        memory: Bytes of the worker's address space, where the system can hold a process to it (Linux; macOS and
            Windows cannot, there the bounds of time and output remain). With the caller's own it stays below
            512 MiB.
        step_seconds: Wall-clock seconds without a sign of progress; a PDF shows one at each page.
        total_seconds: Wall-clock seconds altogether, for a document that is large and honest.
        output: Bytes of the Markdown in UTF-8.
    """

    memory: int = 400 << 20
    step_seconds: float = 20.0
    total_seconds: float = 60.0
    output: int = 16_000_000


def hold(memory: int) -> None:
    """Bound this process's address space, and forbid it the network, other programs and core dumps."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has none; macOS refuses some
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    sys.addaudithook(_refuse)


def may_compute(seconds: float) -> None:
    """Allow this process that much more processor time: also a worker whose caller was killed ends."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on Windows

        usage = resource.getrusage(resource.RUSAGE_SELF)
        most = int(usage.ru_utime + usage.ru_stime + seconds) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def used(memory: int) -> float:
    """Return the largest share of ``memory`` that this process has ever used; 0 where that is not known."""
    try:
        # getrusage would also count what the process that started this one had at that moment.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    peak = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return 1024 * int(peak[1]) / memory if peak else 0.0


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    """Stop what no converter needs; a guard against a library that follows a link, not a sandbox."""
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork")):
        raise PermissionError(f"a converter may not do this: {event}")
