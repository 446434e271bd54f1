"""Who looks on at what a bus does; with nobody there it costs nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fablewright.runtime.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.events import Observer, What
    from fablewright.runtime.home import Home

__all__ = ["Audience"]

_log = logging.getLogger(__name__)


class Audience:
    """The observers of one bus.

    Attributes:
        observers: All of them; whoever has something to tell may look first whether there are any.
    """

    def __init__(self, home: Home) -> None:
        self.observers: tuple[Observer, ...] = ()
        self._home = home

    def __repr__(self) -> str:
        return f"<Audience {len(self.observers)}>"

    def admit(self, observer: Observer) -> Callable[[], None]:
        """Have ``observer`` called with each event from now on; return what ends that."""
        self.observers = (*self.observers, observer)

        def end() -> None:
            self.observers = tuple(other for other in self.observers if other is not observer)

        return end

    def tell(self, what: What, about: Envelope | None = None, **more: Any) -> None:  # noqa: ANN401 - Event knows them
        """Tell all of them what happened; ``more`` is other fields of the event."""
        now = self._home.now()
        event = Event(now, what, **more) if about is None else Event.about(about, now, what, **more)
        for observer in self.observers:
            try:
                observer(event)
            except Exception:  # noqa: BLE001 - whoever looks on must not disturb what it looks at
                _log.exception("An observer failed and looks on no more")
                self.observers = tuple(other for other in self.observers if other is not observer)

    def blocked(self, who: str, seconds: float, where: str) -> None:
        """Tell them that somebody held up the loop."""
        if self.observers:
            agent = who.split(".", maxsplit=1)[0]
            self.tell("blocked", to=agent, detail=f"{who} for {1000 * seconds:.0f} ms at {where}")
