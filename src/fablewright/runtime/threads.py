"""A bounded pool of daemon threads for calls that block.

Why not ``asyncio.to_thread``: its threads are joined when the loop and the interpreter end, so one call that
hangs keeps the process from exiting. These are daemon threads: nobody waits for them, neither at the end of
the loop nor of the process. Their price is that a call may be cut off in the middle when the process exits;
give them only work that can bear it (reading, or writing that is transactional).

A call that waits for another one leaves it its place: were all threads taken by calls that wait for calls without a
thread, nobody would ever go on (Java's ForkJoinPool calls it a managed blocker).

A call that has begun cannot be stopped. A caller who is cancelled leaves at once; if the call was still
waiting for a thread it is never begun, and if it was running its result is dropped.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["IMPORTING", "Threads", "ThreadsStatistics"]

IMPORTING = threading.Lock()
"""Held while something large is imported on a thread: two that import packages with parts in common may each see half
of a module."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class ThreadsStatistics:
    """How a pool stands: threads that exist, those that wait for work, and calls that wait for a thread."""

    threads: int
    idle: int
    queued: int


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    work: Callable[[], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Threads:
    """Runs blocking calls on at most ``max_threads`` daemon threads, started as they are needed.

    Those that are ``waiting`` do not count. Safe to use from several event loops. Further calls wait for a free
    thread in the order of their arrival.

    Args:
        max_threads: The bound, at least 1.
        name: What the threads are called, for people who look at a stack dump.
    """

    def __init__(self, max_threads: int = 32, *, name: str = "fablewright") -> None:
        if max_threads < 1:
            raise ContractViolation("a pool needs at least one thread")
        self._max_threads = max_threads
        self._name = name
        self._changed = threading.Condition()  # guards everything below
        self._queue: deque[_Call] = deque()
        self._threads = 0
        self._idle = 0
        self._waiting = 0
        self._own = threading.local()  # whose ``is_ours`` is set on our own threads
        self._closed = False

    async def run(self, work: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Call ``work`` on a thread, with the caller's context variables, and return or raise what it does.

        Raises:
            ContractViolation: The pool is closed, or was closed before the call could begin.
        """
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        call = _Call(functools.partial(context.run, work, *args, **kwargs), loop.create_future(), loop)
        with self._changed:
            if self._closed:
                raise ContractViolation("the thread pool is closed")
            self._queue.append(call)
            self._see_to_the_queue()
        try:
            result: _R = await call.future
        except asyncio.CancelledError:
            with self._changed:
                if call in self._queue:
                    self._queue.remove(call)
            raise
        return result

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Leave the place of the call that runs on this thread to another while it waits for something.

        When it goes on there may be a call too many, until one of them has ended. On a thread that is none of the
        pool's nothing happens.
        """
        if not getattr(self._own, "is_ours", False):
            yield
            return
        with self._changed:
            self._waiting += 1
            self._see_to_the_queue()
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1
                self._changed.notify()  # one that is idle may be too many now

    def close(self) -> None:
        """Take no more calls, end idle threads, and fail what has not begun. Never waits; may be repeated."""
        with self._changed:
            self._closed = True
            waiting = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        for call in waiting:
            _settle(call, None, ContractViolation("the thread pool was closed before the call could begin"))

    @property
    def statistics(self) -> ThreadsStatistics:
        """A snapshot of the pool."""
        with self._changed:
            return ThreadsStatistics(self._threads, self._idle, len(self._queue))

    def _see_to_the_queue(self) -> None:
        """Let a thread take what waits, a new one if need be and there may be one more."""
        if self._idle >= len(self._queue):
            self._changed.notify()
        elif self._threads - self._waiting < self._max_threads:
            self._threads += 1
            name = f"{self._name}-{self._threads}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _serve(self) -> None:
        self._own.is_ours = True
        while (call := self._next()) is not None:
            try:
                result = call.work()
            except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the caller, not to this thread
                _settle(call, None, error)
            else:
                _settle(call, result, None)
                del result  # an idle thread must not keep the last result alive
            del call

    def _next(self) -> _Call | None:
        """Wait for a call; None once the pool is closed, or when there is a thread too many."""
        with self._changed:
            self._idle += 1
            while not (self._queue or self._closed or self._is_one_too_many):
                self._changed.wait()
            self._idle -= 1
            if self._queue and not self._is_one_too_many:
                return self._queue.popleft()
            self._threads -= 1
            self._changed.notify()  # what it was woken for is for another
            return None

    @property
    def _is_one_too_many(self) -> bool:
        return self._threads - self._waiting > self._max_threads


def _settle(call: _Call, result: object, error: BaseException | None) -> None:
    try:
        call.loop.call_soon_threadsafe(_deliver, call.future, result, error)
    except RuntimeError:  # the caller's loop is closed: there is nobody left to tell
        return


def _deliver(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():  # the caller was cancelled
        return
    if isinstance(error, StopIteration):  # a future refuses it, as a coroutine does
        wrapped = RuntimeError("the call raised StopIteration")
        wrapped.__cause__ = error
        future.set_exception(wrapped)
    elif error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
