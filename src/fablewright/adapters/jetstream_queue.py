"""A work queue on JetStream, NATS's own store: tasks, leases and results for processes on many machines.

A task is a message in a work-queue stream, published under its idempotency key (``Nats-Msg-Id``). A lease is a
delivery that is not acknowledged yet: when ``ack_wait`` is over the server delivers it to somebody else; of all who
work on a batch, who takes the longest leases says how long that is. The outcome
of a task is one entry in a key-value bucket that can only be created, never written over: so it is written once,
whoever is late, and all else may happen twice. The batch with all its tasks stands in the bucket before its messages
are published; whoever finds a task without an outcome and without a message publishes it again.

What is promised: what a method has returned from has been acknowledged by the server, and survives the death of any
process of ours and of the server. By default the server flushes its files every two minutes (``sync_interval``), so
what it acknowledged since can be lost when the power or the system fails. With ``sync_interval: always``, or with three
``replicas`` on machines that do not fail together, it is not; all is made with three where three servers are named.

Who is at which task is not told: a task that is leased reads as waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from fablewright.adapters.jetstream_link import JetStreamLink  # isort: skip - as in nats_connection
from fablewright.adapters.nats_access import Access  # isort: skip - as above

import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, KeyValueConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import InvalidKeyError, KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError

from fablewright.gm.preparing.ports import Batch, Lease, Task, Worked
from fablewright.protocol.job import UNFINISHED, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from nats.js.kv import KeyValue

    from fablewright.protocol.job import JobRules

__all__ = ["JetStreamQueue"]

_STORE, _SUBJECT = "FW_WORK", "fw.work"
"""What the stream and the bucket are called, and what all subjects of tasks begin with."""
_TRIES = "Fw-Tries"
"""Header: tries that were begun before this message was published."""
_TAKEN = 0.2
"""Seconds to wait for a task to be delivered; one that is there comes in a millisecond."""
_AGAIN = 0.05
"""Seconds until a task that broke is tried again: others come first."""


class JetStreamQueue:
    """A :class:`~fablewright.gm.preparing.ports.WorkQueue` on a NATS server with JetStream.

    It connects, and makes the stream and the bucket where they are missing, at the first call.

    Args:
        servers: Where they are: ``nats://host:4222``.
        rules: How long a lease lasts, and how many tries there are.
        now: The system's clock, in seconds since 1970.
        access: With which key they are entered, and how they are known.
        owner: Whose work it is; each has a stream and a bucket of their own.

    Raises:
        ConfigurationError: The key or the certificates cannot be used.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        rules: JobRules,
        *,
        now: Callable[[], float] = time.time,
        access: Access | None = None,
        owner: str = "",
    ) -> None:
        self._store, self._subject = (f"{_STORE}_{owner}", f"{_SUBJECT}_{owner}") if owner else (_STORE, _SUBJECT)
        self._rules = rules
        self._now = now
        self._link = JetStreamLink(servers, access or Access(), self._prepared, "The work queue", self._let_go)
        self._consumers: dict[str, JetStreamContext.PullSubscription] = {}
        self._deliveries: dict[tuple[str, str, int], Msg] = {}

    async def accept(self, batch: Batch, tasks: Sequence[Task]) -> bool:
        """Take a batch, all of it or nothing; return False if there is one of this id already."""
        record = {"batch": asdict(batch), "tasks": [asdict(task) for task in tasks]}
        async with self._link.opened() as (stream, bucket):
            is_new = await _created(bucket, f"batch.{batch.id}", record)
            if is_new:
                for task in tasks:
                    await self._publish(stream, batch.id, task, f"{batch.id}.{task.key}")
                await bucket.put(f"topic.{_hashed(batch.topic)}", batch.id.encode())
            return is_new

    async def latest(self, topic: str) -> Batch | None:
        """Return the batch of a topic that was accepted last."""
        async with self._link.opened() as (_, bucket):
            name = await _value(bucket, f"topic.{_hashed(topic)}")
            return None if name is None else await self._batch(bucket, name.decode())

    async def look(self, batch: str) -> tuple[Worked, ...]:
        """Return how the tasks of a batch stand, in the order in which they were accepted."""
        async with self._link.opened() as (_, bucket):
            tasks = await _tasks(bucket, batch)
            outcomes = await asyncio.gather(*(_value(bucket, f"outcome.{batch}.{task.key}") for task in tasks))
            return tuple(_worked(task, outcome) for task, outcome in zip(tasks, outcomes, strict=True))

    async def lease(self, batch: str) -> Lease | None:
        """Return a task to work on; None if there is none now."""
        async with self._link.opened() as (stream, bucket):
            found = await self._batch(bucket, batch)
            if found is None or found.paused or found.begins > self._now():
                return None
            consumer = await self._consumer(stream, batch)
            while (message := await _delivered(consumer)) is not None:
                lease = _lease(batch, message)
                if await _value(bucket, f"outcome.{batch}.{lease.task.key}") is not None:
                    await message.ack()  # it was finished by somebody whose lease was over
                elif lease.tries > self._rules.tries:
                    await _created(bucket, f"outcome.{batch}.{lease.task.key}", _outcome(State.FAILED, UNFINISHED))
                    await message.ack()
                else:
                    self._deliveries[batch, lease.task.key, lease.number] = message
                    return lease
            await self._publish_missing(stream, bucket, consumer, batch)
            return None

    async def finish(self, lease: Lease, result: str) -> bool:
        """Keep a task's result; return False if it has an outcome already, and then this result is dropped."""
        return await self._end(lease, {"state": State.DONE.value, "result": result})

    async def fail(self, lease: Lease, reason: str) -> None:
        """Say that a task could not be done; it is tried again unless this was its last try."""
        if lease.tries >= self._rules.tries:
            await self._end(lease, _outcome(State.FAILED, reason))
            return
        async with self._link.opened():
            if message := self._delivery(lease):
                await message.nak(delay=_AGAIN)

    async def give_back(self, lease: Lease) -> None:
        """Let somebody else have a task that was begun; it does not count as a try."""
        async with self._link.opened() as (stream, _):
            if message := self._delivery(lease):
                # A message that is only declined counts its deliveries on; so another one takes its place.
                name = f"{lease.batch}.{lease.task.key}.{uuid.uuid4().hex}"
                await self._publish(stream, lease.batch, lease.task, name, tries=lease.tries - 1)
                await message.ack()

    async def pause(self, batch: str) -> None:
        """Let nobody begin another task of a batch."""
        await self._control(batch, paused=True)

    async def resume(self, batch: str) -> None:
        """Let a batch go on, now: whether it was paused or was to begin later."""
        await self._control(batch, paused=False, begins=0.0)

    async def cancel(self, batch: str) -> int:
        """Call off what is not done yet; return how many tasks that were."""
        async with self._link.opened() as (stream, bucket):
            off = [
                await _created(bucket, f"outcome.{batch}.{task.key}", _outcome(State.CANCELLED, ""))
                for task in await _tasks(bucket, batch)
            ]
            await stream.purge_stream(self._store, subject=f"{self._subject}.{batch}.>")
            return sum(off)

    async def close(self) -> None:
        """Close the connection; a later call opens it again. Closing twice is harmless."""
        await self._link.close()

    # ------------------------------------------------------------ the parts

    def _let_go(self) -> None:
        self._consumers.clear()
        self._deliveries.clear()

    async def _end(self, lease: Lease, outcome: dict[str, str]) -> bool:
        async with self._link.opened() as (_, bucket):
            is_first = await _created(bucket, f"outcome.{lease.batch}.{lease.task.key}", outcome)
            if message := self._delivery(lease):
                await message.ack()
            return is_first

    def _delivery(self, lease: Lease) -> Msg | None:
        """Return the message that the server waits for, to be answered once; None when that has been done."""
        return self._deliveries.pop((lease.batch, lease.task.key, lease.number), None)

    async def _control(self, batch: str, **changes: object) -> None:
        async with self._link.opened() as (_, bucket):
            found = await self._batch(bucket, batch)
            if found is not None:
                control = {"paused": found.paused, "begins": found.begins, **changes}
                await bucket.put(f"control.{batch}", _encoded(control))

    async def _batch(self, bucket: KeyValue, name: str) -> Batch | None:
        record, control = await asyncio.gather(_value(bucket, f"batch.{name}"), _value(bucket, f"control.{name}"))
        if record is None:
            return None
        found = Batch(**json.loads(record)["batch"])
        return found if control is None else replace(found, **json.loads(control))

    async def _publish(self, stream: JetStreamContext, batch: str, task: Task, name: str, *, tries: int = 0) -> None:
        headers = {"Nats-Msg-Id": name, _TRIES: str(tries)}
        await stream.publish(
            f"{self._subject}.{batch}.{task.key}", task.body.encode(), stream=self._store, headers=headers
        )

    async def _publish_missing(
        self, stream: JetStreamContext, bucket: KeyValue, consumer: JetStreamContext.PullSubscription, batch: str
    ) -> None:
        """Publish tasks again that have no outcome and no message: who accepted them died in between."""
        info = await consumer.consumer_info()
        if info.num_pending or info.num_ack_pending:
            return
        for task in await _tasks(bucket, batch):
            if await _value(bucket, f"outcome.{batch}.{task.key}") is None:
                seen = info.delivered.stream_seq if info.delivered else 0
                await self._publish(stream, batch, task, f"{batch}.{task.key}.after-{seen}")

    async def _consumer(self, stream: JetStreamContext, batch: str) -> JetStreamContext.PullSubscription:
        if batch not in self._consumers:
            config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=self._rules.lease, max_deliver=-1)
            consumer = await stream.pull_subscribe(
                f"{self._subject}.{batch}.*", durable=f"batch-{batch}", stream=self._store, config=config
            )
            found = (await consumer.consumer_info()).config
            if found.ack_wait is None or found.ack_wait < self._rules.lease:
                await stream.add_consumer(self._store, found, ack_wait=self._rules.lease)
            self._consumers[batch] = consumer
        return self._consumers[batch]

    async def _prepared(self, stream: JetStreamContext) -> tuple[JetStreamContext, KeyValue]:
        """Make what is missing on the server."""
        try:
            await stream.stream_info(self._store)  # whoever operates the server may have changed it since
        except NotFoundError:
            subjects, kind = [f"{self._subject}.>"], RetentionPolicy.WORK_QUEUE
            await stream.add_stream(
                StreamConfig(
                    self._store, None, subjects, kind, storage=StorageType.FILE, num_replicas=self._link.copies
                )
            )
        try:
            bucket = await stream.key_value(self._store)
        except NotFoundError:
            config = KeyValueConfig(self._store, history=1, storage=StorageType.FILE, replicas=self._link.copies)
            bucket = await stream.create_key_value(config)
        return stream, bucket


