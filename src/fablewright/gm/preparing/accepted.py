"""Scenes that were accepted at the table: a safety net below each, that falls due only if nobody took it back.

Whoever asks for a scene has it accepted first, then has it made as ever, and withdraws it once it is there. When she
dies in between, or those who make it, it falls due, and anybody makes it. ``protocol.job`` has the rules of who may;
whatever they decide is written only over what they were decided on, so a scene has one outcome whoever is late.

Their clocks may be hours apart. So what is written says for how many seconds from then on, and the ledger says how many
have passed since; only dates for people, and when the oldest are removed, are by the clock of who is there.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from fablewright.gm.preparing.ledger import probe
from fablewright.protocol.job import Broke, Effect, Finished, GivenBack, Job, State, Wanted, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fablewright.gm.preparing.ledger import Entry, Ledger
    from fablewright.protocol.job import Fact, JobRules

__all__ = ["AcceptedScene", "AcceptedScenes"]

_log = logging.getLogger(__name__)

_KEPT = 30 * 24 * 3600.0
"""Seconds that a scene which came late is kept, from when it was asked for."""


@dataclass(frozen=True, slots=True)
class AcceptedScene:
    """One scene.

    Attributes:
        key: Its idempotency key, from the request to the campaign's log.
        words: What was asked for.
        at: When, in seconds since 1970.
        due: In how many seconds anybody may make it, from when this was read or is written; so long whoever accepted it
            does.
        order: The request, as whoever makes it reads it.
        job: Where it stands; its lease is over in ``until`` seconds, from the same moment.
        result: What came of it; empty until it is done.
    """

    key: str
    words: str
    at: float
    due: float
    order: str
    job: Job = field(default_factory=Job)
    result: str = ""


class AcceptedScenes:
    """Those of one topic.

    Args:
        ledger: Where they are kept.
        topic: What they belong to.
        rules: How long a lease lasts, and how many tries there are.
        now: The system's clock, in seconds since 1970; it says only which of those that came late are too old to keep.

    Every method raises what the ledger raises.
    """

    def __init__(self, ledger: Ledger, topic: str, rules: JobRules, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._topic = topic
        self._rules = rules
        self._now = now
        self._spoilt: set[str] = set()

    async def accept(self, scene: AcceptedScene) -> AcceptedScene:
        """Keep a scene; return it, or the one of its key that is there already. One that has failed begins anew."""
        while not await self._ledger.add(self._topic, scene.key, _text(scene)):
            entry = await self._ledger.read(self._topic, scene.key)
            if entry is None:  # it was withdrawn just now
                continue
            there = _scene(entry)
            if there.job.state is not State.FAILED:
                return there
            anew = replace(scene, job=Job(lease=there.job.lease))
            if await self._ledger.swap(self._topic, scene.key, entry.revision, _text(anew)):
                return anew
        return scene

    async def find(self, key: str) -> AcceptedScene | None:
        """Return a scene; None if it was withdrawn."""
        entry = await self._ledger.read(self._topic, key)
        return None if entry is None else _scene(entry)

    async def look(self) -> tuple[AcceptedScene, ...]:
        """Return all scenes, in the order in which they were asked for."""
        scenes = self._readable(await self._ledger.entries(self._topic))
        return tuple(sorted((scene for _, scene in scenes), key=lambda scene: (scene.at, scene.key)))

    async def probe(self, key: str) -> None:
        """Raise what ``accept`` would raise now; see ``ledger.probe``."""
        await probe(self._ledger, key)

    async def withdraw(self, key: str) -> bool:
        """Take a scene back, for it is there or not wanted any more; return False if it had its outcome already."""
        while (entry := await self._ledger.read(self._topic, key)) is not None:
            if _scene(entry).job.state.is_final:
                return False
            if await self._ledger.remove(self._topic, key, entry.revision):
                break
        return True

    async def bring_forward(self, key: str) -> None:
        """Let a scene fall due now: whoever accepted it could not make it."""
        await self._change(key, lambda scene: None if scene.job.state.is_final else replace(scene, due=0.0))

    async def take(self) -> AcceptedScene | None:
        """Return a scene to make, its lease being the number in its job; None if none is due.

        One that nobody brought to an end has failed; and what is over for long is removed.
        """
        for entry, scene in self._readable(await self._ledger.entries(self._topic)):
            if scene.job.state.is_final:
                if scene.at + _KEPT < self._now():
                    await self._ledger.remove(self._topic, scene.key, entry.revision)
                continue
            job, effect = step(scene.job, Wanted(0.0), self._rules)
            if scene.due > 0 or effect is Effect.LATE:
                continue
            taken = replace(scene, job=job)
            is_written = await self._ledger.swap(self._topic, scene.key, entry.revision, _text(taken))
            if is_written and effect is Effect.GRANT:
                return taken
        return None

    async def finish(self, taken: AcceptedScene, result: str) -> bool:
        """Keep what came of a scene; return False if it has an outcome already, and then this is dropped."""
        return await self._tell(taken, Finished(taken.job.lease), result=result)

    async def fail(self, taken: AcceptedScene, reason: str) -> None:
        """Say that a scene could not be made; it is tried again unless this was its last try."""
        await self._tell(taken, Broke(taken.job.lease, reason))

    async def give_back(self, taken: AcceptedScene, *, pause: float = 0.0) -> None:
        """Let somebody else have a scene, after a pause in seconds; it does not count as a try."""
        await self._tell(taken, GivenBack(taken.job.lease), due=pause)

    def _readable(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, AcceptedScene]]:
        """Yield the scenes that can be read: one that somebody has spoilt holds up no other, and is told of once."""
        for entry in entries:
            try:
                yield entry, _scene(entry)
            except (ValueError, TypeError, KeyError) as error:
                if entry.key not in self._spoilt:
                    _log.warning("What was accepted as %s cannot be read, and is left as it is: %r", entry.key, error)
                self._spoilt.add(entry.key)

    async def _tell(self, taken: AcceptedScene, fact: Fact, **changes: object) -> bool:
        def told(scene: AcceptedScene) -> AcceptedScene | None:
            job, effect = step(scene.job, fact, self._rules)
            return None if effect is Effect.LATE else replace(scene, job=job, **changes)  # type: ignore[arg-type]

        return await self._change(taken.key, told)

    async def _change(self, key: str, change: Callable[[AcceptedScene], AcceptedScene | None]) -> bool:
        """Change a scene as it stands now, however often others come first; return False if it is to stay."""
        while (entry := await self._ledger.read(self._topic, key)) is not None:
            changed = change(_scene(entry))
            if changed is None:
                return False
            if await self._ledger.swap(self._topic, key, entry.revision, _text(changed)):
                return True
        return False


def _text(scene: AcceptedScene) -> str:
    data = asdict(scene)
    data["job"]["state"] = scene.job.state.value
    return json.dumps(data, ensure_ascii=False)


def _scene(entry: Entry) -> AcceptedScene:
    """Return the scene of an entry, with the times that are left now."""
    data = json.loads(entry.text)
    job = Job(**{**data["job"], "state": State(data["job"]["state"])})
    if "lasts" not in data["job"]:  # written by a release that gave times of day, which are over
        data["due"], job = 0.0, replace(job, until=0.0)
    left = replace(job, until=max(0.0, job.until - entry.age))
    return AcceptedScene(**{**data, "due": max(0.0, data["due"] - entry.age), "job": left})
