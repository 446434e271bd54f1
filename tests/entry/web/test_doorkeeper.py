"""Who is turned away before anything is handled: each attack beside the same request as it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import PlainTextResponse

from fablewright.entry.secret import Secret
from fablewright.entry.web.doorkeeper import Door, Doorkeeper
from fablewright.entry.web.token import Gate, new_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.anyio

HOST = ("host", "127.0.0.1:8710")
JSON = ("content-type", "application/json")
TOKEN = f"very-secret-{new_token()}"
PLAYERS = f"very-secret-{new_token()}"


class Behind:
    """Stands where the application would, and counts who comes through."""

    def __init__(self) -> None:
        self.handled = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.handled += 1
        await PlainTextResponse("through")(scope, receive, send)


class Answered:
    def __init__(self, status: int, headers: dict[str, str], handled: int) -> None:
        self.status = status
        self.headers = headers
        self.handled = handled


async def knock(
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/api/v1/runs",
    query: str = "",
    door: Door | None = None,
) -> Answered:
    behind = Behind()
    door = door or Door(frozenset({"127.0.0.1:8710", "localhost:8710", "[::1]:8710"}))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    raw: Sequence[tuple[bytes, bytes]] = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": raw}
    await Doorkeeper(behind, door)(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answered(sent[0]["status"], answered, behind.handled)


# ---------------------------------------------------------------- DNS rebinding


@pytest.mark.parametrize("host", ["127.0.0.1:8710", "localhost:8710", "LOCALHOST:8710", "[::1]:8710"])
async def test_our_own_names_come_through(host: str) -> None:
    assert (await knock(("host", host))).handled == 1


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"],
        ["evil.example:8710"],
        ["127.0.0.1"],
        ["127.0.0.1:80"],
        ["127.0.0.1.evil.example:8710"],
        ["localhost.evil.example:8710"],
        ["localhost:8710.evil.example"],
        ["evil.example@127.0.0.1:8710"],
        ["127.0.0.1:8710@evil.example"],
        ["127.0.0.1:8710 "],
        ["0.0.0.0:8710"],
        ["2130706433:8710"],
        [""],
        [],
        ["127.0.0.1:8710", "evil.example"],
        ["127.0.0.1:8710", "127.0.0.1:8710"],
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/runs", "/api/v1/news/events", "/mcp", "/healthz"])
async def test_another_name_is_answered_by_nobody(hosts: list[str], path: str) -> None:
    answered = await knock(*(("host", host) for host in hosts), path=path)
    assert (answered.status, answered.handled) == (421, 0)


# ---------------------------------------------------------------- cross-site requests


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8710", "http://localhost:8710"])
async def test_our_own_page_may_ask(origin: str) -> None:
    own = (HOST, ("origin", origin), JSON, ("sec-fetch-site", "same-origin"))
    assert (await knock(*own, method="POST")).handled == 1


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "https://127.0.0.1:8710",
        "http://127.0.0.1",
        "http://127.0.0.1:8710.evil.example",
        "http://evil.example/http://127.0.0.1:8710",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_another_page_may_not(origin: str, method: str) -> None:
    answered = await knock(HOST, ("origin", origin), JSON, method=method)
    assert (answered.status, answered.handled) == (403, 0)
    assert not any(name.startswith("access-control-") for name in answered.headers)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
async def test_what_another_site_makes_a_browser_fetch_is_refused(site: str) -> None:
    fetched = (HOST, ("sec-fetch-site", site), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image"))
    assert (await knock(*fetched, path="/")).status == 403
    assert (await knock(*fetched, path="/api/v1/news/events")).status == 403


async def test_a_link_from_elsewhere_leads_to_the_page_and_to_nothing_else() -> None:
    link = (
        HOST,
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    )
    assert (await knock(*link, path="/")).handled == 1
    assert (await knock(*link, path="/api/v1/log")).status == 403
    assert (await knock(*link, JSON, path="/", method="POST")).status == 403
    framed = (*link[:3], ("sec-fetch-dest", "iframe"))
    assert (await knock(*framed, path="/")).status == 403


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "TEXT/PLAIN;charset=UTF-8",
        "text/plain; application/json",
    ],
)
async def test_forms_are_refused(kind: str) -> None:
    answered = await knock(HOST, ("content-type", kind), method="POST")
    assert (answered.status, answered.handled) == (403, 0)


@pytest.mark.parametrize(
    "headers", [[("content-type", "application/xml")], [("content-length", "3")], [("transfer-encoding", "chunked")]]
)
async def test_a_body_of_another_kind_is_refused(headers: list[tuple[str, str]]) -> None:
    answered = await knock(HOST, *headers, method="POST")
    assert (answered.status, answered.handled) == (415, 0)


async def test_a_script_of_another_page_is_not_told_that_it_may() -> None:
    preflight = (HOST, ("origin", "http://evil.example"), ("access-control-request-method", "POST"))
    answered = await knock(*preflight, method="OPTIONS")
    assert (answered.status, answered.handled) == (403, 0)
    assert "access-control-allow-origin" not in answered.headers


# ---------------------------------------------------------------- the token


def guarded() -> Door:
    now = iter(range(10_000))
    gate = Gate(Secret(TOKEN), lambda: next(now) / 1000)
    return Door(frozenset({"127.0.0.1:8710"}), gate, {"/play": Gate(Secret(PLAYERS), lambda: 0.0)})


@pytest.mark.parametrize(
    "shown",
    [
        ("authorization", f"Bearer {TOKEN}"),
        ("authorization", f"bearer  {TOKEN}"),
        ("cookie", f"a=b; fablewright={TOKEN}"),
    ],
)
async def test_who_shows_the_token_comes_through(shown: tuple[str, str]) -> None:
    assert (await knock(HOST, shown, door=guarded())).handled == 1


@pytest.mark.parametrize(
    "shown",
    [
        ("authorization", f"Bearer {TOKEN}x"),
        ("authorization", f"Bearer {TOKEN[:-1]}"),
        ("authorization", f"Basic {TOKEN}"),
        ("authorization", "Bearer "),
        ("authorization", "Bearer"),
        ("cookie", "fablewright="),
        ("cookie", "fablewright"),
        ("cookie", f"Fablewright={TOKEN}"),
        ("cookie", f"fablewright={PLAYERS}"),
        ("cookie", "\x00; =;;"),
        ("x-token", TOKEN),
    ],
)
async def test_who_does_not_is_turned_away(shown: tuple[str, str]) -> None:
    answered = await knock(HOST, shown, door=guarded())
    assert (answered.status, answered.handled) == (401, 0)


async def test_health_and_the_pages_own_files_need_no_token() -> None:
    for path in ("/healthz", "/readyz", "/assets/page.js"):
        assert (await knock(HOST, path=path, door=guarded())).handled == 1
    for path in ("/", "/assetsx", "/healthz/x", "/metrics", "/mcp", "/api/v1/openapi.json"):
        assert (await knock(HOST, path=path, door=guarded())).status == 401


async def test_the_token_leaves_the_url_and_stays_in_a_cookie() -> None:
    answered = await knock(HOST, path="/", query=f"tab=log&token={TOKEN}", door=guarded())
    assert answered.status == 303
    assert answered.handled == 0
    assert answered.headers["location"] == "/?tab=log"
    assert answered.headers["referrer-policy"] == "no-referrer"
    cookie = answered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    wrong = await knock(HOST, path="/", query="token=wrong", door=guarded())
    assert wrong.status == 401
    assert "set-cookie" not in wrong.headers


async def test_the_way_back_never_leads_elsewhere() -> None:
    answered = await knock(HOST, path="//evil.example/", query=f"token={TOKEN}", door=guarded())
    assert answered.headers["location"] == "/evil.example/"


async def test_the_players_token_opens_their_page_and_nothing_else() -> None:
    players = ("authorization", f"Bearer {PLAYERS}")
    for path in ("/play", "/play/events"):
        assert (await knock(HOST, players, path=path, door=guarded())).handled == 1
    for path in ("/", "/playground", "/api/v1/log", "/api/v1/board", "/metrics"):
        assert (await knock(HOST, players, path=path, door=guarded())).status == 401


async def test_the_players_cookie_is_sent_to_their_page_alone_and_leaves_the_gms_as_it_is() -> None:
    players = await knock(HOST, path="/play", query=f"token={PLAYERS}", door=guarded())
    assert players.headers["location"] == "/play"
    assert "path=/play;" in f"{players.headers['set-cookie'].lower()};"
    gm = await knock(HOST, path="/play", query=f"token={TOKEN}", door=guarded())
    assert "path=/;" in f"{gm.headers['set-cookie'].lower()};"


async def test_guessing_is_slowed_down_also_for_the_players_page() -> None:
    for path in ("/", "/play"):
        door = guarded()
        statuses = [
            (await knock(HOST, ("authorization", f"Bearer x{n}"), path=path, door=door)).status for n in range(15)
        ]
        assert statuses[:10] == [401] * 10
        assert statuses[-1] == 429
    answered = await knock(HOST, ("authorization", "Bearer x"), door=door)
    assert int(answered.headers["retry-after"]) >= 1


# ---------------------------------------------------------------- behind a server that speaks TLS


def behind_tls() -> Door:
    gate = Gate(Secret(TOKEN), lambda: 0.0)
    return Door(frozenset({"127.0.0.1:8710", "table.example:8710"}), gate, {}, frozenset({"table.example"}))


async def test_the_name_of_the_server_in_front_counts_with_tls_alone() -> None:
    bearer = ("authorization", f"Bearer {TOKEN}")
    for host in ("table.example", "127.0.0.1:8710"):  # as it came, or as the server in front writes it
        asked = (("host", host), ("origin", "https://table.example"), bearer, JSON)
        assert (await knock(*asked, method="POST", door=behind_tls())).handled == 1
    for origin in (
        "http://table.example",
        "https://table.example:8710",
        "https://127.0.0.1:8710",
        "https://evil.example",
    ):
        asked = (("host", "table.example"), ("origin", origin), bearer, JSON)
        assert (await knock(*asked, method="POST", door=behind_tls())).status == 403, origin
    assert (await knock(("host", "www.table.example"), bearer, door=behind_tls())).status == 421


async def test_a_cookie_that_came_over_tls_stays_there() -> None:
    came = await knock(("host", "table.example"), path="/", query=f"token={TOKEN}", door=behind_tls())
    assert "; secure" in came.headers["set-cookie"].lower()
    plain = await knock(HOST, path="/", query=f"token={TOKEN}", door=behind_tls())
    assert "; secure" not in plain.headers["set-cookie"].lower()


# ---------------------------------------------------------------- other kinds of connection


async def test_a_websocket_is_not_even_answered() -> None:
    behind = Behind()

    async def never() -> Any:
        raise AssertionError

    await Doorkeeper(behind, Door())({"type": "websocket"}, never, never)  # type: ignore[arg-type]
    assert behind.handled == 0
