"""The campaign's log in a conversation: shown, written to, taken back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.answer import Answer
from fablewright.gm.campaign.events import Fact, plain
from fablewright.gm.campaign.history import history
from fablewright.gm.campaign.log_line import line_of
from fablewright.gm.campaign.memory import TakeBack
from fablewright.gm.campaign.said import fact_said, is_understood
from fablewright.gm.reading.name_key import name_key
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.campaign.events import Event
    from fablewright.gm.campaign.memory import Logged, Recalled

__all__ = ["BACK", "answer_log", "answer_undo", "logged_lines"]

BACK = "`undo` takes it back"

_ADD = re.compile(
    r"^\W*(?:please )?(?:log(?: that| add)?|remember(?: that)?|note(?: down)?(?: that)?|write down(?: that)?)\b[\s:,]*"
    r"(?P<said>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
_SHOW = re.compile(r"^\W*(?:show |read |open )?(?:me )?(?:the |our |my )?(?:campaign )?log\W*$", re.IGNORECASE)
_PLAYED = re.compile(
    r"^\W*(?:we |they )?(?:have )?(?:just )?(?:played|ran|finished)(?: (?:it|that|this|the scene))?\W*$", re.IGNORECASE
)
_UNDO = re.compile(
    r"^\W*(?:undo|take (?:that|this|it) back|revert)(?:\s+(?:that|this|it|the last(?: one)?))?\W*(?P<id>.*)$",
    re.IGNORECASE,
)
_SHOWN = 30
"""Lines of the log that are shown; the document has all."""


async def answer_log(asked: Asked) -> Answer:
    """Show the log, or put into it what the words tell.

    Raises:
        InvalidInput: There is nothing to put into it.
    """
    if _SHOW.match(asked.words):
        return await _shown(asked)
    match = _ADD.match(asked.words)
    said = match["said"] if match else asked.words
    recalled = await asked.recall(with_scene=True)
    if recalled.found is None:
        return Answer("log", "failed", missing=recalled.missing)
    fact, remark = _fact(said, recalled.found)
    logged, missing = await asked.log((fact,))
    lines = (*logged_lines(logged), *remark)
    return Answer("log", "failed" if missing else "answered", lines=lines, generation_method="rules", missing=missing)


async def answer_undo(asked: Asked) -> Answer:
    """Take back what was logged last, or the event that the words name.

    Raises:
        InvalidInput: There is nothing to take back, or no such event.
    """
    match = _UNDO.match(asked.words)
    wanted = match["id"] if match else asked.words
    logged, missing = await asked.remember(TakeBack(wanted.strip(" .^!")))
    if logged is None:
        return Answer("undo", "failed", missing=missing)
    lines = [_from_log(f"Taken back: {_described(event)}", event) for event in logged.about]
    lines.append(Line(f"`undo {logged.events[0].batch}` has it back.", Origin.BY_RULE))
    return Answer("undo", "answered", lines=tuple(lines), generation_method="rules")


def logged_lines(logged: Logged | None) -> tuple[Line, ...]:
    """Return what was put into the log, and how to take it back."""
    if logged is None:
        return ()
    lines = [_from_log(f"Logged: {line_of(event.fact)}", event) for event in logged.events]
    lines[-1] = replace(lines[-1], text=f"{lines[-1].text} ({BACK})")
    return tuple(lines)


async def _shown(asked: Asked) -> Answer:
    recalled = await asked.recall(with_log=True, with_scene=True)
    if recalled.found is None:
        return Answer("log", "failed", missing=recalled.missing)
    events = history(recalled.found.log)
    lines = [_from_log(f"{event.on}: {line_of(event.fact)}", event) for event in events[-_SHOWN:]]
    if len(events) > _SHOWN:
        lines.insert(0, Line(f"The last {_SHOWN} of {len(events)}; `log --markdown` has all.", Origin.BY_RULE))
    lines += _prepared(recalled.found)
    return Answer("log", "answered", lines=tuple(lines), generation_method="rules")


def _prepared(recalled: Recalled) -> list[Line]:
    """Say what is prepared and not played, or that nothing is in the log yet."""
    scene = recalled.prepared
    title = plain(scene.title) if scene else ""
    if title and name_key(title) not in recalled.state.played:
        return [
            Line(
                f"Prepared, not played: {title}. `choose 1` plays it out, `log add played` says that you have.",
                Origin.BY_RULE,
            )
        ]
    if not recalled.state.length:
        return [Line('Nothing is in the log yet. `log add "Met Ilse at the mill"` puts something in.', Origin.BY_RULE)]
    return []


def _fact(said: str, recalled: Recalled) -> tuple[Fact, tuple[Line, ...]]:
    if _PLAYED.match(said):
        if recalled.prepared is None:
            raise InvalidInput('No scene was asked for; write which one was played: "played The Toll Hall".')
        return Fact("played", plain(recalled.prepared.title)), ()
    if not plain(said):
        raise InvalidInput('Write what happened: "Met Ilse at the mill".')
    fact = fact_said(said, recalled.state)
    if is_understood(fact, said):
        return fact, ()
    kept = "Kept track of is what begins with Met, Dead, Alive, Visited, Promise, Clock, Loot or Spent and a colon."
    return fact, (Line(kept, Origin.BY_RULE),)


def _described(event: Event) -> str:
    return "an undo" if event.fact.kind == "undo" else line_of(event.fact)


def _from_log(text: str, event: Event) -> Line:
    return Line(text, Origin.FROM_LOG, secret=event.fact.secret)
