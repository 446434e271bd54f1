"""What happened last session: the newest log in the notes, by the number or the date in its title."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.reading.leaks import leaks, secrets_in
from fablewright.gm.reading.statements import statements
from fablewright.gm.scene.note_kind import file_title, is_sheet_title
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["LOG_SEARCHES", "asks_for_log", "log_lines", "session_of"]

LOG_SEARCHES = (("session log recap", {"file": "*session*"}), ("session log recap", {"heading": "session"}))
"""What to search the notes for, with the filters."""

_ASKS = re.compile(
    r"\b(?:last|previous|latest|most recent) (?:session|game|time we played)\b|\blast time\W{0,9}$|"
    r"\bwhere (?:did )?we (?:stop|left|leave|end)|\bwhat (?:has )?happened so far\b|"
    r"\b(?:what happened|recap|summari[sz]e|summary|what did (?:we|they|the party) do)\b.{0,200}"
    r"\bsession (?:\d{1,4}|zero|one|two|three)\b|"
    r"\b(?:recap|summary)\b(?= of (?:the )?(?:last|previous|our) )|"
    r"^\W*(?:please )?(?:recap|summari[sz]e|previously)(?: please| so far| the (?:story|campaign|game)){0,3}\W{0,9}$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\bsession[\W_]{0,3}(\d{1,4}|zero|one|two|three)\b", re.IGNORECASE)
_DATE = re.compile(r"\b(\d{4})[-_. ](\d{2})[-_. ](\d{2})\b")
_WORDS = {"zero": 0, "one": 1, "two": 2, "three": 3}
_MOST_LINES = 12
_FOR_PLAYERS = re.compile(
    r"\b(?:to|for|with) (?:the |my )?(?:players?|party|group|table)\b|\bplayer[- ](?:safe|facing)\b|"
    r"\b(?:no|without) (?:secrets|spoilers)\b|\bspoiler[- ]free\b|\bread (?:out|aloud)\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r"\b(?:players?|party) (?:do|does|did) not know\b|\bunknown to\b", re.IGNORECASE)
_OF_THE_OTHERS = re.compile(r"\b(?:knows?|believes?|plans?|intends?|suspects?|secretly|in truth)\b", re.IGNORECASE)
"""What somebody has in mind is nothing that the players have seen."""


def asks_for_log(question: str) -> bool:
    """Return whether a question is for what happened last session, or in one that it numbers."""
    return _ASKS.search(question) is not None


def log_lines(question: str, passages: Sequence[Passage]) -> tuple[tuple[Line, ...], tuple[Passage, ...]]:
    """Return the entries of the log that is asked for, in their order, and the passages that they stand in."""
    asked = _NUMBER.search(question)
    logs = [(key, passage) for passage in passages if (key := _key(passage)) is not None]
    if asked:
        logs = [(key, passage) for key, passage in logs if key[1] == _number(asked[1])]
    if not logs:
        return (), ()
    if any(key[2] for key, _ in logs):
        logs = [(key, passage) for key, passage in logs if key[2]]  # a plan for a session is no log of it
    newest = max(key for key, _ in logs)
    own = {(p.file, p.start): p for key, p in logs if key == newest}
    cited = sorted(own.values(), key=lambda p: (p.file, p.start))
    said = statements(cited)
    if _FOR_PLAYERS.search(question):
        hidden = {s.block for s in said if s.secret or _UNKNOWN.search(s.text)}
        secrets = [*secrets_in(passages), *(s.text for s in said if s.secret)]
        said = [
            s
            for s in said
            if not (s.secret or s.block in hidden or _OF_THE_OTHERS.search(s.text) or leaks(s.text, secrets))
        ]
    elif len(said) > _MOST_LINES:  # where it ended matters most
        said = [*said[: _MOST_LINES - 2], *said[-2:]]
    lines = [Line(s.text, Origin.QUOTED, (s.passage,), s.secret) for s in said]
    return tuple(lines[:_MOST_LINES]), tuple(cited)


def session_of(passage: Passage) -> tuple[str, int]:
    """Return date and number of the session that a passage is about; the lowest of all when it is about none."""
    key = _key(passage)
    return key[:2] if key else ("", -2)


def _key(passage: Passage) -> tuple[str, int, bool] | None:
    """Return date and number of the session that a passage is about; None when it is about none."""
    titles = (*reversed(passage.heading), file_title(passage.file))
    dated = next((match for title in titles if (match := _DATE.search(title))), None)
    numbered = next((match for title in titles if (match := _NUMBER.search(title))), None)
    if dated is None and numbered is None:
        return None
    is_log = any(map(is_sheet_title, titles))
    return "-".join(dated.groups()) if dated else "", _number(numbered[1]) if numbered else -1, is_log


def _number(said: str) -> int:
    return _WORDS[said.lower()] if said.lower() in _WORDS else int(said)
