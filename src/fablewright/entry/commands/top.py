"""``fablewright top``: how a server is doing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import BusUrl, Config
from fablewright.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["top"]


def top(
    ctx: typer.Context,
    *,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Where the server is.")] = "http://127.0.0.1:8710",
    bus: BusUrl = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="Has the server's token in it.")
    ] = None,
    config: Config = None,
) -> None:
    """Show how a running server is doing, each second: who waits for whom, how long replies take, what failed.

    With --bus it shows all processes on a bus together.

    The keys o, a and c force the circuit breaker under the cursor open, let it judge by itself, or force it closed.

    For example:

        fablewright top
    """
    invocation: Invocation = ctx.obj
    settings = invocation.load({"bus": bus}, config).settings
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput(f"`fablewright top` needs a terminal; programs read {url.rstrip('/')}/api/v1/system.")
    token = settings.token.reveal() if token_file is None else _token(token_file)
    try:
        from fablewright.entry.top import Top  # noqa: PLC0415 - an extra, and not for --help
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("textual"):
            raise
        raise MissingExtra("Textual is not installed; run: pip install 'fablewright[top]'") from error
    from fablewright.entry.event_loop import run_loop  # noqa: PLC0415 - not for --help

    async def show() -> None:
        if settings.bus:
            from fablewright.entry.assemble import looking_on  # noqa: PLC0415 - as above
            from fablewright.entry.bus_network import bus_place  # noqa: PLC0415 - as above
            from fablewright.entry.whole_system import WholeSystem  # noqa: PLC0415 - as above

            async with looking_on(settings) as shared:
                await Top(WholeSystem(shared), bus_place(settings)).run_async()
        else:
            from fablewright.adapters.server_client import ServerClient  # noqa: PLC0415 - as above

            async with ServerClient(url.rstrip("/"), token) as server:
                await Top(server, url).run_async()

    run_loop(show())


def _token(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The token cannot be read from {file}: {error}.") from error
