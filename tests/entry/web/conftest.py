"""What the tests of the server share: one that runs in a process of its own, over the sample campaign."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FABLEWRIGHT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "fablewright", "serve", "--port", "0"],
        cwd=home,
        env={**kept, "FABLEWRIGHT_DATA_DIR": str(home / "data")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+?(?=/?$)", line.strip())
        assert found, line
        yield Served(found[0], home / "data", process)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
