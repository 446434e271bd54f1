"""NATS, a process for each agent, one that serves, and fault proxies before each: who is there, what befalls them."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from contextlib import AsyncExitStack, ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.chaos.books import PostgresBooks, SqliteBooks
from benchmarks.chaos.faults import AGENTS, FRONT, FRONT_PROCESS, POSTGRES, SERVER
from fablewright.testing.fault_proxy import FaultProxy
from fablewright.testing.nats_server import NatsServer
from fablewright.testing.postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from benchmarks.chaos.books import Books
    from benchmarks.chaos.faults import Fault

__all__ = ["Company", "cluster"]

_READY = "Ctrl-C ends it"
"""What an agent's process says when it is on the bus."""
_LONGEST_BIRTH = 60.0
_LONGEST_FAREWELL = 20.0
_LOOK = 0.02


class Company:
    """Everybody but the front.

    Args:
        folder: Where the agents keep what they keep, and what they say.
        servers: How many NATS servers; several are a cluster, and everybody knows all of them.
        is_proxied: Whether there is a fault proxy before each; without, they are on the servers themselves.
        postgres: Whether the campaign is kept in PostgreSQL, and not in a file.
        settings: Of the agents, as environment variables.

    Attributes:
        books: Where what was written down can be read.
        url: Where the front finds the bus.
        page: Where the process that serves is; another place each time it is started.
    """

    def __init__(
        self,
        folder: Path,
        servers: int = 1,
        *,
        is_proxied: bool = True,
        postgres: bool = False,
        **settings: str,
    ) -> None:
        self.url = ""
        self.page = ""
        self.books: Books = SqliteBooks(folder / "campaigns.sqlite")
        self._folder = folder
        self._settings = settings
        self._is_proxied = is_proxied
        stores = (["-js", "-sd", str(folder / f"accepted-{number}")] for number in range(servers))
        self._servers = [NatsServer(*options, *next(stores)) for options in cluster(servers)]
        self._with_postgres = postgres
        self._postgres: PostgresServer | None = None
        self._turns = itertools.cycle(self._servers)
        self._proxies: dict[str, list[FaultProxy]] = {}
        self._numbers: dict[str, int] = {}
        self._births = 0
        self._lock = asyncio.Lock()
        self._leaving = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._enter()
        except BaseException:
            await self._leaving.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leaving.aclose()

    async def _enter(self) -> None:
        for server in self._servers:
            await asyncio.to_thread(server.start)
            self._leaving.callback(server.stop)
        for place in (*AGENTS, FRONT) if self._is_proxied else ():
            proxies = [FaultProxy(*_address(server)) for server in self._servers]
            self._proxies[place] = [await self._leaving.enter_async_context(proxy) for proxy in proxies]
        if self._with_postgres:
            self._postgres = await asyncio.to_thread(PostgresServer)
            await asyncio.to_thread(self._leaving.enter_context, self._postgres)
            self.books = PostgresBooks(self._postgres.url)
            proxy = FaultProxy("127.0.0.1", self._postgres.port)
            self._proxies[POSTGRES] = [await self._leaving.enter_async_context(proxy)]
        self.url = self._url(FRONT)
        nursery = await asyncio.to_thread(self._open_nursery)
        self._leaving.callback(_close, nursery)
        self._nursery = nursery
        await asyncio.gather(*(self._begin(name) for name in (*AGENTS, FRONT_PROCESS)))

    @property
    def sockets(self) -> int:
        """How many sockets of this process are others' connections through the proxies, or their other ends."""
        return sum(proxy.sockets for proxies in self._proxies.values() for proxy in proxies)

    # -------------------------------------------------------------- what befalls them

    async def suffer(self, fault: Fault) -> None:
        """Let something go wrong, and be over."""
        if fault.kind == "renew":
            for name in AGENTS:
                await self._renew(name)
        elif fault.target == SERVER or (fault.target == POSTGRES and fault.kind in ("kill", "hold")):
            await self._suffer_server(fault)
        elif fault.kind == "kill":
            os.kill(self._numbers[fault.target], signal.SIGKILL)
            await asyncio.sleep(fault.lasts)
            await self._begin(fault.target)
        elif fault.kind == "hold":
            os.kill(self._numbers[fault.target], signal.SIGSTOP)
            await asyncio.sleep(fault.lasts)
            os.kill(self._numbers[fault.target], signal.SIGCONT)
        else:
            for proxy in self._proxies[fault.target]:
                proxy.become(fault.kind)
            await asyncio.sleep(fault.lasts)
            for proxy in self._proxies[fault.target]:
                proxy.become("clear")

    async def _suffer_server(self, fault: Fault) -> None:
        server = self._postgres if fault.target == POSTGRES else next(self._turns)
        assert server is not None  # noqa: S101 - what is not there befalls nobody
        if fault.kind == "kill":
            await asyncio.to_thread(server.kill if isinstance(server, PostgresServer) else server.stop)
            await asyncio.sleep(fault.lasts)
            await asyncio.to_thread(server.start)
        else:
            server.pause()
            await asyncio.sleep(fault.lasts)
            server.resume()

    async def _renew(self, name: str) -> None:
        """Start another process of an agent, and when that is there end the one before it."""
        before = self._numbers[name]
        await self._begin(name)
        os.kill(before, signal.SIGTERM)
        await _until(lambda: not _lives(before), _LONGEST_FAREWELL)

    # -------------------------------------------------------------- processes

    @property
    def processes(self) -> dict[str, int]:
        """The number of each agent's process, and of the first server's."""
        return {**self._numbers, SERVER: self._servers[0].process}

    def _url(self, place: str) -> str:
        if not self._is_proxied:
            return ",".join(server.url for server in self._servers)
        return ",".join(f"nats://{proxy.address}" for proxy in self._proxies[place])

    def _state(self) -> str:
        """Return where the campaign's memory finds PostgreSQL; empty where there is none."""
        return "".join(f"postgresql://gm@{proxy.address}/postgres" for proxy in self._proxies.get(POSTGRES, ()))

    def _open_nursery(self) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            **self._settings,
            "FABLEWRIGHT_DATA_DIR": str(self._folder),
            "HAYSTACK_TELEMETRY_ENABLED": "False",
        }
        nursery = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.chaos.nursery"],
            cwd=Path(__file__).parents[2],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        _read(nursery)
        return nursery

    async def _begin(self, name: str) -> None:
        """Start a process of an agent, or the one that serves, and wait until it is on the bus."""
        self._births += 1
        place, what = (FRONT, "serve") if name == FRONT_PROCESS else (name, name)
        said = self._folder / f"said-{self._births}-{what}"
        state = self._state() if name == "campaign_memory" else ""
        line = f"{self._url(place)} {what} {said} {state}\n"
        async with self._lock:  # a fork takes a while, and the front goes on meanwhile
            self._numbers[name] = await asyncio.to_thread(_bear, self._nursery, line)
        await _until(lambda: said.exists() and _READY in said.read_text("utf-8"), _LONGEST_BIRTH)
        if name == FRONT_PROCESS:
            self.page = _address_in(said.read_text("utf-8"))


