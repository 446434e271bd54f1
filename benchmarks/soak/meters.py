"""What a process takes at a moment, out of /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Sample", "busy", "look_at"]

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a process.

    Attributes:
        requests: How many of the experiment had ended by then.
        mib: Its resident memory.
        descriptors: Files and connections that it has open.
        threads: How many it has.
        cpu: Seconds of processor time that it has taken.
    """

    requests: int
    mib: float
    descriptors: int
    threads: int
    cpu: float


def busy() -> float:
    """Return how many seconds of processor time this machine has spent so far, whoever took them."""
    user, nice, system, _, _, *interrupts = map(
        int, Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def look_at(process: int, requests: int) -> Sample:
    """Return how a process is doing.

    Raises:
        OSError: There is no such process.
    """
    folder = Path(f"/proc/{process}")
    pages = int((folder / "statm").read_text("ascii").split()[1])
    fields = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()  # from the third on, see proc(5)
    return Sample(
        requests,
        mib=pages * os.sysconf("SC_PAGE_SIZE") / _MIB,
        descriptors=sum(1 for _ in (folder / "fd").iterdir()),
        threads=int(fields[17]),
        cpu=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
    )
