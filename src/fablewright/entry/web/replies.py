"""What clients get, as types: msgspec makes the schemas of the API's description of them."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from fablewright.entry.web.operation import SCHEMAS
from fablewright.entry.web.problem import Problem  # noqa: TC001 - msgspec reads the annotations at run time
from fablewright.entry.web.run import State  # noqa: TC001 - as above

__all__ = ["AnswerData", "RunReply", "SetupReply", "StoredReply", "UploadReply"]

AnswerData: TypeAlias = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": f"{SCHEMAS}Answer"})]
"""An answer as ``gm/answer_data.py`` writes it down."""


class RunReply(msgspec.Struct, frozen=True):
    """A request of a GM, as it stands."""

    id: Annotated[str, Meta(description="What it is called here.")]
    state: Annotated[State, Meta(description="Stopped requests keep what was there.")]
    elapsed_ms: Annotated[int, Meta(ge=0, description="Since the order came.")]
    events: Annotated[str, Meta(description="Where what happens can be followed.")]
    answer: Annotated[AnswerData | None, Meta(description="In its latest form; null while there is none.")] = None
    problem: Annotated[Problem | None, Meta(description="Why it failed.")] = None


class SetupReply(msgspec.Struct, frozen=True):
    """What holds now."""

    notes: Annotated[str, Meta(description="What they are called.")]
    is_sample: Annotated[bool, Meta(description="Whether they are the sample campaign.")]
    party: str
    rules: str
    prose: str
    model: str
    model_url: str
    has_model_key: Annotated[bool, Meta(description="The key itself is never sent.")]


class UploadReply(msgspec.Struct, frozen=True):
    """Where files can be put."""

    id: str


class StoredReply(msgspec.Struct, frozen=True):
    """A file is there."""

    bytes: int
