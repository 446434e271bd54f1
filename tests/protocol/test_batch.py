from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import CircuitOpen, ContractViolation, UnknownRecipient
from fablewright.protocol.batch import Answer, Batches, BatchRules, CancelRun, Effect, Expire, Fail, Run


class Poison(Exception):
    """What a run raises that a bad item spoils."""


def shown(effects: list[Effect]) -> list[object]:
    """Make effects comparable: two errors are equal if they say the same."""
    return [
        ("Fail", effect.item_id, type(effect.error), str(effect.error)) if isinstance(effect, Fail) else effect
        for effect in effects
    ]


class Oracle:
    """The same rules, slow and obvious: one list of all items there ever were, looked through each time."""

    def __init__(self, rules: BatchRules) -> None:
        self.rules = rules
        self.items: list[dict[str, Any]] = []
        self.runs: dict[int, list[dict[str, Any]]] = {}  # those that are not over
        self.started = 0
        self.first_came = math.nan

    def in_state(self, state: str) -> list[dict[str, Any]]:
        return [item for item in self.items if item["state"] == state]

    def busy(self, item_id: str) -> bool:
        return any(item["id"] == item_id and item["state"] in {"collecting", "running"} for item in self.items)

    def add(self, item_id: str, value: object, now: float, deadline: float | None) -> list[Effect]:
        if not self.in_state("collecting"):
            self.first_came = now
        self.items.append({"id": item_id, "value": value, "deadline": deadline, "state": "collecting", "run": None})
        return self.flush(now) if len(self.in_state("collecting")) == self.rules.max_size else []

    def next_flush(self) -> float | None:
        return self.first_came + self.rules.max_wait if self.in_state("collecting") else None

    def tick(self, now: float) -> list[Effect]:
        due = self.next_flush()
        return self.flush(now) if due is not None and due <= now else []

    def flush(self, now: float) -> list[Effect]:
        return self.start(self.in_state("collecting"), now)

    def start(self, items: list[dict[str, Any]], now: float) -> list[Effect]:
        effects: list[Effect] = []
        for item in items:
            if item["deadline"] is not None and item["deadline"] <= now:
                item["state"] = "over"
                effects.append(Expire(item["id"]))
        fresh = [item for item in items if item["state"] != "over"]
        if fresh:
            self.started += 1
            self.runs[self.started] = fresh
            for item in fresh:
                item["state"], item["run"] = "running", self.started
            ids = tuple(item["id"] for item in fresh)
            effects.append(Run(self.started, ids, tuple(item["value"] for item in fresh)))
        return effects

    def withdraw(self, item_id: str) -> list[Effect]:
        for item in self.items:
            if item["id"] == item_id and item["state"] in {"collecting", "running"}:
                item["state"] = "over"
                run = self.runs.get(item["run"], [])
                if run and all(other["state"] == "over" for other in run):
                    del self.runs[item["run"]]
                    return [CancelRun(item["run"])]
        return []

    def ran(self, ticket: int, outcome: object, now: float) -> list[Effect]:
        if ticket not in self.runs:
            return []
        run = self.runs.pop(ticket)
        wanted = [item for item in run if item["state"] == "running"]
        if isinstance(outcome, Poison) and len(run) > 1:
            first = wanted[: math.ceil(len(wanted) / 2)]
            rest = wanted[len(first) :]
            return self.start(first, now) + self.start(rest, now)
        effects: list[Effect] = []
        for place, item in enumerate(run):
            if item["state"] != "running":
                continue
            item["state"] = "over"
            if isinstance(outcome, BaseException):
                effects.append(Fail(item["id"], outcome))
            elif not isinstance(outcome, list) or len(outcome) != len(run):
                effects.append(Fail(item["id"], ContractViolation(self.broken(len(run), outcome))))
            elif isinstance(outcome[place], BaseException):
                effects.append(Fail(item["id"], outcome[place]))
            elif outcome[place] is None:
                none = "a.act answered one request of a batch with None."
                effects.append(Fail(item["id"], ContractViolation(none)))
            else:
                effects.append(Answer(item["id"], outcome[place]))
        return effects

    def broken(self, size: int, outcome: object) -> str:
        what = f"list of {len(outcome)}" if isinstance(outcome, list) else type(outcome).__name__
        return f"a.act returned a {what} for a batch of {size}; it owes a list of one result each."


