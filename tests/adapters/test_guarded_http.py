"""No name and no form of an address leads a client where it should not go; beside each, one that may."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from fablewright.adapters.guarded_http import GuardedTransport, address_seen
from fablewright.errors import FablewrightError
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio


class _Answer(http.server.BaseHTTPRequestHandler):
    hosts: list[str]

    def do_GET(self) -> None:
        self.server.hosts.append(self.headers["host"])  # type: ignore[attr-defined]
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("location", "http://169.254.169.254/latest/meta-data/")
        else:
            self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    serving.hosts = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


class Names:
    """A resolver that answers what it is told, one answer after the other."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    def __call__(self, host: str, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer:
            raise socket.gaierror
        return [(0, 0, 0, "", (each, 0)) for each in answer.split(",")]


async def get(url: str, names: Names | None = None, *, follow: bool = False) -> int:
    threads = Threads(1)
    more = {} if names is None else {"look_up": names}
    transport = GuardedTransport(verify=False, threads=threads, **more)  # type: ignore[arg-type]
    try:
        async with httpx.AsyncClient(transport=transport, timeout=5, follow_redirects=follow) as client:
            return (await client.get(url)).status_code
    finally:
        threads.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_server_on_this_machine_is_reached_when_the_url_says_so(
    server: http.server.ThreadingHTTPServer, host: str
) -> None:
    url = f"http://{host}:{server.server_port}"
    assert await get(f"{url}/", Names("127.0.0.1")) == 200
    assert server.hosts == [f"{host}:{server.server_port}"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "0.0.0.0",  # noqa: S104 - refused
        "224.0.0.1",
        "::",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "fd20:ce::254",
        "ff02::1",
        "93.184.215.14,169.254.169.254",
    ],
)
async def test_no_name_leads_to_a_clouds_keys_or_to_nobody(address: str) -> None:
    with pytest.raises(FablewrightError, match="nothing was sent"):
        await get("http://model.example/v1", Names(address))


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "2852039166", "0xa9fea9fe"]
)
async def test_nor_does_the_address_itself_in_any_spelling(host: str) -> None:
    with pytest.raises((FablewrightError, httpx.HTTPError, httpx.InvalidURL)):
        await get(f"http://{host}/latest/meta-data/")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.8.9.10", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
async def test_another_name_never_means_this_machine(server: http.server.ThreadingHTTPServer, address: str) -> None:
    with pytest.raises(FablewrightError, match="nothing was sent"):
        await get(f"http://model.example:{server.server_port}/", Names(address))
    assert server.hosts == []  # type: ignore[attr-defined]


async def test_a_name_that_moves_from_the_open_into_a_private_network_is_not_followed() -> None:
    transport = GuardedTransport(verify=False, threads=Threads(1), look_up=Names("93.184.215.14", "192.168.1.1"))
    assert await transport._address("model.example") == ipaddress.ip_address("93.184.215.14")
    with pytest.raises(FablewrightError, match=r"192\.168\.1\.1"):
        await transport._address("model.example")


async def test_a_machine_in_the_home_network_may_serve_a_model() -> None:
    transport = GuardedTransport(verify=False, threads=Threads(1), look_up=Names("192.168.1.20"))
    for _ in range(2):
        assert await transport._address("tower.local") == ipaddress.ip_address("192.168.1.20")


async def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to(
    server: http.server.ThreadingHTTPServer,
) -> None:
    names = Names("127.0.0.1", "169.254.169.254")  # a second look-up would be answered otherwise
    assert await get(f"http://localhost:{server.server_port}/", names) == 200


async def test_who_connects_is_told_the_address_and_the_server_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[httpx.Request] = []

    async def seen(_: object, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, request=request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", seen)
    assert await get("https://model.example/v1", Names("93.184.215.14", "169.254.169.254")) == 200
    assert sent[0].url.host == "93.184.215.14"  # so that nobody looks the name up again
    assert sent[0].headers["host"] == "model.example"
    assert sent[0].extensions["sni_hostname"] == "model.example"


async def test_each_hop_is_looked_at(server: http.server.ThreadingHTTPServer) -> None:
    with pytest.raises(FablewrightError, match=r"169\.254\.169\.254"):
        await get(f"http://127.0.0.1:{server.server_port}/elsewhere", follow=True)


async def test_an_unknown_name_is_an_error_of_httpx() -> None:
    with pytest.raises(httpx.ConnectError):
        await get("http://model.example/", Names(""))


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::10.0.0.1", "10.0.0.1"),
        ("64:ff9b::10.0.0.1", "10.0.0.1"),
        ("2002:0a00:0001::1", "10.0.0.1"),
        ("::1", "::1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
async def test_what_an_ipv6_address_is_made_of(text: str, inside: str) -> None:
    assert str(address_seen(ipaddress.ip_address(text))) == inside
