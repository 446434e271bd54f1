"""The API's description: whole, true to what is answered, and with examples that are what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks
from starlette.routing import Route

from fablewright.entry.web.app import routes_of
from fablewright.entry.web.openapi import openapi_document
from fablewright.entry.web.wire import Order, read
from fablewright.gm.answer_data import answer_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.answer import Answer

ROUTES = [route for route in routes_of(None) if isinstance(route, Route)]  # type: ignore[arg-type] # nothing is asked
DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi_document(ROUTES)))
OPERATIONS = [
    (path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]


def validated(schema: dict[str, Any], instance: object) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.validate(instance, whole, cls=jsonschema.Draft202012Validator)


def test_every_route_is_described_and_the_other_way_round() -> None:
    there = {
        (route.path_format, method.lower())
        for route in ROUTES
        for method in (route.methods or set()) - {"HEAD"}
        if route.path.startswith(("/api/v1/", "/v1/"))
    }
    described = {(path, method) for path, method, _ in OPERATIONS if path.startswith(("/api/v1/", "/v1/"))}
    assert there == described
    assert ("/api/v1/runs/{run}", "delete") in described


def test_operations_have_names_of_their_own_and_say_what_they_do() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for _, _, operation in OPERATIONS)


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, method, operation in OPERATIONS:
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            for content in body.get("content", {}).values():
                if "example" in content and "schema" in content:
                    yield f"{method} {path}", content


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in examples()])
def test_examples_are_what_their_schemas_say(content: dict[str, Any]) -> None:
    validated(content["schema"], content["example"])


def test_a_wrong_example_would_be_seen() -> None:
    with pytest.raises(jsonschema.ValidationError):
        validated({"$ref": "#/components/schemas/Order"}, {"words": "", "seed": 7})
    with pytest.raises(jsonschema.ValidationError):
        validated({"$ref": "#/components/schemas/Answer"}, {"want": "scene"})


def test_the_schema_of_an_answer_has_all_that_is_written_down(full_answer: Answer) -> None:
    data: Any = msgspec.json.decode(msgspec.json.encode(answer_data(full_answer)))
    validated({"$ref": "#/components/schemas/Answer"}, data)
    schemas = DOCUMENT["components"]["schemas"]
    assert {*data, "variants"} == set(schemas["Answer"]["properties"])
    assert set(data["citations"][0]) == set(schemas["Passage"]["properties"])
    assert set(data["scene"]["checks"][0]) == set(schemas["Check"]["properties"])
    spoiled = {**data, "citations": [{**data["citations"][0], "start": "first"}]}
    with pytest.raises(jsonschema.ValidationError):
        validated({"$ref": "#/components/schemas/Answer"}, spoiled)


def test_an_order_out_of_the_examples_is_read() -> None:
    example = DOCUMENT["paths"]["/api/v1/runs"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert read(msgspec.json.encode(example), Order).words == "2d6+3"


# -------------------------------------------------------------- against a server that runs

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
API = (
    schemathesis.openapi.from_dict(DOCUMENT)
    .exclude(path="/api/v1/news/events")  # which ends when the server does
    .exclude(path="/api/v1/setup", method="PUT")  # which may choose any folder here
)


@API.parametrize()
@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_is_answered_as_the_description_says(case: schemathesis.Case, served: Any) -> None:
    case.call_and_validate(base_url=served.url, checks=CHECKS, timeout=10)


def test_the_server_gives_the_description_away(served: Any) -> None:
    assert httpx.get(f"{served.url}/api/v1/openapi.json").json() == DOCUMENT