# Times on a power-of-two grid, so that many things fall on one instant.
grid = st.integers(0, 24).map(lambda n: n / 128)
ids = st.integers(0, 9).map(lambda n: f"m{n}")
results = st.sampled_from(["fine", "none", "bad", "stopped"])
outcomes = st.one_of(
    st.lists(results, min_size=5, max_size=5),
    st.sampled_from(["short", "long", "dict", "nothing"]),
    st.sampled_from(["poison", "poison", "refused", "cancelled"]),
)
steps = st.one_of(
    st.tuples(st.just("add"), ids, st.one_of(st.none(), grid)),
    st.tuples(st.just("add"), ids, st.one_of(st.none(), grid)),
    st.tuples(st.just("ran"), st.integers(0, 5), outcomes),
    st.tuples(st.just("withdraw"), ids, st.none()),
    st.tuples(st.just("tick"), st.none(), st.none()),
    st.tuples(st.just("flush"), st.none(), st.none()),
)


def outcome_of(plan: list[str] | str, size: int) -> object:
    made = {"fine": "reply", "none": None, "bad": Poison("bad"), "stopped": asyncio.CancelledError()}
    if isinstance(plan, list):
        return [made[result] for result in plan[:size]]
    whole: dict[str, object] = {
        "short": ["reply"] * (size - 1),
        "long": ["reply"] * (size + 1),
        "dict": dict.fromkeys(range(size), "reply"),
        "nothing": None,
        "poison": Poison("poison"),
        "refused": CircuitOpen("open"),
        "cancelled": asyncio.CancelledError(),
    }
    return whole[plan]


@settings(max_examples=500, deadline=None)
@given(
    st.builds(BatchRules, st.integers(1, 5), st.sampled_from([0.0, 1 / 128, 8 / 128])),
    st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2, 5]), steps), max_size=60),
)
def test_it_does_what_the_oracle_does(rules: BatchRules, history: list[tuple[int, tuple[str, Any, Any]]]) -> None:
    machine, oracle = Batches("a.act", rules), Oracle(rules)
    now = 0.0
    seen: list[Effect] = []
    for number, (delay, (what, first, second)) in enumerate(history):
        now += delay / 128
        match what:
            case "add" if oracle.busy(first):
                with pytest.raises(ContractViolation, match="is in a batch"):
                    machine.add(first, number, now)
                continue
            case "add":
                deadline = None if second is None else now + second
                effects, expected = machine.add(first, number, now, deadline), oracle.add(first, number, now, deadline)
            case "ran":
                runs = [effect for effect in seen if isinstance(effect, Run)][-6:]  # those that are over too
                if not runs:
                    continue
                run = runs[first % len(runs)]
                outcome = outcome_of(second, len(run.items))
                effects, expected = machine.ran(run.ticket, outcome, now), oracle.ran(run.ticket, outcome, now)
            case "withdraw":
                effects, expected = machine.withdraw(first), oracle.withdraw(first)
            case "tick":
                effects, expected = machine.tick(now), oracle.tick(now)
            case _:
                effects, expected = machine.flush(now), oracle.flush(now)
        assert shown(effects) == shown(expected)
        assert machine.next_flush() == oracle.next_flush()
        assert len(machine._runs) == len(oracle.runs)
        assert len(machine) == len(oracle.in_state("collecting")) + len(oracle.in_state("running"))
        seen += effects
    assert all(len(effect.items) <= rules.max_size for effect in seen if isinstance(effect, Run))
    for effect in [*machine.flush(now), *seen]:  # the driver reports what still runs, and nothing is left
        if isinstance(effect, Run):
            machine.ran(effect.ticket, asyncio.CancelledError(), now)
    assert len(machine) == 0
    assert machine._runs == {}
    assert machine.next_flush() is None


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_each_poison_item_fails_alone_with_its_own_error_and_others_are_answered(
    case: tuple[int, set[int]],
) -> None:
    size, poison = case
    machine = Batches("a.act", BatchRules(max_size=size))
    todo = [effect for n in range(size) for effect in machine.add(f"m{n}", n, 0.0)]
    ended: dict[str, object] = {}
    handled = [0] * size
    runs = 0
    while todo:
        effect = todo.pop(0)
        if isinstance(effect, Run):
            runs += 1
            for item in effect.items:
                handled[item] += 1  # type: ignore[call-overload] # items are the numbers that were added
            bad = [item for item in effect.items if item in poison]
            outcome = Poison(*bad) if bad else [f"reply to {item}" for item in effect.items]
            todo += machine.ran(effect.ticket, outcome, 0.0)
        else:
            assert isinstance(effect, Fail | Answer)
            assert effect.item_id not in ended
            ended[effect.item_id] = repr(effect.error) if isinstance(effect, Fail) else effect.reply
    assert ended == {f"m{n}": f"Poison({n})" if n in poison else f"reply to {n}" for n in range(size)}
    assert runs <= 2 * size - 1
    assert max(handled) <= 1 + math.ceil(math.log2(size))
    if len(poison) == 1:
        assert runs <= 1 + 2 * math.ceil(math.log2(size))


