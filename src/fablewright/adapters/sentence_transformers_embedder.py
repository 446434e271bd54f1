"""Vectors by sentence-transformers, for whoever has it and a model for it: any of theirs, on a GPU if there is one.

It brings PyTorch, which is why it is no extra of ours. A model that is not there yet is downloaded by it, into its own
cache, and only because the user named that model.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fablewright.errors import ConfigurationError, FablewrightError, MissingExtra
from fablewright.gm.reading.embedded_text import vector_of
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.ports import Purpose, Vector

__all__ = ["SentenceTransformersEmbedder"]

_REQUIREMENT = "sentence-transformers>=5,<6"


class SentenceTransformersEmbedder:
    """An :class:`~fablewright.gm.reading.ports.Embedder` over ``SentenceTransformer``.

    Args:
        model: A model's name, or the path of its folder.
        threads: Where it runs; by default one thread of its own, which :meth:`close` ends.

    Raises:
        ConfigurationError: There is no model.
    """

    def __init__(self, model: str, *, threads: Threads | None = None) -> None:
        if not model:
            raise ConfigurationError("sentence-transformers needs to be told a model: set embedding_model.")
        self._name = model
        self._own_threads = threads is None
        self._threads = threads or Threads(1, name="embedding")  # PyTorch uses all cores for one call
        self._loading = threading.Lock()
        self._loaded: Any = None

    @property
    def model(self) -> str:
        """The model's name, with ours for the library that runs it."""
        return f"sentence-transformers:{self._name}"

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        """Return a vector for each text, with the prompt that the model has for that purpose, if it has one.

        Raises:
            MissingExtra: The library is not installed.
            ConfigurationError: The model cannot be loaded.
            FablewrightError: It fails on these texts.
        """
        return await self._threads.run(self._embed, list(texts), purpose) if texts else []

    async def close(self) -> None:
        """End the thread that this object started itself."""
        if self._own_threads:
            self._threads.close()

    def _embed(self, texts: list[str], purpose: Purpose) -> list[Vector]:
        model = self._load()
        encode = model.encode_query if purpose == "query" else model.encode_document
        try:
            return [
                vector_of(row.tolist()) for row in encode(texts, normalize_embeddings=True, show_progress_bar=False)
            ]
        except FablewrightError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise FablewrightError(f"The model {self._name} cannot embed: {reason}") from error

    def _load(self) -> Any:  # noqa: ANN401 - a library without types of its own
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self._name)
            return self._loaded


def _load(name: str) -> Any:  # noqa: ANN401 - as above
    try:
        library = import_module("sentence_transformers")  # seconds, for PyTorch; unknown to whoever checks our types
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed; run: pip install '{_REQUIREMENT}'") from error
    try:
        return library.SentenceTransformer(name)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigurationError(f"The model {name} cannot be loaded: {reason}") from error
