from __future__ import annotations

import asyncio
import builtins
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters import haystack_retriever
from fablewright.adapters.haystack_retriever import HaystackRetriever, clean_query
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.errors import ConfigurationError, FablewrightError, InvalidInput, MissingExtra
from fablewright.gm.finding.finder import QueryVector
from fablewright.gm.finding.options import ALL_STEPS, STEPS
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import FileStamp, Passage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

pytestmark = pytest.mark.anyio

PASSAGE = Passage("The Blue Heron.", "inn.md", ("Places", "Inn"), 3, 18, 1.5, 7, "| a | b |")


class Index:
    """An index that answers as it is told."""

    version = 1
    searches_at_once = 32

    def __init__(self, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.seconds = seconds
        self.error = error
        self.asked: list[tuple[str, int, Mapping[str, str]]] = []

    def search(self, query: str, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        self.asked.append((query, limit, filters))
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        return [PASSAGE] * limit

    stamps = counts = count = replace = touch = remove = NotImplemented


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    opened = SqliteIndex(tmp_path / "index.sqlite")
    for name, text in {"inn.md": "# The Blue Heron\n\nAn inn.", "b.md": "# Hill\n\nA heron."}.items():
        opened.replace(name, FileStamp(1, 1, "x"), passages_of(name, text))
    yield opened
    opened.close()


async def test_a_real_pipeline_gives_back_the_passages_of_the_index(index: SqliteIndex) -> None:
    import haystack  # noqa: PLC0415 - as late as the adapter does it

    retriever = HaystackRetriever(index)
    found = await retriever.retrieve("  the blue\theron?\n", max_docs=5, filters={})
    assert [replace(p, score=0.0) for p in found] == [
        replace(p, score=0.0) for p in index.search("the blue heron?", limit=5, filters={})
    ]
    assert found[0].score > found[1].score > 0
    assert [passage.file for passage in found] == ["inn.md", "b.md"]
    assert isinstance(retriever._pipeline, haystack.Pipeline)
    only = await retriever.retrieve("heron", max_docs=5, filters={"file": "b.md"})
    assert [passage.file for passage in only] == ["b.md"]
    retriever.close()


async def test_every_field_of_a_passage_comes_through() -> None:
    index = Index()
    retriever = HaystackRetriever(index)
    assert await retriever.retrieve("who?", max_docs=2, filters={"heading": "x"}) == [PASSAGE, PASSAGE]
    assert index.asked == [("who?", 2, {"heading": "x"})]
    assert await retriever.retrieve("", max_docs=0, filters={}) == []
    retriever.close()


async def test_a_search_without_filters_takes_all_steps_and_one_with_filters_goes_by_words(index: SqliteIndex) -> None:
    rules = "# House rules\n\nPotions are drunk as a bonus action."
    index.replace("House rules.md", FileStamp(1, 1, "x"), passages_of("House rules.md", rules))
    retriever = HaystackRetriever(index)
    question = "How hard is the heron encounter for my party?"
    assert "House rules.md" in {p.file for p in await retriever.retrieve(question, max_docs=5, filters={})}
    filtered = await retriever.retrieve(question, max_docs=5, filters={"file": "*.md"})
    assert "House rules.md" not in {p.file for p in filtered}
    bare = HaystackRetriever(index, options=replace(ALL_STEPS, **dict.fromkeys(STEPS, False)))
    assert "House rules.md" not in {p.file for p in await bare.retrieve(question, max_docs=5, filters={})}
    retriever.close()
    bare.close()


async def test_a_model_adds_what_is_near_in_meaning_and_costs_nothing_when_it_fails(index: SqliteIndex) -> None:
    numbers = {"inn.md": (1.0, 0.0), "b.md": (0.0, 1.0)}
    by_text = {text: key for key, text in index.unembedded("toy", limit=9).items()}
    vectors = {
        key: struct.pack("<2f", *numbers["b.md" if "Hill" in text else "inn.md"]) for text, key in by_text.items()
    }
    index.store("toy", vectors)
    asked: list[str] = []

    async def embed(question: str) -> QueryVector | None:
        asked.append(question)
        if "fails" in question:
            raise FablewrightError("no model")
        if "hangs" in question:
            await asyncio.sleep(60)
        return QueryVector("toy", struct.pack("<2f", 0.0, 1.0))

    retriever = HaystackRetriever(index, embed=embed)
    assert [p.file for p in await retriever.retrieve("ridge", max_docs=1, filters={})] == ["b.md"]
    for question in ("heron fails", "heron hangs"):
        assert {p.file for p in await retriever.retrieve(question, max_docs=5, filters={})} == {"inn.md", "b.md"}
    await retriever.retrieve("heron", max_docs=5, filters={"file": "b.md"})
    assert asked == ["ridge", "heron fails", "heron hangs"]  # a known part of the notes needs no meaning
    retriever.close()


async def test_a_reranker_turns_the_order_and_costs_nothing_when_it_fails(index: SqliteIndex) -> None:
    index.replace("c.md", FileStamp(1, 1, "x"), passages_of("c.md", "# Ferry\n\nThe ferry to the hill. No bird."))
    judged: list[list[str]] = []

    async def rerank(question: str, texts: Sequence[str]) -> list[float]:
        judged.append(list(texts))
        if "fails" in question:
            raise FablewrightError("out of order")
        return [float("ferry" in text) for text in texts]

    retriever, plain = HaystackRetriever(index, rerank=rerank), HaystackRetriever(index)
    question = "the heron on the hill"
    usual = [p.file for p in await plain.retrieve(question, max_docs=5, filters={})]
    turned = [p.file for p in await retriever.retrieve(question, max_docs=5, filters={})]
    assert sorted(turned) == sorted(usual)
    assert turned.index("c.md") < usual.index("c.md")
    assert "Ferry\n# Ferry\n\nThe ferry to the hill. No bird." in judged[0]
    # Also what would not have been handed on is judged, and no more is handed on than asked for.
    assert len(await retriever.retrieve(question, max_docs=1, filters={})) == 1
    assert len(judged[1]) == 3
    assert [p.file for p in await retriever.retrieve(f"{question} fails", max_docs=5, filters={})] == [
        p.file for p in await plain.retrieve(f"{question} fails", max_docs=5, filters={})
    ]
    await retriever.retrieve("heron", max_docs=5, filters={"file": "*.md"})
    assert len(judged) == 3  # a known part of the notes is in its order
    retriever.close()
    plain.close()


async def test_our_own_errors_come_out_of_the_pipeline_unwrapped(index: SqliteIndex) -> None:
    retriever = HaystackRetriever(index)
    with pytest.raises(InvalidInput, match="there are: file, heading"):
        await retriever.retrieve("heron", max_docs=5, filters={"color": "red"})
    broken = HaystackRetriever(Index(error=ValueError("broken")))
    with pytest.raises(Exception, match="broken"):
        await broken.retrieve("heron", max_docs=5, filters={})
    retriever.close()
    broken.close()


async def test_twenty_retrievals_at_once_do_not_wait_for_each_other() -> None:
    retriever = HaystackRetriever(Index(seconds=0.3))
    await retriever.warm_up()
    start = time.monotonic()
    await asyncio.gather(*(retriever.retrieve("x", max_docs=1, filters={}) for _ in range(20)))
    assert time.monotonic() - start < 1  # one after another: 6 s; four at a time: 1.5 s
    retriever.close()


async def test_no_more_at_once_than_the_index_does_best_and_who_leaves_makes_room() -> None:
    index = Index(seconds=0.05)
    index.searches_at_once = 2
    running, most = 0, 0
    search = index.search

    def counted(query: str, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return search(query, limit=limit, filters=filters)
        finally:
            running -= 1

    index.search = counted  # type: ignore[method-assign]
    retriever = HaystackRetriever(index)
    await retriever.warm_up()
    await asyncio.gather(*(retriever.retrieve("x", max_docs=1, filters={}) for _ in range(8)))
    assert most == 2
    index.seconds = 3600.0
    for _ in range(4):  # each hangs, and its asker leaves
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(retriever.retrieve("x", max_docs=1, filters={}), 0.05)
    index.seconds = 0.0
    assert await asyncio.wait_for(retriever.retrieve("x", max_docs=1, filters={}), 5)
    retriever.close()


async def test_warming_up_beside_retrievals_loads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    build = haystack_retriever._pipeline

    def counted(*args: object) -> object:
        loads.append(threading.current_thread().name)
        time.sleep(0.05)
        return build(*args)  # type: ignore[arg-type]  # handed through as they came

    monkeypatch.setattr(haystack_retriever, "_pipeline", counted)
    retriever = HaystackRetriever(Index())
    asks = [retriever.retrieve("x", max_docs=1, filters={}) for _ in range(5)]
    await asyncio.gather(retriever.warm_up(), *asks, retriever.warm_up())
    await retriever.warm_up()
    assert len(loads) == 1
    assert loads[0] != threading.main_thread().name
    retriever.close()


async def test_a_cancelled_retrieval_leaves_at_once() -> None:
    retriever = HaystackRetriever(Index(seconds=0.5))
    await retriever.warm_up()
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(retriever.retrieve("x", max_docs=1, filters={}), 0.02)
    assert time.monotonic() - start < 0.3
    retriever.close()


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ModuleNotFoundError("No module named 'haystack'", name="haystack"), MissingExtra, "Haystack is not"),
        (
            ModuleNotFoundError("No module named 'numpy'", name="numpy"),
            MissingExtra,
            "dependency numpy is not",
        ),
        (ImportError("cannot import\nname 'Pipeline'"), ConfigurationError, "cannot import name 'Pipeline'"),
        (AttributeError("odd"), ConfigurationError, "odd"),
    ],
)
async def test_without_haystack_it_says_how_to_get_it_and_tries_again_next_time(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], words: str
) -> None:
    real = builtins.__import__

    def failing(name: str, *args: object, **kwargs: object) -> object:
        if name.partition(".")[0] == "haystack":
            raise error
        return real(name, *args, **kwargs)  # type: ignore[arg-type]  # handed through as they came

    retriever = HaystackRetriever(Index())
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", failing)
        with pytest.raises(kind, match=words) as caught:
            await retriever.warm_up()
    assert "pip install" in str(caught.value)
    assert "'haystack-ai>=3.4,<4'" in str(caught.value)
    assert "\n" not in str(caught.value)
    await retriever.warm_up()
    retriever.close()


