"""What the game needs of a language model, as Protocols: text for a prompt, in pieces, as it comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

__all__ = ["Endpoint", "ModelServer", "Prompt", "Writer"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given to read.

    Attributes:
        system: Who it is and what holds whatever it is asked.
        user: What is wanted this time.
    """

    system: str
    user: str


class Writer(Protocol):
    """A language model. What it sends is anything at all: the callers believe nothing of it."""

    async def name(self) -> str:
        """Return what to call the model, for people; empty when there is none. Quick, and never raises."""
        ...

    def write(self, prompt: Prompt, *, schema: Mapping[str, object], most_tokens: int) -> AsyncGenerator[str, None]:
        """Yield what the model writes, in pieces of any size; closing the generator stops the model.

        Args:
            prompt: What it reads.
            schema: The JSON schema that its answer is to have, where the model can be held to one.
            most_tokens: How much it writes at the most.

        Raises:
            FablewrightError: It cannot be reached, takes too long, refuses, breaks off, or sends something else.
        """
        ...

    async def close(self) -> None:
        """Let go of connections, threads and processes; closing twice is harmless."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model answers.

    Attributes:
        url: Of the API, without a slash at the end: ``http://127.0.0.1:11434/v1``.
        model: The model's name, as the server knows it.
        key: What is sent with each call; empty: nothing is. Never shown.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)


class ModelServer(Protocol):
    """What serves a model: it may have to be found, or started, before it can be asked."""

    async def model(self) -> str:
        """Return what to call the model, for people; empty when there is none. Quick, and never raises."""
        ...

    async def endpoint(self) -> Endpoint:
        """Return where the model answers; only now need it run.

        Raises:
            FablewrightError: It cannot be found or started; the message says what to do.
        """
        ...

    async def was_silent(self) -> None:
        """Be told that a call has brought nothing at all."""
        ...

    async def close(self) -> None:
        """End what was started; closing twice is harmless."""
        ...
