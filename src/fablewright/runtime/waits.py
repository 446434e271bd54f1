"""Who waits for whom, as it is now; and whether one more ask could never be answered.

A handler waits when it has asked somebody and has no answer yet. An agent is stuck when every one of its
handlers waits, and each for somebody who is stuck: then a message in its mailbox is never taken. The check
follows these waits from the agent that is asked. If it meets anybody who is free to go on (an agent with
room for a handler, a handler that waits for nobody, a request that was deferred), the ask may go out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fablewright.errors import WouldDeadlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.outstanding import Waiter
    from fablewright.runtime.post import Post, Worker

__all__ = ["Wait", "note_wait", "stuck", "who_waits"]


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


def note_wait(waiter: Waiter, parent: Envelope, posts: Mapping[str, Post]) -> None:
    """Note that the handler of ``parent`` is about to wait.

    Raises:
        WouldDeadlock: Its answer would have to wait for the one who asks.
    """
    ask = waiter.envelope
    asker, post = posts.get(parent.to), posts.get(ask.to)
    if asker is None or post is None:
        return
    worker = asker.running.get(parent.message_id)
    if ask.to in ask.path and not post.agent.reentrant:
        circle = (*ask.path[ask.path.index(ask.to) :], ask.to)
    elif post.is_full and worker is not None and (names := stuck(worker, post, posts)):
        circle = (*names, names[0]) if parent.to in names else (parent.to, *names, parent.to)
    else:
        if worker is not None:
            worker.asks(waiter)
        return
    raise WouldDeadlock(
        f"{parent.to} cannot ask {ask.to} to {ask.action}: each would wait for the other ({' → '.join(circle)}).",
        to=ask.to,
        action=ask.action,
        message_id=ask.message_id,
    )


def stuck(asker: Worker, to: Post, posts: Mapping[str, Post]) -> tuple[str, ...]:
    """Return the agents that would all wait for each other if ``asker`` waited for ``to``; empty if one is free."""
    agents: dict[str, None] = {}
    posts_left = [to]
    workers_left: list[Worker] = []
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
        if not asks or not all(_follow(ask, posts, posts_left, workers_left) for ask in asks):
            return ()
    return tuple(agents)


def _follow(ask: Envelope, posts: Mapping[str, Post], posts_left: list[Post], workers_left: list[Worker]) -> bool:
    """Note what the answer to a request depends on; return False if anybody may give it, as after ``defer``."""
    post = posts.get(ask.to)
    if post is not None and ask.message_id in post.running:
        workers_left.append(post.running[ask.message_id])
    elif post is not None and ask.message_id in post.mailbox:
        posts_left.append(post)
    else:
        return False
    return True
