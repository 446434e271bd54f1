"""Qdrant's local mode: vectors, and words as sparse vectors whose rarity it weighs itself."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import TYPE_CHECKING

from qdrant_client import QdrantClient, models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Qdrant"]


class Qdrant:
    """An engine for the comparison."""

    def __init__(self, folder: Path) -> None:
        self._client = QdrantClient(path=str(folder))
        if not self._client.collection_exists("passages"):
            self._client.create_collection(
                "passages",
                {"near": models.VectorParams(size=384, distance=models.Distance.COSINE)},
                sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
            )

    def add(self, first: int, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        points = [
            models.PointStruct(id=first + n, vector={"near": row.tolist(), "words": _sparse(text)}, payload={"t": text})
            for n, (text, row) in enumerate(zip(texts, vectors, strict=True))
        ]
        self._client.upsert("passages", points)

    def finish(self) -> None:
        """Nothing is left to do."""

    def count(self) -> int:
        return self._client.count("passages").count

    def lexical(self, words: str, limit: int) -> list[int]:
        return self._query(_sparse(words), "words", limit)

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        return self._query(vector.tolist(), "near", limit)

    def _query(self, query: models.SparseVector | list[float], using: str, limit: int) -> list[int]:
        found = self._client.query_points("passages", query=query, using=using, limit=limit, with_payload=False)
        return [int(point.id) for point in found.points]


def _sparse(text: str) -> models.SparseVector:
    counts = Counter(zlib.crc32(word.encode()) for word in text.split())
    # The part of BM25 that is of a passage alone; 60 words are its usual length.
    return models.SparseVector(indices=list(counts), values=[n * 2.2 / (n + 1.2) for n in counts.values()])
