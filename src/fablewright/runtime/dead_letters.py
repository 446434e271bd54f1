"""What found no taker: kept for inspection, counted by reason; and a late reply given to whoever still wants it."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING, Any

from fablewright.protocol.dead_letter import DeadLetter, Reason
from fablewright.runtime.failure import is_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope

__all__ = ["DeadLetters"]

_log = logging.getLogger(__name__)

_TOO_LATE = frozenset({Reason.LATE, Reason.UNKNOWN})  # after many others have ended it is forgotten what a reply is to

_MOST_WANTED = 1024
"""Expired requests whose late replies somebody still wants."""

_MOST_UNCLAIMED = 128
"""Late replies kept for askers who do not know yet that they are late: they do one turn of the loop later."""


class DeadLetters:
    """The dead letters of one bus.

    Args:
        keep: How many to keep.
        buried: Called with each, and with the message itself where it is known.

    Attributes:
        counts: By reason, since the start.
    """

    def __init__(self, keep: int, buried: Callable[[DeadLetter, Envelope | None], None]) -> None:
        self.counts: Counter[Reason] = Counter()
        self._latest: deque[DeadLetter] = deque(maxlen=keep)
        self._buried = buried
        self._wanted: OrderedDict[str, list[Callable[[Any], None]]] = OrderedDict()
        self._unclaimed: OrderedDict[str, object] = OrderedDict()  # the latest late replies that nobody wanted yet

    def __len__(self) -> int:
        return len(self._latest)

    def __repr__(self) -> str:
        return f"<DeadLetters kept={len(self._latest)} counted={self.counts.total()}>"

    def latest(self) -> tuple[DeadLetter, ...]:
        """Return those that are kept, oldest first."""
        return tuple(self._latest)

    def bury(self, letter: DeadLetter, envelope: Envelope | None = None) -> None:
        """Keep what found no taker; a late reply may still be of use to somebody."""
        if letter.reason in _TOO_LATE and is_reply(letter.body):
            wanted = self._wanted.pop(letter.message_id, None)
            if wanted is None:
                self._unclaimed[letter.message_id] = letter.body
                if len(self._unclaimed) > _MOST_UNCLAIMED:
                    self._unclaimed.popitem(last=False)
            for told in wanted or ():
                _tell(told, letter.body)
        self._latest.append(letter)
        self.counts[letter.reason] += 1
        self._buried(letter, envelope)
        _log.info("Dead letter: %s (%s)", letter.message_id, letter.reason.value)

    def when_late(self, message_id: str, told: Callable[[Any], None]) -> None:
        """Have ``told`` called once with the reply to a request that has expired, should it still come."""
        if message_id in self._unclaimed:
            _tell(told, self._unclaimed.pop(message_id))  # it came before the asker knew that it was late
            return
        self._wanted.setdefault(message_id, []).append(told)
        if len(self._wanted) > _MOST_WANTED:
            self._wanted.popitem(last=False)


def _tell(told: Callable[[Any], None], reply: object) -> None:
    try:
        told(reply)
    except Exception:  # noqa: BLE001 - whoever waited is long gone; what is done with a late reply harms nobody else
        _log.exception("A late reply could not be used")
