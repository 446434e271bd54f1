"""What happened so far, for the GM or safe for the players."""

from __future__ import annotations

import glob
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer, Timings
from fablewright.gm.answering.limits import within_limits
from fablewright.gm.answering.question import answer_notes_question
from fablewright.gm.campaign.leak import suspicious
from fablewright.gm.campaign.recap import gm_recap, players_recap
from fablewright.gm.questions.session_log import asks_for_log
from fablewright.gm.reading.leaks import leaks, secrets_in
from fablewright.gm.reading.whole_file import statements_of_file
from fablewright.gm.scene.note_kind import file_title
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.campaign.recap import Told
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement

__all__ = ["answer_recap"]

_FOR_PLAYERS = re.compile(r"\bplayers?\b|\bplayer-safe\b", re.IGNORECASE)
_ONE_SESSION = re.compile(r"\bsession\W{0,3}(?:\d|zero|one|two|three)", re.IGNORECASE)
_EMPTY = "Nothing has happened yet, by your log."
_HELD = "{1} {0} held back that your notes keep secret; `recap` has all."
_LOOKED_AT = 40
"""Passages that are looked at for secrets that a sentence touches."""


async def answer_recap(asked: Asked) -> Answer:
    """Tell what the log has; for the players only what they have seen, and nothing that the notes keep secret.

    Of a session that is numbered, and where nothing is logged yet, the notes' own session logs tell.
    """
    recalled = await asked.recall(with_log=True)
    if recalled.found is None:
        return Answer("recap", "failed", missing=recalled.missing)
    if not recalled.found.log or _ONE_SESSION.search(asked.words):
        noted = await _out_of_notes(asked)
        if noted is not None:
            return noted
    if not _FOR_PLAYERS.search(asked.words):
        return _answer(gm_recap(recalled.found.log))
    told = players_recap(recalled.found.log)
    started = asked.ctx.now
    safe, missing = await _safe(asked, told)
    if safe is None:
        return Answer("recap", "failed", missing=missing)
    return _answer(safe, missing, Timings(retrieve_ms=1000 * (asked.ctx.now - started)))


async def _out_of_notes(asked: Asked) -> Answer | None:
    """Return what the GM's own session notes tell, where the log has nothing of it; None where they tell nothing."""
    if not asked.use_rag:
        return None
    words = asked.words
    if not asks_for_log(words):
        words = f"recap of the last session{' for the players' if _FOR_PLAYERS.search(words) else ''}"
    answer = await within_limits(answer_notes_question, replace(asked, words=words))
    if not answer.citations:
        return None
    if not _FOR_PLAYERS.search(words):
        return replace(answer, want="recap")
    safe = [line for line in answer.lines if not line.secret and not await _tells_a_secret(asked, line.text)]
    held = len(answer.lines) - len(safe)
    told = replace(answer, want="recap", lines=tuple(safe))
    if not held:
        return told
    said = _HELD.format("line was" if held == 1 else "lines were", held)
    return replace(told, status="degraded", missing=(*answer.missing, said))


async def _tells_a_secret(asked: Asked, text: str) -> bool:
    """Return whether a sentence says what the notes keep secret somewhere else; also where they cannot be searched."""
    found = await asked.look_up(text, most=_LOOKED_AT)
    return found.documents is None or bool(leaks(text, secrets_in(found.documents.passages)))


def _answer(told: Iterable[Told], missing: tuple[str, ...] = (), timings: Timings = Timings()) -> Answer:  # noqa: B008 - frozen
    lines = tuple(Line(each.text, Origin.FROM_LOG, secret=each.secret) for each in told)
    lines = lines or (Line(_EMPTY, Origin.FROM_LOG),)
    return Answer(
        "recap",
        "degraded" if missing else "answered",
        lines=lines,
        generation_method="log",
        missing=missing,
        timings=timings,
    )


async def _safe(asked: Asked, told: Iterable[Told]) -> tuple[list[Told] | None, tuple[str, ...]]:
    """Return the sentences that give no secret of the notes away; None when that cannot be checked.

    A sentence is looked up in the notes, and the files in which something was found are read as a whole. Each of its
    words that only secrets have there is looked up by itself: if no open sentence has it either, the sentence is held
    back.
    """
    safe: list[Told] = []
    held = 0
    notes = _Notes(asked)
    try:
        for each in told:
            said = " ".join(each.said)
            await notes.read_about(said)
            for word in suspicious(said, notes.statements).values():
                await notes.read_about(word)
            if suspicious(said, notes.statements):
                held += 1
            else:
                safe.append(each)
    except _NotSearched:
        return None, ("A recap for the players is checked against your notes' secrets; they cannot be searched now.",)
    lines = "line was" if held == 1 else "lines were"
    return safe, (f"{held} {lines} held back that your notes keep secret; `recap` has all.",) if held else ()


class _NotSearched(Exception):
    """The notes cannot be searched, or not all of them."""


class _Notes:
    """What was read of the notes so far."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._read: dict[str, list[Passage]] = {}
        self.statements: list[Statement] = []

    async def read_about(self, words: str) -> None:
        """Look words up, and read the files in which something was found."""
        for passage in await self._found(words, {}):
            if passage.file not in self._read:
                wanted = {"file": glob.escape(passage.file)}
                self._read[passage.file] = await self._found(file_title(passage.file), wanted)
            if passage.start not in {each.start for each in self._read[passage.file]}:
                self._read[passage.file].append(passage)  # of a file with more passages than a search returns
        self.statements = [s for passages in self._read.values() for s in statements_of_file(passages)]

    async def _found(self, words: str, filters: dict[str, str]) -> list[Passage]:
        found = await self._asked.look_up(words, most=100 if filters else _LOOKED_AT, filters=filters)
        if found.documents is None or not found.documents.complete:
            raise _NotSearched
        return list(found.documents.passages)
