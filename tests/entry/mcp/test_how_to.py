"""The page that tells how to set it up: its snippets are what those programs read, and start what they should."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import typer

from fablewright.entry.cli import app
from fablewright.entry.mcp.tools import TOOLS

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "use-with-mcp.md").read_text("utf-8")


def test_the_snippets_start_the_command_with_options_that_it_has() -> None:
    snippets = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert [list(snippet) for snippet in snippets] == [["mcpServers"], ["servers"]]
    assert snippets[1]["servers"]["fablewright"].pop("type") == "stdio"
    [typed] = re.findall(r"^claude mcp add fablewright -- (.+)$", PAGE, re.MULTILINE)
    command, *arguments = shlex.split(typed)
    for snippet in snippets:
        [servers] = snippet.values()
        assert servers == {"fablewright": {"command": command, "args": arguments}}
    assert command == "fablewright"
    assert read(arguments) == {"notes": [Path("/home/me/vault")], "party": "4x3"}


def read(arguments: list[str]) -> dict[str, Any]:
    """Return what the command line makes of arguments, without running anything."""
    group: Any = typer.main.get_command(app)
    with group.make_context("fablewright", list(arguments), resilient_parsing=True) as context:
        name, command, rest = group.resolve_command(context, list(arguments))
        assert name == "mcp"
        with command.make_context(name, rest, parent=context) as parsed:
            return {option: value for option, value in parsed.params.items() if value}


def test_the_table_has_every_tool() -> None:
    [table] = re.findall(r"\| tool \| for \|\n\|---\|---\|\n(.*?)\n\n", PAGE, re.DOTALL)
    named = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(TOOLS)