def cluster(servers: int) -> list[list[str]]:
    """Return what each server is told to be one of so many."""
    if servers == 1:
        return [[]]
    with ExitStack() as held:
        sockets = [held.enter_context(closing(socket.create_server(("127.0.0.1", 0)))) for _ in range(servers)]
        places = [f"nats://127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    same = ["--cluster_name", "chaos", "--routes", ",".join(places), "--no_advertise"]
    return [["--cluster", place, *same, "--server_name", f"chaos-{number}"] for number, place in enumerate(places)]


def _address(server: NatsServer) -> tuple[str, int]:
    host, _, port = server.url.rpartition("/")[2].partition(":")
    return host, int(port)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for what another process does.

    Raises:
        TimeoutError: It was not done in time.
    """
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody here could set an event
            await asyncio.sleep(_LOOK)


def _bear(nursery: subprocess.Popen[str], line: str) -> int:
    assert nursery.stdin is not None  # noqa: S101 - it was opened with one
    nursery.stdin.write(line)
    nursery.stdin.flush()
    return int(_read(nursery))


def _address_in(said: str) -> str:
    """Return the first address of those that something says it has."""
    return next(word for word in said.split() if word.startswith("http://")).rstrip("/")


def _read(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101 - it was opened with one
    return process.stdout.readline()


def _lives(number: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


def _close(nursery: subprocess.Popen[str]) -> None:
    for stream in (nursery.stdin, nursery.stdout):
        if stream is not None:
            stream.close()
    nursery.wait()
