"""What becomes of a request on the side that handles it: reported by workers and tokens, and settled here.

A token may be used on any thread; whatever comes from another one than the bus's own is taken to the loop.
"""

from __future__ import annotations

import logging
from threading import get_ident
from typing import TYPE_CHECKING

from fablewright.errors import MailboxFull
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.envelope import Kind
from fablewright.protocol.pending import Ended, Outcome
from fablewright.runtime.envelopes import story_ids
from fablewright.runtime.failure import BrokenContract

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.home import Home
    from fablewright.runtime.line import Line
    from fablewright.runtime.node import Node
    from fablewright.runtime.outstanding import Outstanding

__all__ = ["Answers"]

_log = logging.getLogger(__name__)


class Answers:
    """Takes what handlers and tokens say about the requests of one bus.

    Args:
        home: Where the bus lives.
        outstanding: Who waits.
        line: What carries outcomes back to those who wait; None: they are told directly.
        node: Takes the outcomes that other nodes wait for; None: there are no others.
        bury: Called with a message that found no taker.

    Attributes:
        replied: Takes the reply that a handler returned: when, to which request, and the reply. On the loop only.
        bury: Takes a message that found no taker, and why.
        violations: How often a handler broke its contract.
    """

    def __init__(
        self,
        home: Home,
        outstanding: Outstanding,
        line: Line | None,
        node: Node | None,
        bury: Callable[[Envelope, Reason], None],
    ) -> None:
        self._guests = None if node is None else node.guests
        there = line or self._guests
        self.replied: Callable[[float, str, object], None] = (outstanding if there is None else there).replied
        self._settle = outstanding.take_in if there is None else there.send_back
        self.bury = bury
        self.violations = 0
        self._home = home
        self._outstanding = outstanding

    def __repr__(self) -> str:
        return f"<Answers violations={self.violations}>"

    def now(self) -> float:
        """Return the bus's time in seconds."""
        return self._home.now()

    def is_waiting(self, request: Envelope) -> bool:
        """Return whether somebody still waits for the answer to a request."""
        message_id = request.message_id
        return message_id in self._outstanding or (self._guests is not None and message_id in self._guests)

    def when_withdrawn(self, request: Envelope, told: Callable[[], None]) -> None:
        """Have ``told`` called once if nobody waits for the answer to a deferred request any more."""
        waiter = self._outstanding.of(request.message_id)
        if waiter is not None:
            waiter.on_withdrawn = told
        elif self._guests is not None:
            self._guests.when_withdrawn(request.message_id, told)

    def answer(self, request: Envelope, reply: object) -> None:
        """Take the reply to a request, from any thread."""
        if get_ident() == self._home.thread:
            self.replied(self._home.now(), request.message_id, reply)
        else:
            self._end(request, Outcome.REPLIED, reply)

    def refuse(self, request: Envelope, error: Exception) -> None:
        """Take the error that a request ended with, from any thread."""
        if request.kind is Kind.TELL:
            _log.error(
                "%s failed on %s: %r", request.to, request.action, error, exc_info=error, extra=story_ids(request)
            )
        else:
            _log.debug("%s failed on %s (%s)", request.to, request.action, request.message_id, exc_info=error)
            self._end(request, Outcome.FAILED, error)

    def lost(self, request: Envelope, why: str) -> None:
        """Take note that a handler was ended before it answered."""
        if request.kind is Kind.ASK:
            self._end(request, Outcome.PEER_LOST, f"{request.to} {why} on {request.action}")

    def dropped(self, request: Envelope) -> None:
        """Take note that a message had to leave a full mailbox for a newer one."""
        if request.kind is Kind.TELL:
            self.bury(request, Reason.UNDELIVERABLE)
            return
        where = {"to": request.to, "action": request.action, "message_id": request.message_id}
        full = MailboxFull(f"{request.to} has too many messages waiting and dropped the oldest.", **where)
        self._end(request, Outcome.REJECTED, full)

    def token_dropped(self, request: Envelope) -> None:
        """Settle a request whose reply token is gone; called by the collector, from any thread, at any time."""
        why = f"{request.to} dropped its reply token for {request.action}"
        self._home.soon(self._end, request, Outcome.PEER_LOST, why)

    def violated(self, envelope: Envelope, what: str) -> None:
        """Take note that a handler broke its contract; its asker is told."""
        self.violations += 1
        broken = BrokenContract(f"The handler of {envelope.action} in {envelope.to} {what}.")
        _log.error("%s (message %s)", broken.text, envelope.message_id, extra=story_ids(envelope))
        if envelope.kind is Kind.ASK:
            self._end(envelope, Outcome.FAILED, broken)

    def _end(self, request: Envelope, outcome: Outcome, value: object) -> None:
        if self._home.is_here:
            self._settle(Ended(self._home.now(), request.message_id, outcome, value))
        else:
            self._home.soon(self._end, request, outcome, value)
