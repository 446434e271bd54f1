"""``fablewright serve`` as a process of its own, asked over real connections."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from fablewright.entry.cli import run
from fablewright.entry.web.token import new_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.long

TOKEN = f"very-secret-{new_token()}"


class Served(NamedTuple):
    """A server that runs."""

    process: subprocess.Popen[str]
    port: int
    data: Path
    printed: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start servers, and end those that still run afterwards."""
    started: list[subprocess.Popen[str]] = []
    usual = {"FABLEWRIGHT_DATA_DIR": str(tmp_path), "FABLEWRIGHT_PROSE": "off", "FABLEWRIGHT_TIMEOUT": "60"}

    def start(*options: str, **environment: str) -> Served:
        process = subprocess.Popen(
            [sys.executable, "-m", "fablewright", "serve", "--port", "0", *options],
            env={**os.environ, **usual, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        printed = process.stdout.readline()
        port = re.search(r":(\d+)/", printed)
        assert port, printed + process.communicate()[1]
        return Served(process, int(port[1]), tmp_path, printed)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(served: Served, patience: float) -> tuple[int, str]:
    """Wait for the end; return the exit status and what stands on standard error."""
    _, err = served.process.communicate(timeout=patience)
    return served.process.returncode, err


def raw(served: Served, request: bytes) -> bytes:
    """Send bytes, and return all that is answered."""
    answered = b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        with contextlib.suppress(ConnectionError):  # the server may have had enough before we are through
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65_536):
                answered += part
    return answered


def test_it_answers_and_ends_when_it_is_told_to_with_a_hundred_streams_open(
    serve: Callable[..., Served], slowness: float
) -> None:
    served = serve()
    with httpx.Client(base_url=served.url, timeout=30) as client:
        order = {"words": "generate scenario for the first encounter", "seed": 3}
        assert client.post("/api/v1/answers", json=order).json()["scene"]["read_aloud"]
    streams = [socket.create_connection(("127.0.0.1", served.port), timeout=30) for _ in range(100)]
    for stream in streams:
        stream.sendall(f"GET /api/v1/news/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
    for stream in streams:
        assert b"200 OK" in stream.recv(1000)
    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    told = 0
    for stream in streams:
        with stream:
            rest = b""
            while part := stream.recv(65_536):
                rest += part
            told += b"event: bye" in rest
    status, err = ended(served, 20)
    assert time.monotonic() - began <= 5 * slowness
    assert told == 100
    assert (status, err) == (0, "")


def test_who_follows_a_request_is_told_that_it_ends_with_the_server(
    serve: Callable[..., Served], slowness: float
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a model that takes what comes, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        served = serve(FABLEWRIGHT_PROSE="auto", FABLEWRIGHT_MODEL="x", FABLEWRIGHT_MODEL_URL=url)
        with httpx.Client(base_url=served.url, timeout=30) as client:
            run = client.post("/api/v1/runs", json={"words": "generate scenario for the first encounter"}).json()
            with client.stream("GET", run["events"]) as events:
                kinds = (line for line in events.iter_lines() if line.startswith("event: "))
                assert "event: answer" in kinds  # and from now on the model is waited for
        streams = [socket.create_connection(("127.0.0.1", served.port), timeout=30) for _ in range(100)]
        for stream in streams:
            stream.sendall(f"GET {run['events']} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
        for stream in streams:
            assert b"200 OK" in stream.recv(1000)
        began = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        told = 0
        for stream in streams:
            with stream:
                rest = b""
                while part := stream.recv(65_536):
                    rest += part
                told += b'event: end\ndata: {"state":"stopped"' in rest
        status, err = ended(served, 20)
    assert time.monotonic() - began <= 5 * slowness
    assert told == 100
    assert (status, err) == (0, "")


def test_a_stream_takes_up_where_it_was_cut_off_and_all_is_given_back(serve: Callable[..., Served]) -> None:
    served = serve()

    def descriptors() -> int:
        return len(list(Path(f"/proc/{served.process.pid}/fd").iterdir()))

    def memory() -> int:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{served.process.pid}/status").read_text())
        assert found
        return 1024 * int(found[1])

    if not Path("/proc/self/fd").exists():
        pytest.skip("open files are counted by /proc")
    with httpx.Client(base_url=served.url, timeout=30) as client:
        client.post("/api/v1/answers", json={"words": "generate scenario for the first encounter"})
        client.get("/healthz")
        before, sizes = descriptors(), []
        most = before + 5  # threads that are asked for the first time open their files
        for _ in range(4):
            streams = [socket.create_connection(("127.0.0.1", served.port), timeout=30) for _ in range(300)]
            for stream in streams:
                stream.sendall(f"GET /api/v1/news/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
            for stream in streams:
                assert b"200 OK" in stream.recv(1000)
            assert descriptors() >= before + 300
            for stream in streams:
                stream.close()
            for _ in range(100):
                client.get("/healthz")
                if descriptors() <= most:
                    break
                time.sleep(0.1)
            assert descriptors() <= most
            sizes.append(memory())
        # The first rounds leave room behind that the next ones use again; a stream that stayed would take 20 kB.
        assert sizes[-1] - sizes[-2] < 300 * 4_000, sizes


def test_the_token_lets_in_and_stands_nowhere_else(serve: Callable[..., Served]) -> None:
    served = serve(FABLEWRIGHT_TOKEN=TOKEN)
    with httpx.Client(base_url=served.url, timeout=30) as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"Authorization": "Bearer " + "x" * 30}).status_code == 401
        entered = client.get(f"/?token={TOKEN}")
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert client.get("/metrics").status_code == 200  # by the cookie
        for text in (client.get("/metrics").text, client.get("/nope").text, client.get("/api/v1/runs/x").text):
            assert TOKEN not in text
    served.process.send_signal(signal.SIGINT)
    status, err = ended(served, 20)
    assert status == 0
    assert TOKEN not in err
    for path in served.data.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def test_requests_that_no_browser_sends_are_turned_away(serve: Callable[..., Served]) -> None:
    served = serve()
    host = f"Host: 127.0.0.1:{served.port}\r\n".encode()
    assert b" 200 " in raw(served, b"GET /healthz HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n")
    assert b" 421 " in raw(served, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert b" 400 " in raw(served, b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b" 421 " in raw(served, b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert b" 400 " in raw(served, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 + b"\r\n\r\n")
    endless = b"GET /healthz HTTP/1.1\r\n" + host + b"X: " + b"x" * 2_000_000
    assert b" 200 " not in raw(served, endless)
    json = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    part = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    assert b" 413 " in raw(served, b"POST /api/v1/runs HTTP/1.1\r\n" + host + json + part * 5 + b"0\r\n\r\n")
    upgrade = b"GET /healthz HTTP/1.1\r\n" + host + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    assert b" 101 " not in raw(served, upgrade)
    with httpx.Client(base_url=served.url) as client:
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        (["--host", "0.0.0.0"], {}, "--name"),  # noqa: S104 - refused
        (["--host", "0.0.0.0", "--name", "tower"], {}, "--make-token"),  # noqa: S104 - refused
        (["--host", "192.0.2.1"], {}, "--make-token"),
        (["--name", "table.example"], {}, "--make-token"),  # a server in front would let anybody in
        (["--host", "192.0.2.1"], {"FABLEWRIGHT_TOKEN": "swordfish"}, "too easy"),
        (["--host", "192.0.2.1", "--make-token"], {}, "Nothing can be served at 192.0.2.1"),
        (["--host", "example.org"], {}, "address"),
    ],
)
def test_it_does_not_start_where_anybody_could_come_in(  # noqa: PLR0917 - fixtures and cases
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    environment: dict[str, str],
    said: str,
) -> None:
    for name, value in {"FABLEWRIGHT_DATA_DIR": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    assert run(["serve", "--port", "0", *options]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert "swordfish" not in out + err
