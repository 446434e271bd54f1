"""What the game needs of a language model, as a Protocol: text for a prompt, in pieces, as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

__all__ = ["Prompt", "Writer"]


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
