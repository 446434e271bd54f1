"""The state of a campaign: a pure fold over its log.

People, promises, clocks and places go by their names without regard to capitals, signs and a leading "the"; a name
is shown as it was written first.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - annotations of what travels are read at run time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from fablewright.gm.campaign.events import Event  # noqa: TC001 - as above
from fablewright.gm.campaign.history import history
from fablewright.gm.reading.name_key import name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fablewright.gm.campaign.events import Kind

__all__ = ["CampaignState", "Clock", "Person", "Promise", "state_of"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the campaign.

    Attributes:
        name: As it was written first.
        alive: Whether; None where the log does not say.
        met: Whether the party has met them.
        since: The day of the latest news about them.
    """

    name: str
    alive: bool | None = None
    met: bool = False
    since: str = ""


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that was promised, and what became of it."""

    text: str
    status: Literal["open", "kept", "broken"] = "open"


@dataclass(frozen=True, slots=True)
class Clock:
    """Something that draws nearer: ``filled`` of ``size`` segments."""

    name: str
    filled: int
    size: int

    @property
    def is_full(self) -> bool:
        """Whether it has come."""
        return self.filled >= self.size


@dataclass(frozen=True, slots=True)
class CampaignState:
    """Where a campaign stands.

    Attributes:
        place: Where the party is; empty where the log does not say.
        present: Who was met there, the dead left out.
        people: Everybody in the log, by key.
        promises: By key, in the order in which they were made.
        clocks: By key.
        loot: What the party has and has not spent.
        played: The scenes that were played with the day on which each was last, by key.
        visited: The places, likewise; a scene is a place too.
        last: What happened last, as facts, at most ten.
        length: How many events count.
    """

    place: str = ""
    present: tuple[str, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    promises: Mapping[str, Promise] = field(default_factory=dict)
    clocks: Mapping[str, Clock] = field(default_factory=dict)
    loot: tuple[str, ...] = ()
    played: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    visited: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    last: tuple[Event, ...] = ()
    length: int = 0

    @property
    def dead(self) -> tuple[Person, ...]:
        """Those whom the log has dead."""
        return tuple(person for person in self.people.values() if person.alive is False)

    @property
    def open_promises(self) -> tuple[str, ...]:
        """What was promised and neither kept nor broken."""
        return tuple(promise.text for promise in self.promises.values() if promise.status == "open")


_LAST = 10
_DEFAULT_CLOCK = 6


def state_of(log: Sequence[Event]) -> CampaignState:
    """Return the state that a log leads to."""
    events = history(log)
    fold = _Fold()
    for event in events:
        fold.take(event)
    return CampaignState(
        place=fold.place,
        present=tuple(fold.people[each].name for each in fold.present if fold.people[each].alive is not False),
        people=fold.people,
        promises=fold.promises,
        clocks=fold.clocks,
        loot=tuple(fold.loot.values()),
        played=fold.played,
        visited=fold.visited,
        last=events[-_LAST:],
        length=len(events),
    )


class _Fold:
    """A state in the making; what each kind of fact changes."""

    def __init__(self) -> None:
        self.place = ""
        self.present: dict[str, None] = {}
        self.people: dict[str, Person] = {}
        self.promises: dict[str, Promise] = {}
        self.clocks: dict[str, Clock] = {}
        self.loot: dict[str, str] = {}
        self.played: dict[str, tuple[str, str]] = {}
        self.visited: dict[str, tuple[str, str]] = {}
        self._changes: Mapping[Kind, Callable[[Event], None]] = {
            "played": self._play,
            "visited": self._visit,
            "met": self._meet,
            "alive": self._live,
            "dead": self._die,
            "promised": self._promise,
            "kept": self._settle,
            "broken": self._settle,
            "clock": self._start,
            "advanced": self._advance,
            "filled": self._advance,
            "gained": self._gain,
            "spent": self._spend,
        }

    def take(self, event: Event) -> None:
        change = self._changes.get(event.fact.kind)
        if change is not None:  # a choice and a note change nothing that the other facts do not say
            change(event)

    def _play(self, event: Event) -> None:
        name = self.played.get(name_key(event.fact.text), (event.fact.text, ""))[0]
        self.played[name_key(event.fact.text)] = (name, event.on)
        self._visit(event)

    def _visit(self, event: Event) -> None:
        key = name_key(event.fact.text)
        name = self.visited.get(key, (event.fact.text, ""))[0]
        self.visited[key] = (name, event.on)
        if key != name_key(self.place):
            self.present = {}
        self.place = name

    def _meet(self, event: Event) -> None:
        key = self._person(event, met=True)
        if not event.fact.detail or name_key(event.fact.detail) == name_key(self.place):
            self.present[key] = None

    def _live(self, event: Event) -> None:
        self._person(event, alive=True)

    def _die(self, event: Event) -> None:
        self._person(event, alive=False)

    def _person(self, event: Event, *, met: bool = False, alive: bool | None = None) -> str:
        key = name_key(event.fact.text)
        person = self.people.get(key, Person(event.fact.text))
        known = person.alive if alive is None else alive
        # Whoever is met again is not dead for that: ghosts are met too. Only the log may say so.
        since = person.since if alive is None and person.alive is not None else event.on
        self.people[key] = replace(person, met=person.met or met, alive=known, since=since)
        return key

    def _promise(self, event: Event) -> None:
        self.promises[name_key(event.fact.text)] = Promise(event.fact.text)

    def _settle(self, event: Event) -> None:
        key = name_key(event.fact.text)
        text = self.promises.get(key, Promise(event.fact.text)).text
        self.promises[key] = Promise(text, "kept" if event.fact.kind == "kept" else "broken")

    def _start(self, event: Event) -> None:
        fact = event.fact
        self.clocks[name_key(fact.text)] = Clock(fact.text, 0, fact.number if fact.number > 0 else _DEFAULT_CLOCK)

    def _advance(self, event: Event) -> None:
        fact = event.fact
        clock = self.clocks.get(name_key(fact.text), Clock(fact.text, 0, _DEFAULT_CLOCK))
        filled = clock.size if fact.kind == "filled" else clock.filled + max(1, fact.number)
        self.clocks[name_key(fact.text)] = replace(clock, filled=min(clock.size, filled))

    def _gain(self, event: Event) -> None:
        self.loot[name_key(event.fact.text)] = event.fact.text

    def _spend(self, event: Event) -> None:
        self.loot.pop(name_key(event.fact.text), None)
