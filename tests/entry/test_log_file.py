from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fablewright.entry.log_file import log_file, report_crash, start_log, telling_warnings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_warnings_go_to_the_file_and_not_to_the_terminal(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start_log(data_dir)
    logging.getLogger("fablewright.x").warning("the stove is on")
    logging.getLogger("fablewright.x").info("nothing")
    text = log_file(data_dir).read_text(encoding="utf-8")
    assert "WARNING fablewright.x: the stove is on" in text
    assert "nothing" not in text
    assert capsys.readouterr() == ("", "")


def test_a_quiet_run_leaves_no_file(data_dir: Path) -> None:
    start_log(data_dir)
    assert not log_file(data_dir).exists()


def test_of_a_process_that_nobody_sits_before_warnings_are_told_too(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_log(data_dir)
    with telling_warnings():
        logging.getLogger("x").warning("the key is not taken")
        logging.getLogger("x").info("nothing")
    logging.getLogger("x").warning("later")
    assert capsys.readouterr() == ("", "WARNING: the key is not taken\n")
    assert "later" in log_file(data_dir).read_text("utf-8")


def test_a_large_log_is_put_aside_once(data_dir: Path) -> None:
    data_dir.mkdir()
    log_file(data_dir).write_bytes(b"x" * 1_000_001)
    start_log(data_dir)
    logging.getLogger().warning("new")
    assert log_file(data_dir).stat().st_size < 1_000
    assert (data_dir / "fablewright.old.log").stat().st_size == 1_000_001


def test_a_folder_that_cannot_be_written_to_costs_the_log_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    start_log(tmp_path / "file")
    logging.getLogger().warning("lost")
    assert capsys.readouterr() == ("", "")


def test_debugging_shows_everything_on_standard_error(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FABLEWRIGHT_DEBUG", "1")
    start_log(data_dir)
    logging.getLogger().info("details")
    assert "details" in capsys.readouterr().err


def crash() -> Exception:
    def fail() -> None:
        raise ZeroDivisionError("by\nzero")

    try:
        fail()
    except ZeroDivisionError as error:
        return error
    return ValueError("it did not fail")


def test_a_crash_is_one_line_and_its_traceback_is_in_the_file(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = report_crash(crash(), data_dir)
    assert line == (
        "Something went wrong that should not have: ZeroDivisionError: by zero; "
        f"the details are in {log_file(data_dir)}"
    )
    assert "in crash" in log_file(data_dir).read_text(encoding="utf-8")
    assert capsys.readouterr() == ("", "")


def test_a_crash_that_cannot_be_written_down_says_how_to_see_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert report_crash(crash(), tmp_path / "file").endswith("FABLEWRIGHT_DEBUG=1 shows the details.")


def test_debugging_shows_the_traceback(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FABLEWRIGHT_DEBUG", "1")
    report_crash(crash(), data_dir)
    assert "Traceback" in capsys.readouterr().err
    assert not log_file(data_dir).exists()
