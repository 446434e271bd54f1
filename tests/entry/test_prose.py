"""Prose below a scene: ``scene`` and ``chat`` on a terminal, with a model's server on this machine."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from fablewright.entry import one_shot as one_shot_module
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.chat import _Conversation
from fablewright.entry.config import Settings
from fablewright.entry.print_answer import print_answer
from fablewright.entry.prose import print_piece, prose_below
from fablewright.entry.safety_net import SafetyNet
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.rules.party import parse_party
from fablewright.testing.model_server import ModelServer, Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from fablewright.gm.answer import Answer
    from fablewright.gm.writer import Prose
    from fablewright.runtime.bus import Bus

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("data_dir")]

NOTE = """# The Mill

Flour lies ankle-deep on the floor of the mill, and nothing has walked in it.

- Two bandits sleep in the loft.
"""
TEXT = json.dumps(
    {
        "read_aloud": [{"text": "Flour covers the floor of the mill, so deep that ankles vanish in it.", "from": [1]}],
        "here": [{"text": "Seven bandits guard the floor below.", "from": [1]}],
        "options": [{"text": "Climb up to the loft while the bandits sleep.", "from": [1]}],
        "consequences": [{"text": "The bandits wake and find flour on the stairs.", "from": []}],
    }
)


@asynccontextmanager
async def at_the_table(tmp_path: Path, *turns: Turn) -> AsyncIterator[tuple[Bus, Settings, ModelServer]]:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "mill.md").write_text(NOTE, "utf-8")
    async with ModelServer(*turns) as server:
        settings = Settings(
            data_dir=tmp_path / "data", notes=(folder,), timeout=60.0, model="tiny", model_url=server.url
        )
        async with assistant(settings, open_notes(settings, [folder])) as bus:
            yield bus, settings, server


async def test_each_part_is_printed_below_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with at_the_table(tmp_path, Turn(TEXT)) as (bus, settings, _):
        request = HandleRequest("the mill", want="scene", seed=1, prose=False)
        answer = await bus.ask("orchestrator", request, timeout=settings.timeout)
        assert (answer.generation_method, answer.missing) == ("composer", ())

        async def show(answer: Answer, prose: Prose) -> None:
            print_piece(answer, prose)

        await prose_below(bus, answer, request, timeout=30.0, show=show)
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "",
        "The text to read aloud, by tiny",
        "  ┃ Flour covers the floor of the mill, so deep that ankles vanish in it.~ [1]",
        "~ your notes in a model's words",
        "",
        "The options, by tiny",
        "  1. Climb up to the loft while the bandits sleep.~ [1]",
        "~ your notes in a model's words",
        "",
        "The consequences, by tiny",
        "  • The bandits wake and find flour on the stairs.*",
    ]
    assert err == "Not used of what tiny wrote: what is here (a number that its passages do not have).\n"


class Screen:
    """A prompt on a terminal, without the terminal."""

    is_terminal = True

    def __init__(self, server: ModelServer, *lines: str) -> None:
        self.server = server
        self.lines = list(lines)
        self.given = 0
        self.quiet = asyncio.Event()

    async def read(self) -> str | None:
        while len(self.server.calls) < self.given:  # noqa: ASYNC110 - she reads until the model has been asked
            await asyncio.sleep(0.01)
        if self.lines:
            self.given += 1
            return self.lines.pop(0)
        await self.quiet.wait()
        return None

    async def tell(self, text: str) -> None:
        """Nothing comes late here."""

    async def above(self, show: Callable[[], None]) -> None:
        show()
        self.quiet.set()


async def test_chat_gives_the_scene_at_once_and_the_prompt_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first scene's prose, which never comes, is given up when the GM asks for something else."""
    turns = Turn("{", every=3600.0, size=1), Turn(TEXT)
    async with at_the_table(tmp_path, *turns) as (bus, settings, server):
        screen = Screen(server, "the mill", "the mill again, please")
        notes = open_notes(settings, settings.notes)
        conversation = _Conversation(bus, SafetyNet(None), screen, settings, notes, parse_party("4x2"), use_rag=True)
        await conversation.run()
        await asyncio.wait(conversation.later._tasks, timeout=20.0)
        notes.close()
        assert len(server.calls) == 2
    out, _ = capsys.readouterr()
    assert out.count("The Mill") >= 2
    assert out.count("by tiny") == 3
    assert out.rindex("in all") < out.index("by tiny")


@pytest.mark.parametrize("is_terminal", [True, False])
async def test_into_a_pipe_goes_one_answer(
    is_terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with at_the_table(tmp_path, Turn(TEXT)) as (_, settings, server):
        asked: list[HandleRequest] = []

        async def answered(bus: Bus, request: HandleRequest, *, remaining: float, ask: object) -> Answer:
            asked.append(request)
            return await bus.ask("orchestrator", request, timeout=remaining)

        monkeypatch.setattr(one_shot_module, "answer_in_time", answered)
        notes = open_notes(settings, settings.notes)
        request = HandleRequest("the mill", want="scene", seed=1, prose=not is_terminal)
        deadline = one_shot_module.time.monotonic() + 60.0
        assert await one_shot_module._answer(settings, notes, request, deadline, print_answer) == 0
        assert [each.prose for each in asked] == [not is_terminal]
        assert len(server.calls) == 1
    out, _ = capsys.readouterr()
    assert ("by tiny" in out) == is_terminal
    assert "so deep that ankles vanish" in " ".join(out.split())
