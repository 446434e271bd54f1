"""The threads of one agent of the old API.

The old framework handled one message at a time, for all agents together, so a handler that waited for a reply
waited for ever: the thread that should have brought it was its own. Here each agent has a thread of its own, and
more of them while it is in the middle of a handler. The rules:

1. Lane 0 takes requests, one after the other, and ticks in between.
2. While none of the agent's handlers runs, a response or an event goes to lane 0 too.
3. Otherwise a handler may be waiting for just this, so it must not wait for that handler. A response to what was sent
   from lane n goes to lane n + 1, an event to lane 1, and is handled as soon as the handler in whose middle it came
   ends or waits (on an Event, Condition, Queue, Semaphore, Future). Not before: a handler that sends a request and
   then notes its id finds that note made when the response comes. One that waits in another way, by sleeping and
   looking, cannot be told from one that works: after ``PATIENCE`` it is taken to wait.
4. A lane begins nothing while a deeper one is busy. So handlers overlap only as they would on one thread if the
   waiting handler called the other itself: like the calls on a stack, and never two requests at once.
5. Of what may begin, what came first begins: no event overtakes what was sent before it, unless that waits for its
   turn behind a handler which this event may end.

What this means for the agent: what a handler reads before it waits may have changed after, and what a handler shares
with one that works longer than ``PATIENCE`` wants a lock. The old framework asked for no less: its ticks came on a
second thread.

Nobody can end a thread from outside. A handler that waits for ever, without a time-out and for nothing that comes,
keeps its thread, delays nobody but its own agent, and is named in the log when the bus stops. The threads are daemons:
the process ends all the same.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEEPEST", "PATIENCE", "Job", "Lanes"]

_log = logging.getLogger(__name__)

DEEPEST = 8
"""The last lane; what would have to go deeper waits there in line."""

PATIENCE = 0.1
"""Seconds after which a handler that neither ended nor is seen to wait is taken to wait."""

_FIRST_LOOK = 0.0005
"""Seconds until a handler is looked at again; each time it has been as long as it took so far."""

_WAITS = threading.Condition.wait.__code__
_BEGINS_A_THREAD = threading.Thread.start.__code__

Job: TypeAlias = "Callable[[int], None]"
"""Called once with the number of the lane that it runs on."""


class _Entry(NamedTuple):
    """A job in line, whether it may nest in a handler, and when it came."""

    job: Job
    nests: bool
    came: float


class _Lane:
    """A line of jobs, and the thread that does them.

    Attributes:
        changed: Wakes the thread; the lock behind it is that of all the agent's lanes.
        busy: Whether the thread is at a job.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self.jobs: deque[_Entry] = deque()
        self.changed = threading.Condition(lock)
        self.busy = False
        self.thread: threading.Thread | None = None


