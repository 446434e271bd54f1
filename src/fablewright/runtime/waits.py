"""Who waits for whom, as it is now; and whether one more ask could never be answered.

A handler waits when it has asked somebody and has no answer yet. An agent is stuck when every one of its
handlers waits, and each for somebody who is stuck: then a message in its mailbox is never taken. The check
follows these waits from the agent that is asked. If it meets anybody who is free to go on (an agent with
room for a handler, a handler that waits for nobody, a request that was deferred), the ask may go out. Who has
joined a flight waits for the attempts that its work has under way; for nobody, between two of them. What is handled
in batches counts as deferred: two batches that wait for each other, with no room beside them, end at their deadlines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from fablewright.errors import WouldDeadlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.outstanding import Waiter
    from fablewright.runtime.post import Post, Worker

__all__ = ["Wait", "note_wait", "stuck", "who_waits", "would_wait_for_itself"]

WorkFor: TypeAlias = "Callable[[Envelope], Sequence[str] | None]"
"""Tells which requests are waited for in place of one that has joined a flight; None for one that has not."""


class Wait(NamedTuple):
    """One request without an outcome.

    Attributes:
        asker: Name of the agent that waits; empty for a caller outside the bus.
        to: Name of the agent that it waits for.
        action: What it asked for.
        message_id: The request.
        causation_id: The request that the asker is handling meanwhile; None for a caller outside.
        since: When it was asked, in seconds of the bus's clock.
        until: Its deadline, on the same clock.
        started: Whether a handler has begun.
    """

    asker: str
    to: str
    action: str
    message_id: str
    causation_id: str | None
    since: float
    until: float
    started: bool


def who_waits(waiters: Iterable[Waiter], is_queued: Callable[[Envelope], bool]) -> tuple[Wait, ...]:
    """Return the waits of all who wait, in their order."""
    waits: list[Wait] = []
    for waiter in waiters:
        ask = waiter.envelope
        until = waiter.asked_at if ask.deadline is None else ask.deadline  # an ask always has one
        names = (ask.sender, ask.to, ask.action, ask.message_id, ask.causation_id)
        waits.append(Wait(*names, waiter.asked_at, until, not is_queued(ask)))
    return tuple(waits)


def note_wait(
    waiter: Waiter,
    parent: Envelope,
    posts: Mapping[str, Post],
    work_for: WorkFor,
    work: Sequence[str] | None = None,
) -> None:
    """Note that the handler of ``parent`` is about to wait.

    Args:
        waiter: The request that it waits for.
        parent: What it handles.
        posts: All agents.
        work_for: See ``WorkFor``.
        work: The requests whose answers it shares, if it joins a flight.

    Raises:
        WouldDeadlock: Its answer would have to wait for the one who asks.
    """
    ask = waiter.envelope
    asker, post = posts.get(parent.to), posts.get(ask.to)
    if asker is None or post is None:
        return
    worker = asker.running.get(parent.message_id)
    if ask.to in ask.path and not post.agent.reentrant:
        raise would_wait_for_itself(ask)
    if (post.is_full or work) and worker is not None and (names := stuck(worker, post, posts, work_for, work)):
        circle = (*names, names[0]) if parent.to in names else (parent.to, *names, parent.to)
    else:
        if worker is not None:
            worker.asks(waiter)
        return
    raise _refusal(ask, circle)


def would_wait_for_itself(ask: Envelope) -> WouldDeadlock:
    """Return the refusal of an ask to an agent on its own path."""
    return _refusal(ask, (*ask.path[ask.path.index(ask.to) :], ask.to))


def _refusal(ask: Envelope, circle: Sequence[str]) -> WouldDeadlock:
    return WouldDeadlock(
        f"{ask.sender} cannot ask {ask.to} to {ask.action}: each would wait for the other ({' → '.join(circle)}).",
        to=ask.to,
        action=ask.action,
        message_id=ask.message_id,
    )


def stuck(
    asker: Worker,
    to: Post,
    posts: Mapping[str, Post],
    work_for: WorkFor,
    work: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Return the agents that would all wait for each other if ``asker`` waited; empty if one is free.

    It would wait for ``to``, or if there is ``work``, for just that.
    """
    agents: dict[str, None] = {}
    posts_left: list[Post] = []
    workers_left: list[Worker] = []
    if work is None:
        posts_left.append(to)
    elif not _follow(work, to, posts_left, workers_left):
        return ()
    checked = {id(asker)}  # the asker is about to wait, so it is not free
    while posts_left or workers_left:
        if posts_left:
            post = posts_left.pop()
            if not post.is_full:
                return ()
            agents[post.agent.name] = None
            workers_left += [worker for worker in post.running.values() if id(worker) not in checked]
            continue
        worker = workers_left.pop()
        if id(worker) in checked:
            continue
        checked.add(id(worker))
        if worker.envelope is not None:
            agents[worker.envelope.to] = None
        asks = worker.waits()
        works = [(_work_of(ask, work_for), posts.get(ask.to)) for ask in asks]
        if not works or not all(_follow(ids, post, posts_left, workers_left) for ids, post in works):
            return ()
    return tuple(agents)


def _work_of(ask: Envelope, work_for: WorkFor) -> Sequence[str]:
    joined = work_for(ask)
    return (ask.message_id,) if joined is None else joined


def _follow(work: Sequence[str], post: Post | None, posts_left: list[Post], workers_left: list[Worker]) -> bool:
    """Note what the answers to requests depend on; return False if anybody may give one, as after ``defer``."""
    for message_id in work:
        if post is not None and message_id in post.running:
            workers_left.append(post.running[message_id])
        elif post is not None and message_id in post.mailbox:
            posts_left.append(post)
        else:
            return False
    return bool(work)
