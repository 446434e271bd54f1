from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.answer import Answer, Timings
from fablewright.gm.answer_data import answer_data, answer_from_data, answer_schema, scene_data, scene_from_data
from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene

QUOTED = Line("The gate stands open.", Origin.QUOTED, (0,))
SCENE = Scene(
    title=Line("The gate", Origin.FROM_NOTES, (0,)),
    read_aloud=(QUOTED,),
    checks=(Check("Strength (Athletics)", 12, None, QUOTED, None, Origin.BY_RULE, secret=True),),
    foes=(Foe("Bandit", None, 0.125, 25, "", Origin.FROM_NOTES, (1,)),),
    options=(Option(Line("Wait.", Origin.INVENTED)), Option(QUOTED, QUOTED)),
)
ANSWER = Answer(
    "scene",
    "degraded",
    scene=SCENE,
    lines=(QUOTED,),
    citations=(
        Passage("The gate stands open.", "gate.md", ("Gate",), 3, 24, 1.5, page=2),
        Passage("x", "y.md", (), 0, 1),
    ),
    used_rag=True,
    generation_method="composer",
    missing=("something",),
    timings=Timings(1.5, 2.0, 4.25),
)


def test_an_answer_comes_back_from_json_as_it_was() -> None:
    rounded = Answer(**{**_fields(ANSWER), "timings": Timings(1.5, 2.0, 4.2)})
    assert answer_from_data(json.loads(json.dumps(answer_data(ANSWER)))) == rounded
    assert scene_from_data(json.loads(json.dumps(scene_data(SCENE)))) == SCENE


def _fields(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in answer.__slots__}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("scene", "title"), None, "the answer: scene: title must be an object"),
        (("scene", "title", "origin"), "guessed", "must be one of quoted, from_notes, retold, by_rule, invented"),
        (("scene", "checks", 0, "dc"), "12", "dc must be a whole number, not '12'"),
        (("scene", "checks", 0, "dc"), True, "dc must be a whole number, not True"),
        (("scene", "foes", 0, "cr"), float("nan"), "must be a finite number"),
        (("scene", "read_aloud", 0, "sources"), [2], "points to a citation that is not there"),
        (("scene", "read_aloud", 0, "sources"), [-1], "points to a citation that is not there"),
        (("scene", "colour"), "red", "has a part 'colour' that is not known"),
        (("want",), "pizza", "want must be one of"),
        (("missing",), "nothing", "missing must be a list"),
        (("citations", 0, "text"), "x" * 200_001, "at most 200,000"),
    ],
)
def test_data_that_is_no_answer_is_refused_with_its_place(path: tuple[Any, ...], value: object, said: str) -> None:
    data: Any = copy.deepcopy(answer_data(ANSWER))
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(InvalidInput, match=said.replace("(", r"\(")):
        answer_from_data(data)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InvalidInput, match="the answer has no status"):
        answer_from_data({"want": "scene"})
    with pytest.raises(InvalidInput, match="must be a JSON object"):
        answer_from_data([1])


def test_the_schema_says_what_comes() -> None:
    schema = answer_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for answer in (ANSWER, Answer("question", "failed", missing=("nothing",))):
        jsonschema.validate(answer_data(answer), schema)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("scene", "title"), None),
        (("scene", "title", "origin"), "guessed"),
        (("scene", "checks", 0, "dc"), "12"),
        (("scene", "foes", 0, "cr"), "1/8"),
        (("scene", "colour"), "red"),
        (("citations", 0, "page"), 1.5),
        (("want",), "pizza"),
        (("answer",), "words"),
    ],
)
def test_what_the_reader_refuses_the_schema_refuses_too(path: tuple[Any, ...], value: object) -> None:
    data: Any = json.loads(json.dumps(answer_data(ANSWER)))
    part = data
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises(InvalidInput):
        answer_from_data(data)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, answer_schema())
