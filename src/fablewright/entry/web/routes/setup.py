"""Set-up without a terminal: notes are uploaded, and what is to hold is chosen."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.assemble import most_document_bytes
from fablewright.entry.web.address import is_of_this_machine
from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.replies import SetupReply, StoredReply, UploadReply
from fablewright.entry.web.setup import Choice, choose, described
from fablewright.entry.web.uploads import Uploads
from fablewright.entry.web.wire import as_json, read

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting

__all__ = ["setup_routes"]

_SETUP = {
    "notes": "the sample campaign",
    "is_sample": True,
    "party": "4x2",
    "rules": "2024",
    "prose": "auto",
    "model": "",
    "model_url": "",
    "has_model_key": False,
}


def setup_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""
    files: dict[str, int] = {}

    def uploads() -> Uploads:
        settings = sitting.settings
        root, suffixes = settings.data_dir / "uploads", sitting.notes.source.suffixes
        return Uploads(root, suffixes, most_document_bytes(settings), files)

    @operation("What was chosen", {200: Reply(SetupReply, "What holds now.", example=_SETUP)})
    async def look(_request: Request) -> Response:
        return as_json(described(sitting))

    @operation(
        "Choose",
        {200: Reply(SetupReply, "What holds now.", example=_SETUP)},
        detail="It holds at once, and for every command from now on; what was under way is stopped.",
        body=Choice,
        example={"party": "4x3", "rules": "2024"},
        problems={
            400: "The body is no JSON.",
            403: "Folders and models can be chosen on the machine that serves alone.",
            404: "There is no such upload.",
            422: "A value makes no sense; `detail` says which.",
        },
    )
    async def change(request: Request) -> Response:
        choice = read(await request.body(), Choice)
        await choose(sitting, uploads(), choice, is_here=_is_here(request))
        return as_json(described(sitting))

    @operation("Begin an upload", {201: Reply(UploadReply, "Put files into it, then choose it.")})
    async def begin(_request: Request) -> Response:
        made = uploads().begin()
        return as_json({"id": made}, 201, {"Location": f"/api/v1/uploads/{made}"})

    @operation(
        "Upload a file",
        {201: Reply(StoredReply, "It is there.", example={"bytes": 1532})},
        takes="application/octet-stream",
        problems={
            400: "Its name cannot be used here.",
            404: "There is no such upload.",
            409: "The upload has too many files.",
            411: "Its length is not said.",
            413: "It is too large.",
            415: "It is none of the kinds that can be read, or not sent as it is.",
        },
    )
    async def put(request: Request) -> Response:
        if "content-length" not in request.headers:
            raise ProblemError(411, "Say how long the file is: Content-Length.")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/octet-stream":
            raise ProblemError(415, "Send the file as it is: Content-Type: application/octet-stream.")
        length = await uploads().put(request.path_params["upload"], request.path_params["name"], request.stream())
        return as_json({"bytes": length}, 201)

    return [
        Route("/api/v1/setup", look, methods=["GET"]),
        Route("/api/v1/setup", change, methods=["PUT"]),
        Route("/api/v1/uploads", begin, methods=["POST"]),
        Route("/api/v1/uploads/{upload}/{name:path}", put, methods=["PUT"]),
    ]


def _is_here(request: Request) -> bool:
    """Whether whoever asks sits at this machine: also a server in front of this one may, for somebody who does not."""
    named = (request.headers.get("host", ""), request.headers.get("origin", "").rpartition("://")[2])
    if request.client is None or not all(is_of_this_machine(name) for name in named if name):
        return False
    if any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