def test_a_batch_is_flushed_when_its_first_item_has_waited_and_no_later_item_moves_that() -> None:
    machine = Batches("a.act", BatchRules(max_size=9, max_wait=1.0))
    assert machine.next_flush() is None
    assert machine.add("x", "X", 10.0) == []
    assert machine.add("y", "Y", 10.75) == []
    assert machine.next_flush() == 11.0
    assert machine.tick(10.99) == []
    assert machine.tick(11.0) == [Run(1, ("x", "y"), ("X", "Y"))]
    assert machine.next_flush() is None
    assert machine.tick(99.0) == []


@settings(max_examples=200, deadline=None)
@given(
    st.builds(BatchRules, st.integers(1, 6), st.sampled_from([0.0, 3 / 128, 9 / 128])),
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 60)), max_size=60),
)
def test_ticked_when_it_says_no_item_waits_longer_than_max_wait(
    rules: BatchRules, history: list[tuple[int, bool, int]]
) -> None:
    machine = Batches("a.act", rules)
    now = 0.0
    came: dict[str, float] = {}

    def started(effects: list[Effect], at: float) -> None:
        for effect in effects:
            assert isinstance(effect, Run)
            for item_id in effect.item_ids:
                assert at - came.pop(item_id) <= rules.max_wait

    for number, (delay, withdrawn, which) in enumerate(history):
        now += delay / 128
        while (due := machine.next_flush()) is not None and due <= now:
            started(machine.tick(due), due)
        came[f"m{number}"] = now
        started(machine.add(f"m{number}", number, now), now)
        if withdrawn and f"m{which}" in came:
            del came[f"m{which}"]
            assert machine.withdraw(f"m{which}") == []
    while (due := machine.next_flush()) is not None:
        started(machine.tick(due), due)
    assert came == {}


def test_the_withdrawal_of_the_first_does_not_move_the_flush_and_that_of_the_last_disarms_it() -> None:
    machine = Batches("a.act", BatchRules(max_wait=1.0))
    machine.add("x", "X", 0.0)
    machine.add("y", "Y", 0.5)
    assert machine.withdraw("x") == []
    assert machine.next_flush() == 1.0
    assert machine.withdraw("y") == []
    assert machine.next_flush() is None
    machine.add("z", "Z", 0.75)
    assert machine.next_flush() == 1.75


def test_without_a_wait_all_that_came_before_the_tick_goes_along() -> None:
    machine = Batches("a.act", BatchRules(max_wait=0))
    assert machine.add("x", "X", 5.0) == []
    assert machine.next_flush() == 5.0
    assert machine.add("y", "Y", 5.25) == []
    assert machine.tick(5.25) == [Run(1, ("x", "y"), ("X", "Y"))]


def test_a_full_batch_runs_at_once_and_the_next_one_waits_anew() -> None:
    machine = Batches("a.act", BatchRules(max_size=2, max_wait=1.0))
    machine.add("x", "X", 0.0)
    assert machine.add("y", "Y", 0.5) == [Run(1, ("x", "y"), ("X", "Y"))]
    machine.add("z", "Z", 0.75)
    assert machine.next_flush() == 1.75
    assert repr(machine) == "<Batches a.act collecting=1/2 runs=1>"


def test_what_is_past_its_deadline_is_not_handed_to_the_handler_not_even_when_a_half_runs_again() -> None:
    machine = Batches("a.act", BatchRules(max_size=4))
    for name, deadline in [("late", 1.0), ("soon", 2.0), ("x", 9.0)]:
        machine.add(name, name, 0.0, deadline)
    assert machine.add("y", "y", 1.0) == [Expire("late"), Run(1, ("soon", "x", "y"), ("soon", "x", "y"))]
    assert machine.ran(1, Poison(), 2.0) == [Expire("soon"), Run(2, ("x",), ("x",)), Run(3, ("y",), ("y",))]


def test_if_all_are_late_nothing_runs() -> None:
    machine = Batches("a.act", BatchRules(max_wait=1.0))
    machine.add("x", "X", 0.0, 0.5)
    assert machine.tick(1.0) == [Expire("x")]
    assert len(machine) == 0


