"""What happened so far, for the GM or safe for the players."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer, Timings
from fablewright.gm.campaign.leak import suspicious, telling_words
from fablewright.gm.campaign.recap import gm_recap, players_recap
from fablewright.gm.reading.statements import statements
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.campaign.recap import Told
    from fablewright.gm.reading.statements import Statement

__all__ = ["answer_recap"]

_FOR_PLAYERS = re.compile(r"\bplayers?\b|\bplayer-safe\b", re.IGNORECASE)
_EMPTY = "Nothing has happened yet, by your log."
_LOOKED_AT = 40
"""Passages that are looked at for secrets that a sentence touches."""


async def answer_recap(asked: Asked) -> Answer:
    """Tell what the log has; for the players only what they have seen, and nothing that the notes keep secret."""
    recalled = await asked.recall(with_log=True)
    if recalled.found is None:
        return Answer("recap", "failed", missing=recalled.missing)
    if not _FOR_PLAYERS.search(asked.words):
        return _answer(gm_recap(recalled.found.log))
    told = players_recap(recalled.found.log)
    started = asked.ctx.now
    safe, missing = await _safe(asked, told)
    if safe is None:
        return Answer("recap", "failed", missing=missing)
    return _answer(safe, missing, Timings(retrieve_ms=1000 * (asked.ctx.now - started)))


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

    A sentence is looked up in the notes. Each of its words that only secret ones of what is found have is looked up
    by itself: if no open sentence has it either, the sentence is held back.
    """
    safe: list[Told] = []
    open_words: set[str] = set()
    held = 0
    for each in told:
        said = " ".join(each.said)
        near = await _near(asked, said)
        if near is None:
            return None, (
                "A recap for the players is checked against your notes' secrets; they cannot be searched now.",
            )
        open_words.update(word for s in near if not s.secret for word in telling_words(s.text))
        leaks = False
        for word in suspicious(said, near, open_words).values():
            about = await _near(asked, word)
            leaks = leaks or about is None or bool(suspicious(word, about, open_words))
        held += leaks
        if not leaks:
            safe.append(each)
    lines = "line was" if held == 1 else "lines were"
    return safe, (f"{held} {lines} held back that your notes keep secret; `recap` has all.",) if held else ()


async def _near(asked: Asked, said: str) -> list[Statement] | None:
    found = await asked.look_up(said, most=_LOOKED_AT)
    if found.documents is None or not found.documents.complete:
        return None
    return statements(list(found.documents.passages))
