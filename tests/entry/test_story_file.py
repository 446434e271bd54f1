"""What is written down, when, and what a bad disk does to it."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.entry import story_file as module
from fablewright.entry.story_file import StoryFile, asking, read_records, story_file
from fablewright.runtime.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def asked(message_id: str = "n-1", at: float = 10.0, **more: Any) -> Event:
    return Event(at, "asked", "shelf", "fetch", message_id, more.pop("story", message_id), **more)


def ended(message_id: str = "n-1", at: float = 10.5, detail: str = "replied") -> Event:
    return Event(at, "ended", "shelf", "fetch", message_id, message_id, detail=detail)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what the thread does."""
    give_up = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.002)


def written(folder: Path, *events: Event) -> None:
    story = StoryFile(folder, wall_clock=lambda: 1_700_000_000.25)
    for event in events:
        story(event)
    story.close()


def test_each_event_is_a_line_in_wall_clock_time_that_says_how_long_after(tmp_path: Path) -> None:
    with asking("the first encounter"):
        written(tmp_path / "data", asked(), ended())
    first, second = story_file(tmp_path / "data").read_text("utf-8").splitlines()
    assert first == (
        '{"at":"2023-11-14T22:13:20.250000Z","what":"asked","to":"shelf","action":"fetch","message_id":"n-1",'
        '"correlation_id":"n-1","words":"the first encounter"}'
    )
    assert second == (
        '{"at":"2023-11-14T22:13:20.250000Z","what":"ended","to":"shelf","action":"fetch","message_id":"n-1",'
        '"correlation_id":"n-1","detail":"replied","ms":500.0}'
    )


def test_words_belong_to_what_no_handler_asked(tmp_path: Path) -> None:
    with asking("words"):
        written(tmp_path, asked(), asked("n-2", story="n-1", causation_id="n-1"))
    written(tmp_path, asked("n-3"))
    assert [record.words for record in read_records(tmp_path)] == ["words", "", ""]


@pytest.mark.parametrize(
    ("event", "wrong"),
    [
        (ended(), False),
        (ended(detail="expired: shelf did not answer"), True),
        (Event(11.0, "refused", "shelf", "fetch", "", "n-1"), True),
        (Event(11.0, "dead_letter", "shelf", "fetch", "n-1", "n-1", detail="late"), True),
        (Event(11.0, "retried", "shelf", "fetch", "n-1", "n-1"), False),
        (ended("n-9", detail="failed: in another story"), False),
    ],
)
def test_who_asked_is_told_the_story_and_whether_anything_went_wrong_in_it(
    event: Event, wrong: bool, tmp_path: Path
) -> None:
    with asking("words") as question:
        written(tmp_path, asked(), event)
    assert (question.story, question.went_wrong) == ("n-1", wrong)


