"""A soak: NATS, a process of each agent, and requests at 70 % of what they can answer, for half an hour.

::

    uv run python -m benchmarks.soak --minutes 30
    uv run python -m benchmarks.soak --minutes 3     # a first look; shorter windows

What is counted as a request is what the front asks over the network; what the agents ask each other for it is not. The
exit status is 1 when something became slower, or grew, or was not answered.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from benchmarks.soak.experiment import Plan, soak
from benchmarks.soak.report import report

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_WINDOW, _WINDOWS = 30.0, 30
"""Seconds of a window at most; and how many there are at least."""


def main(words: Sequence[str] | None = None) -> int:
    """Run it, print the tables, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="of load [30]")
    parser.add_argument("--share", type=float, default=0.7, help="of what can be answered, that is asked for [0.7]")
    parser.add_argument("--seed", type=int, default=1, help="of what is asked for [1]")
    chosen = parser.parse_args(words)
    if sys.platform != "linux":
        parser.error("processes are looked at in /proc, which only Linux has")
    logging.basicConfig(level=logging.ERROR)
    seconds = 60 * chosen.minutes
    window = min(_MOST_WINDOW, seconds / _WINDOWS)
    found = asyncio.run(soak(Plan(seconds, share=chosen.share, window=window, seed=chosen.seed)))
    print(report(found))
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
