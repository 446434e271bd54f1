"""Asks the real assistant: each question out of its own part of the corpus, for its own party and rules."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.answers.marks import Marks, mark
from fablewright.entry.answering import ask_once
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import Settings
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.rules.party import parse_party

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.answers.questions import Question
    from fablewright.entry.assemble import Notes
    from fablewright.gm.answer import Answer

__all__ = ["ask_all"]

_TIMEOUT = 60.0
"""Seconds; what is measured is how long it took, not whether that was in time."""


async def ask_all(questions: Iterable[Question], corpus: Path, work: Path, *, seed: int = 1) -> list[Marks]:
    """Ask every question twice, the second time with everything warm, and return the marks in the order given.

    Args:
        questions: What to ask; those that share folders and rules share an assistant.
        corpus: The folder that the questions' folders and files are inside of.
        work: An empty folder for copies of the notes and their indexes.
        seed: For what is left to chance.
    """
    listed = list(questions)
    groups: dict[tuple[tuple[str, ...], str], list[Question]] = defaultdict(list)
    for question in listed:
        groups[tuple(sorted(question.folders)), question.rules].append(question)
    marks: dict[str, Marks] = {}
    for number, ((folders, rules), group) in enumerate(groups.items()):
        notes_at = _notes(corpus, folders, work / f"notes{'-'.join(folders)}")
        settings = Settings(notes=(notes_at,), rules=rules, timeout=_TIMEOUT, data_dir=work / f"data{number}")
        notes = open_notes(settings)
        for _ in notes.read():
            pass
        async with assistant(settings, notes) as bus:
            for question in group:
                request = HandleRequest(question.words, party=parse_party(question.party), seed=seed)
                await ask_once(bus, request, timeout=_TIMEOUT)
                started = time.perf_counter()
                answer = await ask_once(bus, request, timeout=_TIMEOUT)
                took = 1000 * (time.perf_counter() - started)
                marks[question.name] = mark(question, answer, took, tuple(_not_there(answer, notes)))
    return [marks[question.name] for question in listed]


def _notes(corpus: Path, folders: tuple[str, ...], target: Path) -> Path:
    """Copy the folders beside each other, since notes are named by their path inside the folder of notes."""
    if not target.exists():
        for folder in folders or sorted(each.name for each in corpus.iterdir() if each.is_dir()):
            shutil.copytree(corpus / folder, target / folder)
    return target


def _not_there(answer: Answer, notes: Notes) -> list[str]:
    """Return the citations whose text is not in the file at that place."""
    return [
        passage.place
        for passage in answer.citations
        if notes.source.read(passage.file).text[passage.start : passage.end] != passage.text
    ]
