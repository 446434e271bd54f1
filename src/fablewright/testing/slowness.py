"""How slow a machine is right now: what bounds in seconds are multiplied by, where others work beside."""

from __future__ import annotations

import gc
import statistics
import time

__all__ = ["slowness"]

_THERE = 0.0034
"""Seconds that the loop takes on the machine that our bounds were measured on, in proportion to a question to a bare
asyncio queue, which took 6.7 us there."""
_TIMES = 9


def slowness() -> float:
    """Return how many times slower this machine is right now than that one; 1 or more."""
    collects = gc.isenabled()
    gc.disable()  # it would walk all that the program holds, which says nothing about the machine
    try:
        return max(1.0, statistics.median(_loop() for _ in range(_TIMES)) / _THERE)
    finally:
        if collects:
            gc.enable()


def _loop() -> float:
    began = time.perf_counter()
    table: dict[str, tuple[int, list[int]]] = {}
    for number in range(20_000):
        table[f"k{number}"] = (number, [number])
    return time.perf_counter() - began
