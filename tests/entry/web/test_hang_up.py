"""Whoever asks and leaves before the answer stops what is done for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SCENE = "generate scenario for the first encounter"


def wait_for(what: Callable[[], bool], seconds: float = 12.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.05)
    return False


def pending(url: str) -> list[str]:
    """Return what waits in the server: here, the model's prose."""
    return [each["action"] for each in httpx.get(f"{url}/api/v1/system").json()["pending"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/answers", {"words": SCENE}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": SCENE}]}),
    ],
)
def test_an_answer_that_nobody_waits_for_is_stopped(
    served_with_a_model_that_hangs: Any, path: str, body: dict[str, Any]
) -> None:
    url = served_with_a_model_that_hangs.url
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url + path, json=body, timeout=1.5)
    assert wait_for(lambda: not pending(url))


def test_a_stream_that_nobody_reads_is_stopped(served_with_a_model_that_hangs: Any) -> None:
    url = served_with_a_model_that_hangs.url
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(model="x", messages=[{"role": "user", "content": SCENE}], stream=True)
        chunks = []
        for chunk in stream:
            chunks.append(chunk)
            if "Sources" in (chunk.choices[0].delta.content or ""):
                break
        run = f"{url}/api/v1/runs/{chunks[0].id.removeprefix('chatcmpl-')}"
        assert httpx.get(run).json()["state"] == "running"
        assert pending(url)
        stream.close()
    assert wait_for(lambda: httpx.get(run).json()["state"] == "stopped")
    assert httpx.get(run).json()["answer"]["scene"]["title"], "what was there is kept"
    assert wait_for(lambda: not pending(url))


def test_with_a_key_it_goes_on(served_with_a_model_that_hangs: Any) -> None:
    url = served_with_a_model_that_hangs.url
    headers = {"Idempotency-Key": "again"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/api/v1/answers", json={"words": SCENE}, headers=headers, timeout=1.0)
    time.sleep(0.2)
    assert pending(url)
    again = httpx.post(f"{url}/api/v1/runs", json={"words": SCENE}, headers=headers).json()
    assert again["state"] == "running"
    assert httpx.delete(f"{url}/api/v1/runs/{again['id']}").json()["state"] == "stopped"
