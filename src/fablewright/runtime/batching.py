"""Requests of one action that are handled together: the batch machine at work.

Each request was deferred; its token waits here. When the machine says so, the handler is called once with all of
them, in a task of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from fablewright.protocol.batch import Answer, Batches, BatchRules, CancelRun, Effect, Expire, Fail, Run
from fablewright.runtime.context import Context, ReplyToken, Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.supervisor import Supervisor
    from fablewright.runtime.tally import Tally

__all__ = ["Batching"]


class Batching:
    """The batches of one action of one agent.

    Args:
        name: Of the action, for people.
        rules: How large, and how long to wait.
        most: How many may run at once.
        handle: Handles several messages at once; returns a result or an exception for each.
        bus: For the handler's context.
        supervisor: Runs the handler.
        tally: Counts the sizes.
    """

    def __init__(  # noqa: PLR0917 - each is said by its type
        self,
        name: str,
        rules: BatchRules,
        most: int,
        handle: Callable[[Sequence[Any], Context], Coroutine[Any, Any, object]],
        bus: Sender,
        supervisor: Supervisor,
        tally: Tally,
    ) -> None:
        self._batches = Batches(name, rules)
        self._most = most
        self._handle = handle
        self._bus = bus
        self._supervisor = supervisor
        self._tally = tally
        self._waiting: dict[str, tuple[Envelope, ReplyToken[Any]]] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._due: deque[Run] = deque()  # halves of runs that raised, when no more may run now
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def __repr__(self) -> str:
        return f"<Batching {self._batches!r}>"

    async def add(self, context: Context) -> ReplyToken[Any]:
        """Take in the request that a context is about; return its token, which the handler has to return.

        While as many run as may it waits, and with it the worker that handles the request: so what comes is kept
        in the mailbox, with its bound and its order.
        """
        while not self._has_room.is_set():
            await self._has_room.wait()
        envelope = context.envelope
        token = context.defer(on_withdrawn=partial(self._withdraw, envelope.message_id))
        self._waiting[envelope.message_id] = (envelope, token)
        self._perform(self._batches.add(envelope.message_id, envelope.body, self._bus.now(), envelope.deadline))
        return token

    def stop(self) -> None:
        """Run nothing more: the agent is gone, and its askers have been told."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._running.values():
            task.cancel()
        self._waiting.clear()

    def _withdraw(self, message_id: str) -> None:
        self._waiting.pop(message_id, None)
        self._perform(self._batches.withdraw(message_id))

    def _tick(self) -> None:
        self._timer = None
        self._perform(self._batches.tick(self._bus.now()))

    def _perform(self, effects: Sequence[Effect]) -> None:
        if self._stopped:  # what runs may still end in its own way, also by results
            return
        for effect in effects:
            match effect:
                case Run():
                    self._due.append(effect)
                    self._start_due()
                case CancelRun():
                    self._cancel(effect.ticket)
                case Answer():
                    self._waiting.pop(effect.item_id)[1].answer(effect.reply)
                case Fail():
                    self._fail(effect)
                case Expire():
                    del self._waiting[effect.item_id]  # its asker's own deadline has told it
        due = self._batches.next_flush()
        if due is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(due, self._tick)

    def _start_due(self) -> None:
        while self._due and len(self._running) < self._most:
            run = self._due.popleft()
            self._tally.batches[len(run.items)] += 1
            self._running[run.ticket] = self._supervisor.start(
                self._run(run), name=f"{self._batches.name} batch", on_end=partial(self._ran, run.ticket)
            )
        if len(self._running) < self._most:
            self._has_room.set()
        else:
            self._has_room.clear()

    def _cancel(self, ticket: int) -> None:
        if ticket in self._running:
            self._running[ticket].cancel()
        else:
            self._due = deque(run for run in self._due if run.ticket != ticket)

    def _ran(self, ticket: int) -> None:
        del self._running[ticket]
        if not self._stopped:
            self._start_due()

    def _fail(self, effect: Fail) -> None:
        token = self._waiting.pop(effect.item_id)[1]
        if isinstance(effect.error, Exception):
            token.fail(effect.error)
        # Else the run was cancelled: the token goes, and its asker gets PeerLost.

    async def _run(self, run: Run) -> None:
        outcome: object
        try:
            outcome = await self._handle_wanted(run)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for the askers
            outcome = error
        except BaseException as error:
            self._perform(self._batches.ran(run.ticket, error, self._bus.now()))
            raise
        try:
            self._perform(self._batches.ran(run.ticket, outcome, self._bus.now()))
        finally:
            del outcome  # an error's traceback holds this frame

    async def _handle_wanted(self, run: Run) -> object:
        """Call the handler with what is still wanted when it begins; return a result for each item of the run."""
        places = [place for place, item_id in enumerate(run.item_ids) if item_id in self._waiting]
        if not places:
            return [None] * len(run.items)
        envelopes = [self._waiting[run.item_ids[place]][0] for place in places]
        items = tuple(run.items[place] for place in places)
        outcome = await self._handle(items, Context(self._bus, _together(envelopes)))
        if len(places) == len(run.items) or not isinstance(outcome, list | tuple) or len(outcome) != len(places):
            return outcome
        results: list[object] = [None] * len(run.items)
        for place, result in zip(places, outcome, strict=True):
            results[place] = result
        return results


def _together(envelopes: Sequence[Envelope]) -> Envelope:
    """Return what stands for all of them: the first one's story, everybody's path, and the latest deadline."""
    first = envelopes[0]
    deadlines = [envelope.deadline for envelope in envelopes if envelope.deadline is not None]
    return first._replace(
        body=tuple(envelope.body for envelope in envelopes),
        deadline=max(deadlines, default=None),
        path=tuple(dict.fromkeys(name for envelope in envelopes for name in envelope.path)),
        reply_to=None,
    )
