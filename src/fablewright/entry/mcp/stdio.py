"""``fablewright mcp``: the server on standard input and output, as clients start it.

Nothing but the protocol goes to standard output: while it is served, descriptor 1 is that of standard error, for
whatever a library prints. Standard input is read on a daemon thread of ours; the SDK's own reader is a thread that the
interpreter waits for, and would keep the process alive after SIGTERM until its client says another word.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from fablewright.entry.event_loop import run_loop
from fablewright.entry.terminal import notice
from fablewright.errors import InvalidInput, MissingExtra
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Settings

__all__ = ["need_sdk", "serve_stdio"]

_LONGEST_LINE = 4_000_000
"""Bytes of one message; ours have a few thousand."""
_CTRL_C = 130
_BY_HAND = "An MCP client starts this and speaks JSON with it: docs/how-to/use-with-mcp.md. Ctrl-D ends it."


def need_sdk() -> None:
    """See to it that the SDK is there.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import mcp  # noqa: F401, PLC0415 - it takes a second or two, and no other command needs it
        import mcp_types  # noqa: F401, PLC0415 - as above; SDKs before the second have no such module
    except ImportError as error:
        raise MissingExtra(f"{error.name} is not installed; run: pip install 'fablewright[mcp]'") from error


def serve_stdio(settings: Settings, notes: Notes) -> int:
    """Answer one client until it closes standard input, or until SIGTERM or Ctrl-C; return the exit status.

    Raises:
        InvalidInput: Standard input or output is closed.
        FablewrightError: As ``open_table``.
    """
    if sys.stdin is None or sys.stdout is None:  # closed, and its number is another file's by now
        raise InvalidInput("`fablewright mcp` needs standard input and output, and one of them is closed.")
    if sys.stdin.isatty():
        notice(_BY_HAND, style="dim")
    with _wire() as (incoming, outgoing):
        return run_loop(_serve(settings, notes, incoming, outgoing))


async def _serve(settings: Settings, notes: Notes, incoming: BinaryIO, outgoing: BinaryIO) -> int:
    from mcp.server.stdio import stdio_server  # noqa: PLC0415 - see need_sdk

    from fablewright.entry.mcp.open_table import open_table  # noqa: PLC0415 - after the SDK, so that neither waits
    from fablewright.entry.mcp.server import mcp_server  # noqa: PLC0415 - as above

    threads = Threads(2, name="stdio")
    try:
        async with open_table(settings, notes) as table:
            # A client that is gone has called nothing off: what was accepted for it is made by others.
            lines = cast("Any", _Lines(incoming, threads, on_end=table.net.let_be))
            out = cast("Any", _Out(outgoing, threads))
            server = mcp_server(table)
            with _until_signal(table.net.let_be) as signalled:
                try:
                    async with stdio_server(lines, out) as (reads, writes):
                        await server.run(reads, writes, server.create_initialization_options())
                except asyncio.CancelledError:
                    if not signalled:
                        raise
        return _CTRL_C if signal.SIGINT in signalled else 0
    finally:
        threads.close()


@contextlib.contextmanager
def _until_signal(on_signal: Callable[[], None]) -> Iterator[list[int]]:
    """Cancel the calling task on SIGTERM and Ctrl-C; what came stands in the list, and the task may go on.

    Before that ``on_signal`` is called.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None  # noqa: S101 - a coroutine that runs is a task's
    came: list[int] = []
    inside = True
    if threading.current_thread() is not threading.main_thread():
        yield came  # only the main thread hears signals
        return

    def leave() -> None:
        if inside:  # else the client has gone at the same moment, and all is on its way already
            on_signal()
            task.cancel()

    def stop(number: int, _frame: FrameType | None) -> None:
        if not came:
            loop.call_soon_threadsafe(leave)
        came.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        inside = False
        for number, handler in before.items():
            signal.signal(number, handler)
        if came and task.cancelling():
            task.uncancel()


@contextlib.contextmanager
def _wire() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Take standard input and output for the protocol alone; whoever else reads finds nothing, and prints to stderr."""
    ours = [os.dup(0), os.dup(1)]
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    try:
        # Not closed: a thread may still read from it, and its number must not go to another file.
        yield os.fdopen(ours[0], "rb", closefd=False), os.fdopen(ours[1], "wb", closefd=False)
    finally:
        sys.stdout.flush()
        for number, descriptor in enumerate(ours):
            os.dup2(descriptor, number)


class _Lines:
    """Lines of UTF-8, read on a thread, as the SDK iterates over them; ``on_end`` is called when there are no more."""

    def __init__(self, file: BinaryIO, threads: Threads, on_end: Callable[[], None]) -> None:
        self._file = file
        self._threads = threads
        self._on_end = on_end

    def __aiter__(self) -> _Lines:
        return self

    async def __anext__(self) -> str:
        line = await self._threads.run(_read_line, self._file)
        if not line:
            self._on_end()
            raise StopAsyncIteration
        return line.decode("utf-8", "replace")


def _read_line(file: BinaryIO) -> bytes:
    """Return a line; of one that is too long the beginning, which is no JSON and so is answered by nobody."""
    line = file.readline(_LONGEST_LINE)
    rest = line
    while rest and not rest.endswith(b"\n"):
        rest = file.readline(_LONGEST_LINE)
    return line


class _Out:
    """Text, written on a thread, as the SDK writes it."""

    def __init__(self, file: BinaryIO, threads: Threads) -> None:
        self._file = file
        self._threads = threads

    async def write(self, text: str) -> None:
        await self._threads.run(self._file.write, text.encode())

    async def flush(self) -> None:
        flush: Callable[[], None] = self._file.flush
        await self._threads.run(flush)
