"""``writer``: the agent that has a language model write prose for a scene, and lets through what holds.

The scene comes to it complete, from the composer or the improviser. It gives back the scene with one part after the
other in the model's words, as they come, and at the end what stayed as it was, and why. Nothing that did not pass the
gate leaves this agent.

The first piece comes with the first part that could be read. So whatever stands around a stream up to its first
piece, the circuit breaker above all, counts a model that hangs, trickles or talks nonsense as one that failed.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol

from fablewright.errors import (
    CircuitOpen,
    ContractViolation,
    DeadlineExceeded,
    FablewrightError,
    RemoteError,
    RequestFailed,
    UnknownRecipient,
)
from fablewright.gm.reading.notes import Passage  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.scene.scenario import Scene  # noqa: TC001 - as above
from fablewright.gm.table_limits import find_limits
from fablewright.gm.writing.brief import brief
from fablewright.gm.writing.gate import judge
from fablewright.gm.writing.grounds import Flaw
from fablewright.gm.writing.parts import Part, schema
from fablewright.gm.writing.reader import PartReader, Unreadable
from fablewright.gm.writing.weave import weave
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.message import StreamRequest
from fablewright.runtime.agent import Agent, streams
from fablewright.runtime.policies import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from fablewright.gm.writing.ports import Writer
    from fablewright.runtime.context import Context
    from fablewright.runtime.streaming import Stream

__all__ = ["Prose", "WriteProse", "Writing", "in_prose", "writing_policies"]

_MOST_TOKENS = 500
"""What all parts together may have; ten sentences have half of it."""


@dataclass(frozen=True, slots=True)
class Prose:
    """One piece of the reply to ``WriteProse``.

    Attributes:
        scene: The scene as it is now.
        part: The part that has just been read; None in the last piece.
        is_new: Whether ``part`` is in the model's words now.
        flaws: By part, why sentences of it were not used; of all parts so far.
        woven: The parts that are in the model's words.
        writer: The model's name, for people.
        missing: In the last piece: what could not be had and why, a sentence each.
    """

    scene: Scene
    part: Part | None = None
    is_new: bool = False
    flaws: tuple[tuple[Part, Flaw], ...] = ()
    woven: tuple[Part, ...] = ()
    writer: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteProse(StreamRequest[Prose]):
    """Write prose for a scene. No piece at all comes when there is no model, or nothing for it to write.

    Attributes:
        request: The GM's words.
        scene: Complete without a model.
        citations: The passages that it rests on.
        locked: Parts that are to stay as they are, as ``Wishes`` names them.
    """

    action: ClassVar[str] = "write_prose"
    idempotent: ClassVar[bool] = True
    request: str
    scene: Scene
    citations: tuple[Passage, ...]
    locked: tuple[str, ...] = ()


def writing_policies(*, failures: int = 5, reset_after: float = 60.0) -> Mapping[tuple[str, str], Policy]:
    """Return what stands around the request.

    It is not tried again: there is a scene already, and a second call would be late.

    Args:
        failures: After so many in a row the model is left alone.
        reset_after: Seconds until it is asked again.
    """
    return {(Writing.name, WriteProse.action): Policy(breaker=BreakerRules(failures, reset_after))}


class Writing(Agent):
    """Writes prose.

    Args:
        writer: The model.
    """

    name = "writer"
    concurrency = 4

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @streams(WriteProse)
    async def write_prose(self, request: WriteProse, ctx: Context) -> AsyncIterator[Prose]:
        """Have the model write, and judge each part as soon as it has come.

        Raises:
            FablewrightError: The model failed, or nothing of what it sent could be read.
        """
        name = await self._writer.name()
        limits = await find_limits(ctx)
        told = brief(request.request, request.scene, request.citations, limits=limits, locked=request.locked)
        if not name or not told.parts:
            return
        reader = PartReader(told.parts)
        prose = Prose(request.scene, writer=name)
        form = schema(told.parts, len(told.sources))
        async with aclosing(self._writer.write(told.prompt, schema=form, most_tokens=_MOST_TOKENS)) as pieces:
            async for piece in pieces:
                for part, sentences in reader.feed(piece):
                    if sentences is None:
                        prose = replace(prose, part=part, is_new=False, flaws=(*prose.flaws, (part, Flaw.SHAPE)))
                    else:
                        judged = judge(part, sentences, told.grounds)
                        prose = replace(
                            prose,
                            scene=weave(prose.scene, part, judged.kept, told.sources) if judged.kept else prose.scene,
                            part=part,
                            is_new=bool(judged.kept),
                            flaws=(*prose.flaws, *((part, flaw) for flaw in judged.flaws)),
                            woven=(*prose.woven, part) if judged.kept else prose.woven,
                        )
                    yield prose
                if reader.is_complete:
                    break  # whatever it says behind that
        missed = reader.end()
        if len(missed) == len(told.parts):
            raise Unreadable("The model wrote something else than it was asked for.")
        prose = replace(prose, flaws=(*prose.flaws, *((part, Flaw.MISSING) for part in missed)))
        yield replace(prose, part=None, is_new=False, missing=_kept_back(prose))

    async def on_stop(self) -> None:
        """Let go of the model."""
        await self._writer.close()


class Asking(Protocol):
    """Whoever can ask for a stream: a bus, or a context."""

    def ask_stream(self, to: str, request: StreamRequest[Prose], *, timeout: float | None = None) -> Stream[Prose]: ...


async def in_prose(asking: Asking, request: WriteProse, *, timeout: float) -> AsyncGenerator[Prose]:
    """Yield the scene as it comes into a model's words; whatever goes wrong ends it with a piece that says so.

    Args:
        asking: The bus, or the context of who asks.
        request: What is to be written.
        timeout: Seconds until the last piece, whatever happens.
    """
    latest = Prose(request.scene)
    try:
        async with asking.ask_stream(Writing.name, request, timeout=timeout) as pieces:
            async for piece in pieces:
                latest = piece
                yield piece
    except UnknownRecipient:  # prose is switched off
        return
    except (RequestFailed, ContractViolation) as error:
        missing = (*_kept_back(latest), _why(error, timeout, some=bool(latest.woven)))
        yield replace(latest, part=None, is_new=False, missing=missing)


def _kept_back(prose: Prose) -> tuple[str, ...]:
    """Say in one sentence which parts are not in the model's words, and why, each with its first flaw."""
    first: dict[Part, Flaw] = {}
    for part, flaw in prose.flaws:
        if part not in prose.woven:
            first.setdefault(part, flaw)
    if not first:
        return ()
    parts = ", ".join(f"{part.words} ({flaw.value})" for part, flaw in first.items())
    return (f"Not used of what {prose.writer or 'the model'} wrote: {parts}.",)


def _why(error: RequestFailed | ContractViolation, timeout: float, *, some: bool) -> str:
    """Say to a person why the model's prose did not come, or not to its end."""
    what = "The rest of the model's prose" if some else "The model's prose"
    if isinstance(error, DeadlineExceeded):
        return f"{what} did not come within {timeout:.3g} s."
    if isinstance(error, CircuitOpen):
        return f"{what} did not come: it failed too often lately, and the model is left alone for a while."
    cause = error.__cause__ if isinstance(error, RemoteError) else None
    return f"{what} did not come. {cause if isinstance(cause, FablewrightError) else error}"
