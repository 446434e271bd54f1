"""What a chat's stream says of a run: the answer part by part, what a model writes behind it, and what went wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.entry.web.problem import Problem
from fablewright.entry.web.routes.chat_completions import stream_of
from fablewright.entry.web.run import Run
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.gm.answer import Answer


def a_run() -> Run:
    return Run("r1", HandleRequest("the first encounter"), prose=True)


async def told(run: Run, *, with_usage: bool = False, meanwhile: Callable[[], None] = lambda: None) -> list[Any]:
    """Return the data of all events; ``meanwhile`` is done once the sources are there. The last event is no JSON."""
    lines = []
    async for line in stream_of(run, 1_795_000_000, with_usage=with_usage):
        lines.append(line)
        if "**Sources**" in line:
            meanwhile()
    assert all(line.endswith("\n\n") for line in lines)
    assert lines[-1] == "data: [DONE]\n\n"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1] if not line.startswith(":")]


def texts(chunks: list[Any]) -> list[str]:
    return [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk.get("choices")]


@pytest.mark.anyio
async def test_what_a_model_writes_comes_behind_the_answer(full_answer: Answer) -> None:
    run = a_run()
    run.show(full_answer)

    def write() -> None:
        assert full_answer.scene is not None
        written = replace(full_answer.scene, read_aloud=(Line("The queue hums.", Origin.RETOLD, (0,)),))
        run.answer = replace(full_answer, scene=written)
        if run.state == "running":
            run.log.append("prose", {"part": "read_aloud", "lines": [], "writer": "qwen"})
            run.state = "done"
            run.over()

    chunks = await told(run, with_usage=True, meanwhile=write)
    said = texts(chunks)
    assert said[0] == ""
    assert said[1].startswith("## ")
    late = next(text for text in said if text.startswith("### Read aloud, by qwen"))
    assert late == "### Read aloud, by qwen\n\n> The queue hums.\\~ [1]\n\n"
    assert said.index(late) > next(place for place, text in enumerate(said) if text.startswith("**Sources**"))
    assert chunks[-1]["usage"]["completion_tokens"] == -(-len("".join(said)) // 4)
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.anyio
async def test_a_run_that_failed_says_why() -> None:
    run = a_run()
    run.state, run.problem = "failed", Problem("Unavailable", 503, "The orchestrator did not answer in time.")
    run.over()
    chunks = await told(run)
    assert chunks[-1]["error"]["message"] == "The orchestrator did not answer in time."
    assert chunks[-1]["error"]["type"] == "server_error"


@pytest.mark.anyio
async def test_a_run_that_was_stopped_keeps_what_is_there(full_answer: Answer) -> None:
    run = a_run()
    run.show(full_answer)
    run.over()
    assert run.state == "stopped"
    assert "## First encounter" in "".join(texts(await told(run)))
