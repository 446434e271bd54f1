"""A scenario: everything that decides a simulated run, as plain data: the agents, who asks what, and what goes wrong.

``generate(seed)`` makes one up. It is data so that it can be kept: a scenario that once failed is a test for
ever, also when the generator has long changed and makes something else of that seed.

Times are in ticks of 1/128 s, the grid on which the faults delay.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from fablewright.testing.faults import Crash, FaultPlan, Outage, Partition

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ENDINGS",
    "Cast",
    "Errand",
    "Root",
    "Rule",
    "Scenario",
    "Step",
    "from_json",
    "generate",
    "in_order",
    "to_json",
]

ENDINGS = {
    # how a handler ends: how often, out of a hundred
    "reply": 68,
    "defer": 10,  # answers later by its token
    "raise": 6,
    "fail": 2,  # fails later by its token
    "refuse": 2,  # says that the asker is to blame
    "never": 2,  # keeps its token for ever
    "drop": 2,  # lets its token go at once
    "forget": 1,  # lets its token go later
    "twice": 2,  # answers by its token, twice
    "both": 1,  # defers and returns
    "nothing": 1,  # neither defers nor returns
    "hang": 1,  # sleeps until it is withdrawn
    "leave": 1,  # cancels itself
    "stubborn": 1,  # sleeps, and takes its time when it is cancelled
}
"""What a handler of the simulation may do in the end, and its share in per cent."""


class Errand(NamedTuple):
    """What to ask of whom, and what its handler does: a tree.

    Attributes:
        to: Name of the agent.
        action: ``read`` (idempotent), ``write`` (not) or ``note`` (told, not asked).
        priority: Of the message.
        timeout: Ticks; 0 for the default.
        keep: Ticks of the parent's time to keep back.
        steps: What the handler does one after another: pause so many ticks, or send another errand.
        ending: How it ends, see ``ENDINGS``.
        late: Ticks for those endings that take a while.
    """

    to: str
    action: str
    priority: int
    timeout: int
    keep: int
    steps: tuple[Step, ...]
    ending: str
    late: int


Step: TypeAlias = "int | Errand"


class Root(NamedTuple):
    """An ask from outside: when (tick), which of the scenario's errands, and when its asker is cancelled (or 0)."""

    at: int
    errand: int
    cancel: int


class Cast(NamedTuple):
    """An agent: its name, how many handlers at once, how many messages may wait, and what happens to one more."""

    name: str
    concurrency: int
    capacity: int
    overflow: str


class Rule(NamedTuple):
    """A policy: for one action of one agent. Whatever is 0 is left out; times are in ticks.

    Attributes:
        to: Name of the agent.
        action: Which of its actions.
        retries: Attempts after the first.
        hedge: Whether a slow attempt gets a second one beside it.
        failures: In a row, that open the breaker.
        permits: Probes that a half-open breaker lets through.
        reset: How long the breaker stays open.
        bulkhead: How many asks may be under way at once.
        attempt: Time-out of one attempt.
    """

    to: str
    action: str
    retries: int
    hedge: int
    failures: int
    permits: int
    reset: int
    bulkhead: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run.

    Attributes:
        seed: Of the loop's shuffling, the faults and the backoff.
        cast: The agents.
        rules: Policies of the bus.
        errands: What the roots ask.
        load: Asks from outside, by time.
        plan: What goes wrong.
        stop: Tick at which the bus is stopped; 0 for after everything is over.
        drain: Ticks that the stop waits for what is under way.
        shuffled: Whether the loop shuffles what falls on one instant.
    """

    seed: int
    cast: tuple[Cast, ...]
    rules: tuple[Rule, ...]
    errands: tuple[Errand, ...]
    load: tuple[Root, ...]
    plan: FaultPlan
    stop: int
    drain: int
    shuffled: bool = True


# ------------------------------------------------------------------ making one up


def generate(seed: int, *, roots: int = 300) -> Scenario:
    """Make up a scenario; the same seed makes the same one.

    Args:
        seed: Any number.
        roots: How many asks come from outside; each becomes about three with its hops and retries.
    """
    dice = _Dice(seed)
    cast = tuple(
        Cast(name, dice.among((1, 2, 4, 16)), dice.among((1, 4, 16, 64)), dice.among(("reject", "drop_oldest", "wait")))
        for name in ("ada", "bob", "cyd", "dot", "eve")
    )
    names = [agent.name for agent in cast]
    errands = tuple(_errand(dice, names, ()) for _ in range(48))
    rules = tuple(_rule(dice, name, action) for name in names for action in ("read", "write") if dice.chance(0.6))
    horizon = roots * 2
    bursts = [dice.upto(horizon) for _ in range(1 + roots // 16)]
    load = sorted(
        Root(
            dice.among(bursts) if dice.chance(0.7) else dice.upto(horizon),
            dice.upto(len(errands)),
            1 + dice.upto(48) if dice.chance(0.12) else 0,
        )
        for _ in range(roots)
    )
    stop = horizon // 2 + dice.upto(horizon // 2) if dice.chance(0.2) else 0
    return Scenario(seed, cast, rules, errands, tuple(load), _plan(dice, names, horizon), stop, dice.among((0, 1, 64)))


def in_order(scenario: Scenario) -> Scenario:
    """Return a scenario with nothing shuffled and no two asks from outside on one instant.

    What happens in it depends far less on how many turns of the loop something takes, so a history of it holds
    until the bus behaves otherwise.
    """
    apart = (root._replace(at=5 * number) for number, root in enumerate(scenario.load, start=1))
    return replace(scenario, load=tuple(apart), shuffled=False)


class _Dice:
    """What the generator throws. Only ``random()`` is used: its numbers are the same in every version of Python."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed).random

    def chance(self, share: float) -> bool:
        return self._draw() < share

    def upto(self, bound: int) -> int:
        """Return a number in [0, bound)."""
        return int(self._draw() * bound)

    def among(self, things: Sequence[Any]) -> Any:  # noqa: ANN401 - one of the things, whatever they are
        return things[int(self._draw() * len(things))]

    def weighted(self, shares: dict[str, int]) -> str:
        left = self.upto(sum(shares.values()))
        for name, share in shares.items():
            left -= share
            if left < 0:
                return name
        raise AssertionError(shares)


