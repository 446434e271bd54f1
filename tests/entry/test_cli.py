"""The command line as a person uses it: in this process where that is honest, else in one of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.entry import one_shot, roll_dice
from fablewright.entry.cli import run
from fablewright.entry.log_file import log_file
from fablewright.errors import PeerLost

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = (
    "scene",
    "ask",
    "encounter",
    "npc",
    "loot",
    "rules",
    "choose",
    "log",
    "undo",
    "recap",
    "campaign",
    "index",
    "prep",
    "roll",
    "export",
    "import",
    "chat",
    "serve",
    "mcp",
    "agent",
    "top",
    "state",
    "doctor",
    "trace",
)
STAY = ("serve", "mcp", "top", "agent")
"""Commands that stay until they are ended: tests of their own start them as the help shows."""
STAND_IN = "EXAMPLE"


def help_of(*command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*command, "--help"]) == 0
    return capsys.readouterr().out


def examples(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Every line of any help text that begins like a command."""
    found = []
    for command in ((), *((each,) for each in COMMANDS)):
        lines = re.findall(r"^ {6}(fablewright .+)$", help_of(*command, capsys=capsys), re.MULTILINE)
        assert lines, f"no example for {command}"
        found += [line for line in lines if line.split()[1] not in STAY]
    return found


# -------------------------------------------------------------- help


@pytest.mark.usefixtures("data_dir")
def test_without_anything_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: fablewright [OPTIONS] COMMAND")
    for command in COMMANDS:
        assert f"\n  {command}" in out


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_is_sentences_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(command, capsys=capsys)
    assert f"\n      fablewright {command}" in text
    assert "For example:" in text
    for line in re.findall(r"^  --\S+(?: [A-Z]+)? +(.+)$", text, re.MULTILINE):
        assert line[0].isupper(), line


def test_the_examples_work(
    data_dir: Path, run_lines: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """In an empty folder, and each after the one before: what export writes, import reads."""
    environment = {**os.environ, "FABLEWRIGHT_DATA_DIR": str(data_dir)}
    lines = [shlex.split(example)[1:] for example in examples(capsys)]
    for ran in run_lines(lines, environment=environment, folder=Path(), typed="/quit\n"):
        assert ran.status == 0, (ran.words, ran.err)
        assert ran.out or ran.words[0] in {"chat", "mcp"}, ran.words
        assert "Traceback" not in ran.err


# -------------------------------------------------------------- wrong usage and bad input


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scene"], "Missing argument 'REQUEST'. `fablewright scene --help` shows how it is used."),
        (["scene", "x", "--prty", "4x2"], "No such option: --prty"),
        (["sceen", "x"], "No such command 'sceen'."),
        (["scene", ""], "The request is empty:"),
        (["ask", "  "], "The request is empty:"),
        (["scene", "x", "--party", "4x"], "--party: The party '4x' cannot be read:"),
        (["scene", "x", "--party", "0x3"], "--party: The party '0x3' cannot be read:"),
        (["scene", "x", "--timeout", "-1"], "--timeout must be a number greater than 0 and at most 86400, not '-1'."),
        (["scene", "x", "--timeout", "nan"], "--timeout must be a number greater than 0"),
        (["scene", "x", "--timeout"], "Option '--timeout' requires an argument."),
        (["scene", "x", "--seed", "luck"], "--seed must be a whole number"),
        (["scene", "x", "--notes", "missing"], "here is no folder "),
        (["scene", "x", "--notes", "picture.png"], "picture.png"),
        (["scene", "x", "--config", "missing.toml"], "The configuration missing.toml cannot be read:"),
        (["index", "missing"], "here is no folder "),
        (["index", "picture.png"], "picture.png"),
        (["roll", "2d0"], "'2d0' cannot be rolled: a die needs at least 2 sides"),
        (["encounter", "2 ogres", "--rules", "2020"], "--rules"),
        (["encounter", ""], "The request is empty:"),
        (["rules"], "Missing argument 'QUESTION'"),
        (["roll", "999999d999999"], "'999999d999999' cannot be rolled: the number of dice goes from 1 to 1000"),
        (["roll", "--dragon"], "'--dragon' cannot be rolled"),
        (["roll", ""], "There is nothing to roll"),
        (["chat", "--party", "4x"], "--party: The party '4x' cannot be read:"),
    ],
)
@pytest.mark.usefixtures("data_dir")
def test_bad_input_is_one_clear_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("picture.png").write_bytes(b"\x89PNG")
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("data_dir")
def test_settings_that_are_wrong_are_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FABLEWRIGHT_TIMOUT", "3")
    assert run(["roll", "d20"]) == 2
    assert capsys.readouterr().err == (
        "There is no setting 'FABLEWRIGHT_TIMOUT' (in the environment); did you mean FABLEWRIGHT_TIMEOUT?\n"
    )


# -------------------------------------------------------------- what goes wrong on our side


def test_an_unexpected_error_is_one_line_and_status_1(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(roll_dice, "roll_dice", fail)
    assert run(["roll", "d20"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("Something went wrong that should not have: ZeroDivisionError: oops; the details are in ")
    assert "ZeroDivisionError: oops" in log_file(data_dir).read_text(encoding="utf-8")


@pytest.mark.usefixtures("data_dir")
def test_an_error_of_the_runtime_is_status_3_and_an_interrupt_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise PeerLost("the orchestrator is gone.")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(one_shot, "one_shot", lost)
    assert run(["scene", "x"]) == 3
    assert capsys.readouterr() == ("", "the orchestrator is gone.\n")
    monkeypatch.setattr(one_shot, "one_shot", interrupted)
    assert run(["scene", "x"]) == 130


# -------------------------------------------------------------- roll and version


@pytest.mark.usefixtures("data_dir")
def test_the_same_seed_rolls_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["roll", "2d6", "+", "3", "--seed", "5"]) == 0
    first = capsys.readouterr().out
    assert run(["roll", "2d6+3", "--seed", "5"]) == 0
    assert capsys.readouterr().out == first
    assert re.fullmatch(r"2d6\+3 → \[\d, \d\] \+ 3 = \d+\n", first)


@pytest.mark.usefixtures("data_dir")
def test_dice_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["roll", "4d6kh3-1", "--seed", "1", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["expression"] == "4d6kh3-1"
    kept = sum(face for die in content["dice"][0] if die["kept"] for face in die["faces"])
    assert len(content["dice"][0]) == 4
    assert content["rolls"] == [{"total": content["total"], "dice": content["dice"]}]
    assert content["total"] == kept - 1


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ("d20 with advantage", "2d20kh1 → "),
        ("4d6 drop lowest", "4d6dl1 → "),
        ("8d6 fireball", "fireball: 8d6 → "),
        ("2x d20 stealth", "stealth: 1d20 → "),
    ],
)
def test_words_behind_dice_say_how_to_roll_or_what_for(
    words: str, begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["roll", *words.split()]) == 0
    assert capsys.readouterr().out.startswith(begins)


@pytest.mark.usefixtures("data_dir")
def test_dice_that_begin_with_a_minus_are_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["roll", "-1d4"]) == 0
    assert capsys.readouterr().out.startswith("-1d4 → ")


@pytest.mark.usefixtures("data_dir")
def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert re.fullmatch(r"fablewright \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)
