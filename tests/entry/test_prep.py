"""``prep`` on the sample campaign, as a GM types it; and real processes that are killed while they write."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.entry.cli import run
from fablewright.entry.prep_work import PrepWork

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.gm.preparing.ports import Batch

pytestmark = pytest.mark.usefixtures("data_dir")


def prep(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> tuple[str, str]:
    assert run(["prep", *words]) == status
    out, err = capsys.readouterr()
    return out, err


def session(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(prep(capsys, *words, "--json")[0])
    return found


def test_a_session_is_prepared_shown_and_taken_to_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = session(capsys, "--scenes", "3")
    assert (found["done"], found["scenes_wanted"], found["remark"]) == (3, 3, "")
    places = {scene["answer"]["citations"][0]["file"] for scene in found["scenes"]}
    titles = [scene["title"] for scene in found["scenes"]]
    assert len(set(titles)) == 3
    assert len(places) > 1
    assert all(scene["answer"]["used_rag"] for scene in found["scenes"])
    assert found["scenes"][0]["why"] == "where it begins"
    out, _ = prep(capsys, "--status")
    assert out.startswith("\n3 of 3 scenes are ready.\n")
    document, _ = prep(capsys, "--show")
    assert document.count("\n## ") == 3
    assert all(f"## {number}. {title}" in document for number, title in enumerate(titles, 1))
    assert run(["choose", "1"]) == 2  # nothing that was prepared is on the table yet
    capsys.readouterr()
    prep(capsys, "--show", "2")
    assert run(["choose", "1"]) == 0
    assert titles[1] in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("/prepared\n/prepared 3\n/prepared 9\n/prepared x\n"))
    assert run(["chat"]) == 0
    out, err = capsys.readouterr()
    assert f"   1  {titles[0]}" in out
    assert out.index(f"{titles[2]} [1]\n") > out.index("3 of 3 scenes")
    assert "There is no scene 9: 3 are prepared." in err
    assert "Which one? /prepared 3 is the third" in err


def test_it_is_about_the_words_and_says_when_the_notes_have_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    found = session(capsys, "--scenes", "100", "the Counting House")
    files = {scene["answer"]["citations"][0]["file"] for scene in found["scenes"][:4]}
    assert files == {"The Counting House.md"}
    assert found["remark"] == f"Your notes have {found['done']} of 100: none is made up, and none comes twice."
    sections = [json.dumps(scene["answer"]["citations"][0]["heading"]) for scene in found["scenes"]]
    assert len(set(sections)) == len(sections)
    assert "no scenes about 'zzyzx'" in prep(capsys, "zzyzx", status=2)[1]


def test_what_was_played_is_not_prepared_again(capsys: pytest.CaptureFixture[str]) -> None:
    before = [scene["title"] for scene in session(capsys, "--scenes", "5")["scenes"]]
    assert run(["log", "add", f"Played {before[0]}"]) == 0
    capsys.readouterr()
    after = [scene["title"] for scene in session(capsys, "--scenes", "5")["scenes"]]
    assert before[0] not in after
    assert before[1] in after


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--status"], "Nothing is prepared for these notes"),
        (["--resume"], "There is nothing to go on with"),
        (["--scenes", "0"], "--scenes is a number from 1 to 100, not 0."),
        (["--scenes", "3", "--at", "noon"], "--at is a time of day such as 02:00, not 'noon'."),
        (["--pause", "--resume"], "--pause and --resume do not go together"),
        (["--pause", "--at", "02:00"], "--pause is for the session that is prepared already"),
        (["--show", "two"], "--show takes the number of a scene, not 'two'."),
        (["x" * 5000], "The words have 5,000 characters; at most 4,000 are read."),
    ],
)
def test_what_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    out, err = prep(capsys, *words, status=2)
    assert said in err
    assert out == ""


# ------------------------------------------------------------------ stopped and sent on


@pytest.fixture
def accepted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Batch:
    """Have a session of two scenes accepted by a process that stops before it writes one."""
    batches: list[Batch] = []

    async def stop(_self: PrepWork, batch: Batch) -> None:
        batches.append(batch)

    with monkeypatch.context() as patched:
        patched.setattr(PrepWork, "_write", stop)
        prep(capsys, "--scenes", "2", "--at", "02:00")
    return batches[0]


def test_what_is_accepted_waits_for_its_time_or_for_resume(capsys: pytest.CaptureFixture[str], accepted: Batch) -> None:
    assert 0 < accepted.begins - time.time() <= 24 * 3600
    assert "0 of 2 scenes are ready." in prep(capsys, "--status")[0]
    assert "are not ready yet: `fablewright prep` goes on" in prep(capsys, "--scenes", "5", status=2)[1]
    assert "0 of 2 scenes are ready; paused." in prep(capsys, "--pause")[0]
    assert session(capsys, "--resume")["done"] == 2


@pytest.mark.usefixtures("accepted")
def test_what_is_called_off_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "0 of 2 scenes are ready, 2 called off." in prep(capsys, "--cancel")[0]
    assert "There is nothing to go on with" in prep(capsys, "--resume", status=2)[1]
    assert "Scene 1, First encounter" in prep(capsys, "--show", "1", status=2)[1]


# ------------------------------------------------------------------ processes


def started(data_dir: Path, *words: str) -> subprocess.Popen[str]:
    """Begin a process in which Ctrl-C works also when the tests were begun in the background."""
    restored = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return subprocess.Popen(
        [sys.executable, "-c", f"{restored}; from fablewright.__main__ import main; main()", "prep", *words],
        env={**os.environ, "FABLEWRIGHT_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_said(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"it never said {words!r}")


def test_killed_and_stopped_while_they_write_others_go_on_and_each_scene_is_there_once(
    capsys: pytest.CaptureFixture[str], data_dir: Path
) -> None:
    dice = random.Random(11)
    first = started(data_dir, "--scenes", "8")
    until_said(first, "1 of 8")
    time.sleep(dice.random() * 0.1)
    first.kill()
    first.communicate()
    second = started(data_dir)
    until_said(second, " of 8")
    time.sleep(dice.random() * 0.1)
    second.send_signal(signal.SIGINT)
    _, err = second.communicate(timeout=20)
    before = {scene["number"]: scene["answer"] for scene in session(capsys, "--status")["scenes"] if scene["answer"]}
    assert before
    if second.returncode:  # it may have been through
        assert second.returncode == 130
        assert "`fablewright prep` goes on; what is ready stays." in err
    with sqlite3.connect(data_dir / "work.sqlite") as connection:  # a minute passes: what they were at is free again
        connection.execute("UPDATE jobs SET until = 0")
    connection.close()
    found = session(capsys, *(["--resume"] if second.returncode else ["--status"]))
    assert found["done"] == found["scenes_wanted"] == 8
    for scene in found["scenes"]:
        assert scene["answer"] == before.get(scene["number"], scene["answer"])
