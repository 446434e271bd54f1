"""Scenes under faults: what becomes of each of them.

::

    uv run python -m benchmarks.chaos --scenes 500 --seed 1
    uv run python -m benchmarks.chaos --scenes 300 --only kill       # of one kind of fault
    uv run python -m benchmarks.chaos --scenes 300 --servers 3       # of NATS, as a cluster
    uv run python -m benchmarks.chaos --scenes 300 --file            # without PostgreSQL

A real NATS server, a real PostgreSQL, a real process for each agent and one that serves, on this machine; scenes are
asked for at a steady rate, and by the seed processes are killed and held up, the servers too, and what goes to and fro
is late, trickles, is cut, or stops. The exit status is 1 when something did not hold that should.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from benchmarks.chaos.experiment import experiment
from benchmarks.chaos.faults import faults
from benchmarks.chaos.report import report

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(words: Sequence[str] | None = None) -> int:
    """Run it, print the tables, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scenes", type=int, default=500, help="how many are asked for [500]")
    parser.add_argument("--seed", type=int, default=1, help="of the faults and of what is asked for [1]")
    parser.add_argument("--rate", type=float, default=4.0, help="scenes a second [4]")
    parser.add_argument("--servers", type=int, default=1, help="of NATS; several are a cluster [1]")
    parser.add_argument("--only", default="", help="faults whose name has this in it, such as kill or server")
    parser.add_argument("--file", action="store_true", help="keep the campaign in a file, and not in PostgreSQL")
    chosen = parser.parse_args(words)
    logging.basicConfig(level=logging.ERROR)
    postgres = not chosen.file
    planned = (fault for fault in faults(chosen.seed, postgres=postgres) if chosen.only in str(fault))
    asked = experiment(
        planned,
        scenes=chosen.scenes,
        rate=chosen.rate,
        seed=chosen.seed,
        servers=max(1, chosen.servers),
        postgres=postgres,
    )
    found = asyncio.run(asked)
    print(report(found))
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
