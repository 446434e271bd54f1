"""A question, answered with sentences of the notes, or with the news that they do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer, Timings
from fablewright.gm.campaign.recap import gm_recap
from fablewright.gm.questions.asked import stems
from fablewright.gm.questions.compound import answer_parts
from fablewright.gm.questions.contradictions import contradictions
from fablewright.gm.questions.secrets import asks_for_secrets, secret_lines
from fablewright.gm.questions.session_log import LOG_SEARCHES, asks_for_log, log_lines
from fablewright.gm.scenario_generator import DECLINED
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.reading.notes import Passage

__all__ = ["answer_notes_question"]

_NOTHING = "Your notes do not say: there is nothing about this in them."
_NO_LOG = "Nothing has happened yet by your campaign's log, and your notes have no log of such a session."


async def answer_notes_question(asked: Asked) -> Answer:
    """Quote what the notes say."""
    if not asked.use_rag:
        return Answer("question", "failed", missing=(f"{DECLINED} Only they could answer this.",))
    found = await asked.look_up(asked.words, most=2 * asked.max_docs)
    timings = Timings(retrieve_ms=found.took_ms)
    missing = found.missing
    if found.documents is None:
        return Answer("question", "failed", missing=missing, timings=timings)
    if asks_for_log(asked.words):
        so_far = await _so_far(asked)
        logs = [await asked.look_up(query, most=50, filters=wanted) for query, wanted in LOG_SEARCHES]
        lines, cited = log_lines(asked.words, [p for log in logs if log.documents for p in log.documents.passages])
        lines = (*so_far, *lines)
    elif asks_for_secrets(asked.words) and (kept := secret_lines(asked.words, found.documents.passages))[0]:
        lines, cited = kept
    else:
        answered = answer_parts(asked.words, found.documents.passages)
        unsaid = tuple(Line(f"Your notes do not say: {part}", Origin.INVENTED) for part in answered.unsaid)
        lines, cited = (*answered.lines, *unsaid) if answered.lines else (), answered.cited
        lines, cited = _with_contradictions(asked.words, lines, cited, found.documents.passages)
    if not lines:
        text = _NO_LOG if asks_for_log(asked.words) else _NOTHING
        said = Line(text, Origin.INVENTED)
        return Answer("question", "abstained", lines=(said,), missing=missing, timings=timings)
    return Answer(
        want="question",
        status="degraded" if missing else "answered",
        lines=lines,
        citations=cited,
        used_rag=bool(cited),
        generation_method="quoted" if cited else "log",
        missing=missing,
        timings=timings,
    )


async def _so_far(asked: Asked) -> tuple[Line, ...]:
    """Return what the campaign's own log has to say to "what happened last session?"; the notes' follows."""
    recalled = await asked.recall(with_log=True)
    log = recalled.found.log if recalled.found else ()
    return tuple(Line(told.text, Origin.FROM_LOG, secret=told.secret) for told in gm_recap(log))


def _with_contradictions(
    words: str, lines: tuple[Line, ...], cited: tuple[Passage, ...], passages: Sequence[Passage]
) -> tuple[tuple[Line, ...], tuple[Passage, ...]]:
    """Add what the notes contradict each other in, where that is asked about or one side of it was answered."""
    there = stems(words)
    said = {line.text for line in lines}
    every = list(cited)
    added: list[Line] = []
    for found in contradictions(passages) if lines else ():
        both = (found.first, found.second)
        if not stems(found.first.subject) & there or not any(claim.text in said for claim in both):
            continue
        every += [claim.passage for claim in both if claim.passage not in every]
        sources = tuple(dict.fromkeys(every.index(claim.passage) for claim in both))
        added.append(Line(found.text, Origin.FROM_NOTES, sources, any(claim.secret for claim in both)))
    return (*lines, *added), tuple(every)
