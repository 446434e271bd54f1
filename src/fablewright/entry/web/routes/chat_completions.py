"""OpenAI's chat completions, so that chat programs can ask: the last message of the user is the request."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from fablewright.entry.web.chat_text import ChatText
from fablewright.entry.web.chat_wire import MODEL, ChatOrder, order_of
from fablewright.entry.web.hang_up import until_over
from fablewright.entry.web.openai_errors import openai_error
from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.problem import Problem, ProblemError
from fablewright.entry.web.wire import as_json, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import Request

    from fablewright.entry.web.event_log import LoggedEvent
    from fablewright.entry.web.run import Run
    from fablewright.entry.web.sitting import Sitting

__all__ = ["chat_routes", "stream_of"]

_QUIET = 5.0
"""Seconds after which a stream shows a sign of life, and so finds out that its client is gone."""
_SIGNS = 4
"""Characters of English that make about one token of most models' tokenizers."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens, estimated from the number of characters: no tokenizer has a part in an answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    estimated: bool = True


class SaidMessage(msgspec.Struct, frozen=True):
    """The answer."""

    content: Annotated[str, Meta(description="Markdown, with its sources at the end.")]
    role: Literal["assistant"] = "assistant"


class Choice(msgspec.Struct, frozen=True):
    """The one choice there is."""

    message: SaidMessage
    index: int = 0
    finish_reason: Literal["stop"] = "stop"


class Completion(msgspec.Struct, frozen=True):
    """An answer in OpenAI's shape."""

    id: str
    created: Annotated[int, Meta(description="Seconds since 1970.")]
    choices: tuple[Choice, ...]
    usage: Usage
    object: Literal["chat.completion"] = "chat.completion"
    model: str = MODEL


class Model(msgspec.Struct, frozen=True):
    """A name that clients may give."""

    id: str
    created: int
    object: Literal["model"] = "model"
    owned_by: str = MODEL


class Models(msgspec.Struct, frozen=True):
    """All names."""

    data: tuple[Model, ...]
    object: Literal["list"] = "list"


_ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "2d6+3"}]}
_SAID: dict[str, Any] = {
    "id": "chatcmpl-Jm2vKx0pQ3aF",
    "created": 1764280800,
    "choices": [
        {"message": {"content": "2d6+3 = 4 + 2 + 3 = 9", "role": "assistant"}, "index": 0, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 2, "completion_tokens": 6, "total_tokens": 8, "estimated": True},
    "object": "chat.completion",
    "model": MODEL,
}
_STREAMED = 'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"9"}}]}\n\n'
_DETAIL = """\
The last message of the user is the request; what was said before it, and what a system message says, is not looked at.
Fields that say how a model is to pick its words are ignored. With `stream`, the parts of the answer come as events in
OpenAI's shape (`text/event-stream`), and what a model writes comes behind the answer; `[DONE]` ends them. A client that
hangs up stops the request. Numbers of tokens are estimated."""


def chat_routes(sitting: Sitting, *, wall_clock: Callable[[], float] = time.time) -> list[Route]:
    """Return the routes.

    Args:
        sitting: What the server keeps.
        wall_clock: Seconds since 1970.
    """
    since = int(wall_clock())

    @operation(
        "Chat, as with OpenAI's API",
        {200: Reply(Completion, "The answer.", example=_SAID, streamed=_STREAMED)},
        detail=_DETAIL,
        body=ChatOrder,
        example=_ASKED,
        problems={
            400: "There is nothing to answer in it, or something that cannot be read.",
            422: "It is no such conversation, or cannot be done; the message says why.",
            429: "Too many requests at once.",
            503: "Nothing could be answered; the message says why.",
        },
    )
    async def complete(request: Request) -> Response:
        chat = read(await request.body(), ChatOrder)
        run = sitting.runs.begin(sitting.bus, sitting.settings, order_of(chat), ask=sitting.net.ask)
        created = int(wall_clock())
        if chat.stream:
            stream = stream_of(run, created, with_usage=chat.wants_usage)
            return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        await until_over(run, request)
        if run.answer is None:
            raise _why(run)
        text = "".join(ChatText(run.answer).parts()).strip()
        usage = _usage(run, text)
        return as_json(Completion(f"chatcmpl-{run.id}", created, (Choice(SaidMessage(text)),), usage))

    @operation(
        "The models there are",
        {200: Reply(Models, "This server, by the one name that it has.")},
        detail="Whatever writes the answers, clients see one model.",
    )
    async def models(_request: Request) -> Response:
        return as_json(Models((Model(MODEL, since),)))

    return [
        Route("/v1/chat/completions", complete, methods=["POST"]),
        Route("/v1/models", models, methods=["GET"]),
    ]


async def stream_of(run: Run, created: int, *, with_usage: bool) -> AsyncIterator[str]:
    """Yield the answer part by part, as it comes; whoever stops reading stops the run."""
    head = {"id": f"chatcmpl-{run.id}", "object": "chat.completion.chunk", "created": created, "model": MODEL}
    said = ""

    def piece(delta: dict[str, str], reason: str | None = None) -> str:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    try:
        yield piece({"role": "assistant", "content": ""})
        writing = _Writing(run)
        async with aclosing(run.log.follow(quiet=_QUIET)) as events:
            async for event in events:
                if not event.kind:
                    yield ": still here\n\n"
                for text in writing.of(event):
                    said += text
                    yield piece({"content": text})
        if run.answer is None:
            why = _why(run)
            yield _event(openai_error(why.status, why.detail))
        else:
            yield piece({}, "stop")
            if with_usage:
                yield _event({**head, "choices": [], "usage": _usage(run, said)})
        yield "data: [DONE]\n\n"
    finally:
        if run.state == "running":
            run.stop()  # the client has left


class _Writing:
    """Makes text of what happens in a run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._text: ChatText | None = None

    def of(self, event: LoggedEvent) -> Iterator[str]:
        """Yield what is to be read of an event."""
        answer = self._run.answer
        if answer is None:
            return
        if event.kind == "answer" and self._text is None:
            self._text = ChatText(answer)
            yield from self._text.parts()
        elif event.kind == "prose" and self._text is not None:
            told = msgspec.json.decode(event.data)
            yield from self._text.later(answer, told["part"], told["writer"])


def _why(run: Run) -> ProblemError:
    problem = run.problem or Problem("Unavailable", 503, "It was stopped.")
    return ProblemError(problem.status, problem.detail)


def _usage(run: Run, said: str) -> Usage:
    asked, answered = (-(-len(text) // _SIGNS) for text in (run.request.words, said))
    return Usage(asked, answered, asked + answered)


def _event(data: object) -> str:
    return f"data: {msgspec.json.encode(data).decode()}\n\n"