@pytest.mark.parametrize(
    ("query", "clean"),
    [("", ""), (" a\n\tb ", "a b"), ("a\0b\x1b[0m", "ab[0m"), ("x" * 5000, "x" * 4000), ("\ud800é", "é")],
)
def test_queries_are_cleaned(query: str, clean: str) -> None:
    assert clean_query(query) == clean


TELEMETRY = """
import asyncio, os, sys, types
import fablewright.adapters.haystack_retriever as adapter
assert "haystack" not in sys.modules, "imported too early"
asyncio.run(adapter.HaystackRetriever(types.SimpleNamespace(searches_at_once=1)).warm_up())
from haystack.telemetry import _telemetry
print(os.environ["HAYSTACK_TELEMETRY_ENABLED"], _telemetry.telemetry)
"""


@pytest.mark.parametrize(("chosen", "kept"), [(None, "False"), ("0", "0")])
def test_haystack_is_imported_late_and_phones_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str | None, kept: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # Haystack would leave a file there
    monkeypatch.delenv("HAYSTACK_TELEMETRY_ENABLED", raising=False)
    if chosen is not None:
        monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", chosen)
    result = subprocess.run([sys.executable, "-c", TELEMETRY], capture_output=True, text=True, check=True)
    assert result.stdout == f"{kept} None\n"
    assert list(tmp_path.iterdir()) == []


HANG = """
import asyncio, sys, threading
from fablewright.adapters.haystack_retriever import HaystackRetriever

class Index:
    searches_at_once = 1

    def search(self, *_, **__):
        threading.Event().wait()

async def main():
    retriever = HaystackRetriever(Index())
    await retriever.warm_up()
    before = set(sys.modules)
    try:
        await asyncio.wait_for(retriever.retrieve("x", max_docs=1, filters={}), 0.05)
    except TimeoutError:
        print("left", len(sys.modules.keys() - before))

asyncio.run(main())
"""


def test_a_search_that_hangs_does_not_keep_the_process_from_exiting() -> None:
    result = subprocess.run([sys.executable, "-c", HANG], timeout=20, capture_output=True, text=True, check=True)
    word, imported = result.stdout.split()
    assert (word, result.stderr) == ("left", "")
    assert int(imported) < 10  # what warming up leaves to the first search is imported on the event loop
