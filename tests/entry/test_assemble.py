"""The whole assistant in one process: real agents, real Haystack, real index."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fablewright.entry import crew
from fablewright.entry.assemble import assistant, open_notes, sample_campaign
from fablewright.entry.config import Settings
from fablewright.entry.secret import Secret
from fablewright.errors import FablewrightError, InvalidInput
from fablewright.gm.haystack_pipeline import DescribeNotes, RetrieveDocuments
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.reading.embedded_text import vector_of
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.rules.party import parse_party

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fablewright.gm.answer import Answer
    from fablewright.gm.reading.notes import FileReport, Passage
    from fablewright.gm.reading.ports import Purpose, Vector

pytestmark = pytest.mark.anyio

LONELY_TORCH = "They start up the hill to the Lonely Torch. Give me the scene"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


class Sleeper:
    """A retriever that takes its time."""

    def __init__(self, seconds: float, *found: Passage) -> None:
        self.seconds = seconds
        self.found = found

    async def warm_up(self) -> None:
        """It is as slow when it is warm."""

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        await asyncio.sleep(self.seconds)
        return self.found


async def ask(settings: Settings, words: str, *folders: Path) -> Answer:
    async with assistant(settings, open_notes(settings, folders)) as bus:
        return await bus.ask("orchestrator", HandleRequest(words, seed=1), timeout=30.0)


async def test_the_first_encounter_of_the_sample_campaign(settings: Settings) -> None:
    answer = await ask(settings, "generate scenario for the first encounter")
    assert (answer.status, answer.used_rag, answer.missing) == ("answered", True, ())
    scene = answer.scene
    assert scene is not None
    assert scene.title.text == "First encounter: the Small Change robs the queue"
    assert scene.read_aloud[0].text.startswith("The fog smells of cold pennies.")
    assert {(foe.name, foe.count) for foe in scene.foes} == {("Spy", 1), ("Tough", 2), ("Zombie", 2)}
    assert "500 XP against 400 low / 600 moderate / 800 high" in scene.balance[0].text
    assert [check.dc for check in scene.checks] == [13, 12, 12, 13]
    assert all(check.success and check.failure for check in scene.checks)
    assert "pen-case (25 gp)" in scene.loot[0].text
    assert scene.consequences[0].text.startswith("If the party does nothing: Tull robs Teal")


async def test_a_citation_is_exactly_what_stands_in_the_file(settings: Settings) -> None:
    answer = await ask(settings, "generate scenario for the first encounter")
    assert answer.citations
    for citation in answer.citations:
        text = (sample_campaign() / citation.file).read_bytes().decode("utf-8")
        assert text[citation.start : citation.end] == citation.text


async def test_a_scene_out_of_real_notes(settings: Settings, shared: Path) -> None:
    corpus = shared / "corpus"
    answer = await ask(settings, LONELY_TORCH, corpus)
    assert answer.status == "answered"
    assert {c.file for c in answer.citations if c.file.startswith("night_blade/")}
    for citation in answer.citations:
        text = (corpus / citation.file).read_bytes().decode("utf-8")
        assert text[citation.start : citation.end] == citation.text
    assert answer.scene is not None
    assert "tangleweed" in answer.scene.read_aloud[0].text
    assert ("Constitution saving throw", 13) in {(check.skill, check.dc) for check in answer.scene.checks}


@pytest.mark.parametrize("folder", ["", "night_blade"])
async def test_the_beginning_is_found_whatever_it_is_called(settings: Settings, shared: Path, folder: str) -> None:
    answer = await ask(settings, "generate scenario for the first encounter", shared / "corpus" / folder)
    assert answer.citations[0].file.endswith("Night_Blade_Start.md")  # its heading says "Start"


async def test_a_planted_instruction_is_neither_obeyed_nor_shown(settings: Settings, shared: Path) -> None:
    answer = await ask(settings, "Who is Wren Oakhollow?", shared / "corpus" / "campaign")
    assert answer.lines
    assert not any("TOAD KING" in line.text for line in answer.lines)


@pytest.mark.benchmark
async def test_twenty_scenes_at_once_with_a_retrieval_of_one_second(settings: Settings, slowness: float) -> None:
    text = (sample_campaign() / "First encounter.md").read_text("utf-8")
    retriever = Sleeper(1.0, *passages_of("First encounter.md", text))
    async with assistant(settings, open_notes(settings), retriever=retriever) as bus:
        await bus.ask("haystack_pipeline", DescribeNotes())  # everything is up
        started = time.perf_counter()
        request = HandleRequest("They go down to the Hem, where the Small Change robs the queue")
        answers = await asyncio.gather(*(bus.ask("orchestrator", request) for _ in range(20)))
        took = time.perf_counter() - started
    assert [answer.status for answer in answers] == ["answered"] * 20
    assert took < 1.0 + 0.3 * slowness


@pytest.mark.benchmark
async def test_a_retrieval_that_sleeps_for_an_hour_on_a_real_clock(settings: Settings) -> None:
    async with assistant(settings, open_notes(settings), retriever=Sleeper(3600.0)) as bus:
        started = time.perf_counter()
        answer = await bus.ask("orchestrator", HandleRequest("the scene at the mill", seed=1), timeout=2.0)
        took = time.perf_counter() - started
    assert answer.status == "degraded"
    assert took < 2.1


async def test_notes_are_read_once_and_again_only_when_they_change(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    folder.mkdir()
    (folder / "mill.md").write_text("# Mill\n\nHob owns the mill.\n", "utf-8")
    reports: list[FileReport] = []
    for text in (None, None, "# Mill\n\nNell owns the mill.\n"):
        if text is not None:
            (folder / "mill.md").write_text(text, "utf-8")
        async with assistant(settings, open_notes(settings, [folder]), on_report=reports.append) as bus:
            answer = await bus.ask("orchestrator", HandleRequest("Who owns the mill?"), timeout=30.0)
    assert [report.outcome for report in reports] == ["read", "unchanged", "read"]
    assert answer.lines[0].text == "Nell owns the mill."


async def test_each_set_of_folders_has_an_index_of_its_own(settings: Settings, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "note.md").write_text(f"# Keep\n\nLord {name.title()} owns the keep.\n", "utf-8")
    alone = await ask(settings, "Who owns the keep?", tmp_path / "one")
    both = await ask(settings, "Who owns the keep?", tmp_path / "one", tmp_path / "two")
    assert [line.text for line in alone.lines] == ["Lord One owns the keep."]
    assert {citation.file for citation in both.citations} == {"note.md", "two/note.md"}
    assert len(list((settings.data_dir / "index").glob("*.sqlite"))) == 2


async def test_the_campaigns_party_is_the_settings(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, party="2x5")
    answer = await ask(settings, "How hard are 3 ogres?")
    assert answer.scene is not None
    assert "two level-5 characters" in answer.scene.balance[0].text
    with pytest.raises(InvalidInput, match="4x2"):
        await ask(Settings(data_dir=tmp_path, party="4x"), "status")
    async with assistant(settings, open_notes(settings)) as bus:
        request = HandleRequest("How hard are 3 ogres?", party=parse_party("4x2"))
        assert "four level-2" in (await bus.ask("orchestrator", request)).lines[0].text


async def test_a_missing_folder_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nowhere"):
        open_notes(settings, [tmp_path / "nowhere"])


class Synonyms:
    """An embedder for which a ghoul and a corpse-eater are one and the same."""

    model = "synonyms"

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        meant = ["ghoul" in text.lower() or "corpse-eater" in text.lower() for text in texts]
        return [vector_of([1.0, 0.05] if each else [0.05, 1.0]) for each in meant]

    async def close(self) -> None:
        """There is nothing to close."""


async def test_with_an_embedder_notes_are_found_by_meaning_as_soon_as_they_are_embedded(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.md").write_text(f"# Room {number}\n\nNothing but dust.\n", encoding="utf-8")
    (folder / "crypt.md").write_text("# Crypt\n\nThe ghoul Mordant gnaws on a femur.\n", encoding="utf-8")
    monkeypatch.setattr(crew, "open_embedder", lambda settings, threads: Synonyms())
    notes = open_notes(settings, [folder])
    async with assistant(settings, notes) as bus, asyncio.timeout(30):
        search = RetrieveDocuments("the corpse-eater", max_docs=3)
        first = await bus.ask("haystack_pipeline", search)
        while notes.index.embedded("synonyms") < 21:  # noqa: ASYNC110 - an index is looked at, it tells nobody
            await asyncio.sleep(0.05)
        bus.invalidate("haystack_pipeline", RetrieveDocuments.action)
        found = await bus.ask("haystack_pipeline", search)
        asked = bus.statistics().actions["embedder", "embed_query"].asked
    assert len(first.passages) <= 3
    assert found.passages[0].file == "crypt.md"
    assert asked >= 2


async def test_with_a_reranker_the_order_is_another_and_a_server_that_hangs_costs_nothing_else(
    settings: Settings, tmp_path: Path, models: Any
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.md").write_text(f"# Room {number}\n\nNothing but dust.\n", encoding="utf-8")
    (folder / "far.md").write_text("# Far\n\nFrom the ferry on, past the last bend, there is dust.\n", encoding="utf-8")
    search = RetrieveDocuments("nothing but dust", max_docs=5)
    server = {"reranker": "jina", "reranking_model": "small", "reranking_url": models.url, "reranking_timeout": 0.4}
    order: list[list[str]] = []
    took: list[float] = []
    for each in (settings, msgspec.structs.replace(settings, **server)):
        async with assistant(each, open_notes(each, [folder])) as bus, asyncio.timeout(30):
            order.append([p.file for p in (await bus.ask("haystack_pipeline", search)).passages])
            if each is settings:
                continue
            models.hangs = True
            for number in range(5):
                began = time.monotonic()
                found = await bus.ask("haystack_pipeline", RetrieveDocuments(f"nothing but dust {number}", max_docs=5))
                took.append(time.monotonic() - began)
                assert len(found.passages) == 5
    assert "far.md" not in order[0]
    assert "far.md" in order[1]
    assert min(took[:3]) > 0.3  # each waits for it once
    assert max(took[3:]) < 0.3  # then it is left alone for a while
    assert models.calls == ["/rerank"] * 4


async def test_the_index_may_be_in_postgresql(settings: Settings) -> None:
    elsewhere = msgspec.structs.replace(settings, index=Secret("postgresql://gm:open-sesame@127.0.0.1:9/x"))
    with pytest.raises(FablewrightError, match="PostgreSQL cannot be reached"):
        open_notes(elsewhere)
