"""What clients of OpenAI's chat completions send, as far as it is looked at.

Fields that are not named here are ignored: clients send many that say how a model is to pick its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from fablewright.entry.web.complaint import complaint
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.wire import Order

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MODEL", "ChatMessage", "ChatOrder", "ChatPart", "order_of", "texts_of"]

MODEL = "fablewright"
"""What this server is called where a client has to name a model."""

_Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool", "function"]
_LARGEST_SEED = 2**53


class ChatPart(msgspec.Struct, frozen=True):
    """A piece of a message."""

    type: Annotated[str, Meta(description="Only `text` can be read.")]
    text: str = ""


class ChatMessage(msgspec.Struct, frozen=True):
    """One message."""

    role: _Role
    content: Annotated[str | list[ChatPart] | None, Meta(description="Text, or pieces of it.")] = None


class StreamOptions(msgspec.Struct, frozen=True):
    """What comes with a stream."""

    include_usage: bool | None = None


class ChatOrder(msgspec.Struct, frozen=True):
    """A conversation, of which the last message of the user is the request."""

    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    model: Annotated[str | None, Meta(description="Whatever stands here, it is this server that answers.")] = None
    stream: Annotated[bool | None, Meta(description="Whether the parts come one by one.")] = None
    stream_options: StreamOptions | None = None
    n: Annotated[int | None, Meta(description="One answer at a time: 1.")] = None
    seed: Annotated[int | None, Meta(description="The same number gives the same dice.")] = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream is to end with the estimated numbers of tokens."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)


def order_of(chat: ChatOrder) -> Order:
    """Return the request that a conversation ends in.

    Raises:
        ProblemError: There is no message of the user, it is empty or too long, has more than text in it, or several
            answers are wanted (400).
    """
    if chat.n not in {None, 1}:
        raise ProblemError(400, "One answer comes at a time: leave n out, and ask again for another.")
    asked = next((message for message in reversed(chat.messages) if message.role == "user"), None)
    if asked is None:
        raise ProblemError(400, "There is no message with the role user: the last of them is what is answered.")
    words = "\n".join(texts_of(asked)).strip()
    if not words:
        raise ProblemError(400, 'The last message of the user is empty: type what you need, such as "a tavern brawl".')
    seed = None if chat.seed is None else chat.seed % _LARGEST_SEED
    fields: dict[str, Any] = {"words": words, "seed": seed}
    try:
        return msgspec.convert(fields, Order)
    except msgspec.ValidationError as error:
        raise ProblemError(400, f"The last message of the user cannot be taken: {complaint(str(error))}") from error


def texts_of(message: ChatMessage) -> Sequence[str]:
    """Return the texts of a message.

    Raises:
        ProblemError: There is something else in it (400).
    """
    if message.content is None:
        return ()
    if isinstance(message.content, str):
        return (message.content,)
    for part in message.content:
        if part.type != "text":
            what = {"image_url": "Pictures", "input_audio": "Sounds", "file": "Files"}.get(part.type, "Such parts")
            raise ProblemError(400, f"{what} cannot be read here: send text alone.")
    return [part.text for part in message.content]
