"""``fablewright prep``: has a session prepared, shows how far it is and what is ready, and stops it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.entry import assemble
from fablewright.entry.answering import settle
from fablewright.entry.event_loop import run_loop
from fablewright.entry.interrupt import Interrupted, unless_interrupted
from fablewright.entry.json_output import to_json
from fablewright.entry.prep_work import PrepWork
from fablewright.entry.preparation import (
    NOTHING,
    Session,
    find_session,
    session_data,
    session_page,
    take_to_table,
    topic_of,
)
from fablewright.entry.print_answer import print_answer
from fablewright.entry.safety_net import safety_net
from fablewright.entry.terminal import emit, error_console, notice, output_console, set_up_streams, write
from fablewright.entry.work_queue import work_queue
from fablewright.errors import InvalidInput
from fablewright.gm.orchestrator import LONGEST_REQUEST
from fablewright.gm.preparing.document import document_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Settings
    from fablewright.gm.preparing.accepted import AcceptedScene
    from fablewright.gm.preparing.ports import WorkQueue

__all__ = ["MOST_SCENES", "PrepOrder", "prep"]

What: TypeAlias = Literal["work", "resume", "pause", "cancel", "status", "show"]

MOST_SCENES = 100


@dataclass(frozen=True, slots=True)
class PrepOrder:
    """What was typed.

    Attributes:
        what: To do; ``work``: begin, or go on with what was begun.
        words: What the scenes shall be about; for ``show`` the number of one.
        scenes: How many; None where none were asked for.
        at: A time of day; empty for at once.
    """

    what: What
    words: str = ""
    scenes: int | None = None
    at: str = ""


def prep(settings: Settings, order: PrepOrder, *, as_json: bool) -> int:
    """Do it, and return the exit status.

    Raises:
        InvalidInput: What was typed makes no sense, now or at all.
        FablewrightError: The queue or the log cannot be used.
    """
    set_up_streams(utf_8=as_json or order.what == "show")
    _check(order)
    notes = assemble.open_notes(settings, settings.notes)
    if order.what in ("work", "resume"):
        return run_loop(_work(settings, notes, order, as_json=as_json))
    return run_loop(_tell(settings, notes, order, as_json=as_json))


def _check(order: PrepOrder) -> None:
    if order.scenes is not None and not 1 <= order.scenes <= MOST_SCENES:
        raise InvalidInput(f"--scenes is a number from 1 to {MOST_SCENES}, not {order.scenes}.")
    if len(order.words) > LONGEST_REQUEST:
        raise InvalidInput(f"The words have {len(order.words):,} characters; at most {LONGEST_REQUEST:,} are read.")
    if order.what != "work" and (order.scenes is not None or order.at or (order.words and order.what != "show")):
        raise InvalidInput(f"--{order.what} is for the session that is prepared already: it takes nothing else.")
    if order.what == "show" and order.words and not order.words.isdecimal():
        raise InvalidInput(f"--show takes the number of a scene, not {order.words[:40]!r}.")


# ------------------------------------------------------------------ what is there


async def _tell(settings: Settings, notes: Notes, order: PrepOrder, *, as_json: bool) -> int:
    """Show the session, or stop it; nothing is written."""
    async with (
        assemble.remembering(settings, notes) as bus,
        work_queue(settings) as queue,
        safety_net(settings) as net,
    ):
        topic = await topic_of(bus, notes, timeout=settings.timeout)
        late = await net.late()
        session = await _session(queue, topic, late)
        if order.what == "pause":
            await queue.pause(session.batch.id)
        elif order.what == "cancel":
            await queue.cancel(session.batch.id)
        elif order.what == "show" and order.words:
            answer = await take_to_table(bus, session, int(order.words), timeout=settings.timeout)
            print_answer(answer, as_json=as_json)
            await settle(bus)
            return 0
        session = await _session(queue, topic, late)
    if order.what == "show" and not as_json:
        scenes = (*session.scenes, *session.late)
        emit(document_of(session.batch.words or f"What may come: {notes.label}", scenes))
    else:
        _show(session, as_json=as_json)
    return 0


async def _session(queue: WorkQueue, topic: str, late: Sequence[AcceptedScene]) -> Session:
    session = await find_session(queue, topic, late)
    if session is None:
        raise InvalidInput(NOTHING)
    return session


def _show(session: Session, *, as_json: bool) -> None:
    if as_json:
        emit(to_json(session_data(session)) + "\n")
        return
    console = output_console()
    write(console, session_page(session, console))


# ------------------------------------------------------------------ the work


async def _work(settings: Settings, notes: Notes, order: PrepOrder, *, as_json: bool) -> int:
    """Begin or go on, until all scenes have an outcome, somebody says pause, or Ctrl-C."""
    status = 0
    async with work_queue(settings) as queue, assemble.assistant(settings, notes) as bus:
        topic = await topic_of(bus, notes, timeout=settings.timeout)
        with _telling() as tell:
            doing = PrepWork(settings, bus, queue, topic, tell)
            try:
                if order.what == "resume":
                    await unless_interrupted(doing.resume())
                else:
                    await unless_interrupted(doing.go(order.words, order.scenes, order.at))
            except Interrupted:
                status = 130
        session = await find_session(queue, topic)
    if session is None or (status and not session.progress.left):  # stopped before anything was accepted
        notice("Stopped; nothing was begun.")
        return status
    _show(session, as_json=as_json)
    if session.progress.left:
        notice("`fablewright prep` goes on; what is ready stays.", style="dim")
    else:
        notice("`fablewright prep --show` is all of it as Markdown, `--show 1` one scene to play.", style="dim")
    return status or (0 if session.progress.done or session.progress.left else 3)


@contextlib.contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """Say how far it is: on a terminal on one line that changes, else a line each time that it does."""
    console = error_console()
    if console.is_terminal:
        with console.status("") as status:
            yield status.update
        return
    said = ""

    def tell(text: str) -> None:
        nonlocal said
        if text != said:
            notice(text, style="dim")
        said = text

    yield tell
