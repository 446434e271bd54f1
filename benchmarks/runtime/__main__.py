"""Time a request on this runtime, on bare asyncio and on other runtimes, side by side in one process.

Run it from the top of the checkout: `uv run --group bench python -m benchmarks.runtime`. Peers that are not
installed are left out. `--markdown` prints the page docs/performance.md instead of tables alone.
"""

from __future__ import annotations

import argparse

from benchmarks.runtime.field import the_field
from benchmarks.runtime.page import page
from benchmarks.runtime.report import PARTS, run
from benchmarks.runtime.tables import tables


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.runtime", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60, metavar="N", help="turns of each contestant (default 60)")
    parser.add_argument("--only", default="", metavar="A,B", help="parts of the names of those who take part")
    parser.add_argument("--parts", default="", metavar="A,B", help=f"of {','.join(PARTS)}; all but the last by default")
    parser.add_argument("--expiring", type=int, default=100_000, metavar="N", help="requests that expire at one moment")
    parser.add_argument("--requests", type=int, default=1_000_000, metavar="N", help="how long --long is")
    parser.add_argument("--long", action="store_true", help="measure endurance too, over --requests requests")
    parser.add_argument("--markdown", action="store_true", help="print the page docs/performance.md")
    options = parser.parse_args()
    parts = [part for part in options.parts.split(",") if part] or list(PARTS[:-1])
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.long and "endurance" not in parts:
        parts.append("endurance")
    contestants, peers = the_field([word for word in options.only.split(",") if word])
    report = run(
        contestants, peers, parts=parts, rounds=options.rounds, expiring=options.expiring, requests=options.requests
    )
    if options.markdown:
        print(page(report))
        return
    print(report.machine)
    for name, version in peers.items():
        print(f"{name} {version}" if version is not None else f"{name} is not installed and was left out")
    print()
    print(tables(report))


if __name__ == "__main__":
    main()
