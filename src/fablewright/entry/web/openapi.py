"""The API's description (OpenAPI 3.1), made of what the routes say about themselves and of the types they name."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from fablewright.entry.web.operation import SCHEMAS, operation_of
from fablewright.entry.web.problem import Problem
from fablewright.gm.answer_data import answer_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.routing import Route

    from fablewright.entry.web.operation import Header, Operation, Query, Reply

__all__ = ["openapi_document"]

_ABOUT = """\
The answers of a game master's assistant, out of the GM's own notes.

Send JSON. `Host` must be one of the server's own names, and a page of another site may not ask. A server that has a
token wants it as `Authorization: Bearer …` or as the cookie that the page gets. What cannot be done is answered with
`application/problem+json` (RFC 9457): `detail` says what happened, for people; below `/v1/` in OpenAI's shape. Streams
of events can be taken up again with `Last-Event-ID`."""
_STREAM = "text/event-stream"
_PROBLEM: dict[str, object] = {"$ref": "#/components/responses/Problem"}
_OPENAI_PROBLEM: dict[str, object] = {"$ref": "#/components/responses/OpenAIProblem"}
_NAME = str.maketrans({" ": "", "/": "_", ".": "_", "-": "_", "{": "", "}": ""})
_EXAMPLE = Problem("Not Found", 404, "There is no such request any more: ask again.")


def openapi_document(routes: Sequence[Route]) -> dict[str, object]:
    """Return the document; routes that say nothing about themselves are not in it.

    Args:
        routes: Of the server.
    """
    said = [(route, operation) for route in routes if (operation := operation_of(route)) is not None]
    schemas = _Schemas([operation for _, operation in said])
    paths: dict[str, dict[str, object]] = {}
    for route, operation in said:
        methods = paths.setdefault(route.path_format, {})
        for method in sorted((route.methods or set()) - {"HEAD"}):
            methods[method.lower()] = _operation(route, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fablewright", "version": version("fablewright"), "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {
                "Problem": {
                    "description": "It cannot be done; `detail` says why.",
                    "content": {
                        "application/problem+json": {
                            "schema": schemas.of(Problem),
                            "example": msgspec.to_builtins(_EXAMPLE),
                        }
                    },
                },
                "OpenAIProblem": {
                    "description": "It cannot be done; `error.message` says why.",
                    "content": {"application/json": {"schema": _OPENAI_ERROR}},
                },
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


_OPENAI_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": "null"},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


class _Schemas:
    """The schemas of all types that operations name, and of what those are made of."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        kinds = [reply.kind for operation in operations for reply in operation.replies.values()]
        kinds += [operation.body for operation in operations]
        wanted = [*dict.fromkeys(kind for kind in kinds if kind is not None), Problem]
        pointers, components = msgspec.json.schema_components(wanted, ref_template=f"{SCHEMAS}{{name}}")
        self._pointers = dict(zip(wanted, pointers, strict=True))
        self.components: dict[str, Mapping[str, object]] = {**components, **_answer_schemas()}

    def of(self, kind: Any) -> Mapping[str, object]:  # noqa: ANN401 - a type, or an alias of one
        found: Mapping[str, object] = self._pointers[kind]
        return found


def _answer_schemas() -> dict[str, Mapping[str, object]]:
    """Return the schemas of ``Answer`` and of all that it is made of, by name."""
    moved = msgspec.json.encode(answer_schema()).replace(b"#/$defs/", SCHEMAS.encode())
    answer = msgspec.json.decode(moved)
    return {**answer.pop("$defs"), "Answer": answer}


def _operation(route: Route, operation: Operation, schemas: _Schemas) -> dict[str, object]:
    problem = _OPENAI_PROBLEM if route.path.startswith("/v1/") else _PROBLEM
    replies: dict[str, object] = {str(status): _reply(reply, schemas) for status, reply in operation.replies.items()}
    for status, when in sorted(operation.problems.items()):
        replies[str(status)] = {**problem, "description": when}
    described: dict[str, object] = {
        "operationId": f"{route.name} {route.path_format}".translate(_NAME),
        "summary": operation.summary,
        "responses": {**replies, "default": problem},
    }
    if operation.detail:
        described["description"] = operation.detail
    parameters = [_path_parameter(name) for name in route.param_convertors]
    parameters += [_header(header) for header in operation.headers]
    parameters += [_query(query) for query in operation.queries]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content = {"schema": schemas.of(operation.body), "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif operation.takes:
        described["requestBody"] = {"required": True, "content": {operation.takes: {}}}
    return described


def _path_parameter(name: str) -> dict[str, object]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(query: Query) -> dict[str, object]:
    kind: dict[str, object] = {"type": "integer", "minimum": 0} if query.is_number else {"type": "string"}
    return {"name": query.name, "in": "query", "required": query.required, "description": query.words, "schema": kind}


def _header(header: Header) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    if header.longest is not None:
        schema["maxLength"] = header.longest
    return {"name": header.name, "in": "header", "description": header.words, "schema": schema}


def _reply(reply: Reply, schemas: _Schemas) -> dict[str, object]:
    described: dict[str, object] = {"description": reply.words}
    if reply.media:
        content: dict[str, object] = {}
        if reply.media != _STREAM:  # of a stream no schema says anything: for some readers it is one of each event
            content["schema"] = {"type": "string"} if reply.kind is None else schemas.of(reply.kind)
        if reply.example is not None:
            content["example"] = reply.example
        kinds: dict[str, object] = {reply.media: content}
        if reply.streamed:
            kinds[_STREAM] = {"example": reply.streamed}
        described["content"] = kinds
    return described
