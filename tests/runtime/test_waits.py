"""Who waits for whom: the check against an obvious oracle, and circles on a real bus."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import RequestFailed, WouldDeadlock
from fablewright.protocol.message import Request
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.runtime.waits import stuck
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from fablewright.runtime.context import Context


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


# ------------------------------------------------------------------ stand-ins: what the check looks at, and no more


class Asking(NamedTuple):
    """A request that somebody waits for."""

    to: str
    message_id: str


class StandInWorker:
    def __init__(self) -> None:
        self.asked: list[Asking] = []
        self.envelope = None

    def waits(self) -> list[Asking]:
        return self.asked


class StandInPost:
    def __init__(self, name: str, concurrency: int) -> None:
        self.agent = SimpleNamespace(name=name)
        self.concurrency = concurrency
        self.running: dict[str, StandInWorker] = {}
        self.mailbox: set[str] = set()

    @property
    def is_full(self) -> bool:
        return len(self.running) >= self.concurrency


class Moment(NamedTuple):
    """Everybody at one moment, and who is about to ask whom."""

    posts: dict[str, StandInPost]
    asker: StandInWorker
    to: StandInPost


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    posts = {name: StandInPost(name, draw(st.integers(1, 2))) for name in "abcd"[: draw(st.integers(1, 4))]}
    workers: list[tuple[str, str, StandInWorker]] = []
    for post in posts.values():
        for number in range(draw(st.integers(0, post.concurrency))):
            message_id = f"{post.agent.name}{number}"
            post.running[message_id] = StandInWorker()
            workers.append((post.agent.name, message_id, post.running[message_id]))
    asker = StandInWorker()
    for _, _, worker in workers:
        for number in range(draw(st.integers(0, 2))):
            match draw(st.sampled_from(["running", "queued", "queued", "gone"])):
                case "running":
                    to, message_id, _ = draw(st.sampled_from(workers))
                    worker.asked.append(Asking(to, message_id))
                case "queued":
                    post = draw(st.sampled_from(list(posts.values())))
                    message_id = f"queued{len(post.mailbox)}{number}"
                    post.mailbox.add(message_id)
                    worker.asked.append(Asking(post.agent.name, message_id))
                case "gone":  # deferred, on its way, or asked of one who has left
                    worker.asked.append(Asking(draw(st.sampled_from([*posts, "removed"])), "gone"))
    if workers and draw(st.booleans()):
        asker = draw(st.sampled_from(workers))[2]
    return Moment(posts, asker, draw(st.sampled_from(list(posts.values()))))


def goes_on(moment: Moment) -> set[int]:
    """Return the ids of all posts and workers that will get something done: the oracle.

    At first nobody is known to. Then everybody is looked at again and again until nothing new is found.
    """
    going: set[int] = set()
    while True:
        before = len(going)
        for post in moment.posts.values():
            if len(post.running) < post.concurrency or any(id(worker) in going for worker in post.running.values()):
                going.add(id(post))
            for worker in post.running.values():
                if worker is not moment.asker and may_end(worker, moment.posts, going):
                    going.add(id(worker))
        if len(going) == before:
            return going


def may_end(worker: StandInWorker, posts: dict[str, StandInPost], going: set[int]) -> bool:
    if not worker.asked:
        return True
    for ask in worker.asked:
        post = posts.get(ask.to)
        if post is None or (ask.message_id not in post.running and ask.message_id not in post.mailbox):
            return True  # an answer may come from anywhere
        if id(post.running.get(ask.message_id, post)) in going:
            return True
    return False


def no_flight(_: object) -> None:
    """Say that nobody has joined one."""


@settings(max_examples=1000, deadline=None)
@given(moments())
def test_an_ask_is_stuck_exactly_when_nobody_that_it_depends_on_can_go_on(moment: Moment) -> None:
    names = stuck(moment.asker, moment.to, moment.posts, no_flight)  # type: ignore[arg-type]  # stand-ins
    going = goes_on(moment)
    assert (names == ()) == (id(moment.to) in going)
    if names:
        assert names[0] == moment.to.agent.name
        assert len(set(names)) == len(names)
        assert all(moment.posts[name].is_full and id(moment.posts[name]) not in going for name in names)


def test_an_agent_that_waits_for_itself_is_found() -> None:
    post = StandInPost("a", 1)
    asker = post.running["a0"] = StandInWorker()
    assert stuck(asker, post, {"a": post}, no_flight) == ("a",)  # type: ignore[arg-type]  # stand-ins
    post.concurrency = 2
    assert stuck(asker, post, {"a": post}, no_flight) == ()  # type: ignore[arg-type]  # stand-ins


def test_the_check_looks_at_nobody_twice() -> None:
    posts = {f"p{n}": StandInPost(f"p{n}", 20) for n in range(20)}
    looks = 0

    class Counting(StandInWorker):
        def waits(self) -> list[Asking]:
            nonlocal looks
            looks += 1
            return self.asked

    for name, post in posts.items():
        post.mailbox.add("m")
        for n in range(20):
            post.running[f"{name}{n}"] = worker = Counting()
            worker.asked = [Asking(other, "m") for other in posts]
    assert len(stuck(StandInWorker(), posts["p0"], posts, no_flight)) == 20  # type: ignore[arg-type]  # stand-ins
    assert looks == 400


# ------------------------------------------------------------------ on a real bus


@dataclass(frozen=True, slots=True)
class Do(Request[str]):
    """Take ``seconds``, then do the ``rest``: each an agent to ask, one after the other down the hops."""

    action: ClassVar[str] = "do"
    idempotent: ClassVar[bool] = True
    seconds: float = 0.0
    rest: tuple[str, ...] = ()
    then: float = 0.0


@dataclass
class Log:
    refused: list[tuple[str, float, str]] = field(default_factory=list)


class Doer(Agent):
    """Asks whom it is told to ask, with all the time that there is; a refusal is part of its reply."""

    def __init__(self, log: Log) -> None:
        self.log = log

    @handles(Do)
    async def do(self, request: Do, ctx: Context) -> str:
        await asyncio.sleep(request.seconds)
        if not request.rest:
            return self.name
        try:
            said = await ctx.ask(request.rest[0], Do(request.then, request.rest[1:], request.then))
        except WouldDeadlock as error:
            self.log.refused.append((self.name, ctx.now, str(error)))
            return f"{self.name}(refused)"
        return f"{self.name}({said})"


def bus_of(*names: str, concurrency: int = 1, reentrant: bool = False, shares: str = "") -> tuple[Bus, Log]:
    policies = {(name, "do"): Policy(share=True) for name in shares}
    bus, log = Bus(BusOptions(default_timeout=60.0, policies=policies)), Log()
    for name in names:
        body: dict[str, Any] = {"name": name, "concurrency": concurrency, "reentrant": reentrant}
        bus.register(type(f"Doer{name}", (Doer,), body)(log))
    return bus, log


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [0.0, 1.0])
async def test_two_that_ask_each_other_at_the_same_time_do_not_wait_for_their_deadlines(seconds: float) -> None:
    bus, log = bus_of("a", "b")
    async with bus:
        answers = await asyncio.gather(
            bus.ask("a", Do(seconds, ("b",))), bus.ask("b", Do(seconds, ("a",))), return_exceptions=True
        )
        assert now() == seconds
    assert sorted(map(str, answers)) in (["a(b)", "b(refused)"], ["a(refused)", "b(a)"])
    [(who, at, said)] = log.refused
    other = "b" if who == "a" else "a"
    assert at == seconds
    circles = (f"({who} → {other} → {who})", f"({other} → {who} → {other})")
    assert said.startswith(f"{who} cannot ask {other} to do: each would wait for the other")
    assert any(circle in said for circle in circles)


@pytest.mark.anyio
@pytest.mark.parametrize("size", [3, 4, 5])
async def test_of_a_ring_that_closes_the_last_ask_alone_is_refused(size: int) -> None:
    names = "abcde"[:size]
    bus, log = bus_of(*names)
    async with bus:
        asks = [bus.ask(name, Do(n / 8, (names[(n + 1) % size],))) for n, name in enumerate(names)]
        answers = await asyncio.gather(*asks)
        assert now() == (size - 1) / 8
    [(who, at, said)] = log.refused
    assert (who, at) == (names[-1], (size - 1) / 8)
    assert said.endswith(f"({' → '.join((*names, names[0]))}).")
    assert answers[-1] == f"{names[-1]}(refused)"
    assert answers[:-1] == [f"{name}({names[n + 1]})" for n, name in enumerate(names[:-1])]


@pytest.mark.anyio
@pytest.mark.parametrize("concurrency", [1, 64])
@pytest.mark.parametrize("path", [("a", "b", "a"), ("a", "a"), ("a", "b", "c", "a"), ("a", "b", "c", "b")])
async def test_who_waits_for_an_answer_is_not_asked_for_it(concurrency: int, path: tuple[str, ...]) -> None:
    bus, log = bus_of("a", "b", "c", concurrency=concurrency)
    async with bus:
        answer = await bus.ask(path[0], Do(0.0, path[1:]))
        assert now() == 0.0
    refused = "(".join(path[:-1]) + "(refused)" + ")" * (len(path) - 2)
    assert answer == refused
    [(who, _, said)] = log.refused
    circle = path[path.index(path[-1]) :]
    assert who == path[-2]
    assert said == f"{who} cannot ask {path[-1]} to do: each would wait for the other ({' → '.join(circle)})."


@pytest.mark.anyio
@pytest.mark.parametrize("path", [("a", "b", "a"), ("a", "a"), ("a", "b", "c", "a", "b", "c")])
async def test_a_reentrant_agent_may_be_asked_by_those_it_waits_for_while_it_has_room(path: tuple[str, ...]) -> None:
    bus, log = bus_of("a", "b", "c", concurrency=64, reentrant=True)
    async with bus:
        answer = await bus.ask(path[0], Do(0.0, path[1:], 0.5))
    assert answer == "(".join(path) + ")" * (len(path) - 1)
    assert log.refused == []


@pytest.mark.anyio
@pytest.mark.parametrize("concurrency", [1, 2])
async def test_a_reentrant_agent_without_room_refuses_rather_than_wait_for_itself(concurrency: int) -> None:
    bus, log = bus_of("a", concurrency=concurrency, reentrant=True)
    async with bus:
        answer = await bus.ask("a", Do(0.0, ("a",) * concurrency))
        assert now() == 0.0
    assert answer == "a(" * concurrency + "refused" + ")" * concurrency
    assert len(log.refused) == 1


@pytest.mark.anyio
async def test_to_wait_for_one_who_is_busy_is_no_circle() -> None:
    bus, log = bus_of("a", "b")
    async with bus:
        busy = asyncio.ensure_future(bus.ask("b", Do(5.0)))  # noqa: TID251 - a caller beside the one under test
        assert await bus.ask("a", Do(1.0, ("b",))) == "a(b)"
        assert now() == 5.0
        assert await busy == "b"
    assert log.refused == []


@dataclass(frozen=True, slots=True)
class Same(Request[str]):
    """Equal for all who ask it: so they share the work."""

    action: ClassVar[str] = "same"
    idempotent: ClassVar[bool] = True


class Mirror(Agent):
    """Takes its time, then asks the next one for the same."""

    def __init__(self, name: str, following: str) -> None:
        self.name = name  # type: ignore[misc]  # each has its own
        self.following = following

    @handles(Same)
    async def same(self, request: Same, ctx: Context) -> str:
        await asyncio.sleep(1.0)
        try:
            return await ctx.ask(self.following, request)
        except WouldDeadlock as error:
            return str(error)


@pytest.mark.anyio
@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("names", ["ab", "abc"])
async def test_shared_works_that_wait_for_each_other_are_a_circle(names: str, *, reentrant: bool) -> None:
    policies = {(name, "same"): Policy(share=True, retry=RetryRules(), hedge=True) for name in names}
    bus = Bus(BusOptions(default_timeout=60.0, policies=policies))
    for name, following in zip(names, names[1:] + names[0], strict=True):
        mirror = Mirror(name, following)
        mirror.reentrant = reentrant  # type: ignore[misc]  # as above
        bus.register(mirror)
    async with bus:
        answers = await asyncio.gather(*(bus.ask(name, Same()) for name in names))
        assert now() == 1.0
    last, circle = names[-1], " → ".join((names[-1], *names))
    said = {f"{last} cannot ask a to same: each would wait for the other ({circle})."}
    assert set(answers) == said


@pytest.mark.anyio
async def test_shared_work_that_waits_for_one_who_joined_it_is_a_circle() -> None:
    bus, log = bus_of("a", "b", shares="a")
    async with bus:
        work = Do(2.0, ("b",), 2.0)  # the work asks b when it has taken its time
        first = asyncio.ensure_future(bus.ask("a", work))  # noqa: TID251 - a caller beside the one under test
        await asyncio.sleep(0.5)
        joins = asyncio.ensure_future(bus.ask("b", Do(0.0, ("a", "b"), 2.0)))  # noqa: TID251 - another
        answers = await asyncio.gather(first, joins)
        assert now() == 2.0
    [(who, at, said)] = log.refused
    assert (who, at) == ("a", 2.0)
    assert said == "a cannot ask b to do: each would wait for the other (a → b → a)."
    assert answers == ["a(refused)", "b(a(refused))"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("abc"), max_size=4), st.integers(0, 4)),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 2),
    st.booleans(),
    st.sampled_from(["", "a", "abc"]),
    st.integers(0, 2**32),
)
def test_nobody_ever_waits_for_its_deadline_because_of_a_circle(
    stories: list[tuple[str, list[str], int]], concurrency: int, reentrant: bool, shares: str, seed: int
) -> None:
    async def main() -> list[object]:
        bus, _ = bus_of("a", "b", "c", concurrency=concurrency, reentrant=reentrant, shares=shares)
        async with bus:
            asks = [bus.ask(to, Do(delay / 8, tuple(rest), delay / 8)) for to, rest, delay in stories]
            answers = await asyncio.gather(*asks, return_exceptions=True)
            busy = sum((1 + len(rest)) * delay / 8 for _, rest, delay in stories)
            assert now() <= busy  # all the work there is, one after the other; the deadlines are at 60 s
            return list(answers)

    answers = run_virtual(main(), seed=seed)
    assert not any(isinstance(answer, RequestFailed) for answer in answers)
    assert all(isinstance(answer, str) for answer in answers)
