from __future__ import annotations

import json

import pytest

from fablewright.entry.json_output import to_json
from fablewright.gm.answer import Answer
from fablewright.gm.answer_data import answer_data


def test_the_object_has_what_the_documentation_promises(full_answer: Answer) -> None:
    content = json.loads(to_json(answer_data(full_answer)))
    assert list(content) == [
        "status",
        "want",
        "scene",
        "answer",
        "citations",
        "used_rag",
        "generation_method",
        "missing",
        "timings",
    ]
    assert content["timings"] == {"retrieve_ms": 123.4, "compose_ms": 31.2, "total_ms": 1210.9}
    assert content["citations"][0] == {
        "file": "First encounter.md",
        "heading": ["First encounter: the Small Change robs the queue"],
        "start": 300,
        "end": 342,
        "page": None,
        "table_header": "",
        "text": "The fog smells of [red]cold[/red] pennies.",
        "score": 8.25,
    }
    scene = content["scene"]
    assert scene["title"]["origin"] == "quoted"
    assert scene["read_aloud"][1] == {
        "text": "Somewhere behind you, a gate is pulled shut.",
        "origin": "invented",
        "sources": [],
        "secret": False,
    }
    assert scene["checks"][0]["dc"] == 13
    assert scene["checks"][1]["failure"] is None
    assert scene["foes"][1]["cr"] == 0.5
    assert scene["options"][1]["consequence"] is None


def test_quotations_are_exact_and_yet_do_nothing_to_a_terminal(full_answer: Answer) -> None:
    text = to_json(answer_data(full_answer))
    assert not [mark for mark in text if mark != "\n" and (ord(mark) < 32 or 0x7F <= ord(mark) < 0xA0)]
    assert json.loads(text)["citations"][3]["text"] == "pennies go \x1b[31mup\x1b[0m to the inn"
    assert json.loads(to_json({"text": "\x9b\x7f\x85ü"})) == {"text": "\x9b\x7f\x85ü"}


def test_an_answer_without_a_scene_has_none() -> None:
    content = answer_data(Answer("question", "abstained", missing=("nothing",)))
    assert (content["scene"], content["answer"], content["missing"]) == (None, [], ["nothing"])


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"score": float("nan")})
