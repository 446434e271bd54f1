"""What every test may use."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from fablewright.testing.slowness import slowness as slowness_now
from fablewright.testing.virtual_loop import VirtualTimeLoop

from .postgres_server import postgres, postgres_server  # noqa: F401 - fixtures for every folder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from xdist.remote import Producer

try:
    import fcntl
except ImportError:  # Windows: timed tests have their three tries
    fcntl = None  # type: ignore[assignment]

_FOLDER = "TESTS_SHARE_A_FOLDER"

# Some tests import Haystack themselves, before our adapter has switched its telemetry off.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

# Whatever runs on the machine of whoever tests: no test is written to by a model that it did not start itself.
os.environ["OLLAMA_HOST"] = "127.0.0.1:9"

# One example may meet a moment in which the machine does something else; what takes forever still fails.
hypothesis.settings.register_profile("suite", deadline=5000)
hypothesis.settings.load_profile("suite")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Spread the whole suite over the processors; a choice of tests is sooner done without."""
    return os.cpu_count() or 1 if config.args_source is pytest.Config.ArgsSource.TESTPATHS else 0


def pytest_configure(config: pytest.Config) -> None:
    """Make a place for what several processes share: locks, the names of what is timed, and compiled modules."""
    if hasattr(config, "workerinput"):
        return
    folder = tempfile.TemporaryDirectory(prefix="fablewright-tests-")
    config.add_cleanup(folder.cleanup)
    os.environ[_FOLDER] = folder.name
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Hundreds of processes are started: each would compile all of Haystack, for two seconds of its three.
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder.name) / "compiled")


def _folder() -> Path:
    return Path(os.environ[_FOLDER])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Let what times something run alone."""
    if fcntl is None:
        return (yield)
    folder = _folder()
    with (folder / "line").open("w") as line, (folder / "room").open("w") as room:
        fcntl.flock(line, fcntl.LOCK_EX)  # who comes first goes in first: else a timed test would wait for all others
        fcntl.flock(room, fcntl.LOCK_EX if _is_timed(item) else fcntl.LOCK_SH)
        fcntl.flock(line, fcntl.LOCK_UN)
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first and what times something last: at the end nothing waits for another worker.

    What times something has three tries: a busy machine fails one of them, a slow program all three.
    """
    for item in items:
        if item.get_closest_marker("benchmark") is not None:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))
    items.sort(key=lambda item: (_is_timed(item), item.get_closest_marker("long") is None))
    timed = [item.nodeid for item in items if _is_timed(item)]
    (_folder() / "timed").write_text(json.dumps(timed), "utf-8")  # each worker writes the same


def _is_timed(item: pytest.Item) -> bool:
    """Whether its times are true on a quiet machine only."""
    marker = item.get_closest_marker("benchmark")
    return marker is not None and marker.kwargs.get("alone", True)


class _ByFile(LoadScopeScheduling):
    """Gives a worker one file after the other, and one of them all that times something."""

    @cached_property
    def _timed(self) -> frozenset[str]:
        return frozenset(json.loads((_folder() / "timed").read_text("utf-8")))

    def _split_scope(self, nodeid: str) -> str:
        return "timed" if nodeid in self._timed else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByFile | None:
    """Part a file from what it times; else it is kept together, as ``--dist=loadfile`` says."""
    return _ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Let no collection of garbage walk what all the test files have loaded: tests collect a thousand times."""
    gc.collect()
    gc.freeze()


class _Leaks(logging.Handler):
    """Looks for secrets in all that is logged while the tests run, by the words that every secret of a test has."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter())
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "very-secret" in self.format(record):
            self.found.append(f"{record.name}: {record.msg!r}")


_leaks = _Leaks()


@pytest.fixture(autouse=True)
def _no_secret_is_logged() -> Generator[None]:
    """Hold every test to it; the handler is put on anew, because some tests set up logging themselves."""
    root = logging.getLogger()
    root.addHandler(_leaks)
    yield
    root.removeHandler(_leaks)
    found, _leaks.found = _leaks.found, []
    assert not found, f"a secret was logged: {found}"


@pytest.fixture
def slowness() -> float:
    """How many times slower this machine is right now than the one that bounds were measured on; 1 or more."""
    return slowness_now()


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


class Ran(NamedTuple):
    """What became of one command line."""

    words: Sequence[str]
    status: int
    out: str
    err: str


_DRIVER = """
import json, sys
from fablewright.entry.cli import run

for words in json.loads(sys.argv[1]):
    status = run(words)
    for stream in (sys.stdout, sys.stderr):
        print(f"\\0{status}\\0", end="", file=stream, flush=True)
"""


@pytest.fixture(scope="session")
def run_lines() -> Callable[..., list[Ran]]:
    """Run command lines as a person would, one after the other in one process: starting takes longer than they do."""

    def run(
        lines: Sequence[Sequence[str]], *, environment: Mapping[str, str], folder: Path, typed: str = ""
    ) -> list[Ran]:
        done = subprocess.run(
            [sys.executable, "-c", _DRIVER, json.dumps(lines)],
            cwd=folder,
            env=dict(environment),
            input=typed,
            capture_output=True,
            text=True,
            timeout=60 + 20 * len(lines),
            check=False,
        )
        outs, errs = done.stdout.split("\0"), done.stderr.split("\0")
        assert len(outs) == len(errs) == 2 * len(lines) + 1, done.stderr
        return [Ran(words, int(outs[2 * at + 1]), outs[2 * at], errs[2 * at]) for at, words in enumerate(lines)]

    return run
