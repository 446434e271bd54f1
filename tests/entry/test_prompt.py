from __future__ import annotations

import asyncio
import io
import sys
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from fablewright.entry.interrupt import Interrupted
from fablewright.entry.prompt import open_prompt

if TYPE_CHECKING:
    from pathlib import Path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def typed(data_dir: Path, keys: str) -> list[str | type[Interrupted] | None]:
    """Type keys at the terminal's prompt; return what it gave until the end of input or of the keys."""
    given: list[str | type[Interrupted] | None] = []
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", Terminal())
            patch.setattr(sys, "stdout", Terminal())
            asking = open_prompt(data_dir)
        assert asking.is_terminal
        pipe.send_text(keys)
        while None not in given:
            try:
                given.append(await asking.read())
            except Interrupted:
                given.append(Interrupted)
    return given


def test_a_terminal_gives_lines_ctrl_c_and_ctrl_d(data_dir: Path) -> None:
    given = asyncio.run(typed(data_dir, "the bridge\r\x03roll 2d6\r\x04"))
    assert given == ["the bridge", Interrupted, "roll 2d6", None]


def test_the_history_is_kept_for_the_next_evening(data_dir: Path) -> None:
    asyncio.run(typed(data_dir, "the bridge\r\x04"))
    assert "the bridge" in (data_dir / "chat_history").read_text(encoding="utf-8")
    assert asyncio.run(typed(data_dir, "\x1b[A\r\x04")) == ["the bridge", None]


def test_a_disk_that_cannot_be_written_to_costs_the_history_only(data_dir: Path) -> None:
    data_dir.write_text("a file in its place", encoding="utf-8")
    assert asyncio.run(typed(data_dir, "the bridge\r\x04")) == ["the bridge", None]


def test_a_pipe_gives_its_lines(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\n\ntwo"))

    async def read_all() -> list[str | None]:
        asking = open_prompt(data_dir)
        assert not asking.is_terminal
        return [await asking.read() for _ in range(4)]

    assert asyncio.run(read_all()) == ["one\n", "\n", "two", None]
    assert not (data_dir / "chat_history").exists()


def test_what_is_said_meanwhile_leaves_what_is_being_typed(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def interrupted() -> str | None:
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "stdin", Terminal())
                patch.setattr(sys, "stdout", Terminal())
                asking = open_prompt(data_dir)
            await asking.tell("before anything was asked")
            reading = asyncio.gather(asking.read())
            pipe.send_text("who is Amb")
            await asyncio.sleep(0.1)
            await asking.tell("the notes have arrived")
            pipe.send_text("rose Teal?\r")
            [line] = await reading
            return line

    assert asyncio.run(interrupted()) == "who is Ambrose Teal?"
    assert capsys.readouterr().err == "before anything was asked\nthe notes have arrived\n"


def test_what_is_said_into_a_pipe_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one"))
    asyncio.run(open_prompt(data_dir).tell("the notes have arrived"))
    assert capsys.readouterr() == ("", "the notes have arrived\n")
