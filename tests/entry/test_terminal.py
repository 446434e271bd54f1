from __future__ import annotations

import io
import os
import sys
import time

import pytest
from rich.console import Console
from rich.text import Text

from fablewright.entry.terminal import clean, emit, notice, set_up_streams, write


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain [red]words[/red] ☂", "plain [red]words[/red] ☂"),
        ("a\x1b[31mb\x1b[0mc", "abc"),
        ("a\x1b[2J\x1b[1;1Hb", "ab"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1bPq#0;\x1b\\b", "ab"),
        ("a\x9b31mb\x9dtitle\x9cc", "abc"),
        ("a\x1bcb\x1b(Bc", "abc"),
        ("a\x1b", "a"),
        ("a\x1b[", "a"),
        ("a\x00\x07\x08\x7f\x85b", "ab"),
        ("a\tb\r\nc\rd\ne", "a b\nc\nd\ne"),
    ],
)
def test_nothing_is_left_that_a_terminal_obeys(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_every_control_character_alone_is_removed() -> None:
    for code in [*range(32), *range(0x7F, 0xA0)]:
        left = clean(f"{chr(code)}")
        assert left in {"", " ", "\n"}, hex(code)


@pytest.mark.benchmark
def test_cleaning_takes_time_in_proportion() -> None:
    def seconds(size: int) -> float:
        hostile = "\x1b[" * size + "\x1b]" * size + "\x9b0" * size
        began = time.perf_counter()
        clean(hostile)
        return time.perf_counter() - began

    small, large = min(seconds(20_000) for _ in range(3)), min(seconds(200_000) for _ in range(3))
    assert large < 40 * small + 0.05  # ten times as much; 100 times would be quadratic


def test_a_notice_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    notice(f"first\nsecond [bold]x[/bold] \x1b[31m{'long ' * 60}")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"first second [bold]x[/bold] {'long ' * 59}long\n"


def test_a_pipe_gets_no_blanks_at_the_ends_of_lines_and_no_colours() -> None:
    file = io.StringIO()
    write(Console(file=file, width=40), [Text("word   ", "bold red"), Text("  next")])
    assert file.getvalue() == "word\n  next\n"


def test_a_terminal_gets_colours() -> None:
    file = io.StringIO()
    write(Console(file=file, width=40, force_terminal=True, color_system="standard"), [Text("word", "red")])
    assert file.getvalue() == "\x1b[31mword\x1b[0m\n"


def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        emit("to nobody", file)
        emit("nor this", file)


def test_characters_that_the_encoding_lacks_become_question_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    set_up_streams()
    emit("tea ☕\n")
    assert raw.getvalue() == b"tea ?\n"


def test_json_is_utf_8_whatever_the_locale_says(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    set_up_streams(utf_8=True)
    emit("tea ☕ \udcff\n")
    assert raw.getvalue() == "tea ☕ ?\n".encode()