def _errand(dice: _Dice, names: list[str], above: tuple[str, ...]) -> Errand:
    """Make up a tree. It mostly asks agents that do not wait for it already, and now and then one that does."""
    below = names if dice.chance(0.03) else [name for name in names if name not in above]
    to = dice.among(below or names)
    action = dice.weighted({"read": 60, "write": 30, "note": 10} if above else {"read": 70, "write": 30})
    steps: list[Step] = []
    for _ in range(dice.upto(4)):
        if len(above) < 3 and dice.chance(0.5 - 0.1 * len(above)):
            steps.append(_errand(dice, names, (*above, to)))
        else:
            steps.append(dice.upto(6))
    ending = dice.weighted(ENDINGS)
    if action == "note" and ending not in {"reply", "raise", "hang", "leave", "stubborn"}:
        ending = "reply"
    return Errand(
        to=to,
        action=action,
        priority=dice.among((0, 0, 0, 1, -1)),
        timeout=dice.among((0, 4, 16, 64, 64, 128, 256)),
        keep=dice.upto(4) if above and dice.chance(0.2) else 0,
        steps=tuple(steps),
        ending=ending,
        late=dice.upto(40),
    )


def _rule(dice: _Dice, to: str, action: str) -> Rule:
    return Rule(
        to=to,
        action=action,
        retries=dice.upto(4),
        hedge=dice.upto(2) if action == "read" else 0,
        failures=2 + dice.upto(4) if dice.chance(0.5) else 0,
        permits=1 + dice.upto(3),
        reset=16 << dice.upto(4),
        bulkhead=dice.among((0, 0, 1, 4, 16)),
        attempt=dice.among((0, 0, 8, 32)),
    )


def _plan(dice: _Dice, names: list[str], horizon: int) -> FaultPlan:
    """Make up what goes wrong: in one run in eight nothing does, so that the faults hide nothing."""
    if dice.chance(0.125):
        return FaultPlan()

    def span() -> tuple[float, float]:
        start = dice.upto(horizon)
        return start / 128, (start + 8 + dice.upto(128)) / 128

    return FaultPlan(
        drop=dice.among((0, 0.01, 0.05)),
        duplicate=dice.among((0, 0.02, 0.05)),
        delay=dice.among((0, 0.05, 0.2)),
        reorder=dice.among((0, 0.05, 0.1)),
        longest_delay=dice.among((0.25, 1.0, 4.0)),
        slow=dice.among((0, 0.02, 0.05)),
        poison=dice.among((0, 0.02, 0.05)),
        longest_slow=dice.among((0.25, 1.0)),
        crashes=tuple(Crash(dice.among(names), dice.upto(horizon) / 128) for _ in range(dice.upto(4))),
        partitions=tuple(Partition((dice.among(names),), *span()) for _ in range(dice.upto(2))),
        outages=tuple(Outage(dice.among(names), *span()) for _ in range(dice.upto(3))),
    )


# ------------------------------------------------------------------ keeping one


def to_json(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as what JSON can hold."""
    return asdict(scenario)


def from_json(data: dict[str, Any]) -> Scenario:
    """Return the scenario that ``to_json`` was given."""
    plan = dict(data["plan"])
    plan["crashes"] = tuple(Crash(**crash) for crash in plan["crashes"])
    plan["partitions"] = tuple(Partition(**{**cut, "agents": tuple(cut["agents"])}) for cut in plan["partitions"])
    plan["outages"] = tuple(Outage(**outage) for outage in plan["outages"])
    return Scenario(
        seed=data["seed"],
        cast=tuple(Cast(*agent) for agent in data["cast"]),
        rules=tuple(Rule(*rule) for rule in data["rules"]),
        errands=tuple(_read_errand(errand) for errand in data["errands"]),
        load=tuple(Root(*root) for root in data["load"]),
        plan=FaultPlan(**plan),
        stop=data["stop"],
        drain=data["drain"],
        shuffled=data["shuffled"],
    )


def _read_errand(data: Any) -> Errand:  # noqa: ANN401 - whatever JSON holds
    errand = Errand(*data)
    steps = (step if isinstance(step, int) else _read_errand(step) for step in errand.steps)
    return errand._replace(steps=tuple(steps))
