"""Options that several commands have.

Arguments are hidden from the help's list: it could only call them "list[str]", and the usage line names them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "BusUrl", "Campaign", "Config", "NoRag", "Notes", "Party", "Seed", "Timeout"]

Notes = Annotated[
    list[Path] | None,
    typer.Option("--notes", metavar="DIR", help="A folder with your notes; may be given several times."),
]
Party = Annotated[
    str | None, typer.Option("--party", metavar="PARTY", help="Who plays: 4x2 is four level-2 characters.")
]
Timeout = Annotated[
    str | None,
    typer.Option("--timeout", metavar="SECONDS", help="There is an answer by then, whatever happens. [10]"),
]
NoRag = Annotated[bool, typer.Option("--no-rag", help="Do not look into the notes.")]
Seed = Annotated[str | None, typer.Option("--seed", metavar="NUMBER", help="The same number gives the same dice.")]
Campaign = Annotated[
    str | None, typer.Option("--campaign", metavar="NAME", help="Whose log it is, if not the one of these notes.")
]
BusUrl = Annotated[
    str | None,
    typer.Option("--bus", metavar="URL", help="Where agents in other processes are: nats://127.0.0.1:4222."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings to use instead of fablewright.toml.")
]
