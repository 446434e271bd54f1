from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fablewright.adapters.chat_model.writer import ChatWriter
from fablewright.adapters.local_model import process
from fablewright.entry.config import Settings
from fablewright.entry.secret import Secret
from fablewright.entry.writers import open_writer
from fablewright.errors import ConfigurationError, InvalidInput
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.gm.writing.ports import Endpoint

pytestmark = pytest.mark.anyio


async def endpoint(**settings: Any) -> Endpoint:
    threads = Threads(1)
    writer = open_writer(Settings(**settings), threads)
    assert isinstance(writer, ChatWriter)
    try:
        return await writer._server.endpoint()
    finally:
        await writer.close()
        threads.close()


async def test_a_url_a_key_or_ollama() -> None:
    found = await endpoint(model="tiny", model_url="http://10.0.0.7:8000/v1/", model_key=Secret("sk-1"))
    assert (found.url, found.model, found.key) == ("http://10.0.0.7:8000/v1", "tiny", "sk-1")
    found = await endpoint(model="gpt", model_key=Secret("sk-1"))
    assert (found.url, found.key) == ("https://api.openai.com/v1", "sk-1")
    found = await endpoint(model="llama3.2")
    assert (found.url, found.model, found.key) == ("http://127.0.0.1:9/v1", "llama3.2", "")


async def test_what_makes_no_sense_is_said_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="set model"):
        await endpoint(model_url="http://10.0.0.7/v1")
    with pytest.raises(ConfigurationError, match="begins with http"):
        await endpoint(model="tiny", model_url="10.0.0.7:8000")
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda _: object())  # as if llama.cpp were installed
    with pytest.raises(InvalidInput, match="There is no model at"):
        await endpoint(model=str(tmp_path / "none.gguf"))


def test_switched_off() -> None:
    assert open_writer(Settings(prose="off", model="tiny"), Threads(1)) is None
