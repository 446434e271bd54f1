"""Measures one engine at one size in a process of its own: ``-m benchmarks.index_engines.measure NAME N DIR``."""

from __future__ import annotations

import importlib
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import psutil

from benchmarks.index_engines.engine import BATCH, Engine, Unable
from benchmarks.index_engines.passages import made

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.index_engines.passages import Made

__all__ = ["ENGINES", "measure"]

ENGINES = {
    "ours": ("ours", "Ours"),
    "sqlite-vec": ("sqlite_vec", "SqliteVec"),
    "qdrant": ("qdrant", "Qdrant"),
    "lancedb": ("lancedb", "LanceDb"),
    "duckdb": ("duckdb", "DuckDb"),
}
_LIMIT = 10
_ROUNDS = 60


def measure(name: str, count: int, folder: Path) -> dict[str, object]:
    """Build an index of ``count`` passages in ``folder``, ask it, and return what that took."""
    passages = made(count)
    before = psutil.Process().memory_info().rss
    engine = _open(name, folder)
    began = time.perf_counter()
    for first in range(0, count, BATCH):
        engine.add(first, passages.texts[first : first + BATCH], passages.vectors[first : first + BATCH])
    engine.finish()
    took = time.perf_counter() - began
    lexical = _timed(lambda n: engine.lexical(passages.questions[n], _LIMIT))
    vector = _timed(lambda n: engine.nearest(passages.asked[n], _LIMIT))
    hybrid = _timed(lambda n: _fused(engine, passages, n))
    return {
        "build_s": round(took, 1),
        "disk_mb": round(sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6),
        "rss_mb": round((psutil.Process().memory_info().rss - before) / 1e6),
        "lexical_ms": lexical,
        "vector_ms": vector,
        "hybrid_ms": hybrid,
        "recall": _recall(engine, passages),
        "reader": _second_reader(name, folder, engine, passages),
    }


def _open(name: str, folder: Path) -> Engine:
    module, kind = ENGINES[name]
    folder.mkdir(parents=True, exist_ok=True)
    return cast("Engine", getattr(importlib.import_module(f"benchmarks.index_engines.engines.{module}"), kind)(folder))


def _timed(ask: Callable[[int], object]) -> list[float] | str:
    """Return the median and the 99th percentile in milliseconds, warm; or what the engine says."""
    seconds = []
    try:
        ask(0)
        for number in range(_ROUNDS):
            began = time.perf_counter()
            ask(number)
            seconds.append(time.perf_counter() - began)
    except Unable as unable:
        return str(unable)
    return [round(float(np.percentile(seconds, q)) * 1000, 1) for q in (50, 99)]


def _fused(engine: Engine, passages: Made, number: int) -> list[int]:
    """Reciprocal ranks, added up: the same few lines for every engine."""
    scores: dict[int, float] = {}
    for found in (engine.lexical(passages.questions[number], 50), engine.nearest(passages.asked[number], 50)):
        for rank, passage in enumerate(found):
            scores[passage] = scores.get(passage, 0.0) + 1 / (60 + rank)
    return sorted(scores, key=lambda passage: -scores[passage])[:_LIMIT]


def _recall(engine: Engine, passages: Made) -> float:
    """Return which share of the ten nearest, by comparing all, the engine finds."""
    hits = 0
    for row in passages.asked[:30]:
        cosines = passages.vectors @ row
        exact = set(np.argpartition(-cosines, _LIMIT)[:_LIMIT].tolist())
        hits += len(exact & set(engine.nearest(row, _LIMIT)))
    return round(hits / (30 * _LIMIT), 3)


def _second_reader(name: str, folder: Path, engine: Engine, passages: Made) -> str:
    """Say whether another process can read while this one writes."""
    command = [sys.executable, "-m", "benchmarks.index_engines.measure", "--read", name, str(folder)]
    ended = threading.Event()

    def write() -> None:
        first = 10_000_000
        while not ended.is_set():
            engine.add(first, passages.texts[:100], passages.vectors[:100])
            first += 100

    writer = threading.Thread(target=write)
    writer.start()
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return "no: too slow"
    finally:
        ended.set()
        writer.join()
    return run.stdout.strip() if run.returncode == 0 else "no"


def _read(name: str, folder: Path) -> str:
    engine = _open(name, folder)
    question = made(10).asked
    if not engine.count():
        raise AssertionError(name)
    return f"yes, {_timed(lambda n: engine.nearest(question[n % 10], _LIMIT))[0]} ms"


def _add_for_ever(name: str, folder: Path) -> None:
    engine, passages = _open(name, folder), made(5000)
    first = 0
    while True:
        engine.add(first, passages.texts[:BATCH], passages.vectors[:BATCH])
        first += BATCH
        print(first, flush=True)


def crash(name: str, folder: Path, *, kills: int = 3) -> str:
    """Kill a process while it adds; say whether what it had added is there afterwards, and nothing half."""
    for number in range(kills):
        place = folder / str(number)
        command = [sys.executable, "-m", "benchmarks.index_engines.measure", "--add", name, str(place)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            lines = iter(process.stdout or ())
            reached = int(next(lines))
            time.sleep(0.13 * (number + 1))
            process.send_signal(signal.SIGKILL)
            reached = max([reached, *map(int, lines)])
        try:
            held = _open(name, place).count()
        except Exception as error:  # noqa: BLE001 - an engine's own kind of not opening
            return f"no: {type(error).__name__}"
        if held < reached or held % BATCH:
            return f"no: {held} of {reached}"
    return "yes"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--read", name, place]:
            print(_read(name, Path(place)))
        case ["--add", name, place]:
            _add_for_ever(name, Path(place))
        case ["--crash", name, place]:
            print(crash(name, Path(place)))
        case [name, size, place]:
            print(json.dumps(measure(name, int(size), Path(place))))
