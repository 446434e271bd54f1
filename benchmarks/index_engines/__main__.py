"""Compares engines for the index: ``python -m benchmarks.index_engines [--sizes 5000,50000,200000] [--only NAME]``.

Each engine at each size is built and asked in a process of its own, one after the other. Needs the group
``bench-index``: ``uv sync --group bench-index``. ``docs/index-engines.md`` shows a run, and what we chose.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.index_engines.measure import ENGINES

_COLUMNS = (
    "engine",
    "passages",
    "build s",
    "disk MB",
    "RSS MB",
    "lexical ms",
    "vector ms",
    "hybrid ms",
    "recall@10",
    "read while written",
)


def main() -> None:
    """Measure, and print a row of a Markdown table as each is done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index_engines")
    parser.add_argument("--sizes", default="5000,50000,200000", help="passages, separated by commas")
    parser.add_argument("--only", choices=ENGINES, action="append", help="only this engine; may be repeated")
    parser.add_argument("--most-seconds", type=float, default=900.0, help="for one engine at one size")
    wanted = parser.parse_args()
    names = wanted.only or list(ENGINES)
    print("| " + " | ".join(_COLUMNS) + " |\n|" + "---|" * len(_COLUMNS), flush=True)
    for size in map(int, wanted.sizes.split(",")):
        for name in names:
            print(_row(name, size, wanted.most_seconds), flush=True)
    print("\n| engine | whole after kill -9 |\n|---|---|", flush=True)
    for name in names:
        said = _run(["--crash", name], 300).strip() or "the process died"
        print(f"| {name} | {said} |", flush=True)


def _row(name: str, size: int, most_seconds: float) -> str:
    output = _run([name, str(size)], most_seconds)
    if not output.startswith("{"):
        return f"| {name} | {size:,} | {output or 'the process died'} |" + " |" * (len(_COLUMNS) - 3)
    result = json.loads(output)
    times = [
        value if isinstance(value, str) else f"{value[0]} / {value[1]}"
        for value in (result["lexical_ms"], result["vector_ms"], result["hybrid_ms"])
    ]
    cells = [result["build_s"], result["disk_mb"], result["rss_mb"], *times, result["recall"], result["reader"]]
    return f"| {name} | {size:,} | " + " | ".join(map(str, cells)) + " |"


def _run(arguments: list[str], most_seconds: float) -> str:
    with tempfile.TemporaryDirectory(prefix="fablewright-engines-") as folder:
        command = [sys.executable, "-m", "benchmarks.index_engines.measure", *arguments, str(Path(folder) / "index")]
        try:
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=most_seconds, check=False)
        except subprocess.TimeoutExpired:
            return f"not within {most_seconds:.0f} s"
        return run.stdout


if __name__ == "__main__":
    main()
