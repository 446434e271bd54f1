"""A ledger on JetStream, NATS's own store: a key-value bucket, whose sequence numbers are the revisions.

What is promised: what a method has returned from has been acknowledged by the server, and survives the death of any
process of ours and of the server. By default the server flushes its files every two minutes (``sync_interval``), so
what it acknowledged since can be lost when the power or the system fails. With ``sync_interval: always``, or with three
replicas on machines that do not fail together, it is not.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from fablewright.adapters.jetstream_link import JetStreamLink  # isort: skip - as in nats_connection
from fablewright.adapters.nats_access import Access  # isort: skip - as above

from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError

from fablewright.gm.preparing.ledger import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.js import JetStreamContext
    from nats.js.kv import KeyValue

__all__ = ["JetStreamLedger"]

_BUCKET = "FW_ACCEPTED"
_NO_SUCH_MESSAGE = (10037, 10043)
"""The server's numbers for that."""


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
        async with self._link.opened() as (_, bucket):
            try:
                found = await bucket.get(_place(topic, key))
            except KeyNotFoundError:
                return None
            return _entry(found)

    async def entries(self, topic: str) -> tuple[Entry, ...]:
        """Return all entries of a topic.

        Not by a watcher: nats-py's says that all has come when the last message is only on its way.
        """
        async with self._link.opened() as (stream, _):
            head = f"$KV.{self._bucket}."
            info = await stream.stream_info(f"KV_{self._bucket}", subjects_filter=head + _place(topic, "*"))
            keys = [subject.rpartition(".")[2] for subject in info.state.subjects or ()]
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
        name = f"KV_{self._bucket}"
        try:
            await stream.stream_info(name)  # whoever operates the server may have changed it since
        except NotFoundError:
            config = StreamConfig(
                name=name,
                subjects=[f"$KV.{self._bucket}.>"],
                max_msgs_per_subject=1,
                discard=DiscardPolicy.NEW,
                storage=StorageType.FILE,
                allow_direct=True,
            )
            await stream.add_stream(config)
        return stream, await stream.key_value(self._bucket)


def _place(topic: str, key: str) -> str:
    return f"{hashlib.sha256(topic.encode()).hexdigest()[:32]}.{key}"


def _entry(found: Any) -> Entry:  # noqa: ANN401 - what nats-py returns
    return Entry(found.key.rpartition(".")[2], found.revision, (found.value or b"").decode())
