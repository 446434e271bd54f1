"""A process that has imported everything and forks: so an agent is there in a fraction of a second.

It reads lines: where the bus is, the name of an agent or ``serve``, a file for what it says, and where the campaign is
kept if not in a file. It answers each with the number of the new process. At the end of its input it kills those that
still live, whatever state they are in.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import haystack

from fablewright.adapters import haystack_retriever, nats_network
from fablewright.adapters.wire import codec
from fablewright.entry.agent_process import run_agents
from fablewright.entry.config import load_settings
from fablewright.entry.web.address import address_of
from fablewright.entry.web.server import serve

__all__: list[str] = []

_BESIDE = (haystack, haystack_retriever, nats_network, codec)  # imported late elsewhere; here before the first is born


def _run(bus: str, name: str, said: str, state: str = "") -> int:
    out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(out, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    settings = load_settings({"bus": bus, "work": bus, "state": state or None}, directory=Path(said).parent).settings
    if name == "serve":
        return serve(settings, address_of("127.0.0.1", 0), make_token=False, opens_browser=False)
    return run_agents(settings, [name])


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us ends us
    gc.freeze()
    born: set[int] = set()
    print("ready", flush=True)
    for line in sys.stdin:
        while born:  # those that died are no processes any more, and their numbers may be others'
            dead, _ = os.waitpid(-1, os.WNOHANG)
            if not dead:
                break
            born.discard(dead)
        number = os.fork()
        if not number:
            status = 1
            try:
                status = _run(*line.split())
            finally:
                sys.stdout.flush()
                os._exit(status)
        born.add(number)
        print(number, flush=True)
    for number in born:
        os.kill(number, signal.SIGKILL)


if __name__ == "__main__":
    _main()
