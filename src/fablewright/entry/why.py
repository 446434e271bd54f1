"""``fablewright why``: what one question found in the notes, by which steps, and what became of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.text import Text

from fablewright.entry import assemble
from fablewright.entry.embedders import open_embedder
from fablewright.entry.event_loop import run_loop
from fablewright.entry.json_output import to_json
from fablewright.entry.rerankers import open_reranker, patience
from fablewright.entry.terminal import MAX_WIDTH, clean, emit, notice, output_console, set_up_streams, write
from fablewright.errors import FablewrightError, InvalidInput
from fablewright.gm.embedding import Embedding, EmbedQuery
from fablewright.gm.finding.explanation import explain, search
from fablewright.gm.finding.finder import Finder, QueryVector
from fablewright.gm.finding.reranker import reranked_text
from fablewright.gm.reading.searchable import searchable
from fablewright.gm.reranking import Reranking, RerankTexts
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from fablewright.entry.config import Loaded, Settings
    from fablewright.gm.finding.explanation import Explained, Explanation, Reason, Step
    from fablewright.gm.finding.reranker import Reranker
    from fablewright.gm.reading.ports import Embedder, Vector
    from fablewright.runtime.bus import Bus

__all__ = ["explained", "explanation_data", "why"]

_DROPPED = 3
"""How many of the dropped passages are shown: those that were nearly used."""
_WORDS = {
    "words": "shares words with the question",
    "dense": "is near in meaning",
    "rare": "has its rare words",
    "unique": "has a name that nothing else has",
    "clause": "shares words with one part of it",
    "names": "is called what it names",
    "kind": "is what such a question is about",
    "rule": "is the rule for what happens in it",
    "pin": "is pinned, and called for",
    "state": "speaks of what happened last",
    "chain": "is about somebody whom the first half of it finds",
    "hop": "explains what a find mentions",
    "wanted": "is a stat block of what a find mentions",
    "near": "stands beside a find",
    "rerank": "is among those that the reranker has put in order",
}
_LEAD = re.compile(
    r"\A\ufeff?(?:---\n(?:(?!---)[^\n]*+\n)*+---\n)?(?:\s*(?:#{1,6}[ \t][^\n]*|<!--(?:(?!-->)[^\n])*-->)\n)*"
)
_BAR = 10
"""Columns of the bar that shows a score."""
_MARGIN = 6


def why(loaded: Loaded, question: str, *, as_json: bool) -> int:
    """Search the notes for a question and print why; return the exit status.

    Raises:
        InvalidInput: There is no question, or a folder does not exist.
    """
    set_up_streams(utf_8=as_json)
    if not question.strip():
        raise InvalidInput('Say what to look for, for example: fablewright why "Who is Ambrose Teal?"')
    notes = assemble.open_notes(loaded.settings, loaded.settings.notes)
    try:
        skipped = sum(report.outcome == "skipped" for report in notes.read())
        explanation, remarks = run_loop(explained(loaded.settings, notes, question))
    finally:
        notes.close()
    if as_json:
        emit(to_json(explanation_data(explanation)) + "\n")
    else:
        console = output_console()
        write(console, list(_Page(explanation, console).parts()))
    for remark in remarks:
        notice(remark)
    if skipped:
        notice(f"{skipped} {'file was' if skipped == 1 else 'files were'} skipped; `fablewright index` says why.")
    return 0


async def explained(
    settings: Settings, notes: assemble.Notes, question: str, *, bus: Bus | None = None
) -> tuple[Explanation, list[str]]:
    """Search with all that the settings have, and return why, with what could not be had.

    Args:
        settings: Which models there are.
        notes: Where to search.
        question: A person's words.
        bus: Where the models' agents are up, if they are: they have loaded what has to be loaded, and kept what was
            asked before.

    Raises:
        FablewrightError: The notes cannot be searched.
    """
    remarks: list[str] = []
    threads = Threads(name="why")
    used = 2 * settings.max_docs  # what a question is answered out of
    vector: QueryVector | None = None
    scores: Sequence[float] = ()
    try:
        embedder, reranker = open_embedder(settings, threads), open_reranker(settings, threads)
        if embedder is not None:
            try:
                vector = QueryVector(embedder.model, await _vector(settings, embedder, question, bus))
            except FablewrightError as error:
                remarks.append(f"This search goes without meaning: {error}")
            finally:
                await embedder.close()
        searched = await threads.run(search, question, notes.index, Finder(), most=used + _DROPPED, vector=vector)
        if reranker is not None:
            try:
                texts = tuple(reranked_text(passage) for passage in searched.judged.values())
                scores = await _scores(settings, reranker, RerankTexts(question, texts), bus)
            except FablewrightError as error:
                remarks.append(f"This search goes without the reranker: {error}")
            finally:
                await reranker.close()
    finally:
        threads.close()
    return explain(searched, used=used, dropped=_DROPPED, reranked=scores), remarks


async def _vector(settings: Settings, embedder: Embedder, question: str, bus: Bus | None) -> Vector:
    if bus is None:
        return (await embedder.embed([question], "query"))[0]
    return await bus.ask(Embedding.name, EmbedQuery(question), timeout=settings.rag_request_timeout)


async def _scores(settings: Settings, reranker: Reranker, request: RerankTexts, bus: Bus | None) -> Sequence[float]:
    if bus is None:
        return await reranker.rerank(request.question, request.texts)
    return await bus.ask(Reranking.name, request, timeout=patience(settings))


# ------------------------------------------------------------------ for programs


def explanation_data(explanation: Explanation) -> dict[str, object]:
    """Return an explanation as plain data."""
    return {
        "question": explanation.question,
        "kinds": list(explanation.kinds),
        "steps": [
            {"step": step.name, "looked_for": step.looked_for, "passages": step.count} for step in explanation.steps
        ],
        "passages": [
            {
                "rank": each.rank,
                "file": each.passage.file,
                "heading": list(each.passage.heading),
                "start": each.passage.start,
                "end": each.passage.end,
                "score": round(each.passage.score, 4),
                "used": each.used,
                "why": each.why,
                "found_by": [
                    {
                        "step": reason.step,
                        "rank": reason.rank,
                        "counted": round(reason.counted, 4),
                        "placed": reason.placed,
                    }
                    for reason in each.reasons
                ],
            }
            for each in explanation.passages
        ],
        "dropped": explanation.dropped,
    }


# ------------------------------------------------------------------ for people


class _Page:
    """One explanation on one console."""

    def __init__(self, explanation: Explanation, console: Console) -> None:
        self._told = explanation
        self._width = min(console.width, MAX_WIDTH)
        self._best = max((each.passage.score for each in explanation.passages), default=0.0) or 1.0

    def parts(self) -> Iterator[Text]:
        """Yield the lines from top to bottom."""
        told = self._told
        yield Text(_one_line(told.question), "bold")
        yield Text(f"taken for a question about: {', '.join(told.kinds) or 'nothing in particular'}", "dim")
        yield Text()
        yield from self._steps()
        yield Text()
        if not told.passages:
            yield Text("Nothing was found: none of these words, and no such name, is in your notes.", "yellow")
            return
        first_dropped = True
        for each in told.passages:
            if not each.used and first_dropped:
                first_dropped = False
                yield Text(f"── {told.dropped:,} dropped; the first of them ──", "dim")
                yield Text()
            yield from self._passage(each)

    def _steps(self) -> Iterator[Text]:
        """Yield a line for each step: its name, how many passages it has, what it looked for or does."""
        widest = max((len(step.name) for step in self._told.steps), default=0)
        for step in self._told.steps:
            line = Text(f"  {step.name:<{widest}} ", "cyan").append(f"{step.count:>5,}  ", "bold")
            yield line.append(_cut(self._says(step), self._width - line.cell_len), "dim")

    @staticmethod
    def _says(step: Step) -> str:
        return f"{_WORDS[step.name]}: {_one_line(step.looked_for)}" if step.looked_for else _WORDS[step.name]

    def _passage(self, each: Explained) -> Iterator[Text]:
        """Yield four lines: the place, the beginning of the text, the steps that have it, and a gap."""
        style = "bold" if each.used else "dim"
        head = Text(f"{each.rank:>4}  ", style)
        tail = self._score(each)
        room = self._width - _MARGIN - tail.cell_len - 1
        head.append(f"{_cut_left(_one_line(each.passage.place), room):<{room}} ", style).append_text(tail)
        yield head
        margin = " " * _MARGIN
        yield Text(margin + _cut(_one_line(_body(each.passage.text)), self._width - _MARGIN), "dim")
        yield from self._because(each, margin)
        if each.why != "used":
            yield Text(f"{margin}{each.why}", "green" if each.used else "yellow")
        yield Text()

    def _because(self, each: Explained, margin: str) -> Iterator[Text]:
        """Yield the steps that have a passage, as many to a line as fit."""
        line = Text(margin)
        for reason in each.reasons:
            piece = _because(reason)
            if line.cell_len > len(margin) and line.cell_len + piece.cell_len + 3 > self._width:
                yield line
                line = Text(margin)
            line.append(" · " if line.cell_len > len(margin) else "", "dim").append_text(piece)
        yield line

    def _score(self, each: Explained) -> Text:
        filled = max(1, round(_BAR * each.passage.score / self._best)) if each.passage.score > 0 else 0
        bar = "█" * filled + "░" * (_BAR - filled)
        return Text(bar, "green" if each.used else "dim").append(f" {each.passage.score:5.2f}", "dim")


def _because(reason: Reason) -> Text:
    """Return the step with the rank that it gave, and what that counted or that it gave a place."""
    piece = Text(reason.step, "cyan").append(f" #{reason.rank}", "dim")
    return piece.append(" placed", "magenta") if reason.placed else piece.append(f" +{reason.counted:.2f}", "dim")


def _body(text: str) -> str:
    """Return the plain words of a passage without what its place says already: front matter and headings."""
    return searchable(_LEAD.sub("", text, count=1)) or searchable(text)


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(0, room - 1)].rstrip()}…"


def _cut_left(text: str, room: int) -> str:
    """Cut a place in front: its innermost heading tells most."""
    return text if len(text) <= room else f"…{text[len(text) - max(0, room - 1) :].lstrip()}"
