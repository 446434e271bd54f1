"""Which model the settings mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.errors import ConfigurationError
from fablewright.gm.writing.ports import Endpoint

if TYPE_CHECKING:
    from fablewright.entry.config import Settings
    from fablewright.gm.writing.ports import ModelServer, Writer
    from fablewright.runtime.threads import Threads

__all__ = ["open_writer"]

_OPENAI = "https://api.openai.com/v1"


def open_writer(settings: Settings, threads: Threads) -> Writer | None:
    """Return the model that writes prose; None where it is switched off. Nothing is loaded, started or asked yet.

    Raises:
        ConfigurationError: A model is needed and not named, or the URL is none.
        InvalidInput: There is no such file.
        MissingExtra: What a model on this machine needs is not installed.
    """
    if settings.prose == "off":
        return None
    from fablewright.adapters.chat_model.writer import ChatWriter  # noqa: PLC0415 - only where it is wanted

    return ChatWriter(_server(settings, threads), timeout=settings.model_timeout, threads=threads)


def _server(settings: Settings, threads: Threads) -> ModelServer:
    """Return who serves the model: this machine, a URL, OpenAI where there is a key and no URL, or else Ollama."""
    model, url = settings.model, settings.model_url
    if model == "local" or model.endswith(".gguf"):
        from fablewright.adapters.local_model.process import LocalModel  # noqa: PLC0415 - only where it is wanted

        return LocalModel(None if model == "local" else Path(model), threads=threads)
    if url or settings.model_key:
        from fablewright.adapters.chat_model.writer import KnownServer  # noqa: PLC0415 - as above

        if not model:
            raise ConfigurationError("A model's server needs to be told a model: set model.")
        return KnownServer(Endpoint((url or _OPENAI).rstrip("/"), model, settings.model_key.reveal()))
    from fablewright.adapters.ollama import Ollama  # noqa: PLC0415 - as above

    return Ollama(model)