def test_lines_are_there_within_about_a_second_while_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.02)
    story = StoryFile(tmp_path)
    story(asked())
    deadline = time.monotonic() + 10
    while not read_records(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    story.close()


def test_a_large_file_is_put_aside_once_and_both_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    for number in range(50):
        written(tmp_path, asked(f"n-{number}"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["story.jsonl", "story.old.jsonl"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    ids = [record.message_id for record in read_records(tmp_path)]
    assert ids == [f"n-{number}" for number in range(50)][-len(ids) :]
    assert len(ids) >= 8


def test_what_one_second_brings_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    written(tmp_path, *(asked(f"n-{number}") for number in range(50)))
    assert 800 < story_file(tmp_path).stat().st_size <= 1000
    ids = [record.message_id for record in read_records(tmp_path)]
    assert ids == [f"n-{number}" for number in range(50)][-len(ids) :]


def test_what_a_full_disk_does_not_take_is_written_when_there_is_room_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("_PAUSE", "_AGAIN"):
        monkeypatch.setattr(module, pause, 0.01)
    story_file(tmp_path).symlink_to("/dev/full")
    story = StoryFile(tmp_path)
    with caplog.at_level(logging.INFO):
        for number in range(100):
            story(asked(f"n-{number}"))
            time.sleep(0.001)
        until(lambda: "No space left on device" in caplog.text and not story._queue.qsize())
        story_file(tmp_path).unlink()
        until(lambda: "Stories are written down again" in caplog.messages)  # nothing more need happen for that
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    story(asked("later"))
    story.close()
    assert [record.message_id for record in read_records(tmp_path)] == [*(f"n-{n}" for n in range(100)), "later"]


def test_of_what_waits_for_the_disk_the_latest_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("_PAUSE", "_AGAIN"):
        monkeypatch.setattr(module, pause, 0.01)
    monkeypatch.setattr(module, "_MOST_BYTES", 2000)
    tmp_path.joinpath("data").write_text("a file in the folder's place")
    story = StoryFile(tmp_path / "data")
    for number in range(100):
        story(asked(f"n-{number}"))
        until(lambda: not story._queue.qsize())
    tmp_path.joinpath("data").unlink()
    story.close()
    kept = [record.message_id for record in read_records(tmp_path / "data")]
    assert 5 < len(kept) < 20
    assert kept == [f"n-{number}" for number in range(100 - len(kept), 100)]


def test_what_waited_for_the_disk_pushes_out_no_older_stories_for_a_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    story = StoryFile(tmp_path)
    for text in (b"a" * 900 + b"\n", b"b" * 300 + b"\n", b"c" * 900 + b"\n", b"d\n"):
        assert story._append(text) == b""
    older = module._older(story_file(tmp_path))
    assert older.read_bytes()[:1] + story_file(tmp_path).read_bytes()[:1] == b"bd"
    story.close()
    assert older.stat().st_size == 1202  # what was few when it came had room


def test_a_line_of_which_the_disk_took_a_part_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="it is how a disk becomes full in the middle of a line")
    for pause in ("_PAUSE", "_AGAIN"):
        monkeypatch.setattr(module, pause, 0.01)
    story, before = StoryFile(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    for number in range(10):
        story(asked(f"n-{number}"))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
        until(lambda: story_file(tmp_path).exists() and story_file(tmp_path).stat().st_size == 500)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    story.close()
    assert [record.message_id for record in read_records(tmp_path)] == [f"n-{number}" for number in range(10)]


@given(st.lists(st.binary(min_size=1, max_size=5).map(lambda line: line.replace(b"\n", b"-")), max_size=5), st.data())
def test_whatever_part_the_disk_took_each_line_is_there_once_and_whole(lines: list[bytes], data: st.DataObject) -> None:
    text = b"".join(line + b"\n" for line in lines)
    taken = data.draw(st.integers(0, len(text)))
    there = (text[:taken] + module._rest(text, taken)).split(b"\n")
    cut = text[:taken].rpartition(b"\n")[2]
    is_cut = bool(cut) and text[taken : taken + 1] != b"\n"
    assert Counter(there) == Counter([*lines, b"", *([cut] if is_cut else [])])


def test_a_disk_that_hangs_delays_nobody_and_keeps_no_more_than_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(module, "_MOST_WAITING", 100)
    monkeypatch.setattr(module, "_GRACE", 0.05)
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    monkeypatch.setattr(StoryFile, "_append", lambda _self, _text: b"x"[go_on.wait(10) :])
    story = StoryFile(tmp_path)
    began = time.monotonic()
    for _ in range(1000):
        story(asked())
    story.close()
    assert time.monotonic() - began < 2
    assert story._queue.qsize() <= 101
    go_on.set()


def test_lines_that_were_cut_off_and_half_characters_spoil_nothing(tmp_path: Path) -> None:
    with asking("half a \udce9 character"):
        written(tmp_path, asked())
    with story_file(tmp_path).open("ab") as file:
        file.write(b'{"at":"2023-11-14T22:13:20\n\xff\xfe\n[]\n{}\n')
    written(tmp_path, asked("n-2"))
    first, second = read_records(tmp_path)
    assert first.words == "half a ? character"
    assert second.message_id == "n-2"


def test_without_a_file_there_are_no_records(tmp_path: Path) -> None:
    assert read_records(tmp_path / "missing") == []


@pytest.mark.benchmark
def test_an_event_costs_the_loop_a_few_microseconds(tmp_path: Path) -> None:
    story = StoryFile(tmp_path)
    events = [asked(f"n-{number}", causation_id="n-0") for number in range(2000)]
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        for event in events:
            story(event)
        best = min(best, (time.perf_counter() - began) / len(events))
    story.close()
    assert best < 20e-6
