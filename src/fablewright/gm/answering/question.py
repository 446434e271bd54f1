"""A question, answered with sentences of the notes, or with the news that they do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer, Timings
from fablewright.gm.campaign.recap import gm_recap
from fablewright.gm.questions.question import answer_question
from fablewright.gm.questions.session_log import LOG_SEARCHES, asks_for_log, log_lines
from fablewright.gm.scenario_generator import DECLINED
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from fablewright.gm.answering.desk import Asked

__all__ = ["answer_notes_question"]


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
    else:
        lines, cited = answer_question(asked.words, found.documents.passages)
    if not lines:
        said = Line("Your notes do not say: there is nothing about this in them.", Origin.INVENTED)
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
