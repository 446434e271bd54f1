"""The official OpenAI client talks to a server that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENE = "generate scenario for the first encounter"


@pytest.fixture(scope="module")
def client(served: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0, timeout=20) as client:
        yield client


def user(content: Any) -> Any:
    return {"role": "user", "content": content}


def test_there_is_one_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["fablewright"]


def test_a_scene_is_markdown_with_sources(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(model="fablewright", messages=[user(SCENE)])
    text = said.choices[0].message.content or ""
    assert text.startswith("## ")
    assert "### Read aloud\n\n> " in text
    assert "**Sources**\n\n1. " in text
    assert "\x1b" not in text
    assert said.choices[0].finish_reason == "stop"
    assert said.usage is not None
    assert said.usage.completion_tokens == -(-len(text) // 4)
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens


def test_a_stream_brings_the_parts_in_order(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="x", messages=[user(SCENE)], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    headings = [piece.split("\n")[0] for piece in pieces if piece.startswith("#")]
    assert headings[0].startswith("## ")
    order = ["### Read aloud", "### What is here", "### Checks", "### Foes", "### Options", "### Consequences"]
    assert [heading for heading in headings if heading in order] == [each for each in order if each in headings]
    assert len(headings) > 4
    whole = client.chat.completions.create(model="x", messages=[user(SCENE)]).choices[0].message.content
    assert "".join(pieces).strip() == whole
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_the_last_message_of_the_user_counts_and_seeds_hold(client: openai.OpenAI) -> None:
    said = [
        client.chat.completions.create(
            model="x",
            messages=[
                {"role": "system", "content": "Answer in French."},
                user("who is Fenwick?"),
                {"role": "assistant", "content": "A thief."},
                user([{"type": "text", "text": "3d6"}]),
                {"role": "assistant", "content": ""},
            ],
            seed=11,
            temperature=0.7,
            max_tokens=10,
            logit_bias={},
            extra_body={"mirostat": 2, "repetition_penalty": 1.1},
        )
        for _ in range(2)
    ]
    texts = [each.choices[0].message.content or "" for each in said]
    assert texts[0].startswith("3d6")
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"messages": []}, "messages is empty"),
        ({"messages": [{"role": "system", "content": "x"}]}, "no message with the role user"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "wizard"),
        ({"messages": [{"role": "user", "content": "  "}]}, "empty"),
        ({"messages": [{"role": "user", "content": "x" * 4001}]}, "at most 4,000 characters"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/"}}]}]},
            "Pictures",
        ),
        ({"messages": [{"role": "user", "content": "x"}], "n": 2}, "leave n out"),
    ],
)
def test_what_cannot_be_done_is_said_in_openais_shape(client: openai.OpenAI, body: Any, says: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.post("/chat/completions", cast_to=object, body=body)
    error: Any = caught.value.body
    assert caught.value.status_code in {400, 422}
    assert error["type"] == "invalid_request_error"
    assert says in error["message"]


def test_problems_of_the_doorkeeper_and_the_router_have_it_too(served: Any) -> None:
    away = httpx.get(f"{served.url}/v1/models", headers={"Origin": "http://elsewhere.example"})
    assert (away.status_code, away.json()["error"]["type"]) == (403, "permission_error")
    assert away.headers["content-type"] == "application/json"
    assert "default-src 'none'" in away.headers["content-security-policy"]
    nowhere = httpx.get(f"{served.url}/v1/engines")
    assert (nowhere.status_code, nowhere.json()["error"]["message"]) == (404, "There is nothing at this address.")
    other = httpx.get(f"{served.url}/api/v1/engines")
    assert other.json()["status"] == 404
