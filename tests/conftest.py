"""What every test may use."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import pytest

from fablewright.testing.virtual_loop import VirtualTimeLoop

# Some tests import Haystack themselves, before our adapter has switched its telemetry off.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what times something three tries: a busy machine fails one of them, a slow program all three."""
    for item in items:
        if item.get_closest_marker("benchmark") is not None:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


@pytest.fixture
def slowness() -> float:
    """How many times slower this machine is right now than the one that bounds in seconds were measured on; 1 or more.

    There a question to a bare asyncio queue took 6.7 us, and this loop, in proportion, 4.6 ms.
    """

    def loop() -> float:
        began = time.perf_counter()
        table: dict[str, tuple[int, list[int]]] = {}
        for number in range(20_000):
            table[f"k{number}"] = (number, [number])
        return time.perf_counter() - began

    return max(1.0, statistics.median(loop() for _ in range(9)) / 0.0046)


@pytest.fixture
def anyio_backend() -> object:
    """Tests marked ``anyio`` run on a real asyncio loop."""
    return "asyncio"


@pytest.fixture
def virtual_time() -> object:
    """The backend for tests in which an hour takes milliseconds: ``anyio_backend = virtual_time``."""
    return "asyncio", {"loop_factory": VirtualTimeLoop}


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real documents beside the project; tests that need it are skipped without it."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the shared documents are not beside this checkout")
    return folder
