"""Scenes asked for at a steady rate while faults come and go, and what became of each of them.

What has to hold is said by ``broken_promises``. A machine that is slow or busy is late for everything, also for what
costs nothing; so each request has a bare timer of the same loop beside it, which fires when it should have ended.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchmarks.chaos.books import title_of
from benchmarks.chaos.faults import FRONT_PROCESS
from benchmarks.chaos.visitor import ACCEPTED, PROMISED, Heard
from benchmarks.chaos.witness import Witness, broken_by
from fablewright.errors import FablewrightError
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.scene.wishes import Kept, Wishes
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from benchmarks.chaos.company import Company
    from benchmarks.chaos.faults import Fault
    from benchmarks.chaos.visitor import Visitor
    from fablewright.gm.answer import Answer
    from fablewright.runtime.bus import Bus
    from fablewright.runtime.events import Event

__all__ = ["Episode", "Scene", "Trial"]

MOST_LATE = 0.05
"""Seconds after its deadline at which a request has its outcome at the latest, on a machine that is not slow."""
LONGEST_RECOVERY = 5.0
"""Seconds after a fault at which there is a scene again at the latest, likewise."""

_WHAT = ("the first encounter", "a fight", "what happens next", "an ambush", "a secret meeting", "a chase")
_WHOM = ("a guard", "a smuggler", "wolves", "a priest", "goblins", "a ghost", "a merchant", "bandits", "an old friend")
_WHERE = ("on the road", "at the inn", "in the cellar", "at the docks", "in the woods", "by the river", "in a ruin")
_WHEN = ("at dusk", "at dawn", "in the rain", "at midnight", "on market day", "in the fog", "after the storm")
"""What scenes are about: so many different things that few searches are answered by what was found before."""
_LEAST, _MOST = 1.5, 8.0
"""Seconds that a scene has: less and more than the three after which a node that says nothing is given up."""
_GIVE_UP = 60.0
"""Seconds after which there will be no scene any more."""
_SUCCESSES = ("answered", "degraded")
_SERVED = 3
"""One scene in so many is asked of the process that serves."""
_NOTED = 10
"""One scene in so many is also put into the campaign's log."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What became of one.

    Attributes:
        number: Which.
        asked: When, in seconds of the loop.
        ended: When it had its outcome.
        outcome: An answer's status, or the name of what was raised.
        overrun: Seconds that its outcome came after its deadline.
        excused: Of these, how many a bare timer was late too.
        served: Whether it was asked of the process that serves.
    """

    number: int
    asked: float
    ended: float
    outcome: str
    overrun: float
    excused: float
    served: bool = False


@dataclass(slots=True)
class Episode:
    """One fault, and what was seen of it.

    Attributes:
        fault: Which.
        began: When, in seconds of the loop.
        over: When it was over.
        first: Seconds until a scene that was asked for after that was there.
        grounded: Seconds until one out of the notes was there.
        outcomes: Of the scenes that were asked for between its beginning and the next fault.
    """

    fault: Fault
    began: float
    over: float = 0.0
    first: float = _GIVE_UP
    grounded: float = _GIVE_UP
    outcomes: Counter[str] = field(default_factory=Counter)


class Trial:
    """A front, what it asks for, and what becomes of it.

    Args:
        bus: The front.
        company: The others.
        visitor: Of the process that serves.
        rate: Scenes a second.
        seed: Of what is asked for, and how long it may take.

    Attributes:
        scenes: All that have their outcome.
        episodes: The faults that there were.
        twice: Outcomes that came for a request which had one.
        witness: Knows what was acknowledged.
    """

    def __init__(self, bus: Bus, company: Company, visitor: Visitor, *, rate: float, seed: int) -> None:
        self.scenes: list[Scene] = []
        self.episodes: list[Episode] = []
        self.twice = 0
        self.witness = Witness(bus)
        self._bus = bus
        self._company = company
        self._visitor = visitor
        self._rate = rate
        self._dice = random.Random(seed)
        self._asked = 0
        self._settled: set[str] = set()
        self._pattern: Answer | None = None
        self._supervisor = Supervisor()
        self._under_way: set[asyncio.Task[None]] = set()
        bus.observe(self._look)

    @property
    def outcomes(self) -> Counter[str]:
        """How many scenes had which outcome."""
        return Counter(scene.outcome for scene in self.scenes)

    async def run(self, faults: Iterable[Fault], *, scenes: int) -> None:
        """Have faults come and go until so many scenes were asked for, or there are no more faults."""
        load = self._supervisor.start(self._load(), name="the load")
        watch = self._supervisor.start(self.witness.watch(), name="the witness")
        for fault in faults:
            if self._asked >= scenes:
                break
            await asyncio.sleep(fault.after)
            episode = Episode(fault, self._now())
            self.episodes.append(episode)
            await self._company.suffer(fault)
            episode.over = self._now()
            await self._recovered(episode)
        load.cancel()
        await asyncio.gather(load, *self._under_way, return_exceptions=True)
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        self._assign()

    async def warm_up(self) -> None:
        """Come first: wait until there is a scene out of the notes: whoever was started last may not be there yet."""
        async with asyncio.timeout(_GIVE_UP):
            while self._pattern is None:
                try:
                    answer = await self._bus.ask("orchestrator", HandleRequest(_WHAT[0], "scene"), timeout=_MOST)
                except FablewrightError:
                    answer = None
                if answer is not None and answer.status == "answered":
                    self._pattern = answer
                else:
                    await asyncio.sleep(0.2)

    async def _load(self) -> None:
        begins = self._now()
        for number in itertools.count(1):
            self._asked = number
            self._begin(self._one(number), name=f"scene {number}")
            begins += 1 / self._rate
            await asyncio.sleep(max(0.0, begins - self._now()))

    def _begin(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        task = self._supervisor.start(work, name=name)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _one(self, number: int) -> None:
        timeout = self._dice.uniform(_LEAST, _MOST)
        what, whom, where, when = (self._dice.choice(each) for each in (_WHAT, _WHOM, _WHERE, _WHEN))
        words = f"{what} with {whom} {where} {when}"
        if served := number % _SERVED == 0:
            asking, timeout = self._visitor.ask(words, seed=number), PROMISED
        else:
            asking = self._ask(number, words, timeout)
        loop, asked = asyncio.get_running_loop(), self._now()
        fired: list[float] = []
        beside = loop.call_at(asked + timeout, lambda: fired.append(loop.time()))
        heard = Heard("nothing")
        try:
            heard = await asking
        finally:
            ended = self._now()
            beside.cancel()
            excused = fired[0] - asked - timeout if fired else 0.0
            overrun = ended - asked - timeout
            self.scenes.append(Scene(number, asked, ended, heard.outcome, overrun, excused, served))
        if heard.outcome in _SUCCESSES:
            self._have(number, heard.key)
        elif heard.outcome == ACCEPTED:
            self.witness.promised.add(heard.key)

    async def _ask(self, number: int, words: str, timeout: float) -> Heard:
        request = HandleRequest(words, "scene", seed=number, wishes=self._called(number))
        try:
            answer = await self._bus.ask("orchestrator", request, timeout=timeout)
        except FablewrightError as error:
            return Heard(type(error).__name__)
        return Heard(answer.status, title_of(number))

    def _have(self, number: int, key: str) -> None:
        """Let the witness know of a scene; some go into the campaign's log, as what was played does."""
        self.witness.had(key)
        if number % _NOTED == 0:
            self._begin(self.witness.note(number), name=f"the note of scene {number}")

    def _called(self, number: int) -> Wishes:
        """Return the wish for a scene's title, by which it is known again wherever it is written down."""
        assert self._pattern is not None  # noqa: S101 - there was a first one
        assert self._pattern.scene is not None  # noqa: S101 - it is a scene
        scene = self._pattern.scene
        titled = replace(scene, title=replace(scene.title, text=title_of(number)))
        return Wishes(kept=Kept(titled, self._pattern.citations, ("title",)))

    async def _recovered(self, episode: Episode) -> None:
        """Wait until there are scenes again; those asked for while the fault lasted are no sign of it."""
        while self._now() - episode.over < _GIVE_UP:
            for scene in self.scenes:
                if scene.asked >= episode.over and scene.outcome in _SUCCESSES and _tells_of(scene, episode):
                    took = scene.ended - episode.over
                    episode.first = min(episode.first, took)
                    if scene.outcome == "answered":
                        episode.grounded = min(episode.grounded, took)
            if episode.grounded < _GIVE_UP:
                return
            await asyncio.sleep(0.05)

    def _assign(self) -> None:
        """Count each scene's outcome with the fault that it met."""
        for scene in self.scenes:
            met = [episode for episode in self.episodes if episode.began <= scene.ended]
            if met:
                met[-1].outcomes[scene.outcome] += 1

    def overruns(self) -> dict[Scene, float]:
        """Return the seconds by which scenes were late, without those by which a bare timer was late as well.

        Not of those that were asked of the process that serves while that could say nothing.
        """
        return {each: each.overrun - each.excused for each in self.scenes if not self._was_held(each)}

    def _was_held(self, scene: Scene) -> bool:
        """Whether a scene was asked of the process that serves while that could say nothing."""
        faults = (each for each in self.episodes if each.fault.target == FRONT_PROCESS)
        return scene.served and any(each.began <= scene.ended and scene.asked <= each.over for each in faults)

    def _look(self, event: Event) -> None:
        if event.what == "ended" and event.to == "orchestrator":
            self.twice += event.message_id in self._settled
            self._settled.add(event.message_id)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # -------------------------------------------------------------- what has to hold

    def broken_promises(self, copies: Counter[str], *, slowness: float) -> list[str]:
        """Return what should have held and did not, as sentences.

        Args:
            copies: How often each scene and each note was written down, by its key.
            slowness: How many times slower this machine is than one that is not slow; bounds in seconds grow with it.
        """
        found = [f"{self.twice} outcomes came for requests that had one"] if self.twice else []
        most = MOST_LATE * slowness
        found += [
            f"scene {scene.number} ({scene.outcome}) ended {1000 * scene.overrun:.0f} ms after its deadline"
            for scene, overrun in self.overruns().items()
            if overrun > most
        ]
        found += [
            f"{episode.fault}: the first scene came {episode.first:.1f} s after its end"
            for episode in self.episodes
            if episode.first > LONGEST_RECOVERY * slowness
        ]
        found += broken_by(copies, self.witness.acknowledged)
        numbers = Counter(scene.number for scene in self.scenes)
        if len(numbers) != self._asked or max(numbers.values()) > 1:
            found.append(f"{self._asked} scenes were asked for, {len(self.scenes)} ended")
        statistics = self._bus.statistics()
        if statistics.pending:
            found.append(f"{statistics.pending} requests are still pending")
        return found


def _tells_of(scene: Scene, episode: Episode) -> bool:
    """Whether a scene tells that a fault is over: of a process that serves only those that are asked of it."""
    return scene.served or episode.fault.target != FRONT_PROCESS
