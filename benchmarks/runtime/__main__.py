"""What a request costs on this runtime and on others, measured side by side in one process.

uv run --group bench python -m benchmarks.runtime [--rounds N] [--only NAME,NAME]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from typing import TYPE_CHECKING

from benchmarks.runtime.ours import Deferred, Fablewright, WithPolicies
from benchmarks.runtime.paired import burst_slice, compare, in_flight_slice, sequential_slice
from benchmarks.runtime.plain import BareAsyncio, TaskAndTimeout

if TYPE_CHECKING:
    from benchmarks.runtime.contestant import Contestant

CONTESTANTS: list[type[Contestant]] = [BareAsyncio, TaskAndTimeout, Fablewright, Deferred, WithPolicies]


async def _compare(contestants: list[Contestant], rounds: int) -> None:
    for one in contestants:
        await one.start()
    try:
        for measure, count in ((sequential_slice, 200), (burst_slice, 1000), (in_flight_slice, 1000)):
            gc.collect()
            gc.freeze()  # what was imported and started is not walked again in anybody's slice
            costs = await compare(contestants, measure, count=count, rounds=rounds)
            for name, figures in costs.items():
                for figure, cost in figures.items():
                    print(
                        f"{name:28}{figure:12}{cost.micros.median:9.1f} us"
                        f"{cost.ratio.median:8.2f} x  ({cost.ratio.low:.2f} to {cost.ratio.high:.2f})"
                    )
    finally:
        for one in contestants:
            await one.stop()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    asyncio.run(_compare([each() for each in CONTESTANTS], options.rounds))


if __name__ == "__main__":
    main()