def test_a_run_that_nobody_waits_for_is_cancelled_once_and_its_report_is_nothing() -> None:
    machine = Batches("a.act", BatchRules(max_size=2))
    machine.add("x", "X", 0.0)
    machine.add("y", "Y", 0.0)
    assert machine.withdraw("x") == []
    assert machine.withdraw("x") == []
    assert machine.withdraw("y") == [CancelRun(1)]
    assert machine.ran(1, ["a", "b"], 0.0) == []


def test_a_withdrawn_item_neither_gets_a_result_nor_shifts_those_of_others() -> None:
    machine = Batches("a.act", BatchRules(max_size=3))
    for name in "xyz":
        machine.add(name, name, 0.0)
    machine.withdraw("x")
    machine.add("x", "asked anew", 0.0)  # in another batch now
    assert machine.ran(1, ["a", "b", "c"], 0.0) == [Answer("y", "b"), Answer("z", "c")]
    assert len(machine) == 1


def test_an_item_fails_by_a_raised_error_only_if_it_ran_alone() -> None:
    machine = Batches("a.act", BatchRules(max_size=2))
    machine.add("x", "X", 0.0)
    machine.add("y", "Y", 0.0)
    machine.withdraw("x")  # perhaps the one to blame
    assert machine.ran(1, Poison(), 0.0) == [Run(2, ("y",), ("Y",))]
    error = Poison()
    assert machine.ran(2, error, 0.0) == [Fail("y", error)]


@pytest.mark.parametrize("error", [CircuitOpen("open"), asyncio.CancelledError()])
def test_a_run_that_was_refused_or_stopped_is_not_split(error: BaseException) -> None:
    machine = Batches("a.act", BatchRules(max_size=2))
    machine.add("x", "X", 0.0)
    machine.add("y", "Y", 0.0)
    assert machine.ran(1, error, 0.0) == [Fail("x", error), Fail("y", error)]


def test_an_item_that_names_nobody_spoils_itself_alone() -> None:
    machine = Batches("a.act", BatchRules(max_size=2))
    machine.add("x", "X", 0.0)
    machine.add("y", "Y", 0.0)
    assert machine.ran(1, UnknownRecipient("nobody"), 0.0) == [Run(2, ("x",), ("X",)), Run(3, ("y",), ("Y",))]


@pytest.mark.parametrize(
    ("outcome", "what"),
    [
        (["a"], "list of 1"),
        (("a", "b", "c"), "tuple of 3"),
        ("ab", "str"),
        ({"x": 1, "y": 2}, "dict"),
        (None, "NoneType"),
    ],
)
def test_anything_but_one_result_each_breaks_the_contract_for_all(outcome: object, what: str) -> None:
    machine = Batches("a.act", BatchRules(max_size=2))
    machine.add("x", "X", 0.0)
    machine.add("y", "Y", 0.0)
    message = f"a.act returned a {what} for a batch of 2; it owes a list of one result each."
    assert shown(machine.ran(1, outcome, 0.0)) == [("Fail", name, ContractViolation, message) for name in "xy"]


def test_results_may_be_a_tuple_and_a_bad_one_fails_alone() -> None:
    machine = Batches("a.act", BatchRules(max_size=3))
    for name in "xyz":
        machine.add(name, name, 0.0)
    assert shown(machine.ran(1, ("fine", Poison("bad"), None), 0.0)) == [
        Answer("x", "fine"),
        ("Fail", "y", Poison, "bad"),
        ("Fail", "z", ContractViolation, "a.act answered one request of a batch with None."),
    ]


def test_an_id_is_used_once() -> None:
    machine = Batches("a.act", BatchRules(max_size=2))
    machine.add("x", "X", 0.0)
    with pytest.raises(ContractViolation, match=r"^Request x is in a batch of a\.act already; ids are used once\.$"):
        machine.add("x", "X", 0.0)
    machine.add("y", "Y", 0.0)
    with pytest.raises(ContractViolation):
        machine.add("x", "X", 0.0)
    machine.ran(1, ["a", "b"], 0.0)
    assert machine.add("x", "X", 0.0) == []


def test_rules_that_make_no_sense_are_refused() -> None:
    assert BatchRules() == BatchRules(max_size=32, max_wait=0.01)
    assert BatchRules(max_size=1, max_wait=0.0).max_size == 1
    with pytest.raises(ContractViolation, match=r"^A batch holds at least 1 item, not 0\.$"):
        BatchRules(max_size=0)
    for wait in (-0.5, math.inf, math.nan):
        with pytest.raises(ContractViolation, match=rf"^A batch waits for 0 seconds or a finite time, not {wait}\.$"):
            BatchRules(max_wait=wait)
