"""A ledger on JetStream, NATS's own store: a key-value bucket, whose sequence numbers are the revisions.

What is promised: what a method has returned from has been acknowledged by the server, and survives the death of any
process of ours and of the server. By default the server flushes its files every two minutes (``sync_interval``), so
what it acknowledged since can be lost when the power or the system fails. With ``sync_interval: always``, or with three
replicas on machines that do not fail together, it is not; the bucket is made with three where three servers are named.

How old an entry is, is the server's to say, who stamps each: by the clock that leads the stream. What a server of three
says whose clock is apart from the others', when it begins to lead, is wrong by as much.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fablewright.adapters.jetstream_link import JetStreamLink  # isort: skip - as in nats_connection
from fablewright.adapters.nats_access import Access  # isort: skip - as above

from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, KeyWrongLastSequenceError, NotFoundError

from fablewright.gm.preparing.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.js import JetStreamContext
    from nats.js.api import RawStreamMsg
    from nats.js.kv import KeyValue

__all__ = ["JetStreamLedger"]

_BUCKET = "FW_ACCEPTED"
_NO_SUCH_MESSAGE = (10037, 10043)
"""The server's numbers for that."""
_SET_BACK = 60.0
"""Seconds by which an entry may come from the future; beyond, the server's clock was set back, and it is old enough."""


class JetStreamLedger:
    """A :class:`~fablewright.gm.preparing.ledger.Ledger` on a NATS server with JetStream.

    It connects, and makes the bucket where it is missing, at the first call.

    Args:
        servers: Where they are: ``nats://host:4222``.
        access: With which key they are entered, and how they are known.
        owner: Whose ledger it is; each has a bucket of their own.

    Raises:
        ConfigurationError: The key or the certificates cannot be used.
    """

    def __init__(self, servers: str | Sequence[str], *, access: Access | None = None, owner: str = "") -> None:
        self._bucket = f"{_BUCKET}_{owner}" if owner else _BUCKET
        self._ahead = 0.0  # seconds of the server's clock beyond that of this process, which nobody can set
        self._link = JetStreamLink(servers, access or Access(), self._prepared, "What was accepted")

    async def add(self, topic: str, key: str, text: str) -> bool:
        """Keep a text, in one write; return False if there is an entry of that key already."""
        async with self._link.opened() as (_, bucket):
            try:
                await bucket.create(_place(topic, key), text.encode())
            except KeyWrongLastSequenceError:
                return False
            return True

    async def read(self, topic: str, key: str) -> Entry | None:
        """Return an entry; None if there is none of that key."""
        async with self._link.opened() as (stream, _):
            try:
                found = await stream.get_msg(f"KV_{self._bucket}", subject=self._subject(topic, key))
            except NotFoundError:
                return None
            is_gone = "KV-Operation" in (found.headers or {})  # somebody has taken it out with NATS's own tools
            return None if is_gone else self._entry(found)

    async def entries(self, topic: str) -> tuple[Entry, ...]:
        """Return all entries of a topic.

        Not by a watcher: nats-py's says that all has come when the last message is only on its way.
        """
        async with self._link.opened() as (stream, _):
            told = await self._told(stream, self._subject(topic, "*"))
            keys = [subject.rpartition(".")[2] for subject in told["state"].get("subjects") or ()]
            found = await asyncio.gather(*(self.read(topic, key) for key in keys))
            return tuple(entry for entry in found if entry is not None)  # some may be gone by now

    async def swap(self, topic: str, key: str, revision: int, text: str) -> bool:
        """Write an entry anew; return False, and write nothing, if that revision is not its latest."""
        async with self._link.opened() as (_, bucket):
            try:
                await bucket.update(_place(topic, key), text.encode(), last=revision)
            except KeyWrongLastSequenceError:
                return False
            return True

    async def remove(self, topic: str, key: str, revision: int) -> bool:  # noqa: ARG002 - the revision is unique
        """Remove an entry without a trace; return False, and do nothing, if that revision is not its latest.

        Of each entry the bucket has one message alone: where that is not of this revision any more, there is none.
        """
        async with self._link.opened() as (stream, _):
            try:
                await stream.delete_msg(f"KV_{self._bucket}", revision)
            except APIError as error:
                if error.err_code in _NO_SUCH_MESSAGE:
                    return False
                raise
            return True

    async def close(self) -> None:
        """Close the connection; a later call opens it again. Closing twice is harmless."""
        await self._link.close()

    async def _prepared(self, stream: JetStreamContext) -> tuple[JetStreamContext, KeyValue]:
        """Make the bucket as a stream, for those that are made as a bucket let nobody remove a message."""
        none = self._subject("", "none")
        try:
            told = await self._told(stream, none)  # whoever operates the server may have changed it since
        except NotFoundError:
            config = StreamConfig(
                name=f"KV_{self._bucket}",
                subjects=[f"$KV.{self._bucket}.>"],
                max_msgs_per_subject=1,
                discard=DiscardPolicy.NEW,
                storage=StorageType.FILE,
                num_replicas=self._link.copies,
            )
            await stream.add_stream(config)
            told = await self._told(stream, none)
        self._link.want_copies(f"KV_{self._bucket}", told["config"].get("num_replicas", 1))
        return stream, await stream.key_value(self._bucket)

    async def _told(self, stream: JetStreamContext, pattern: str) -> dict[str, Any]:
        """Return what the server tells of the bucket, with the subjects of a pattern that have an entry.

        What time it is for the server is noted.

        Before 2.10 a server does not say that; then it is taken to have the time of this machine.
        """
        place, request = f"$JS.API.STREAM.INFO.KV_{self._bucket}", json.dumps({"subjects_filter": pattern})
        told = await stream._api_request(place, request.encode())  # noqa: SLF001 - stream_info leaves the time out
        now = datetime.fromisoformat(told["ts"]) if "ts" in told else datetime.now(UTC)
        self._ahead = now.timestamp() - time.monotonic()
        return told

    def _subject(self, topic: str, key: str) -> str:
        return f"$KV.{self._bucket}.{_place(topic, key)}"

    def _entry(self, found: RawStreamMsg) -> Entry:
        assert found.subject and found.seq and found.time  # noqa: S101, PT018 - the server says them of each
        age = self._ahead + time.monotonic() - found.time.timestamp()
        key = found.subject.rpartition(".")[2]
        text = (found.data or b"").decode()
        return Entry(key, found.seq, text, max(0.0, age) if age > -_SET_BACK else float("inf"))


def _place(topic: str, key: str) -> str:
    return f"{hashlib.sha256(topic.encode()).hexdigest()[:32]}.{key}"