class Lanes:
    """Runs the jobs of one agent by the rules above.

    Args:
        name: The agent's, for the names of the threads.
        tick: Called on lane 0 every ``interval()`` seconds, between jobs; None for an agent that has no ticks.
        interval: Returns the seconds between two ticks.
        ended: Called on the last thread when it is about to end; it may be called more than once.
    """

    def __init__(
        self, name: str, tick: Callable[[], None] | None, interval: Callable[[], float], ended: Callable[[], None]
    ) -> None:
        self._name = name
        self._tick = tick
        self._interval = interval
        self._ended = ended
        self._lock = threading.Lock()  # guards everything below
        self._lanes = [_Lane(self._lock) for _ in range(DEEPEST + 1)]
        self._started: list[threading.Thread] = []
        self._alive = 0
        self._closed = False
        self._next_tick = time.monotonic() + interval()

    def __repr__(self) -> str:
        return f"<Lanes {self._name} threads={self._alive} queued={self.queued}>"

    @property
    def queued(self) -> int:
        """How many jobs wait for their turn."""
        return sum(len(lane.jobs) for lane in self._lanes)

    @property
    def busy(self) -> bool:
        """Whether a handler runs."""
        return any(lane.busy for lane in self._lanes)

    @property
    def threads(self) -> list[threading.Thread]:
        """Those that have not ended."""
        return [thread for thread in self._started if thread.is_alive()]

    def put_request(self, job: Job) -> None:
        """Have a job done when its turn comes; it is dropped once the lanes are closed."""
        with self._lock:
            if not self._closed:
                self._put(0, job, nests=False)

    def put_reply(self, job: Job, origin: int = 0) -> None:
        """Have a response or an event handled, if need be in the middle of another handler.

        Args:
            job: What handles it; it is dropped once the lanes are closed and no handler runs.
            origin: The lane from which what it answers was sent.
        """
        with self._lock:
            occupied = any(lane.busy or lane.jobs for lane in self._lanes)
            if occupied or not self._closed:
                self._put(min(origin + 1, DEEPEST) if occupied else 0, job, nests=True)

    def open(self) -> None:
        """Start the first thread, and with it the ticks."""
        with self._lock:
            self._start(0)

    def close(self) -> None:
        """Begin no request any more, and end when the handlers that run have ended. Never waits; may be repeated."""
        with self._lock:
            self._closed = True
            for lane in self._lanes:
                lane.jobs = deque(entry for entry in lane.jobs if entry.nests)
                lane.changed.notify()
            over = not self._alive
        if over:
            self._ended()

    # -------------------------------------------------------------- inside

    def _put(self, number: int, job: Job, *, nests: bool) -> None:
        lane = self._lanes[number]
        lane.jobs.append(_Entry(job, nests, time.monotonic()))
        if lane.thread is None:
            self._start(number)
        else:
            lane.changed.notify()

    def _start(self, number: int) -> None:
        name = self._name if number == 0 else f"{self._name} (in the middle of a handler, {number})"
        thread = threading.Thread(target=self._serve, args=(number,), name=name, daemon=True)
        self._alive += 1
        self._lanes[number].thread = thread
        self._started.append(thread)
        thread.start()

    def _serve(self, number: int) -> None:
        while (job := self._next(number)) is not None:
            try:
                job(number)
            except BaseException:  # noqa: BLE001 - a job sees to its handler's errors itself: this one is ours
                _log.exception("A job of %s failed", self._name)
            del job  # an idle thread must not keep the last message alive
        if not self._alive:
            self._ended()

    def _next(self, number: int) -> Job | None:
        """Wait for a job, or the time of a tick; None once the lanes are closed and nothing is left to do."""
        lane, shallower = self._lanes[number], self._lanes[:number]
        with self._lock:
            if lane.busy:
                lane.busy = False
                self._wake_others(lane)
            while True:
                pause = None
                if self._is_behind(number):
                    pass
                elif lane.jobs:
                    pause = _pause(lane.jobs[0].came, shallower)
                    if pause is None:
                        lane.busy = True
                        self._wake_others(lane)
                        return lane.jobs.popleft().job
                elif self._closed and not any(other.busy for other in shallower):
                    lane.thread = None
                    self._alive -= 1
                    self._wake_others(lane)
                    return None
                elif number == 0 and self._tick is not None:
                    pause = self._next_tick - time.monotonic()
                    if pause <= 0:
                        lane.busy = True
                        return self._do_tick
                lane.changed.wait(pause)

    def _is_behind(self, number: int) -> bool:
        """Return whether another lane goes first: a deeper one is busy, or what it would begin came before ours."""
        lanes = self._lanes
        busiest = max((n for n, lane in enumerate(lanes) if lane.busy), default=-1)
        if busiest > number:
            return True
        others = (lane for lane in lanes[busiest + 1 :] if lane.jobs and lane is not lanes[number])
        mine = lanes[number].jobs
        return any(not mine or other.jobs[0].came < mine[0].came for other in others)

    def _wake_others(self, than: _Lane) -> None:
        """Let the other lanes look again: what was in their way may be gone."""
        for lane in self._lanes:
            if lane is not than and lane.thread is not None:
                lane.changed.notify()

    def _do_tick(self, _number: int) -> None:
        try:
            if self._tick is not None:
                self._tick()
        finally:
            self._next_tick = time.monotonic() + self._interval()


def _pause(came: float, shallower: list[_Lane]) -> float | None:
    """Return for how long a job has to let the handler have its way in whose middle it came; None for no longer."""
    thread = next((lane.thread for lane in reversed(shallower) if lane.busy), None)
    waited = time.monotonic() - came
    if thread is None or waited >= PATIENCE or _is_waiting(thread):
        return None
    return min(max(waited, _FIRST_LOOK), PATIENCE - waited)


def _is_waiting(thread: threading.Thread) -> bool:
    """Return whether a thread waits for another one to do something."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - documented; there is no other way to look
    if frame is None or frame.f_code is not _WAITS:
        return False
    while frame is not None:
        if frame.f_code is _BEGINS_A_THREAD:  # it waits for a moment, until its new thread has begun
            return False
        frame = frame.f_back
    return True
