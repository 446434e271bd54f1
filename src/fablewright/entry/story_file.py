"""What happened on the bus, as JSON lines in the data folder: ``fablewright trace`` tells it as a story.

The event loop only hands the events over; a thread of its own writes them, at least each second. So a slow disk
delays nobody. What a full one does not take is kept, the latest of it, and written as soon as there is room again; the
log has one warning.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
import weakref
from collections import OrderedDict
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fablewright.runtime.events import Event

__all__ = ["Asking", "Record", "StoryFile", "asking", "read_records", "story_file"]

_log = logging.getLogger(__name__)

_MOST_BYTES = 1_000_000
"""Of one file, and of what waits in memory for the disk to take it."""
_MOST_WAITING = 10_000
"""Events that wait to be written; beyond that the disk hangs, and what comes is dropped."""
_MOST_ASKED = 10_000
"""Requests whose beginning is remembered, so that what comes later can say how long after."""
_PAUSE = 1.0
"""Seconds that an event waits at most for others to be written with it."""
_AGAIN = 1.0
"""Seconds until what the disk did not take is written again."""
_GRACE = 0.5
"""Seconds that the end of the program waits for the last of them."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the file: an ``Event``, in wall-clock time.

    Attributes:
        at: When.
        what: See ``runtime.events.What``, as are the others that are not named here.
        ms: Milliseconds since its message was sent.
        words: What a person typed; of the first message of a story.
    """

    at: datetime
    what: str
    to: str = ""
    action: str = ""
    message_id: str = ""
    correlation_id: str = ""
    causation_id: str | None = None
    sender: str = ""
    attempt: int = 1
    detail: str = ""
    traceparent: str | None = None
    ms: float | None = None
    words: str = ""


class Asking:
    """Something that a person asked for, while it is answered.

    Attributes:
        words: As typed.
        story: Its correlation id, once it is on the bus; empty when nothing is written.
        went_wrong: Whether anything in its story did.
    """

    def __init__(self, words: str) -> None:
        self.words = words
        self.story = ""
        self.went_wrong = False


_asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


@contextlib.contextmanager
def asking(words: str) -> Iterator[Asking]:
    """Say what is asked for within; it is told back which story that became."""
    asked = Asking(words)
    token = _asking.set(asked)
    try:
        yield asked
    finally:
        _asking.reset(token)


def story_file(data_dir: Path) -> Path:
    """Return where the lines are; the older ones are in ``story.old.jsonl`` beside it."""
    return data_dir / "story.jsonl"


class StoryFile:
    """An observer of a bus that writes down what it sees.

    Args:
        data_dir: The folder; made if it is missing.
        wall_clock: Seconds since 1970.
    """

    def __init__(self, data_dir: Path, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._path = story_file(data_dir)
        self._wall_clock = wall_clock
        self._queue: queue.SimpleQueue[tuple[float, Event, str] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_over = False
        self._ending = threading.Event()
        self._asking: weakref.WeakValueDictionary[str, Asking] = weakref.WeakValueDictionary()
        self._asked_at: OrderedDict[str, float] = OrderedDict()  # by message id, in seconds of the bus's clock

    def __repr__(self) -> str:
        return f"<StoryFile {self._path} {'over' if self._is_over else 'open'}>"

    def __call__(self, event: Event) -> None:
        """Take an event; called on the event loop."""
        if self._is_over or self._queue.qsize() >= _MOST_WAITING:
            return
        words = ""
        if event.what == "asked":
            asked = _asking.get()
            if event.causation_id is None and asked is not None:
                words = asked.words
                asked.story = event.correlation_id
                self._asking[event.correlation_id] = asked
        elif self._asking and _is_trouble(event):
            asked = self._asking.get(event.correlation_id)
            if asked is not None:
                asked.went_wrong = True
        self._queue.put((self._wall_clock(), event, words))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="story file", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what is left, if the disk takes it soon; what comes later is not written."""
        self._is_over = True
        self._ending.set()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(_GRACE)

    # -------------------------------------------------------------- on the thread

    def _run(self) -> None:
        left, is_last = b"", False
        while not is_last:
            was_left = bool(left)
            lines, is_last = self._collect(_AGAIN if left else None)
            text, problem = _latest(left + b"".join(lines)), "there is no room"
            try:
                left = self._append(text)
            except OSError as error:
                left, problem = text, str(error)
            if was_left and not left:
                _log.info("Stories are written down again")
            elif left and not was_left and not self._is_over:
                _log.warning("Stories wait to be written down: %s cannot be written to (%s)", self._path, problem)

    def _collect(self, patience: float | None) -> tuple[list[bytes], bool]:
        """Return the lines of about a second, and whether they are the last.

        Args:
            patience: Seconds to wait for the first of them; None: as long as it takes.
        """
        lines: list[bytes] = []
        try:
            taken = self._queue.get(timeout=patience)
        except queue.Empty:
            return lines, False
        # Were it woken by each event, this thread would take the interpreter away from the event loop each time.
        self._ending.wait(_PAUSE)
        while taken is not None:
            lines.append(self._line(*taken))
            try:
                taken = self._queue.get_nowait()
            except queue.Empty:
                return lines, False
        return lines, True

    def _line(self, wall: float, event: Event, words: str) -> bytes:
        began = self._asked_at.get(event.message_id)
        if began is None and event.what in {"asked", "told", "joined"}:
            self._asked_at[event.message_id] = event.at
            if len(self._asked_at) > _MOST_ASKED:
                self._asked_at.popitem(last=False)
        record = Record(
            at=datetime.fromtimestamp(wall, UTC),
            what=event.what,
            to=event.to,
            action=event.action,
            message_id=event.message_id,
            correlation_id=event.correlation_id,
            causation_id=event.causation_id,
            sender=event.sender,
            attempt=event.attempt,
            detail=event.detail,
            traceparent=event.traceparent,
            ms=None if began is None else round(1000 * (event.at - began), 3),
            words=words,
        )
        try:
            return msgspec.json.encode(record) + b"\n"
        except UnicodeEncodeError:  # half a character, as a file name or an argument may hold
            texts = {name: _whole(value) for name, value in msgspec.structs.asdict(record).items()}
            return msgspec.json.encode(Record(**texts)) + b"\n"

    def _append(self, text: bytes) -> bytes:
        """Write some lines, and return what is still to be written: a disk that becomes full takes a part."""
        if not text:
            return text
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            size = self._path.stat().st_size
            if size + len(text) > _MOST_BYTES and 2 * size > _MOST_BYTES:  # else older stories would go for a few
                self._path.replace(_older(self._path))
        with self._path.open("ab", buffering=0) as file:  # one write, so that two processes do not mix their lines
            return _rest(text, file.write(text) or 0)


def _latest(text: bytes) -> bytes:
    """Return as many of the last lines as are kept."""
    return text if len(text) <= _MOST_BYTES else text[text.index(b"\n", -_MOST_BYTES - 1) + 1 :]


def _rest(text: bytes, taken: int) -> bytes:
    """Return what is to be written after the first bytes of a text were: a line that was cut is written once more."""
    if not 0 < taken < len(text) or b"\n" in (text[taken - 1 : taken], text[taken : taken + 1]):
        return text[taken:]
    return b"\n" + text[text.rfind(b"\n", 0, taken) + 1 :]


def _older(path: Path) -> Path:
    return path.with_suffix(".old.jsonl")


def _whole(value: Any) -> Any:  # noqa: ANN401 - any field of a record
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _is_trouble(event: Event) -> bool:
    return event.what in {"refused", "dead_letter"} or (event.what == "ended" and event.detail != "replied")


def read_records(data_dir: Path) -> list[Record]:
    """Return all that was written, oldest first; a line that was cut off is left out."""
    decoder = msgspec.json.Decoder(Record)
    records: list[Record] = []
    path = story_file(data_dir)
    for each in (_older(path), path):
        try:
            lines = each.read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                records.append(decoder.decode(line))
    return records
