"""Asks the orchestrator within the time that is left or until Ctrl-C, and always has an answer."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from fablewright.entry.interrupt import Interrupted, unless_interrupted
from fablewright.errors import DeadlineExceeded, InvalidInput, RemoteError, RequestFailed, UnknownRecipient
from fablewright.gm.answer import Answer
from fablewright.gm.campaign.memory import CampaignMemory, RecallScene
from fablewright.gm.intent import intent_of
from fablewright.gm.orchestrator import Orchestrator
from fablewright.gm.scenario_generator import DECLINED

if TYPE_CHECKING:
    from fablewright.gm.orchestrator import HandleRequest
    from fablewright.runtime.bus import Bus

__all__ = ["LEAST", "Ask", "Attempt", "answer_in_time", "ask_once", "attempt", "cause_of", "settle"]

_log = logging.getLogger(__name__)

LEAST = 0.5
"""Seconds that a scene without notes is given at least, also if the time-out was over before we began."""
_TO_KEEP = 2.0
"""Seconds that a disk may take to keep a scene; the answer is shown already."""
_NO_TIME = "There was no time left to search your notes: give it more with --timeout."
_OF_THE_LOG = frozenset(("choose", "log", "undo", "recap", "status"))
"""What is not asked twice: it may have been done, or only not been told."""
_STOPPED = "You stopped the search: this is written without your notes."


class Ask(Protocol):
    """A way to ask: ``ask_once``, or one with a safety net below it."""

    async def __call__(self, bus: Bus, request: HandleRequest, *, timeout: float) -> Answer:
        """Ask; see ``ask_once``."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of asking once.

    Attributes:
        answer: To be shown; one that says what went wrong where nothing else could be had.
        lost: What kept it from being answered; None where it was.
    """

    answer: Answer
    lost: RequestFailed | None = None


async def ask_once(bus: Bus, request: HandleRequest, *, timeout: float) -> Answer:
    """Ask; one that is too late is answered without notes, one that fails becomes an answer that says so.

    Raises:
        InvalidInput: The request itself makes no sense; the message says why.
    """
    return (await attempt(bus, request, timeout=timeout)).answer


async def answer_in_time(bus: Bus, request: HandleRequest, *, remaining: float, ask: Ask = ask_once) -> Answer:
    """Answer a request; if the notes cannot be searched for lack of time or patience, without them.

    Args:
        bus: With all agents up.
        request: What is asked.
        remaining: Seconds until the answer must be there.
        ask: How it is asked.

    Raises:
        InvalidInput: The request itself makes no sense; the message says why.
    """
    if remaining < LEAST:
        return (await _without_notes(bus, request, LEAST, _NO_TIME)).answer
    try:
        return await unless_interrupted(ask(bus, request, timeout=remaining))
    except Interrupted:
        return (await _without_notes(bus, request, LEAST, _STOPPED)).answer


async def attempt(bus: Bus, request: HandleRequest, *, timeout: float) -> Attempt:
    """Ask as ``ask_once`` does, and say what went wrong; raises the same."""
    try:
        return Attempt(await bus.ask(Orchestrator.name, request, timeout=timeout))
    except DeadlineExceeded as error:  # a machine so busy that not even the time kept for writing was enough
        if request.use_rag and (request.want or intent_of(request.words)) not in _OF_THE_LOG:
            return await _without_notes(bus, request, LEAST, _NO_TIME)
        return Attempt(_failed(request, error), error)
    except RequestFailed as error:
        cause = cause_of(error)
        if isinstance(cause, InvalidInput):
            raise cause from error
        if isinstance(cause, RemoteError) or not isinstance(cause, RequestFailed):
            # A fault of ours; who looks into it needs the traceback. That an agent is not there is none.
            _log.error("No answer to %r", request, exc_info=error)
            cause = error
        return Attempt(_failed(request, cause), error)


def cause_of(error: BaseException) -> BaseException:
    """Return what an agent raised, over however many hops that came; the error itself where none did."""
    cause = error
    while isinstance(cause, RemoteError) and cause.__cause__ is not None:
        cause = cause.__cause__
    return cause


def _failed(request: HandleRequest, error: BaseException) -> Answer:
    told = str(error)
    if isinstance(error, UnknownRecipient):
        told += f" `fablewright agent {error.to}` starts one."
    return Answer(want=request.want or "scene", status="failed", missing=(told,))


async def settle(bus: Bus) -> None:
    """Wait until what the campaign's memory was told is kept; it handles one thing after the other."""
    with contextlib.suppress(RequestFailed):
        await bus.ask(CampaignMemory.name, RecallScene(), timeout=_TO_KEEP)


async def _without_notes(bus: Bus, request: HandleRequest, timeout: float, reason: str) -> Attempt:
    if request.want == "question":  # only the notes could answer it
        return Attempt(Answer(want="question", status="failed", missing=(reason.partition(":")[0] + ".",)))
    tried = await attempt(bus, replace(request, use_rag=False), timeout=timeout)
    answer = tried.answer
    if answer.status == "failed":
        return replace(tried, answer=replace(answer, missing=(reason, *answer.missing)))
    # It says that it was asked to do without the notes; here it was not a person who asked for that.
    told = tuple(line for line in answer.missing if not line.startswith(DECLINED))
    missing = (reason, *told) if request.use_rag else answer.missing
    return Attempt(replace(answer, status="degraded", missing=missing))
