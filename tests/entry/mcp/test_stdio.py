"""``fablewright mcp`` as a process of its own, as clients start it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from fablewright.entry.cli import run
from fablewright.entry.story_file import read_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANGS = "hangs for ever"
DRIVER = f"""
import asyncio, os, subprocess, sys
from fablewright import __main__
from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.entry import crew

class Rude(HaystackRetriever):
    async def retrieve(self, query, *, max_docs, filters):
        print("stray words", flush=True)
        os.write(1, b"stray bytes\\n")
        subprocess.run([sys.executable, "-c", "print('stray child')"], check=True)
        if {HANGS!r} in query:
            await asyncio.Event().wait()
        return await super().retrieve(query, max_docs=max_docs, filters=filters)

crew.HaystackRetriever = Rude
__main__.main()
"""


@pytest.fixture
def rude(tmp_path: Path) -> Path:
    """Return a program: the command over a library that prints and, for some questions, never comes back."""
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER, "utf-8")
    return driver


@pytest.mark.anyio
async def test_the_official_client_can_do_all_of_it(
    rude: Path, data_dir: Path, notes_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[str | None] = []
    searching = anyio.Event()

    async def hear(_progress: float, _total: float | None, words: str | None) -> None:
        heard.append(words)
        if words == "Searching the notes":
            searching.set()

    command = [str(rude), "mcp", "--notes", str(notes_folder), "--timeout", "60", "--seed", "3"]
    started = StdioServerParameters(
        command=sys.executable, args=command, env={**os.environ, "FABLEWRIGHT_DATA_DIR": str(data_dir)}
    )
    async with Client(started) as client:
        assert client.server_info.name == "fablewright"
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"scene", "ask", "encounter", "npc", "loot", "rules", "roll", "choose", "recap"}
        scene = await client.call_tool("scene", {"request": "the mill"}, progress_callback=hear)
        assert "Odo Brandt" in json.dumps(scene.structured_content)
        assert heard[0] == "Reading the request"
        assert searching.is_set()
        for name, arguments in (
            ("choose", {"option": 1, "roll": 17}),
            ("ask", {"question": "Who is the miller?"}),
            ("encounter", {"theme": "undead"}),
            ("npc", {}),
            ("loot", {"words": "cr 5"}),
            ("rules", {"question": "What DC is hard?"}),
            ("roll", {"dice": "4d6kh3"}),
            ("recap", {}),
        ):
            result = await client.call_tool(name, arguments)
            assert not result.is_error, (name, result.content)
        assert "mill" in str(result.content)  # the recap: the log was written
        assert (await client.call_tool("roll", {"dice": "2d0"})).is_error
        [note] = (await client.read_resource("fablewright://notes/plain.txt")).contents
        assert "ferry" in note.text

        searching = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.call_tool("ask", {"question": HANGS}, progress_callback=hear))
            with anyio.fail_after(60):
                await searching.wait()
            group.cancel_scope.cancel()
        assert not (await client.call_tool("roll", {"dice": "d20"})).is_error
    assert outcome_of(HANGS, data_dir) == "cancelled"
    recap = await anyio.to_thread.run_sync(run, ["recap", "--notes", str(notes_folder)])
    assert recap == 0
    assert "mill" in capsys.readouterr().out  # the command line has the same log


def outcome_of(words: str, data_dir: Path) -> str:
    records = read_records(data_dir)
    [asked] = [each for each in records if each.words == words]
    [ended] = [each for each in records if each.message_id == asked.message_id and each.what == "ended"]
    return ended.detail.partition(":")[0]


@pytest.fixture
def process(rude: Path, data_dir: Path, notes_folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(rude), "mcp", "--notes", str(notes_folder), "--timeout", "60"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8") as process:
        yield process
        process.kill()


def say(process: subprocess.Popen[str], method: str, number: int | None = None, **params: Any) -> None:
    assert process.stdin is not None
    numbered = {} if number is None else {"id": number}
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **numbered}) + "\n")
    process.stdin.flush()


def begin(process: subprocess.Popen[str]) -> None:
    client = {"name": "t", "version": "1"}
    say(process, "initialize", 1, protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
    say(process, "notifications/initialized")


_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


@_SIGNALS
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_cleanly_and_only_the_protocol_was_on_standard_output(
    process: subprocess.Popen[str], data_dir: Path, number: int, status: int
) -> None:
    """With a call under way, its input open, and lines on it that nobody understands."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    begin(process)
    process.stdin.write('no JSON\n{"jsonrpc"\n\n' + "x" * 4_100_000 + "\n")
    arguments = {"question": HANGS}
    say(process, "tools/call", 2, name="ask", arguments=arguments, _meta={"progressToken": "p"})
    said: list[dict[str, Any]] = []
    while not said or said[-1].get("params", {}).get("message") != "Searching the notes":
        said.append(json.loads(process.stdout.readline()))
    say(process, "tools/call", 3, name="roll", arguments={"dice": "2d6"})  # answered while the other one waits
    while said[-1].get("id") != 3:
        said.append(json.loads(process.stdout.readline()))
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(timeout=20) == status
    rest = process.stdout.read().splitlines()
    assert {message["jsonrpc"] for message in [*said, *map(json.loads, rest)]} == {"2.0"}
    strayed = process.stderr.read()
    assert "Traceback" not in strayed
    assert "stray words" in strayed
    assert "stray bytes" in strayed
    assert "stray child" in strayed
    assert outcome_of(HANGS, data_dir) == "cancelled"


@pytest.mark.parametrize("client_goes", [True, pytest.param(False, marks=_SIGNALS)])
def test_a_scene_that_is_under_way_at_the_end_is_left_to_others(
    process: subprocess.Popen[str], data_dir: Path, *, client_goes: bool
) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    begin(process)
    say(process, "tools/call", 2, name="scene", arguments={"request": HANGS}, _meta={"progressToken": "p"})
    while "Searching the notes" not in process.stdout.readline():
        pass
    if client_goes:
        process.stdin.close()
    else:
        process.terminate()
    assert process.wait(timeout=20) == 0
    with closing(sqlite3.connect(data_dir / "accepted.sqlite")) as file:
        [(text,)] = file.execute("SELECT text FROM entries").fetchall()
    assert json.loads(text)["words"] == HANGS


def test_without_the_sdk_the_command_that_installs_it_is_said(data_dir: Path) -> None:
    code = "import sys; sys.modules['mcp'] = None; from fablewright.entry.cli import run; sys.exit(run(['mcp']))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr == "mcp is not installed; run: pip install 'fablewright[mcp]'\n"
    assert not (data_dir / "index").exists()  # nothing was begun


@pytest.mark.usefixtures("data_dir")
def test_without_standard_input_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert run(["mcp"]) == 2
    assert "needs standard input and output" in capsys.readouterr().err
