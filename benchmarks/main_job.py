"""Times the main job as a user meets it, against a bare interpreter, in one interleaved run.

    uv run python -m benchmarks.main_job --corpus DIR [--runs 5]

Whole processes are timed from outside, in turn (A B C A B C …), so that a noisy machine is noisy for all;
quote the ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REQUEST = "generate scenario for the first encounter"


def seconds(arguments: list[str], data: Path) -> float:
    """Return the wall time of one process that must succeed."""
    environment = {**os.environ, "FABLEWRIGHT_DATA_DIR": str(data)}
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True, timeout=120)
    return time.perf_counter() - started


def main() -> None:
    """Print a table: minimum, median and maximum of each, and the ratio of medians to the bare interpreter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="a folder of notes")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    corpus = str(options.corpus)
    program = ["-m", "fablewright"]
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder) / "warm"
        seconds([*program, "index", corpus], warm)
        jobs: dict[str, tuple[list[str], bool]] = {
            "python -c pass": (["-c", "pass"], False),
            "import haystack": (["-c", "import haystack"], False),
            "--help": ([*program, "--help"], False),
            "roll": ([*program, "roll", "2d6+3"], False),
            "index, nothing changed": ([*program, "index", corpus], False),
            "index, from nothing": ([*program, "index", corpus], True),
            "scene, indexed": ([*program, "scene", REQUEST, "--notes", corpus], False),
            "scene, not indexed": ([*program, "scene", REQUEST, "--notes", corpus], True),
            "scene --no-rag": ([*program, "scene", REQUEST, "--no-rag"], False),
        }
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for run in range(options.runs + 1):
            for name, (arguments, cold) in jobs.items():
                data = Path(folder) / f"cold-{run}-{len(name)}" if cold else warm
                took = seconds(arguments, data)
                if run:  # the first round warms the disk
                    times[name].append(took)
    bare = statistics.median(times["python -c pass"])
    print(f"{'whole process, s':26}{'min':>8}{'median':>8}{'max':>8}{'ratio':>8}")
    for name, took in times.items():
        median = statistics.median(took)
        print(f"{name:26}{min(took):8.3f}{median:8.3f}{max(took):8.3f}{median / bare:8.1f}")


if __name__ == "__main__":
    main()
