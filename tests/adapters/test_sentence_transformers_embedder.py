"""With a library of that name and shape: the real one brings PyTorch, which no test of ours shall install."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, ClassVar

import pytest

from fablewright.adapters.sentence_transformers_embedder import SentenceTransformersEmbedder
from fablewright.errors import ConfigurationError, FablewrightError, MissingExtra

pytestmark = pytest.mark.anyio


class Row(list[float]):
    def tolist(self) -> list[float]:
        return list(self)


class Model:
    loaded: ClassVar[list[str]] = []

    def __init__(self, name: str) -> None:
        if name == "unknown":
            raise OSError("unknown is not a local folder\nand is not a valid model identifier")
        self.loaded.append(name)

    def encode_query(self, texts: list[str], **options: Any) -> list[Row]:
        assert options == {"normalize_embeddings": True, "show_progress_bar": False}
        if "too much" in texts:
            raise RuntimeError("out of memory")
        return [Row([3.0, 4.0]) for _ in texts]

    def encode_document(self, texts: list[str], **options: Any) -> list[Row]:
        return [Row([4.0, 3.0]) for _ in texts]


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = Model  # type: ignore[attr-defined]  # it is what a module has
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    Model.loaded.clear()


@pytest.mark.usefixtures("library")
async def test_questions_and_passages_each_with_the_models_own_prompt() -> None:
    embedder = SentenceTransformersEmbedder("small")
    (query,) = await embedder.embed(["owl"], "query")
    passages = await embedder.embed(["owl", "bear"], "passage")
    assert list(memoryview(query).cast("f")) == pytest.approx([0.6, 0.8])
    assert [list(memoryview(each).cast("f")) for each in passages] == [pytest.approx([0.8, 0.6])] * 2
    assert Model.loaded == ["small"]
    assert embedder.model == "sentence-transformers:small"
    await embedder.close()


@pytest.mark.usefixtures("library")
async def test_what_goes_wrong_is_said_in_one_line() -> None:
    with pytest.raises(ConfigurationError, match="set embedding_model"):
        SentenceTransformersEmbedder("")
    with pytest.raises(ConfigurationError, match="unknown cannot be loaded: unknown is not a local folder and"):
        await SentenceTransformersEmbedder("unknown").embed(["owl"], "query")
    with pytest.raises(FablewrightError, match="small cannot embed: out of memory"):
        await SentenceTransformersEmbedder("small").embed(["too much"], "query")


async def test_without_the_library_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match="run: pip install 'sentence-transformers"):
        await SentenceTransformersEmbedder("small").embed(["owl"], "query")
