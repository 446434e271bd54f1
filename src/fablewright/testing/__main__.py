"""``python -m fablewright.testing``: run the bus through made-up scenarios, and replay one of them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.testing.campaign import campaign
from fablewright.testing.history import load, save
from fablewright.testing.scenario import generate, in_order
from fablewright.testing.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.testing.campaign import Sums
    from fablewright.testing.simulation import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 1 if something was wrong with the bus, 2 with the command."""
    options = _parser().parse_args(arguments)
    try:
        return _simulate(options) if options.command == "simulate" else _replay(options)
    except (InvalidInput, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fablewright.testing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    simulating = commands.add_parser("simulate", help="run the scenarios of many seeds and judge each")
    simulating.add_argument("--seeds", type=_at_least_1, default=100, metavar="N", help="how many (100)")
    simulating.add_argument("--from", type=int, default=0, metavar="S", dest="first", help="the first one (0)")
    simulating.add_argument("--jobs", type=_at_least_1, default=os.cpu_count() or 1, metavar="J", help="processes")
    simulating.add_argument("--roots", type=_at_least_1, default=300, metavar="R", help="asks from outside (300)")
    replaying = commands.add_parser("replay", help="run one scenario and tell what happens")
    replaying.add_argument("what", help="a seed, or a file that --save has written")
    replaying.add_argument("--roots", type=_at_least_1, default=300, metavar="R", help="asks from outside (300)")
    replaying.add_argument("--in-order", action="store_true", help="one ask after the other, nothing shuffled")
    replaying.add_argument("--save", type=Path, metavar="FILE", help="keep the run")
    replaying.add_argument("--renew", action="store_true", help="write to the file how it is now")
    return parser


def _at_least_1(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text!r}")
    return int(text)


# ------------------------------------------------------------------ simulate


def _simulate(options: argparse.Namespace) -> int:
    began = time.perf_counter()
    seeds = range(options.first, options.first + options.seeds)
    sums = campaign(seeds, jobs=options.jobs, roots=options.roots)
    _report(sums, time.perf_counter() - began, options)
    return 1 if sums.violations else 0


def _report(sums: Sums, seconds: float, options: argparse.Namespace) -> None:
    each = sums.seconds / max(1, sums.requests) * 1e6
    _say(f"requests    {sums.requests:,} of {sums.seeds:,} seeds, from {options.first}")
    _say(f"time        {seconds:.1f} s in {options.jobs} processes, {each:.0f} µs of processor time per request")
    _say(f"outcomes    {_listed(sums.outcomes)}")
    _say(f"faults      {_listed(sums.faults)}")
    _say(f"choices     {sums.choices / max(1, sums.events):.1%} of {sums.events:,} events")
    _say(f"trace       {sums.digest}")
    _say(f"violations  {sum(map(len, sums.violations.values()))}")
    for seed, violations in sorted(sums.violations.items()):
        roots = "" if options.roots == 300 else f" --roots {options.roots}"
        _say(f"\nseed {seed}: python -m fablewright.testing replay {seed}{roots}")
        for violation in violations:
            _say(f"  {violation}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _listed(counts: Counter[str]) -> str:
    return " · ".join(f"{what} {count:,}" for what, count in sorted(counts.items())) or "none"


# ------------------------------------------------------------------ replay


def _replay(options: argparse.Namespace) -> int:
    history = None if options.what.lstrip("-").isdecimal() else load(Path(options.what))
    scenario = generate(int(options.what), roots=options.roots) if history is None else history.scenario
    if options.in_order:
        scenario = in_order(scenario)
    run = simulate(scenario)
    difference = "" if history is None else history.difference(run)
    if options.save is not None:
        save(run, options.save)
    if options.renew and history is not None:
        save(run, Path(options.what))
    _tell(run)
    for violation in run.violations:
        _say(f"violation   {violation}")
    if difference and not options.renew:
        _say(f"differs     {difference}")
        if history is not None and not history.is_comparable:
            _say(f"            (Python {history.python} wrote it, and may order the events of an instant otherwise)")
    return 1 if run.violations or (difference and not options.renew) else 0


def _tell(run: Run) -> None:
    """Print what happened, a line for each event."""
    for agent in run.scenario.cast:
        _say(f"{agent.name}: {agent.concurrency} handlers, room for {agent.capacity} messages, then {agent.overflow}")
    _say(f"faults: {run.scenario.plan}\n")
    for at, what, who, detail in run.trace.events:
        said = " ".join(map(str, detail)) if isinstance(detail, tuple) else "" if detail is None else str(detail)
        _say(f"{at:12.7g}  {what:9}  {who}  {said}".rstrip())
    _say(f"\n{run.requests:,} requests: {_listed(Counter(run.outcomes))}")


if __name__ == "__main__":
    sys.exit(main())
