"""Scenes a second over a real NATS server, with one and two processes of an agent: ``python -m benchmarks.replicas``.

All agents run in processes of their own, as a club would run them; this process is the front, and keeps a number of
requests under way. No two requests have the same words, so that nothing is found in a cache. On a machine whose
processors one process keeps busy already, a second one brings nothing: the figures say where that is.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import Settings
from fablewright.entry.secret import Secret
from fablewright.errors import RequestFailed
from fablewright.gm.orchestrator import HandleRequest
from fablewright.testing.nats_server import NatsServer

_SECONDS = 12.0
_AT_ONCE = 8
_SETS = ((1, 1), (2, 1), (1, 2), (2, 2))
"""How many processes of ``haystack_pipeline``, and of ``scenario_generator``."""


def _start(server: NatsServer, folder: Path, name: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "FABLEWRIGHT_BUS": server.url,
        "FABLEWRIGHT_DATA_DIR": str(folder),
        "FABLEWRIGHT_PROSE": "off",
    }
    command = [sys.executable, "-m", "fablewright", "agent", name]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


async def _measure(settings: Settings) -> tuple[float, list[float], int]:
    """Return scenes a second, how many seconds each took, and how many requests had none."""
    took: list[float] = []
    failed, number = 0, 0

    async def keep_asking(until: float) -> None:
        nonlocal failed, number
        while time.monotonic() < until:
            number += 1
            words, began = f"the party asks somebody on the road about matter {number}", time.monotonic()
            try:
                answer = await bus.ask("orchestrator", HandleRequest(words, seed=number), timeout=30.0)
            except RequestFailed:
                failed += 1
                continue
            failed += answer.scene is None
            took.append(time.monotonic() - began)

    async with assistant(settings, open_notes(settings, ())) as bus:
        await keep_asking(time.monotonic() + 2.0)  # everything is loaded then
        took.clear()
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(keep_asking(began + _SECONDS))
        return len(took) / (time.monotonic() - began), took, failed


def main() -> None:
    """Print a line for each number of processes."""
    print(
        "| haystack_pipeline | scenario_generator | scenes a second | p50 | p95 | failed |\n|---|---|---|---|---|---|"
    )
    for searching, writing in _SETS:
        with NatsServer() as server, tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            names = ["haystack_pipeline"] * searching + ["scenario_generator"] * writing
            processes = [_start(server, folder, name) for name in (*names, "orchestrator", "campaign_memory")]
            try:
                for process in processes:
                    if process.stdout is not None:
                        process.stdout.readline()
                settings = Settings(data_dir=folder, bus=Secret(server.url), prose="off")
                rate, took, failed = asyncio.run(_measure(settings))
            finally:
                for process in processes:
                    process.terminate()
                for process in processes:
                    process.wait()
        half, most = quantiles(took, n=20)[9], quantiles(took, n=20)[18]
        print(f"| {searching} | {writing} | {rate:.1f} | {half:.2f} s | {most:.2f} s | {failed} |", flush=True)


if __name__ == "__main__":
    main()
