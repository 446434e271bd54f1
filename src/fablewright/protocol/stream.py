"""Streams: one ask, many values, one end. The asker has a ``StreamReader``, the answerer a ``StreamWriter``.

::

    handler ─ value ─► StreamWriter ── chunk 0, chunk 1, … end(count) ──► StreamReader ─ take ─► asker
                            ▲                                                   │
                            └───────────── granted, or cancel ──────────────────┘

The rules:

1. Chunks are numbered from 0. The reader gives their values in that order and without a gap, each once. A
   chunk that came again is dropped and counted; one that came too early is held back.
2. ``granted`` is how many chunks the writer may send in all: at first ``limit``, then up to ``limit`` more than
   were taken. So no more than ``limit`` chunks are ever under way, held back or waiting to be taken. It is a total
   and not an increment (as in QUIC, RFC 9000 section 4.1): sent twice or overtaken it does no harm. Both sides have
   the same limit; it travels with the ask.
3. There is one end, with an error or without, that says how many chunks there were. It is reached when all of
   them were taken, whenever they come. Nothing is given after it.
4. A chunk that was neither granted nor within the announced count, and an end that contradicts what came
   before, break the stream: it ends in ``ContractViolation`` after the values that came in order. Once all
   chunks are here the outcome is final, and what contradicts it is dropped.
5. A lost chunk is not asked for again. The reader waits, and gives nothing from behind the gap, until the
   driver cuts the stream: at its deadline, or because the answerer is lost. A lost grant may be sent again.
6. A reader that cancels, or whose stream broke, says so upstream once, if the end was not announced yet.
   What comes later is dropped. A cancelled writer gives out no more numbers.
7. Writing without a grant or after the end, and ending twice, is a ``ContractViolation`` of the driver.

A driver in one process holds both machines and nothing between them, so there is no queue but the reader's::

    while writer.room or await room_or_cancel():  # hold the generator before it makes the next value
        value = await anext(generator)  # at its end: reader.end(writer.end())
        reader.chunk(writer.write(), value)  # and wake the asker, if it waits and reader.ready

    value = reader.take()  # a Signal: wait for the writer, or stop
    if reader.credit():
        writer.allow(reader.granted)  # and wake the generator

Over a wire, ``(sequence, value)``, ``(count, error)``, ``granted`` and cancel travel as parcels, which may be lost,
doubled and overtaken; each is handed to the method of its name when it arrives. Of one stream no more than ``limit``
different chunks and one end are in the wire's buffers. A retried ask has a reader and a writer of its own.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import Generic, NamedTuple, TypeVar

from fablewright.errors import Cancelled, ContractViolation

__all__ = ["CancelUpstream", "Signal", "StreamReader", "StreamWriter"]

T = TypeVar("T")


class Signal(enum.Enum):
    """What ``take`` returns when there is no value."""

    WAIT = "wait"  # none now
    END = "end"  # that was all
    FAILED = "failed"  # that was all that will come, and ``error`` says why
    CANCELLED = "cancelled"  # this side wanted no more


class CancelUpstream(NamedTuple):
    """Tell the answerer to stop; ``error`` is how it broke the protocol, or None if the asker wants no more."""

    error: ContractViolation | None


_WAIT = Signal.WAIT


class StreamReader(Generic[T]):
    """The asker's side of one stream.

    Args:
        limit: How many chunks may be sent and not taken yet, at least 1.

    Attributes:
        dropped: Chunks and ends that said nothing new or came when the stream was over.
        error: How the stream failed; None before, and if it did not.
        granted: How many chunks the writer may send in all.

    Raises:
        ContractViolation: The limit is below 1.
    """

    __slots__ = ("_ahead", "_count", "_limit", "_next", "_open", "_ready", "_signal", "dropped", "error", "granted")

    def __init__(self, limit: int) -> None:
        self._limit = _valid(limit)
        self._ready: deque[T] = deque()  # in order, to be taken
        self._ahead: dict[int, T] = {}  # from behind a gap
        self._next = 0  # the chunk that comes after those in _ready
        self._count: int | None = None  # how many the end announced
        self._open = True  # whether the writer is not known to have stopped, nor told to
        self._signal = _WAIT  # what there is to take after _ready
        self.dropped = 0
        self.error: BaseException | None = None
        self.granted = limit

    def __repr__(self) -> str:
        state = self._signal.value
        return f"<StreamReader {state} next={self._next} ready={len(self._ready)} ahead={len(self._ahead)}>"

    @property
    def started(self) -> bool:
        """Whether a value could be taken yet: an ask whose stream has started is never retried."""
        return self._next > 0

    @property
    def ready(self) -> bool:
        """Whether ``take`` would return anything else than ``Signal.WAIT``."""
        return bool(self._ready) or self._signal is not _WAIT

    # -------------------------------------------------------------- for the asker

    def take(self) -> T | Signal:
        """Return the next value, or a signal that there is none; the last signal is given again and again."""
        ready = self._ready
        return ready.popleft() if ready else self._signal

    def credit(self) -> int:
        """Return how many more chunks ``granted`` grants than before; if any, tell the writer ``granted``.

        It grows by half the limit or more, not by every chunk that is taken, to save messages. That never starves
        the writer: by the time it has used all, and all was taken, a whole limit is due.
        """
        more = self._next - len(self._ready) + self._limit - self.granted
        if 2 * more < self._limit or not self._open:
            return 0
        self.granted += more
        return more

    def cancel(self) -> CancelUpstream | None:
        """Take no more, whatever comes; returns what to tell the writer, if that is still of use. Twice is harmless."""
        upstream = CancelUpstream(None) if self._open else None
        if self._signal is _WAIT:
            self.error = None  # of an end that was announced, and that nobody comes to see
        if self._ready or self._signal is _WAIT:
            self._ready.clear()
            self._close(Signal.CANCELLED)
        return upstream

    # -------------------------------------------------------------- for the driver

    def chunk(self, sequence: int, value: T) -> CancelUpstream | None:
        """Take in a chunk; returns what to tell the writer if it must not have sent it."""
        if sequence == self._next and self._open and sequence < self.granted:
            self._ready.append(value)
            self._next = sequence + 1
            if self._ahead:
                self._catch_up()
            return None
        if self._signal is not _WAIT or 0 <= sequence < self._next or sequence in self._ahead:
            self.dropped += 1
            return None
        most = self.granted if self._count is None else self._count
        if not 0 <= sequence < most:
            return self._break(f"chunk {sequence} came, of {most} that were granted or announced")
        self._ahead[sequence] = value
        self._catch_up()
        return None

    def end(self, count: int, error: BaseException | None = None) -> CancelUpstream | None:
        """Take in the end of the stream; returns what to tell the writer if that cannot be.

        Args:
            count: How many chunks were sent.
            error: How the answerer failed after them, if it did.
        """
        if self._signal is not _WAIT or count == self._count:
            self.dropped += 1
            return None
        if self._count is not None:
            return self._break(f"it ended after {self._count} chunks and again after {count}")
        sent = max(self._ahead, default=self._next - 1) + 1
        if not sent <= count <= self.granted:
            return self._break(
                f"it ended after {count} chunks, but at least {sent} were sent, at most {self.granted} granted"
            )
        self._count, self._open, self.error = count, False, error
        self._catch_up()
        return None

    def cut(self, error: BaseException) -> None:
        """End the stream where it stands: after the values that are here in order, with the error.

        For a driver that knows that no more will come, as the answerer is lost or the deadline has passed.
        """
        if self._signal is _WAIT:
            self.error = error
            self._close(Signal.FAILED)

    # -------------------------------------------------------------- inside

    def _catch_up(self) -> None:
        while self._next in self._ahead:
            self._ready.append(self._ahead.pop(self._next))
            self._next += 1
        if self._next == self._count:
            self._close(Signal.END if self.error is None else Signal.FAILED)

    def _break(self, what: str) -> CancelUpstream | None:
        error = ContractViolation(f"The stream is broken: {what}.")
        upstream = CancelUpstream(error) if self._open else None
        self.cut(error)
        return upstream

    def _close(self, signal: Signal) -> None:
        self._open = False
        self._ahead.clear()
        self._signal = signal


class StreamWriter:
    """The answerer's side of one stream.

    Args:
        limit: The reader's.

    Raises:
        ContractViolation: The limit is below 1.
    """

    __slots__ = ("_cancelled", "_ended", "_granted", "_limit", "_sent")

    def __init__(self, limit: int) -> None:
        self._limit = _valid(limit)
        self._granted = limit
        self._sent = 0
        self._ended = False
        self._cancelled = False

    def __repr__(self) -> str:
        state = "cancelled" if self._cancelled else "ended" if self._ended else "open"
        return f"<StreamWriter {state} sent={self._sent}/{self._granted}>"

    @property
    def room(self) -> int:
        """How many chunks may be written now; 0 after the end and when cancelled."""
        return 0 if self._ended or self._cancelled else self._granted - self._sent

    @property
    def cancelled(self) -> bool:
        """Whether the reader wants no more."""
        return self._cancelled

    def write(self) -> int:
        """Return the sequence number of the next chunk.

        Raises:
            Cancelled: The reader wants no more: stop the handler.
            ContractViolation: There is no room, or the stream has ended.
        """
        sequence = self._sent
        if sequence >= self._granted or self._cancelled or self._ended:
            raise self._refusal()
        self._sent = sequence + 1
        return sequence

    def allow(self, granted: int) -> None:
        """Take in how many chunks the reader grants in all; one that was overtaken changes nothing.

        Raises:
            ContractViolation: It is more than a reader of the same limit can have granted.
        """
        if granted > self._sent + self._limit:
            raise ContractViolation(f"{granted} chunks were granted, but only {self._sent} were sent to be taken.")
        self._granted = max(self._granted, granted)

    def end(self) -> int:
        """Return the count to announce, with or without an error. If cancelled, nobody needs it any more.

        Raises:
            ContractViolation: The stream has ended already.
        """
        if self._ended:
            raise ContractViolation("A stream ends once.")
        self._ended = True
        return self._sent

    def cancel(self) -> None:
        """Take in that the reader wants no more."""
        self._cancelled = True

    def _refusal(self) -> Cancelled | ContractViolation:
        if self._cancelled:
            return Cancelled("The asker wants no more of the stream.")
        if self._ended:
            return ContractViolation("Nothing is written after the end of a stream.")
        return ContractViolation(f"The reader has granted {self._granted} chunks, and they are sent.")


def _valid(limit: int) -> int:
    if limit < 1:
        raise ContractViolation(f"A stream has room for at least 1 chunk, not {limit}.")
    return limit
