from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.protocol.pending import PendingRequests
from fablewright.testing.__main__ import main
from fablewright.testing.campaign import campaign

if TYPE_CHECKING:
    from pathlib import Path


def test_simulate_reports_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--seeds", "9", "--from", "3", "--jobs", "1", "--roots", "20"]) == 0
    said = capsys.readouterr().out
    sums = campaign(range(3, 12), roots=20)
    assert f"{sums.requests:,} of 9 seeds, from 3" in said
    assert f"replied {sums.outcomes['replied']:,}" in said
    assert f"drop {sums.faults['drop']:,}" in said
    assert f"{sums.choices / sums.events:.1%} of {sums.events:,} events" in said
    assert f"trace       {sums.digest}" in said
    assert "violations  0" in said


def test_processes_share_the_seeds_and_come_to_the_same() -> None:
    alone, shared = campaign(range(20), roots=10), campaign(range(20), roots=10, jobs=2)
    assert alone.digests == shared.digests
    assert alone.digest == shared.digest
    assert (alone.requests, alone.outcomes, alone.faults) == (shared.requests, shared.outcomes, shared.faults)


def test_a_violation_is_told_with_the_command_that_replays_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PendingRequests, "_too_late", lambda pending, fact: [])
    assert main(["simulate", "--seeds", "10", "--jobs", "1", "--roots", "100"]) == 1
    said = capsys.readouterr().out
    command = next(line for line in said.splitlines() if "python -m fablewright.testing replay" in line)
    assert "I2 at" in said
    assert main(command.split("fablewright.testing ")[1].split()) == 1
    assert "violation   I2 at" in capsys.readouterr().out


def test_replay_tells_the_story_of_a_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "3", "--roots", "5"]) == 0
    said = capsys.readouterr().out
    assert "handlers, room for" in said
    assert said.count("  asked ") >= 5
    assert said.count("  asked ") == said.count("  got ")


def test_a_kept_run_is_compared_and_renewed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.jsonl"
    assert main(["replay", "3", "--roots", "60", "--save", str(path)]) == 0
    assert main(["replay", str(path)]) == 0
    changed = path.read_text("utf-8").replace('"got"', '"gets"', 1)
    path.write_text(changed, "utf-8")
    capsys.readouterr()
    assert main(["replay", str(path)]) == 1
    assert "differs     line " in capsys.readouterr().out
    assert main(["replay", str(path), "--renew"]) == 0
    assert main(["replay", str(path)]) == 0


def test_wrong_commands_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["replay", str(tmp_path / "missing.jsonl")]) == 2
    assert "missing.jsonl" in capsys.readouterr().err
    for wrong in (["simulate", "--seeds", "0"], ["simulate", "--jobs", "many"], []):
        with pytest.raises(SystemExit) as exit_:
            main(wrong)
        assert exit_.value.code == 2


@pytest.mark.parametrize("number", ["0", "many"])
def test_a_number_that_is_none_is_named_in_words(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--seeds", number])
    assert f"argument --seeds: a whole number from 1 on, not {number!r}" in capsys.readouterr().err
