from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.adapters.chat_model.writer import ChatWriter, KnownServer
from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.entry.cli import run
from fablewright.entry.doctor import _write
from fablewright.entry.safety_net import NOWHERE
from fablewright.errors import FablewrightError, MissingExtra
from fablewright.gm.writing.ports import Endpoint
from fablewright.testing.model_server import ModelServer, Turn

if TYPE_CHECKING:
    from pathlib import Path


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    content = json.loads(capsys.readouterr().out)
    return {each["name"]: (each["state"], each["said"]) for each in content["findings"]}


def test_a_healthy_machine(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["index"])
    capsys.readouterr()
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    for name in (
        "Python",
        "SQLite",
        "Settings",
        "Data folder",
        "Campaigns",
        "Scenes",
        "Notes",
        "Index",
        "Haystack",
        "Extras",
    ):
        assert f"✓ {name}" in out
    assert "its telemetry is off" in out
    assert "with FTS5" in out
    assert "passages of 8 files, nothing left to read" in out
    assert f"{data_dir} FABLEWRIGHT_DATA_DIR" in " ".join(out.split())  # a long path has its source on the next line


def test_it_sees_what_is_left_to_read_and_what_cannot_be(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("# A\n\nWords.\n", encoding="utf-8")
    (notes / "large.md").write_bytes(b"x " * 600_000)
    run(["index", str(notes)])
    (notes / "a.md").write_text("# A\n\nOther words.\n", encoding="utf-8")
    capsys.readouterr()
    (data_dir / "x.toml").write_text("max_file_mb = 1", encoding="utf-8")
    assert run(["doctor", "--notes", str(notes), "--config", str(data_dir / "x.toml")]) == 0
    out = capsys.readouterr().out
    assert "skipped large.md: too large" in " ".join(out.split())
    assert "• Index        1 files to read" in out
    assert "`fablewright index` does it now" in " ".join(out.split())


@pytest.mark.usefixtures("data_dir")
def test_settings_say_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FABLEWRIGHT_PARTY", "3x3")
    file = tmp_path / "my.toml"
    file.write_text("timeout = 4.0\n", encoding="utf-8")
    assert run(["doctor", "--config", str(file), "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings["party"] == {"value": "3x3", "from": "FABLEWRIGHT_PARTY"}
    assert settings["timeout"] == {"value": "4.0", "from": str(file)}
    assert settings["rules"] == {"value": "2024", "from": "default"}


@pytest.mark.usefixtures("data_dir")
def test_wrong_settings_are_a_finding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FABLEWRIGHT_TIMOUT", "3")
    assert run(["doctor", "--json"]) == 3
    state, said = findings(capsys)["Settings"]
    assert state == "bad"
    assert "did you mean FABLEWRIGHT_TIMEOUT?" in said


@pytest.mark.usefixtures("data_dir")
def test_a_missing_folder_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--notes", "nowhere", "--json"]) == 3
    assert findings(capsys)["Notes"][0] == "bad"


@pytest.mark.usefixtures("data_dir")
def test_an_empty_folder_is_worth_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert run(["doctor", "--notes", str(tmp_path / "empty"), "--json"]) == 0
    assert findings(capsys)["Notes"] == ("note", f"{tmp_path / 'empty'}: nothing readable")


@pytest.mark.usefixtures("data_dir")
def test_a_missing_haystack_comes_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def missing(_: object) -> None:
        raise MissingExtra("Haystack is not installed; run: pip install haystack-ai")

    monkeypatch.setattr(HaystackRetriever, "warm_up", missing)
    assert run(["doctor", "--json"]) == 3
    assert findings(capsys)["Haystack"] == ("bad", "Haystack is not installed; run: pip install haystack-ai")


@pytest.mark.usefixtures("data_dir")
def test_telemetry_that_somebody_switched_on_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", "True")

    async def loaded(_: object) -> None:
        """Not in earnest: that would phone."""

    monkeypatch.setattr(HaystackRetriever, "warm_up", loaded)
    assert run(["doctor", "--json"]) == 0
    state, said = findings(capsys)["Haystack"]
    assert (state, said.partition(", ")[2]) == ("note", "its telemetry is on")


def test_a_data_folder_that_cannot_be_used_is_a_finding(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_dir.write_text("a file in its place", encoding="utf-8")
    assert run(["doctor", "--json"]) == 3
    assert findings(capsys)["Data folder"][0] == "bad"


def test_scenes_that_are_not_durable_are_a_finding(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FABLEWRIGHT_BUS", "nats://127.0.0.1:9")
    assert run(["doctor", "--json"]) == 0
    state, said = findings(capsys)["Scenes"]
    assert (state, said) == ("note", f"lost with who makes them: {NOWHERE}")
    monkeypatch.setenv("FABLEWRIGHT_WORK", "nats://127.0.0.1:9")
    assert run(["doctor", "--json"]) == 3
    state, said = findings(capsys)["Scenes"]
    assert state == "bad"
    assert "not durable: What was accepted on NATS cannot be used: there is no server" in said
    for name in ("BUS", "WORK"):
        monkeypatch.delenv(f"FABLEWRIGHT_{name}")
    (file,) = (path.parent for path in data_dir.rglob("campaigns.sqlite"))
    (file / "accepted.sqlite").write_bytes(b"no database " * 1000)
    assert run(["doctor", "--json"]) == 3
    assert findings(capsys)["Scenes"][0] == "bad"


@pytest.mark.usefixtures("data_dir")
def test_models_that_are_set_are_tried_out(
    models: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"EMBEDDER": "openai", "EMBEDDING_MODEL": "tiny", "EMBEDDING_URL": models.url}
    settings |= {"RERANKER": "jina", "RERANKING_MODEL": "small", "RERANKING_URL": models.url}
    for name, value in settings.items():
        monkeypatch.setenv(f"FABLEWRIGHT_{name}", value)
    models.likes = "Hob"
    assert run(["doctor", "--json"]) == 0
    found = findings(capsys)
    assert found["Embedder"][0] == found["Reranker"][0] == "ok"
    assert found["Embedder"][1].startswith("openai:tiny, 5 numbers for a text (")
    assert found["Reranker"][1].startswith("it tells an answer from the weather (")
    models.likes = "rains"
    assert run(["doctor", "--json"]) == 0
    assert "not with sense" in findings(capsys)["Reranker"][1]
    monkeypatch.setenv("FABLEWRIGHT_EMBEDDING_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FABLEWRIGHT_RERANKING_MODEL", "")
    assert run(["doctor", "--json"]) == 3
    found = findings(capsys)
    assert found["Embedder"] == ("bad", "The embedding server cannot be reached (ConnectError); is it running?")
    assert found["Reranker"] == ("bad", "A reranking server needs to be told a model: set reranking_model.")


@pytest.mark.usefixtures("data_dir")
def test_models_that_are_not_set_are_not_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    assert not {"Embedder", "Reranker"} & findings(capsys).keys()


@pytest.mark.parametrize(
    ("settings", "state", "said"),
    [
        ({}, "ok", "none found"),
        ({"MODEL": "tiny"}, "bad", "cannot be reached"),
        ({"MODEL_URL": "http://127.0.0.1:9/v1"}, "bad", "set model"),
    ],
)
def test_a_model_is_made_to_write_a_word(
    settings: dict[str, str], state: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"FABLEWRIGHT_{name}", value)
    assert run(["doctor", "--json"]) == (3 if state == "bad" else 0)
    found = findings(capsys)["Model"]
    assert found[0] == state
    assert said in found[1]


@pytest.mark.usefixtures("data_dir")
def test_switched_off_there_is_nothing_to_say_of_a_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FABLEWRIGHT_PROSE", "off")
    assert run(["doctor", "--json"]) == 0
    assert "Model" not in findings(capsys)


@pytest.mark.anyio
async def test_a_model_that_answers_and_one_that_says_nothing() -> None:
    async with ModelServer(Turn('{"word": "mill"}')) as server:
        assert "tiny has written" in await _write(ChatWriter(KnownServer(Endpoint(server.url, "tiny"))))
    async with ModelServer(Turn("")) as server:
        with pytest.raises(FablewrightError, match="writes nothing"):
            await _write(ChatWriter(KnownServer(Endpoint(server.url, "tiny"))))
