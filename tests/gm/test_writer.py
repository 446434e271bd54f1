"""``writer`` on a bus, with a model by script, in virtual time."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import FablewrightError
from fablewright.gm.haystack_pipeline import FindLimits, HaystackPipeline
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.limits import limits_of
from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.composer import compose
from fablewright.gm.scene.focus import choose_focus
from fablewright.gm.scene.scenario import Origin
from fablewright.gm.writer import Prose, WriteProse, Writing, in_prose, writing_policies
from fablewright.gm.writing.grounds import Flaw
from fablewright.gm.writing.parts import Part
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.testing.fakes import Reply, ScriptedAgent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from fablewright.gm.scene.table import Table
    from fablewright.gm.writing.ports import Prompt

pytestmark = pytest.mark.anyio

NOTE = "# The Mill\n\nFlour lies ankle-deep on the floor of the mill. Two bandits sleep in the loft.\n"
PASSAGES = passages_of("mill.md", NOTE)
HERE = "In the loft of the mill, above all that flour, bandits sleep."
ANSWER = json.dumps(
    {
        "read_aloud": [{"text": "Flour lies on the floor of the mill, so deep that it hides your ankle.", "from": [1]}],
        "here": [{"text": "Two bandits, asleep, sleep in the loft.", "from": [1]}, {"text": HERE, "from": [1]}],
        "options": [{"text": "Ask a dragon.", "from": []}],
        "consequences": "They wake up.",
    }
)


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


class Scripted:
    """A model that writes ``answer``, a piece a second, and then fails or hangs if it is told to."""

    def __init__(self, answer: str = ANSWER, *, name: str = "tiny", then: str = "", size: int = 100) -> None:
        self.answer, self.called, self.then, self.size = answer, name, then, size
        self.prompts: list[Prompt] = []
        self.left = self.closed = 0

    async def name(self) -> str:
        return self.called

    async def write(
        self, prompt: Prompt, *, schema: Mapping[str, object], most_tokens: int
    ) -> AsyncGenerator[str, None]:
        self.prompts.append(prompt)
        try:
            for at in range(0, len(self.answer), self.size):
                await asyncio.sleep(1.0)
                yield self.answer[at : at + self.size]
            if self.then == "hang":
                await asyncio.sleep(3600.0)
            if self.then:
                raise FablewrightError(self.then)
        finally:
            self.left += 1

    async def close(self) -> None:
        self.closed += 1


def request(table: Table) -> WriteProse:
    focus = choose_focus("mill", PASSAGES, table.bestiary)
    assert focus is not None
    composed = compose("mill", focus, PASSAGES, table)
    return WriteProse("They reach the mill", composed.scene, composed.citations)


async def write(table: Table, writer: Scripted, *, timeout: float = 60.0) -> list[Prose]:
    bus = Bus(BusOptions(policies=writing_policies()))
    bus.register(Writing(writer))
    async with bus:
        pieces = [piece async for piece in in_prose(bus, request(table), timeout=timeout)]
    assert writer.left == len(writer.prompts)
    assert writer.closed == 1
    return pieces


async def test_part_after_part_comes_and_what_is_wrong_stays_the_composers(table: Table) -> None:
    *pieces, last = await write(table, Scripted())
    assert [(piece.part, piece.is_new) for piece in pieces] == [
        (Part.READ_ALOUD, True),
        (Part.HERE, True),
        (Part.OPTIONS, False),
        (Part.CONSEQUENCES, False),
    ]
    assert last.woven == (Part.READ_ALOUD, Part.HERE)
    assert last.flaws == ((Part.HERE, Flaw.REPEATS), (Part.OPTIONS, Flaw.UNRELATED), (Part.CONSEQUENCES, Flaw.SHAPE))
    assert last.scene.read_aloud[0].origin is Origin.RETOLD
    assert last.scene.read_aloud[0].sources == (0,)
    assert [line.text for line in last.scene.here] == [HERE, *(line.text for line in request(table).scene.here)]
    assert last.scene.options == request(table).scene.options
    unused = "the options (it is not about this scene), the consequences (no list of sentences)"
    assert last.missing == (f"Not used of what tiny wrote: {unused}.",)


async def test_a_part_is_there_before_the_model_is_done(table: Table) -> None:
    bus = Bus()
    bus.register(Writing(Scripted(size=1)))
    async with bus:
        at = [bus.now() async for _ in in_prose(bus, request(table), timeout=3600.0)]
    assert at[0] < at[1] - 50 < at[2]


async def test_what_breaks_off_keeps_what_came(table: Table) -> None:
    cut = ANSWER.index('"options"')
    for then, words in (
        ("The model's server is gone.", "The rest of the model's prose did not come. The model's server is gone."),
        ("hang", "The rest of the model's prose did not come within 30 s."),
    ):
        *_, last = await write(table, Scripted(ANSWER[:cut], then=then), timeout=30.0)
        assert last.woven == (Part.READ_ALOUD, Part.HERE)
        assert last.missing == (words,)


@pytest.mark.parametrize("writer", [Scripted(name=""), Scripted("")])
async def test_no_model_is_nothing_missing_and_an_empty_answer_is_something(table: Table, writer: Scripted) -> None:
    pieces = await write(table, writer)
    assert [piece.missing for piece in pieces] == (
        [("The model's prose did not come. The model wrote nothing.",)] if writer.called else []
    )


async def test_without_the_agent_there_is_no_prose_and_nothing_missing(table: Table) -> None:
    async with Bus() as bus:
        assert [piece async for piece in in_prose(bus, request(table), timeout=1.0)] == []


async def test_what_the_model_adds_behind_its_answer_is_not_waited_for(table: Table) -> None:
    writer = Scripted(ANSWER + " I hope that helps!" * 100, then="hang")
    *_, last = await write(table, writer)
    assert last.part is None
    assert last.woven


async def test_words_that_the_table_does_not_want(table: Table) -> None:
    bus = Bus()
    bus.register(Writing(Scripted()))
    sheet = Passage("- Ankles\n", "Safety.md", ("Lines",), 0, 9)
    bus.register(ScriptedAgent(HaystackPipeline.name, {FindLimits: Reply(limits_of([sheet]))}))
    async with bus:
        pieces = [piece async for piece in in_prose(bus, request(table), timeout=60.0)]
    assert (Part.READ_ALOUD, Flaw.LINE) in pieces[-1].flaws


async def test_locked_parts_stay(table: Table) -> None:
    bus = Bus()
    bus.register(Writing(Scripted()))
    asked = request(table)
    async with bus:
        kept = WriteProse(asked.request, asked.scene, asked.citations, locked=("read_aloud", "consequences"))
        pieces = [piece async for piece in in_prose(bus, kept, timeout=60.0)]
    assert [piece.part for piece in pieces] == [Part.HERE, Part.OPTIONS, None]
    assert pieces[-1].scene.read_aloud == asked.scene.read_aloud


async def test_five_failures_and_the_model_is_left_alone(table: Table) -> None:
    writer = Scripted("Once upon a time")
    bus = Bus(BusOptions(policies=writing_policies(reset_after=60.0)))
    bus.register(Writing(writer))
    async with bus:
        for _ in range(6):
            *_, last = [piece async for piece in in_prose(bus, request(table), timeout=60.0)]
        assert len(writer.prompts) == 5
        assert "left alone for a while" in last.missing[0]
        await asyncio.sleep(61.0)
        writer.answer = ANSWER
        *_, last = [piece async for piece in in_prose(bus, request(table), timeout=60.0)]
        assert last.woven
