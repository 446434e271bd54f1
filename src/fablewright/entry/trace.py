"""``fablewright trace``: one request's story as a tree with times, or a list of the latest stories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from fablewright.entry.json_output import to_json
from fablewright.entry.story import Remark, Sent, Story, find_story, is_aside, stories
from fablewright.entry.story_file import read_records
from fablewright.entry.terminal import MAX_WIDTH, clean, emit, hanging, output_console, set_up_streams, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from fablewright.entry.config import Loaded

__all__ = ["trace"]

_MOST_LISTED = 20
_NOTHING = 'Nothing was asked so far. A story begins with `fablewright scene "the first encounter"`.'
_STYLES = {"replied": "green", "cancelled": "yellow", "": "yellow"}  # any other outcome is red
_VERBS = {"told": "tells ", "joined": "joins ", "asked": ""}
_REMARKS = {
    "hedged": "asked a second time",
    "refused": "not asked",
    "cached": "answered out of the cache",
    "breaker": "circuit",
    "dead_letter": "dead letter",
    "crashed": "crashed",
    "restarted": "started again",
    "blocked": "held up the event loop",
}
_BRANCH, _LAST, _PIPE, _BLANK = "├─ ", "└─ ", "│  ", "   "
_TIME = 9  # columns for the time on the left
_IDS_FROM = 100  # columns of a window that has room for message ids


def trace(loaded: Loaded, wanted: str, *, listed: bool, as_json: bool) -> int:
    """Print the story that an id names, the latest one without, or a list; return the exit status.

    Raises:
        InvalidInput: No story has the id, or several have.
    """
    set_up_streams(utf_8=as_json)
    told = [story for story in stories(read_records(loaded.settings.data_dir)) if not is_aside(story)]
    if listed:
        latest = told[: -_MOST_LISTED - 1 : -1]
        if as_json:
            emit(to_json({"stories": [_head(story) for story in latest]}) + "\n")
        else:
            console = output_console()
            write(console, _list(latest, console) if latest else [Text(_NOTHING)])
        return 0
    if not told and not wanted:
        emit(to_json({"stories": []}) + "\n" if as_json else f"{_NOTHING}\n")
        return 0
    story = find_story(told, wanted) if wanted else told[-1]
    if as_json:
        emit(to_json({**_head(story), "parts": [_plain(part) for part in story.parts]}) + "\n")
    else:
        console = output_console()
        write(console, _Page(story, console, wanted).parts())
    return 0


# ------------------------------------------------------------------ for programs


def _head(story: Story) -> dict[str, object]:
    last = story.last
    return {
        "id": story.story_id,
        "at": story.at.isoformat(),
        "asked": story.asked,
        "outcome": last.outcome if last else "",
        "ms": _rounded(story.took),
    }


def _plain(part: Sent | Remark) -> dict[str, object]:
    if isinstance(part, Remark):
        return {"at_ms": _rounded(part.at), "what": part.what, "where": part.where, "detail": part.detail}
    return {
        "at_ms": _rounded(part.at),
        "what": part.how,
        "id": part.message_id,
        "sender": part.sender,
        "to": part.to,
        "action": part.action,
        "attempt": part.attempt,
        "started_ms": _rounded(part.started),
        "finished_ms": _rounded(part.finished),
        "ended_ms": _rounded(part.ended),
        "outcome": part.outcome,
        "why": part.why,
        "parts": [_plain(each) for each in part.after],
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 3)


# ------------------------------------------------------------------ for people


def _list(latest: Sequence[Story], console: Console) -> Iterator[Text]:
    width = min(console.width, MAX_WIDTH)
    widest = max(len(story.story_id) for story in latest)
    for story in latest:
        outcome, style = _outcome(story.last)
        when = f"{story.at.astimezone():%d %b %H:%M:%S}"
        text = Text(f"{story.story_id:<{widest}}  ", "cyan").append(f"{when}  ", "dim")
        text.append(f"{outcome:<9}", style).append(f" {_duration(story.took):>8}  ")
        room = width - text.cell_len
        yield text.append(_cut(_one_line(story.asked), room))


class _Page:
    """One story on one console."""

    def __init__(self, story: Story, console: Console, wanted: str) -> None:
        self._story = story
        self._console = console
        self._width = min(console.width, MAX_WIDTH)
        self._wanted = "" if wanted == story.story_id else wanted
        lines = [cell_len(self._name(message)) + 3 * depth for depth, message in _depths(story.parts)]
        ids = [len(message.message_id) for _, message in _depths(story.parts)]
        self._id_width = max(ids, default=0) + 2 if self._width >= _IDS_FROM else 0
        room = self._width - _TIME - 2 - 20 - self._id_width  # 20: outcome and duration, with their gaps
        self._name_width = min(max(lines, default=0), room)

    def parts(self) -> Iterator[Text]:
        """Yield the lines from top to bottom."""
        story = self._story
        when = f"{story.at.astimezone():%d %b %Y %H:%M:%S}"
        head = Text(_one_line(story.words), "bold") if story.words else Text()
        yield hanging(self._console, "", head) if story.words else head
        yield Text(f"{story.story_id}  {when}", "dim")
        yield Text()
        yield from self._level(story.parts, "")

    def _level(self, every: Sequence[Sent | Remark], lead: str, *, root: bool = True) -> Iterator[Text]:
        # That it was tried again, and why, is told by the attempts themselves.
        parts = [part for part in every if isinstance(part, Sent) or part.what != "retried"]
        for part in parts:
            is_last = part is parts[-1]
            branch, below = ("", "") if root else (_LAST, _BLANK) if is_last else (_BRANCH, _PIPE)
            if isinstance(part, Remark):
                yield self._remark(part, lead + branch, lead + below)
                continue
            yield self._message(part, lead + branch)
            # What is said about it hangs on the line that goes on to what follows.
            for note in self._notes(part):
                open_line = _PIPE if part.after else _BLANK
                yield self._said(note, " " * _TIME + "  " + lead + below + open_line)
            yield from self._level(part.after, lead + below, root=False)

    def _message(self, message: Sent, lead: str) -> Text:
        outcome, style = _outcome(message)
        text = self._time(message.at).append(lead, "dim")
        name = self._name(message)
        mark = self._is_wanted(message)
        text.append(name, "bold" if mark else "")
        gap = _TIME + 2 + self._name_width - text.cell_len
        text.append(" " * gap if gap >= 0 else f"\n{' ' * (_TIME + 2 + self._name_width)}")
        text.append(f"  {outcome:<9}", style).append(f" {_duration(message.took):>7}")
        if self._id_width:
            text.append(f"  {message.message_id}", "bold" if mark else "dim")
        return text

    def _notes(self, message: Sent) -> Iterator[Text]:
        waited = None if message.started is None else message.started - message.at
        if message.why:
            yield Text(clean(message.why), "red" if message.outcome != "cancelled" else "")
        if waited is not None and waited >= 10.0:
            yield Text(f"waited {_duration(waited)} for its turn", "dim")
        if message.started is None and message.outcome and message.how == "asked":
            yield Text("no handler began with it", "dim")
        took = message.took
        if None not in {took, message.finished, message.ended} and _after(message) >= 10.0:
            yield Text(f"its handler went on for another {_duration(_after(message))}", "dim")

    def _remark(self, remark: Remark, lead: str, below: str) -> Text:
        words = _REMARKS.get(remark.what, remark.what)
        where = "" if remark.what == "dead_letter" else f"{remark.where}: " if remark.where else ""
        said = Text(f"{where}{words}", "yellow")
        if remark.detail:
            said.append(f"{' ' if remark.what == 'breaker' else ', '}{_one_line(remark.detail)}")
        return self._said(said, self._time(remark.at).plain + lead, below)

    def _said(self, said: Text, first: str, below: str | None = None) -> Text:
        """Return words behind a piece of the tree, which goes on beside further lines."""
        lines = said.wrap(self._console, max(20, self._width - cell_len(first)))
        out = Text()
        again = first if below is None else " " * (_TIME + 2) + below
        for place, line in enumerate(lines):
            line.rstrip()
            out.append("\n" if place else "").append(again if place else first, "dim").append_text(line)
        return out

    def _time(self, milliseconds: float) -> Text:
        return Text().append(f"{milliseconds / 1000:>{_TIME - 2}.3f} s  ", "dim")

    def _name(self, message: Sent) -> str:
        name = f"{_VERBS[message.how]}{_one_line(message.to)}.{_one_line(message.action)}"
        tried = f"{name}, try {message.attempt}" if message.attempt > 1 else name
        return f"{tried} ◂" if self._is_wanted(message) else tried

    def _is_wanted(self, message: Sent) -> bool:
        return bool(self._wanted) and message.message_id.startswith(self._wanted)


def _depths(parts: Sequence[Sent | Remark], depth: int = 0) -> Iterator[tuple[int, Sent]]:
    for part in parts:
        if isinstance(part, Sent):
            yield depth, part
            yield from _depths(part.after, depth + 1)


def _after(message: Sent) -> float:
    """Return for how many milliseconds its handler went on after the outcome."""
    return 0.0 if message.finished is None or message.ended is None else message.finished - message.ended


def _outcome(message: Sent | None) -> tuple[str, str]:
    """Return the outcome for people, and its style."""
    if message is None:
        return "", ""
    if message.how == "told":
        return ("told", "dim")
    return message.outcome or "open", _STYLES.get(message.outcome, "bold red")


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else f"{set_cell_size(text, max(1, room - 1)).rstrip()}…"


def _duration(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
