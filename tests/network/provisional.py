"""What the tests send over networks, who handles it, and a codec of their own: as little as that needs, in JSON."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from fablewright import errors
from fablewright.errors import ContractViolation, FablewrightError, RequestFailed
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.agent import Agent, handles, hears, streams
from fablewright.runtime.channel import Streamed
from fablewright.runtime.failure import AskedWrongly, BrokenContract
from fablewright.runtime.legacy import LegacyMessage
from fablewright.runtime.network import Chunk, Grant, Unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fablewright.runtime.context import Context, ReplyToken
    from fablewright.runtime.network import Parcel, RequestOf


@dataclass(frozen=True, slots=True)
class Echo(Request[str]):
    action: ClassVar[str] = "echo"
    idempotent: ClassVar[bool] = True
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Odd(Request[str]):
    """Asks for what a handler should not do: ``raise``, ``nothing``, ``defer`` and answer later, ``drop`` the token."""

    action: ClassVar[str] = "odd"
    way: str = "raise"


@dataclass(frozen=True, slots=True)
class Relay(Request[float]):
    """Answered with the seconds that the next one down has left, when this many hops are made."""

    action: ClassVar[str] = "relay"
    to: tuple[str, ...] = ()
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Block(Request[str]):
    action: ClassVar[str] = "block"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Count(StreamRequest[int]):
    action: ClassVar[str] = "count"
    up_to: int = 3
    pause: float = 0.0
    fails_at: int = -1


@dataclass(frozen=True, slots=True)
class Unknown(Request[str]):
    """Nobody can do it."""

    action: ClassVar[str] = "unknown"


@dataclass(frozen=True, slots=True)
class Noise(Message):
    action: ClassVar[str] = "noise"
    text: str = ""


_MESSAGES: dict[str, Any] = {kind.action: kind for kind in (Echo, Odd, Relay, Block, Count, Noise, Unknown)}


class JsonCodec:
    def encode(self, parcel: Parcel, now: float, request_of: RequestOf) -> tuple[Mapping[str, str], bytes]:
        fields: dict[str, Any]
        if isinstance(parcel, Envelope):
            if isinstance(parcel.body, LegacyMessage):
                body = {"data": parcel.body.data}
            else:
                assert is_dataclass(parcel.body)
                body = asdict(parcel.body)  # type: ignore[arg-type]
            left = None if parcel.deadline is None else 1000 * (parcel.deadline - now)
            fields = {**parcel._asdict(), "kind": parcel.kind.value, "body": body, "headers": dict(parcel.headers)}
            fields |= {"deadline": left, "legacy": isinstance(parcel.body, LegacyMessage)}
        elif isinstance(parcel, Ended):
            fields = {**parcel._asdict(), "outcome": parcel.outcome.value, "value": _plain(parcel.value)}
        else:
            fields = parcel._asdict()
        try:
            return {"fw": type(parcel).__name__}, json.dumps(fields).encode()
        except TypeError as error:
            raise ContractViolation(str(error)) from error

    def decode(self, headers: Mapping[str, str], body: bytes, now: float, request_of: RequestOf) -> Parcel:
        try:
            fields: dict[str, Any] = json.loads(body)
            match headers["fw"]:
                case "Envelope":
                    if fields.pop("legacy"):
                        message: Any = LegacyMessage(fields["action"], **fields["body"])
                    else:
                        given = {k: tuple(v) if isinstance(v, list) else v for k, v in fields["body"].items()}
                        message = _MESSAGES[fields["action"]](**given)
                    left = fields["deadline"]
                    fields |= {"kind": Kind(fields["kind"]), "path": tuple(fields["path"]), "body": message}
                    return Envelope(**{**fields, "deadline": None if left is None else now + left / 1000})
                case "Ended":
                    outcome, value = Outcome(fields["outcome"]), _thing(fields["value"])
                    return Ended(now, fields["message_id"], outcome, value)
                case name:
                    return {"Withdraw": Withdraw, "Chunk": Chunk, "Grant": Grant}[name](**fields)  # type: ignore[no-any-return,operator]
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(repr(error)) from error


def _plain(value: object) -> Any:
    if isinstance(value, RequestFailed):
        where = {"to": value.to, "action": value.action, "message_id": value.message_id}
        return {"failed": type(value).__name__, "text": str(value), **where}
    if isinstance(value, AskedWrongly | BrokenContract):
        return {"wrongly": str(value) if isinstance(value, AskedWrongly) else value.text}
    if isinstance(value, Exception):
        return {"error": f"{type(value).__name__}: {value}"}
    return {"streamed": value.chunks} if isinstance(value, Streamed) else {"value": value}


def _thing(plain: dict[str, Any]) -> object:
    match plain:
        case {"failed": name, "text": text, **where}:
            kind: type[RequestFailed] = getattr(errors, name)
            return kind(text, **where)
        case {"wrongly": text}:
            return BrokenContract(text)
        case {"error": text}:
            return FablewrightError(text)
        case {"streamed": chunks}:
            return Streamed(chunks)
    return plain["value"]


class Worker(Agent):
    """Does all of it.

    Attributes:
        began, ended, stopped, noises: What it did, and what it heard.
        made: Pieces that it has made.
        withdrawn: How often a deferred request was withdrawn.
        tokens: Of deferred requests, to be answered by the test.
    """

    concurrency = 8
    mailbox_capacity = 8

    def __init__(self, name: str = "worker") -> None:
        self.name = name  # type: ignore[misc]
        self.began: list[str] = []
        self.ended: list[str] = []
        self.stopped: list[str] = []
        self.noises: list[str] = []
        self.tokens: list[ReplyToken[str]] = []
        self.made = self.withdrawn = 0

    @handles(Echo)
    async def echo(self, request: Echo, ctx: Context) -> str:
        self.began.append(request.text)
        try:
            await asyncio.sleep(request.seconds)
        except asyncio.CancelledError:
            self.stopped.append(request.text)
            raise
        self.ended.append(request.text)
        return f"{request.text} from {self.name}"

    @handles(Odd)
    async def odd(self, request: Odd, ctx: Context) -> str | ReplyToken[str]:
        if request.way == "raise":
            raise ValueError("the ink is dry")
        if request.way == "nothing":
            return None  # type: ignore[return-value]
        if request.way == "huge":
            return "x" * 2_000_000
        token: ReplyToken[str] = ctx.defer(on_withdrawn=self._note_withdrawal)
        if request.way == "defer":
            self.tokens.append(token)
        return token

    def _note_withdrawal(self) -> None:
        self.withdrawn += 1

    @handles(Relay)
    async def relay(self, request: Relay, ctx: Context) -> float:
        if not request.to:
            return ctx.remaining
        first, *others = request.to
        return await ctx.ask(first, Relay(tuple(others), request.timeout), timeout=request.timeout)

    @handles(Block)
    def block(self, request: Block, ctx: Context) -> str:
        return request.text.upper()

    @streams(Count)
    async def count(self, request: Count, ctx: Context) -> AsyncIterator[int]:
        try:
            for number in range(request.up_to):
                if number == request.fails_at:
                    raise ValueError("the ink is dry")
                self.made += 1
                yield number
                await asyncio.sleep(request.pause)
        finally:
            self.stopped.append("count")

    @hears(Noise)
    async def noise(self, message: Noise, ctx: Context) -> None:
        self.noises.append(message.text)
        if message.text == "louder":
            ctx.publish(Noise("loud"))


class Single(Worker):
    """One handler at a time, and one message may wait."""

    concurrency = 1
    mailbox_capacity = 1
