"""Several processes of the same agents: started together, ended together, and started again when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from fablewright.entry.agent_process import agents_called
from fablewright.entry.bus_network import open_network
from fablewright.entry.terminal import emit, notice, set_up_streams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from fablewright.entry.config import Settings

__all__ = ["run_replicas"]

_LOOK = 0.2
"""Seconds between two looks at whether all of them live."""
_MOST_DEATHS, _WITHIN = 5, 60.0
"""More deaths within so many seconds, and something is wrong that a new start does not mend."""
_TO_LEAVE = 15.0
"""Seconds that they have to end by themselves."""


def run_replicas(settings: Settings, names: Sequence[str], count: int, options: Sequence[str]) -> int:
    """Run agents in several processes until Ctrl-C or SIGTERM, and return the exit status.

    Args:
        settings: As for ``run_agents``.
        names: Which agents.
        count: How many processes.
        options: What each of them is given besides; the bus it finds in its environment, where nobody else sees it.

    Raises:
        ConfigurationError: As for ``run_agents``.
        InvalidInput: As for ``run_agents``.
        MissingExtra: What the bus needs is not installed.
    """
    set_up_streams()
    agents_called(settings, names)
    open_network(settings)  # nothing is connected; what is wrong with the settings is said once, not by each of them
    os.environ["FABLEWRIGHT_BUS"] = settings.bus.reveal()
    replicas = _Replicas([sys.executable, "-m", "fablewright", "agent", *options, "--", *names], count)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, replicas.end)
    emit(f"{count} processes of {', '.join(names)}. Ctrl-C ends them.\n")
    return replicas.run()


class _Replicas:
    """Processes of one command line."""

    def __init__(self, command: Sequence[str], count: int) -> None:
        self._command = list(command)
        self._processes = [self._started() for _ in range(count)]
        self._deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
        self._ending = False

    def end(self, _number: int, _frame: FrameType | None) -> None:
        """Have them end."""
        self._ending = True

    def run(self) -> int:
        """Look after them until they are to end; return the exit status."""
        status = 0
        try:
            while not self._ending and not status:
                time.sleep(_LOOK)
                status = self._revived()
        finally:
            self._stop()
        return status

    def _revived(self) -> int:
        """Start again those that died; return the exit status when that is of no use any more."""
        for number, process in enumerate(self._processes):
            died_of = process.poll()
            if died_of is None or self._ending:
                continue
            now = time.monotonic()
            self._deaths.append(now)
            if died_of == 2 or (len(self._deaths) == _MOST_DEATHS and now - self._deaths[0] < _WITHIN):
                notice(f"Process {process.pid} ended with {died_of}, and would again.", style="bold red")
                return died_of if died_of > 0 else 1
            notice(f"Process {process.pid} ended with {died_of}; there is a new one.")
            self._processes[number] = self._started()
        return 0

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, start_new_session=True)  # noqa: S603 - this program; Ctrl-C is handed on

    def _stop(self) -> None:
        for process in self._processes:
            process.terminate()
        until = time.monotonic() + _TO_LEAVE
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait()
