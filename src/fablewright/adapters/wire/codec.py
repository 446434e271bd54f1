"""The codec: parcels as headers and bytes, and back.

::

    wire = Wire(messages_of([Orchestrator, HaystackPipeline, ...]))
    headers, body = wire.encode(envelope, now, request_of)

A body is UTF-8 JSON; see ``frames``. Two headers stand beside it: ``fw-version``, and with a deadline
``fw-remaining``, the milliseconds that are left of it, rounded down, so that what comes too late need not be read.

What comes from outside is believed to be nothing:

1. It has a bounded size, and outside its message only a few kibibytes; it is measured before it is read.
2. A message is made if its class was registered here, for the action that it goes to; a reply, if it is one to what
   was asked. Inside there is what their annotations say (``forms``), down to a depth that is known from these.
3. Whatever is wrong with it, it is ``Unreadable``, and nothing else is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from fablewright.adapters.wire import frames
from fablewright.adapters.wire.failures import failures_of, value_of
from fablewright.adapters.wire.registry import Registry
from fablewright.errors import ContractViolation
from fablewright.protocol.envelope import LONGEST_TIMEOUT, Envelope, Kind
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.envelopes import envelope_of
from fablewright.runtime.failure import said
from fablewright.runtime.network import Chunk, Grant, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.adapters.wire.registry import Entry
    from fablewright.protocol.message import Message
    from fablewright.runtime.network import Parcel, RequestOf

__all__ = ["VERSION", "Wire"]

VERSION = "1"
_VERSION = "fw-version"
_REMAINING = "fw-remaining"

_MOST_AROUND = 16 * 1024
"""Bytes of all that stands around a message: ids, names, path, headers, errors."""

_ASK, _TELL, _REPLIED = Kind.ASK, Kind.TELL, Outcome.REPLIED  # a member looked up in its Enum costs 0.05 us
_ENDED, _ASK_FRAME, _TELL_FRAME = frames.Ended, frames.Ask, frames.Tell
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_WITHOUT_TIME: Mapping[str, str] = MappingProxyType({_VERSION: VERSION})


class Wire:
    """The codec of one node.

    Args:
        messages: What may travel; their replies go without saying.
        most_bytes: What the body of a parcel may have.

    Raises:
        ContractViolation: A message has a part that cannot travel, or two have one name.
    """

    def __init__(self, messages: Iterable[type[Message]], *, most_bytes: int = 1024 * 1024) -> None:
        self._most_bytes = most_bytes
        self._small = min(most_bytes, _MOST_AROUND)  # what has no more need not be looked at
        self._registry = Registry(messages)
        self._write = msgspec.json.Encoder(enc_hook=_plain).encode
        self._read = msgspec.json.Decoder(frames.Frame).decode

    def __repr__(self) -> str:
        return f"<Wire version={VERSION} {self._registry!r} most_bytes={self._most_bytes:,}>"

    # -------------------------------------------------------------- out

    def encode(self, parcel: Parcel, now: float, request_of: RequestOf) -> tuple[Mapping[str, str], bytes]:
        """Return headers and body; see ``Codec``."""
        try:
            if isinstance(parcel, Envelope):
                frame, headers = self._sent(parcel), _headers(parcel, now)
            else:
                frame, headers = self._answer(parcel, request_of), _WITHOUT_TIME
            data = self._write(frame)
            if len(data) > self._small:
                self._measure(frame, data)
        except ContractViolation:
            raise
        except Exception as error:
            raise ContractViolation(f"{_called(parcel)} cannot travel: {error}.") from error
        return headers, data

    def _sent(self, envelope: Envelope) -> Any:  # noqa: ANN401 - a frame
        entry = self._registry.by_class.get(type(envelope.body))
        if entry is None:
            raise ContractViolation(f"{type(envelope.body).__name__} is not registered, so it cannot travel.")
        kind = frames.Ask if envelope.kind is _ASK else frames.Tell
        return kind(
            envelope.message_id,
            envelope.to,
            envelope.action,
            entry.name,
            entry.message.out(envelope.body),
            envelope.sender,
            envelope.correlation_id,
            envelope.causation_id,
            envelope.reply_to,
            envelope.attempt,
            envelope.priority,
            envelope.path,
            envelope.idempotency_key,
            envelope.traceparent,
            dict(envelope.headers) if envelope.headers else {},
        )

    def _answer(self, parcel: Ended | Withdraw | Chunk | Grant, request_of: RequestOf) -> Any:  # noqa: ANN401 - a frame
        if type(parcel) is Ended and parcel.outcome is _REPLIED:
            entry = self._answered(parcel.message_id, request_of)
            if entry.reply is None:
                raise ContractViolation(f"{entry.name} is told, not asked: there is no reply.")
            return frames.Ended(parcel.message_id, _REPLIED, entry.name, entry.reply.out(parcel.value))
        match parcel:
            case Ended():
                failures = failures_of(parcel.value)
                return frames.Ended(parcel.message_id, parcel.outcome, failures=failures)
            case Chunk():
                entry = self._answered(parcel.message_id, request_of)
                if entry.chunk is None:
                    raise ContractViolation(f"{entry.name} is answered in one piece.")
                return frames.Chunk(parcel.message_id, entry.name, parcel.sequence, entry.chunk.out(parcel.value))
            case Withdraw():
                return frames.Withdraw(parcel.message_id, parcel.to)
            case Grant():
                return frames.Grant(parcel.message_id, parcel.granted)

    def _answered(self, message_id: str, request_of: RequestOf) -> Entry:
        request = request_of(message_id)
        entry = self._registry.by_class.get(type(request))
        if entry is None:
            raise ContractViolation(f"Nobody knows the request {message_id}, so its reply cannot travel.")
        return entry

    def _measure(self, frame: Any, data: bytes) -> None:  # noqa: ANN401 - a frame
        """Look at what is not small.

        Raises:
            ContractViolation: It is too large.
        """
        if len(data) > self._most_bytes:
            raise ContractViolation(
                f"{len(data):,} bytes are too many: on the way a message may have {self._most_bytes:,}."
            )
        around = len(self._write(msgspec.structs.replace(frame, body=None)) if hasattr(frame, "body") else data)
        if around > _MOST_AROUND:
            raise ContractViolation(
                f"What stands around the message has {around:,} bytes: ids, names, path and headers may have "
                f"{_MOST_AROUND:,}."
            )

    # -------------------------------------------------------------- in

    def decode(self, headers: Mapping[str, str], body: bytes, now: float, request_of: RequestOf) -> Parcel:
        """Return the parcel; see ``Codec``."""
        if len(body) > self._most_bytes:
            raise Unreadable(f"{len(body):,} bytes came; a parcel has at most {self._most_bytes:,}.")
        version = headers.get(_VERSION)
        if version != VERSION:
            raise Unreadable(f"It has version {version!r:.20} of the wire format; this release reads {VERSION}.")
        frame: Any = None
        try:
            frame = self._read(body)
            if len(body) > _MOST_AROUND and len(body) - len(getattr(frame, "body", b"")) > _MOST_AROUND:
                raise ValueError("too much stands around the message")  # noqa: TRY301 - one place says it
            kind = type(frame)
            if kind is _ENDED and frame.outcome is _REPLIED:
                return Ended(now, frame.message_id, _REPLIED, self._reply(frame, request_of))
            if kind is _ASK_FRAME or kind is _TELL_FRAME:
                return self._envelope(frame, kind is _ASK_FRAME, _deadline(headers, now))
            return self._parcel(frame, now, request_of)
        except Exception as error:  # whatever it is, it came from outside
            raise Unreadable(
                f"What came cannot be read: {_printable(said(error))}.",
                message_id=getattr(frame, "message_id", ""),
                reply_to=getattr(frame, "reply_to", None) or "",
            ) from error

    def _envelope(self, frame: frames.Sent, is_ask: bool, deadline: float | None) -> Envelope:  # noqa: FBT001 - inside
        if is_ask and deadline is None:
            raise ValueError("it is asked without a deadline")
        message = self._named(frame.type).message.read(frame.body)
        if message.action != frame.action:
            raise ValueError(f"{frame.type} does not go to {frame.action!r:.40}")
        kind, headers = _ASK if is_ask else _TELL, frame.headers or _NO_HEADERS
        # One row, in the order of the fields, as in ``runtime.envelopes``.
        # fmt: off
        row = (
            frame.message_id, kind, frame.sender, frame.to, frame.action, message, frame.correlation_id,
            frame.causation_id, frame.reply_to, deadline, frame.attempt, frame.priority, frame.path,
            frame.idempotency_key, frame.traceparent, headers,
        )
        # fmt: on
        return envelope_of(row)

    def _parcel(self, frame: Any, now: float, request_of: RequestOf) -> Parcel:  # noqa: ANN401 - a frame
        match frame:
            case frames.Ended():
                return Ended(now, frame.message_id, frame.outcome, value_of(frame.outcome, frame.failures))
            case frames.Chunk():
                chunk = self._asked(frame, request_of).chunk
                if chunk is None:
                    raise ValueError(f"{frame.type} has no pieces")
                return Chunk(frame.message_id, frame.sequence, chunk.read(frame.body))
            case frames.Withdraw():
                return Withdraw(frame.message_id, frame.to)
        return Grant(frame.message_id, frame.granted)

    def _reply(self, frame: frames.Ended, request_of: RequestOf) -> object:
        reply = self._asked(frame, request_of).reply
        if reply is None:
            raise ValueError(f"{frame.type} has no reply")
        return reply.read(frame.body)

    def _asked(self, frame: frames.Ended | frames.Chunk, request_of: RequestOf) -> Entry:
        """Return what a reply is a reply to; late ones are read by the name that they bring."""
        entry = self._named(frame.type)
        request = request_of(frame.message_id)
        if request is not None and type(request) is not entry.cls:
            raise ValueError(f"{type(request).__name__} was asked, not {entry.name}")
        return entry

    def _named(self, name: str) -> Entry:
        entry = self._registry.by_name.get(name)
        if entry is None:
            raise ValueError(f"this release knows no message {name!r:.60}")
        return entry


def _headers(envelope: Envelope, now: float) -> Mapping[str, str]:
    """Return what stands beside an envelope.

    Raises:
        ContractViolation: It is asked without a deadline.
    """
    if envelope.deadline is None:
        if envelope.kind is _ASK:
            raise ContractViolation(f"{_called(envelope)} is asked without a deadline, so it cannot travel.")
        return _WITHOUT_TIME
    return _with_remaining(max(0, int((envelope.deadline - now) * 1000)))


# Times that are left are few: what comes in a second has the same few time-outs.


@lru_cache(maxsize=4096)
def _with_remaining(milliseconds: int) -> Mapping[str, str]:
    return MappingProxyType({_VERSION: VERSION, _REMAINING: str(milliseconds)})


@lru_cache(maxsize=4096)
def _seconds(said: str) -> float:
    """Return the time that is left.

    Raises:
        ValueError: It is no number of milliseconds up to a day.
    """
    if len(said) > 10 or not (said.isascii() and said.isdigit()) or int(said) > LONGEST_TIMEOUT * 1000:
        raise ValueError(f"{_REMAINING} is {said!r:.20}")
    return int(said) / 1000


def _deadline(headers: Mapping[str, str], now: float) -> float | None:
    """Return when the time that is left will be over.

    Raises:
        ValueError: It is no number of milliseconds up to a day.
    """
    said = headers.get(_REMAINING)
    if said is None:
        return None
    return now + _seconds(said)


def _printable(text: str) -> str:
    """Return words that came from anywhere as they may stand in a log."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:300])


def _called(parcel: Parcel) -> str:
    if isinstance(parcel, Envelope):
        return type(parcel.body).__name__
    return f"{type(parcel).__name__} of {parcel.message_id}"


def _plain(value: object) -> object:
    """Return what msgspec does not know as what it does.

    Raises:
        TypeError: It is nothing that travels.
    """
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    raise TypeError(f"a {type(value).__qualname__} in it")
