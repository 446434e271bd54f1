"""How the assistant is doing, and what can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, RequestFailed
from fablewright.gm.answer import Answer
from fablewright.gm.grounding import reserve
from fablewright.gm.haystack_pipeline import DescribeNotes, HaystackPipeline
from fablewright.gm.scene.scenario import Line, Origin
from fablewright.gm.small_talk import EXAMPLES

if TYPE_CHECKING:
    from fablewright.gm.answering.desk import Asked

__all__ = ["answer_help", "answer_status"]


async def answer_help(_asked: Asked) -> Answer:
    """Show what can be asked."""
    return Answer("help", "answered", lines=EXAMPLES, generation_method="rules")


async def answer_status(asked: Asked) -> Answer:
    """Say how the notes are doing."""
    ctx = asked.ctx
    lines = [Line("The assistant is up.", Origin.BY_RULE)]
    try:
        notes = await ctx.ask(HaystackPipeline.name, DescribeNotes(), timeout=1.0, keep=reserve(ctx.remaining))
    except (RequestFailed, ContractViolation) as error:
        return Answer("status", "degraded", lines=tuple(lines), missing=(f"Your notes: {error}",))
    state = "being read" if notes.reading else "ready"
    lines.append(Line(f"Your notes are {state}: {notes.files} files.", Origin.BY_RULE))
    lines += [Line(f"Skipped {report.name}: {report.remark}", Origin.BY_RULE) for report in notes.skipped]
    missing = (notes.problem,) if notes.problem else ()
    return Answer("status", "degraded" if missing else "answered", lines=tuple(lines), missing=missing)
