from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import InvalidInput
from fablewright.testing.history import History, load, save
from fablewright.testing.scenario import from_json, generate, in_order, to_json
from fablewright.testing.simulation import simulate
from fablewright.testing.trace import Trace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("seed", range(20))
def test_a_scenario_survives_json(seed: int) -> None:
    scenario = generate(seed, roots=20)
    assert from_json(json.loads(json.dumps(to_json(scenario)))) == scenario


def test_in_order_nothing_is_shuffled_and_no_two_asks_come_at_once() -> None:
    scenario = in_order(generate(3, roots=50))
    assert len({root.at for root in scenario.load}) == 50
    assert not scenario.shuffled
    assert from_json(json.loads(json.dumps(to_json(scenario)))) == scenario
    assert simulate(scenario).violations == []


def test_the_same_seed_makes_the_same_scenario_and_another_makes_another() -> None:
    assert generate(1) == generate(1)
    assert generate(1) != generate(2)
    assert len(generate(1, roots=7).load) == 7


def test_what_was_saved_is_what_happens_again(tmp_path: Path) -> None:
    run = simulate(generate(11, roots=10))
    save(run, tmp_path / "run.jsonl")
    history = load(tmp_path / "run.jsonl")
    assert history.scenario == run.scenario
    assert history.is_comparable
    assert len(history.lines) == len(run.trace.events)
    assert history.difference(simulate(history.scenario)) == ""


def test_the_first_difference_is_named_by_its_line(tmp_path: Path) -> None:
    run = simulate(generate(11, roots=10))
    save(run, tmp_path / "run.jsonl")
    history = load(tmp_path / "run.jsonl")
    lines = history.lines.copy()
    lines[3] = '["otherwise"]'
    assert (
        dataclasses.replace(history, lines=lines).difference(run).startswith('line 5: it was ["otherwise"], and is [')
    )
    shorter = dataclasses.replace(history, lines=history.lines[:-1])
    assert shorter.difference(run).startswith(f"line {len(lines) + 1}: it was over, and is [")
    longer = dataclasses.replace(history, lines=[*history.lines, "[]"])
    assert longer.difference(run) == f"line {len(lines) + 2}: it was [], and is over"


def test_a_history_of_another_python_is_not_comparable() -> None:
    assert not History(generate(1, roots=1), "2.7", []).is_comparable


@pytest.mark.parametrize("text", ["", "not json\n", "{}\n", '{"scenario": {}, "python": "3.11"}\n', "[]\n"])
def test_what_is_no_history_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match="is no history"):
        load(path)


def test_a_trace_hashes_what_was_noted_when_and_in_which_order() -> None:
    def digest(*notes: tuple[float, str]) -> str:
        times = iter([at for at, _ in notes])
        trace = Trace(lambda: next(times))
        for _, what in notes:
            trace.note(what, "n-1")
        return trace.digest()

    assert digest((1.0, "sent"), (2.0, "told")) == digest((1.0, "sent"), (2.0, "told"))
    different = {digest((1.0, "sent"), (2.0, "told")), digest((2.0, "told"), (1.0, "sent")), digest((1.0, "sent"))}
    assert len(different | {digest((1.0, "sent"), (2.5, "told"))}) == 4
