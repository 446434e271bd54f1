"""Who may speak to the server at all: looked at before anything of a request is handled.

The order is that of what each look protects against: a name that is not ours (DNS rebinding), a page that is not ours
(cross-site requests), a body that only a form of another page would send, and at last who has no token.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.responses import Response

from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.token import COOKIE, Gate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Door", "Doorkeeper"]

_READING = frozenset(("GET", "HEAD"))
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a form, or a script without asking first, can send to another site."""
_BODIES = ("application/json", "application/octet-stream")
_OPEN = frozenset(("/healthz", "/readyz"))
"""What says nothing but that the server runs; whoever watches over it has no token."""
_FILES = "/assets"
"""The page's own scripts and styles: the same for everybody, with nothing of a table in them."""


@dataclass(slots=True)
class Door:
    """What the doorkeeper goes by; the hosts are known once the port is bound.

    Attributes:
        hosts: Our own names with the port, in small letters.
        gate: Compares tokens; None where everybody who comes this far is let in.
        behind: Names of a server in front of this one that speaks TLS for it, at the usual port.
        keys: Further gates by the beginning of a path: who has that token may go there and nowhere else.
    """

    hosts: frozenset[str] = frozenset()
    gate: Gate | None = None
    keys: Mapping[str, Gate] = field(default_factory=dict)
    behind: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """What may stand in ``Host``."""
        return self.hosts | self.behind

    @property
    def origins(self) -> frozenset[str]:
        """What may stand in ``Origin``."""
        return frozenset((*(f"http://{host}" for host in self.hosts), *(f"https://{name}" for name in self.behind)))


class Doorkeeper:
    """ASGI middleware that turns away whoever may not speak to the server.

    Args:
        app: Who is behind it.
        door: What it goes by.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # nothing here speaks WebSocket
        try:
            turned_away = self._look(scope)
        except ProblemError as problem:
            turned_away = problem.response()
        await (turned_away or self._app)(scope, receive, send)

    def _look(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        self._check_host(headers)
        self._check_origin(scope, headers)
        self._check_body(headers)
        return self._check_token(scope, headers)

    def _check_host(self, headers: Headers) -> None:
        named = headers.getlist("host")
        if len(named) != 1 or named[0].lower() not in self._door.names:
            raise ProblemError(421, "This server does not answer by that name. Open the address that it printed.")

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuse what another page's script, form or picture asks for; a link that is followed here may come."""
        origins = headers.getlist("origin")
        if any(origin.lower() not in self._door.origins for origin in origins):
            raise ProblemError(403, "Another page may not speak to this server.")
        site = headers.get("sec-fetch-site", "none")
        follows = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        is_link = scope["method"] in _READING and follows and not scope["path"].startswith(("/api/", "/v1/", "/mcp"))
        if site not in {"none", "same-origin"} and not is_link:
            raise ProblemError(403, "Another page may not speak to this server.")

    def _check_body(self, headers: Headers) -> None:
        kinds = headers.getlist("content-type")
        for written in kinds:
            kind = written.partition(";")[0].strip().lower()
            if kind in _FORMS:
                raise ProblemError(403, "Forms are not accepted here: send application/json.")
            if kind not in _BODIES:
                raise ProblemError(415, "Send application/json.")
        if not kinds and (headers.get("content-length", "0") != "0" or "transfer-encoding" in headers):
            raise ProblemError(415, "Say what the body is: Content-Type: application/json.")

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        path: str = scope["path"]
        if self._door.gate is None or path in _OPEN or _is_within(path, _FILES):
            return None
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        in_url = [value for name, value in asked if name == "token"]
        address = scope["client"][0] if scope.get("client") else ""
        within = self._try(path, in_url[0] if in_url else _bearer(headers) or _cookie(headers), address)
        if not in_url:
            return None
        if scope["method"] not in _READING:
            raise ProblemError(400, "Send the token as a bearer token or a cookie, not in the URL.")
        rest = urlencode([(name, value) for name, value in asked if name != "token"])
        return _let_in(path, rest, in_url[0], within, secure=headers["host"].lower() in self._door.behind)

    def _try(self, path: str, offered: str | None, address: str) -> str:
        """Refuse whoever has no token for a path, or has tried too many; return where the token is good for."""
        assert self._door.gate is not None  # noqa: S101 - looked at by who calls
        if offered is None:
            raise _no_token()
        gates = {"/": self._door.gate, **{s: gate for s, gate in self._door.keys.items() if _is_within(path, s)}}
        wait = min(gate.wait(address) for gate in gates.values())
        if wait:
            raise ProblemError(
                429, f"Too many wrong tokens: try again in {wait:.0f} s.", {"Retry-After": str(math.ceil(wait))}
            )
        opened = [start for start, gate in gates.items() if gate.opens(offered)]  # all tried: time must not say which
        if not opened:
            for gate in gates.values():  # what opens one of them is no wrong token for the others
                gate.missed(address)
            raise _no_token()
        return opened[0]


def _is_within(path: str, start: str) -> bool:
    return path == start or path.startswith(f"{start}/")


def _bearer(headers: Headers) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def _cookie(headers: Headers) -> str | None:
    try:
        cookies = SimpleCookie("; ".join(headers.getlist("cookie")))
    except CookieError:
        return None
    return cookies[COOKIE].value if COOKIE in cookies else None


def _no_token() -> ProblemError:
    return ProblemError(
        401,
        "This server wants its token: open the address that it printed when it started.",
        {"WWW-Authenticate": 'Bearer realm="Fablewright"'},
    )


def _let_in(path: str, query: str, token: str, within: str, *, secure: bool) -> Response:
    """Keep the token in a cookie for what it is good for, and lead there without it: it stays in no history."""
    # A path that begins with two slashes would be read as another host's.
    where = "/" + path.lstrip("/") + (f"?{query}" if query else "")
    response = Response(status_code=303, headers={"Location": where, "Referrer-Policy": "no-referrer"})
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=secure, path=within, max_age=30 * 86_400
    )
    return response
