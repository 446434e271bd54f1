"""Converts documents in another process, so that none of them can slow down, fill up or bring down this one.

A worker is started when the first document comes, takes about 0.1 s for it, and is used for the next ones too;
after anything but a clean answer it is killed, and the next document gets a fresh one. The bounds of
:class:`~fablewright.adapters.documents.limits.Limits` hold for each document by itself. The worker is sent the
bytes, so what was checked when the file was opened is what is read. If this process ends, however it ends, the
pipe closes and the worker ends too.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import asdict
from typing import TYPE_CHECKING, BinaryIO, cast

from fablewright.adapters.documents.frames import BLOCK, FrameError, read_frame, read_json, write_frame, write_json
from fablewright.adapters.documents.kinds import KINDS
from fablewright.adapters.documents.limits import Limits
from fablewright.errors import InvalidInput
from fablewright.gm.reading.notes import Document

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DocumentProcess"]

_WORKER = "fablewright.adapters.documents.worker"


class DocumentProcess:
    """A :class:`~fablewright.gm.reading.ports.DocumentReader` in a process of its own; safe to use from threads.

    Args:
        limits: What one document may cost.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    @property
    def suffixes(self) -> frozenset[str]:
        """The kinds of file that can be read; see the port."""
        return frozenset(KINDS)

    def convert(self, suffix: str, data: Iterable[bytes]) -> Document:
        """Return what a document says; see the port. Documents that come at the same time wait for each other.

        Raises:
            InvalidInput: It cannot be read, or would cost more than the limits; the message says which.
        """
        with self._lock:
            worker = self._worker if self._worker and self._worker.alive else _Worker(self._limits)
            self._worker = None  # whatever happens now, nobody gets a worker in an unknown state
            try:
                document, reusable = worker.convert(suffix, data)
            except _Refused as refusal:
                self._worker = worker
                raise InvalidInput(str(refusal)) from None
            except BaseException:
                worker.kill()
                raise
            if reusable:
                self._worker = worker
            else:
                worker.kill()
            return document

    def close(self) -> None:
        """End the worker, unless somebody else has it read a document just now; waits for nobody."""
        if self._lock.acquire(blocking=False):
            try:
                worker, self._worker = self._worker, None
            finally:
                self._lock.release()
            if worker:
                worker.kill()


class _Refused(Exception):
    """The worker looked at a document and does not want it; it is fit for the next one."""


class _Worker:
    """One process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # -P: nothing that lies in the folder we happen to be called in is taken for one of our modules.
        command = [sys.executable, "-P", "-m", _WORKER, json.dumps(asdict(limits))]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C at the terminal is ours alone
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidInput(f"no process could be started to read it: {reason}") from error
        self._to = cast("BinaryIO", self._process.stdin)
        self._from = cast("BinaryIO", self._process.stdout)
        self._end = weakref.finalize(self, _end, self._process)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        self._end()

    def convert(self, suffix: str, data: Iterable[bytes]) -> tuple[Document, bool]:
        """Return what a document says, and whether this worker is fit for another one.

        Raises:
            InvalidInput: It failed, and this worker with it.
            _Refused: It is not to be read; this worker is as good as new.
        """
        watch = _Watch(self._process, self._limits)
        try:
            write_json(self._to, {"suffix": suffix})
            for block in _blocks(data):
                write_frame(self._to, block)
            write_frame(self._to, b"")
            return self._answer(watch)
        except (OSError, FrameError, UnicodeDecodeError) as error:
            raise InvalidInput(self._why(watch)) from error
        finally:
            watch.stop()

    def _answer(self, watch: _Watch) -> tuple[Document, bool]:
        while True:
            answer = read_json(self._from)
            match answer.get("state"):
                case "working":
                    watch.progress()
                case "refused":
                    raise _Refused(_line(answer.get("why")))
                case "failed":
                    raise InvalidInput(_line(answer.get("why")))
                case "done":
                    text = read_frame(self._from, most=self._limits.output).decode()
                    document = Document(text, _pages(answer.get("pages"), text), _line(answer.get("remark")))
                    return document, not (answer.get("spent") or watch.ran_out)
                case _:
                    raise FrameError("an unknown answer")

    def _why(self, watch: _Watch) -> str:
        if watch.ran_out:
            return f"reading it took longer than {watch.ran_out:.3g} s"
        memory = self._limits.memory >> 20
        return f"the converter broke down over it: damaged, made to do harm, or in need of more than {memory} MiB"


class _Watch:
    """Kills a worker that takes too long; a pipe has no time-out of its own on every system.

    Attributes:
        ran_out: The bound in seconds that was passed; 0: none.
    """

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self.ran_out = 0.0
        self._process = process
        self._limits = limits
        self._begun = time.monotonic()
        self._timer = self._armed()

    def progress(self) -> None:
        """Wait a step longer, within the time that there is altogether."""
        self._timer.cancel()
        self._timer = self._armed()

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.cancel()

    def _armed(self) -> threading.Timer:
        left = self._begun + self._limits.total_seconds - time.monotonic()
        step = self._limits.step_seconds
        allowed = (left, self._limits.total_seconds) if left < step else (step, step)
        timer = threading.Timer(max(0.0, allowed[0]), self._run_out, [allowed[1]])
        timer.daemon = True
        timer.start()
        return timer

    def _run_out(self, bound: float) -> None:
        self.ran_out = bound
        self._process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what was still to be written goes nowhere
            cast("BinaryIO", stream).close()
    process.wait()


def _blocks(data: Iterable[bytes]) -> Iterable[bytes]:
    for piece in data:
        for at in range(0, len(piece), BLOCK):
            yield piece[at : at + BLOCK]


def _line(words: object) -> str:
    return " ".join(str(words or "").split())[:300]


def _pages(given: object, text: str) -> tuple[int, ...]:
    pages = tuple(given) if isinstance(given, list) else ()
    if not all(type(page) is int and 0 <= page <= len(text) for page in pages) or list(pages) != sorted(pages):
        raise FrameError("pages that are none")
    return pages
