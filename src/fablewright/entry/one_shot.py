"""``fablewright scene``, ``ask``, ``choose``, ``recap --players``: one request, one answer by the deadline, and out."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fablewright.entry import assemble
from fablewright.entry.answering import answer_in_time, settle
from fablewright.entry.event_loop import run_loop
from fablewright.entry.interrupt import Interrupted, unless_interrupted
from fablewright.entry.no_notes import has_notes, nothing_readable
from fablewright.entry.print_answer import print_answer
from fablewright.entry.prose import print_piece, prose_below
from fablewright.entry.safety_net import safety_net
from fablewright.entry.story_file import asking
from fablewright.entry.terminal import clean, error_console, notice, set_up_streams
from fablewright.errors import InvalidInput
from fablewright.gm.answering.fight_wish import NO_WISH
from fablewright.gm.orchestrator import LONGEST_REQUEST, HandleRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Loaded, Settings
    from fablewright.entry.invocation import Invocation
    from fablewright.entry.story_file import Asking
    from fablewright.gm.answer import Answer, Want
    from fablewright.gm.answering.fight_wish import FightWish
    from fablewright.gm.reading.notes import FileReport
    from fablewright.gm.scene.wishes import Wishes
    from fablewright.gm.writer import Prose
    from fablewright.runtime.bus import Bus

__all__ = ["answer_one", "one_shot", "waiting_for"]

RESERVE = 0.15
"""Seconds of the time-out that are kept for printing and leaving."""


def one_shot(  # noqa: PLR0913 - a request has so many parts
    invocation: Invocation,
    loaded: Loaded,
    want: Want,
    words: str,
    *,
    use_rag: bool,
    as_json: bool,
    roll: int | None = None,
    wishes: Wishes | None = None,
    fight: FightWish = NO_WISH,
) -> int:
    """Answer one request, print the answer, and return the exit status.

    Raises:
        InvalidInput: The request is empty or too long, or the notes folder is none.
    """
    set_up_streams(utf_8=as_json)
    request = replace(_request(loaded, want, words, use_rag=use_rag), fight=fight)
    # Into a pipe or file goes one answer, with what came in time; on a terminal prose comes below the scene.
    request = replace(request, wishes=wishes or request.wishes, prose=as_json or not sys.stdout.isatty())
    if roll is not None:
        request = replace(request, roll=roll)
    return _run(invocation, loaded, request, partial(print_answer, as_json=as_json))


def answer_one(invocation: Invocation, loaded: Loaded, want: Want, words: str, *, use_rag: bool) -> Answer:
    """Answer one request and return the answer, for whoever has more to do with it than to print it.

    Raises:
        InvalidInput: As ``one_shot``.
    """
    answers: list[Answer] = []
    _run(invocation, loaded, _request(loaded, want, words, use_rag=use_rag), lambda answer, _: answers.append(answer))
    return answers[0]


def _request(loaded: Loaded, want: Want, words: str, *, use_rag: bool) -> HandleRequest:
    if not words.strip():
        raise InvalidInput('The request is empty: write what you need, such as "the first encounter".')
    if len(words) > LONGEST_REQUEST:
        raise InvalidInput(f"The request has {len(words):,} characters; at most {LONGEST_REQUEST:,} are read.")
    return HandleRequest(words, want=want, use_rag=use_rag, seed=loaded.settings.seed)


def _run(invocation: Invocation, loaded: Loaded, request: HandleRequest, show: Callable[[Answer, Asking], None]) -> int:
    settings = loaded.settings
    notes = assemble.open_notes(settings, settings.notes)
    deadline = invocation.started + settings.timeout - RESERVE
    return run_loop(_answer(settings, notes, request, deadline, show))


async def _answer(
    settings: Settings, notes: Notes, request: HandleRequest, deadline: float, show: Callable[[Answer, Asking], None]
) -> int:
    skipped: dict[str, FileReport] = {}  # by name: the notes may be looked at twice
    with waiting_for(notes.label) as (progress, done):

        def on_report(report: FileReport) -> None:
            progress(report)
            if report.outcome == "skipped":
                skipped[report.name] = report

        async with assemble.assistant(settings, notes, on_report=on_report) as bus, safety_net(settings) as net:
            with asking(request.words) as asked:
                answer = await answer_in_time(bus, request, remaining=deadline - time.monotonic(), ask=net.ask)
            if request.use_rag and not answer.used_rag and not has_notes(notes):
                answer = replace(answer, missing=(nothing_readable(notes), *answer.missing))
            done()
            show(answer, asked)  # before the agents are stopped: nobody at the table waits for that
            await settle(bus)
            if skipped:
                notice(_skipped(list(skipped.values())))
            if not request.prose:
                with contextlib.suppress(Interrupted):  # she has what she needs
                    await unless_interrupted(_prose(bus, answer, request, settings.model_timeout))
            return 3 if answer.status == "failed" else 0


async def _prose(bus: Bus, answer: Answer, request: HandleRequest, timeout: float) -> None:
    async def show(answer: Answer, prose: Prose) -> None:
        print_piece(answer, prose)

    await prose_below(bus, answer, request, timeout=timeout, show=show)


def _skipped(reports: Sequence[FileReport]) -> str:
    first = f"{reports[0].name}: {reports[0].remark}"
    if len(reports) == 1:
        return f"One of your notes was skipped: {first}"
    return f"{len(reports)} of your notes were skipped, `fablewright index` lists them; the first is {first}"


@contextlib.contextmanager
def waiting_for(label: str) -> Iterator[tuple[Callable[[FileReport], None], Callable[[], None]]]:
    """Say on a terminal what is being waited for, until the second of the two functions is called."""
    console = error_console()
    if not console.is_terminal:
        yield (lambda _report: None), (lambda: None)
        return
    name = clean(label)
    read = 0

    def on_report(report: FileReport) -> None:
        nonlocal read
        read += report.outcome == "read"
        if read:
            status.update(f"Reading {name}: {read} files …")

    with console.status(f"Looking into {name} …") as status:
        yield on_report, status.stop
