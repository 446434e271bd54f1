"""What the tests of the server share: one that runs in a process of its own, over the sample campaign."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs; ``url`` has no slash at its end."""

    url: str
    data_dir: Path
    process: subprocess.Popen[str]


@contextmanager
def serve(home: Path, *arguments: str, **variables: str) -> Iterator[Served]:
    """Run a server until the end of the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FABLEWRIGHT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "fablewright", "serve", "--port", "0", *arguments],
        cwd=home,
        # The suite keeps the processors busy, and these tests are about other things than the deadline.
        env={**kept, "FABLEWRIGHT_DATA_DIR": str(home / "data"), "FABLEWRIGHT_TIMEOUT": "60", **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"http://[^/\s]+", line)
        assert found, line
        yield Served(found[0], home / "data", process)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def served_with_a_model_that_hangs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes what comes, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        home = tmp_path_factory.mktemp("served")
        with serve(home, FABLEWRIGHT_MODEL_URL=url, FABLEWRIGHT_MODEL="x") as running:
            yield running
