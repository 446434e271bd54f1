"""Everything that the game sends crosses without loss: whatever its types allow, and what it really says."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import random
from collections import Counter
from collections.abc import Mapping
from functools import partial
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from fablewright.adapters.wire.declared import argument_of
from fablewright.adapters.wire.registry import messages_of
from fablewright.entry import assemble
from fablewright.entry.config import Settings
from fablewright.errors import RequestFailed
from fablewright.gm.answer_data import answer_data
from fablewright.gm.haystack_pipeline import HaystackPipeline, NoticeChanges
from fablewright.gm.orchestrator import HandleRequest, Orchestrator
from fablewright.gm.rules.party import Party
from fablewright.gm.scene.wishes import LOCKABLE, Kept, Wishes
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.protocol.pending import Ended, Outcome
from fablewright.runtime.agent import Agent
from fablewright.runtime.network import Chunk
from fablewright.runtime.policies import BusOptions

from .conftest import envelope, nothing, own_classes, same

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fablewright.adapters.wire.codec import Wire
    from fablewright.runtime.transport import Parcel

AGENTS = sorted(own_classes(Agent), key=lambda each: each.__name__)
MESSAGES = sorted(own_classes(Message), key=lambda each: each.__name__)

_WORDS = ("", "here", "title", "loot", "Zoë’s “inn”\n\t\\", "\x00\x1f\u2028", "🐉", "$tuple", "null")


def anything_of(kind: Any, dice: random.Random) -> Any:  # noqa: PLR0911 - a line a kind
    """Return some value of a type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {UnionType, Union}:
        return anything_of(dice.choice(arguments), dice)
    if origin is Literal:
        return dice.choice(arguments)
    if origin is tuple and arguments[1:] != (...,):
        return tuple(anything_of(each, dice) for each in arguments)
    if origin in {tuple, frozenset}:
        return origin(anything_of(arguments[0], dice) for _ in range(dice.randrange(3)))
    if origin in {dict, Mapping}:
        return {anything_of(arguments[0], dice): anything_of(arguments[1], dice) for _ in range(dice.randrange(3))}
    if kind is Party:
        return Party(tuple(dice.randint(1, 20) for _ in range(dice.randint(1, 20))))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return dice.choice(list(kind))
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        made = {each.name: anything_of(hints[each.name], dice) for each in dataclasses.fields(kind)}
        if kind is Wishes:
            made["variants"] = dice.randint(1, 5)
        if kind is Kept:
            made["parts"] = tuple(dice.sample(LOCKABLE, dice.randrange(4)))
        return kind(**made)  # type: ignore[operator]
    return {
        str: lambda: dice.choice(_WORDS),
        int: lambda: dice.choice([0, -1, dice.randrange(10**6), 2**63, -(10**40)]),
        float: lambda: dice.choice([0.0, -0.0, 1e-300, dice.random(), float("inf"), float("nan")]),
        bool: lambda: dice.random() < 0.5,
        bytes: lambda: dice.randbytes(dice.randrange(5)),
        NoneType: lambda: None,
    }[kind]()


def test_what_the_agents_are_asked_with_is_known(own_wire: Wire) -> None:
    assert len(AGENTS) >= 7
    assert messages_of(AGENTS) <= set(MESSAGES) <= set(own_wire._registry.by_class)
    for agent in AGENTS:
        assert agent.messages.keys() == agent.handlers.keys()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: each.__name__)
def test_whatever_the_types_allow_arrives(message: type[Message], own_wire: Wire) -> None:
    dice = random.Random(message.__name__)
    reply, piece = argument_of(message, Request), argument_of(message, StreamRequest)
    for _ in range(25):
        request = anything_of(message, dice)
        parcels: list[Any] = [envelope(request, kind=dice.choice(list(Kind)))]
        if reply is not None:
            parcels.append(Ended(100.0, "n1-7", Outcome.REPLIED, anything_of(reply, dice)))
        if piece is not None:
            parcels.append(Chunk("n1-7", dice.randrange(99), anything_of(piece, dice)))
        for parcel in parcels:
            headers, body = own_wire.encode(parcel, 100.0, lambda _, request=request: request)  # type: ignore[misc]
            assert same(own_wire.decode(headers, body, 100.0, nothing), parcel)


# ------------------------------------------------------------------ what it really says


class OnTheWire:
    """A transport that brings what the codec made of each parcel, instead of the parcel."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._asked: dict[str, object] = {}
        self.kinds: Counter[str] = Counter()

    def carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(parcel, Envelope):
            self._asked[parcel.message_id] = parcel.body
        headers, body = self._wire.encode(parcel, now, self._asked.get)
        arrived = self._wire.decode(headers, body, now, self._asked.get)
        assert isinstance(deliver, partial)
        value = parcel.body if isinstance(parcel, Envelope) else getattr(parcel, "value", None)
        if not isinstance(value, Exception):
            assert same(arrived.body if isinstance(arrived, Envelope) else getattr(arrived, "value", None), value)
            self.kinds[type(value).__name__] += 1
        deliver.func(arrived)


REQUESTS = [
    HandleRequest("generate a scene for the first encounter", seed=1, wishes=Wishes(variants=3)),
    HandleRequest("Who keeps the inn?", want="question", seed=2),
    HandleRequest("a hard fight in the marsh for five level 3 characters", want="encounter", seed=3),
    HandleRequest("an innkeeper", want="npc", seed=4),
    HandleRequest("a hoard", want="loot", seed=5),
    HandleRequest("2d6+3", want="dice", seed=6),
    HandleRequest("met Zoë at the inn", want="log"),
    HandleRequest("1", want="choose", seed=7),
    HandleRequest("what happened so far?", want="recap"),
    HandleRequest("how are the notes?", want="status"),
    HandleRequest("2d6+", want="dice"),
]


def seen(data: Any) -> Any:
    """Return an answer without what differs from time to time."""
    if isinstance(data, dict):
        return {key: seen(part) for key, part in data.items() if key not in {"timings", "score"}}
    return [seen(part) for part in data] if isinstance(data, list) else data


async def told(data: Path) -> list[Any]:
    """Return what the assistant answers, and what it refuses to."""
    settings = Settings(data_dir=data)
    answers: list[Any] = []
    async with assemble.assistant(settings, assemble.open_notes(settings)) as bus:
        await bus.ask(HaystackPipeline.name, NoticeChanges(), timeout=60.0)  # all notes are read
        for request in REQUESTS:
            try:
                answer = await bus.ask(Orchestrator.name, request, timeout=60.0)
            except RequestFailed as error:
                answers.append((str(error), str(error.__cause__), type(error.__cause__)))
            else:
                answers.append(seen(answer_data(answer)))
    return answers


@pytest.mark.anyio
async def test_the_assistant_says_the_same_on_the_wire(
    own_wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await told(tmp_path / "here")
    line = OnTheWire(own_wire)
    monkeypatch.setattr(assemble, "BusOptions", partial(BusOptions, transport=line))
    there = await told(tmp_path / "there")
    assert there == here
    assert {"Answer", "Documents", "Scenario", "Recalled", "Limits", "KeepScene"} <= line.kinds.keys()