async def _delivered(consumer: JetStreamContext.PullSubscription) -> Msg | None:
    try:
        return next(iter(await consumer.fetch(1, timeout=_TAKEN)), None)
    except (TimeoutError, nats.errors.TimeoutError):
        return None


async def _value(bucket: KeyValue, key: str) -> bytes | None:
    try:
        return (await bucket.get(key)).value
    except (KeyNotFoundError, InvalidKeyError):  # what can be no key is none
        return None


async def _created(bucket: KeyValue, key: str, value: object) -> bool:
    """Write an entry that is not there yet; return False if it is."""
    try:
        await bucket.create(key, _encoded(value))
    except KeyWrongLastSequenceError:
        return False
    return True


async def _tasks(bucket: KeyValue, batch: str) -> list[Task]:
    record = await _value(bucket, f"batch.{batch}")
    return [] if record is None else [Task(**task) for task in json.loads(record)["tasks"]]


def _lease(batch: str, message: Msg) -> Lease:
    key = message.subject.rpartition(".")[2]
    before = int((message.headers or {}).get(_TRIES, "0"))
    at = message.metadata
    return Lease(batch, Task(key, message.data.decode()), at.sequence.consumer, before + (at.num_delivered or 1))


def _outcome(state: State, reason: str) -> dict[str, str]:
    return {"state": state.value, "reason": reason}


def _worked(task: Task, outcome: bytes | None) -> Worked:
    if outcome is None:
        return Worked(task, State.WAITING)
    told: dict[str, Any] = json.loads(outcome)
    return Worked(task, State(told["state"]), told.get("result", ""), told.get("reason", ""))


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _hashed(topic: str) -> str:
    return hashlib.sha256(topic.encode()).hexdigest()
