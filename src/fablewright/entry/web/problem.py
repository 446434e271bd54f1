"""What is answered when a request cannot be: ``application/problem+json`` (RFC 9457), in words for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Problem", "ProblemError", "problem_response"]


class Problem(msgspec.Struct, frozen=True):
    """Why a request was not answered.

    Attributes:
        title: The kind of problem, the same words each time.
        status: HTTP's number for it.
        detail: What happened here, and what to do.
    """

    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """A request that cannot be answered.

    Args:
        status: HTTP's number for that.
        detail: What happened, and what to do.
        headers: Further headers of the response.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return it as a response."""
        return problem_response(self.status, self.detail, self.headers)


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    body = msgspec.json.encode(Problem(HTTPStatus(status).phrase, status, detail))
    return Response(body, status, dict(headers or {}), "application/problem+json")
