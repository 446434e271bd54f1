"""``fablewright serve``: the table's page and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import BusUrl, Campaign, Config, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["serve"]


def serve(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    *,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where to listen; other machines need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="NUMBER", help="On which port; 0 takes any.")] = 8710,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A further name by which this machine is reached."),
    ] = None,
    make_token: Annotated[
        bool, typer.Option("--make-token", help="Let in only who opens the address that is printed.")
    ] = False,
    bus: BusUrl = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    seed: Seed = None,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Serve the table's page, for you and your players, and the same answers as an API.

    Only this machine can reach it, unless you give another --host. Ctrl-C ends it.

    For example:

        fablewright serve --open
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed, "campaign": campaign, "bus": bus}
    invocation: Invocation = ctx.obj
    settings = invocation.load(flags, config).settings
    from fablewright.entry.web.address import address_of  # noqa: PLC0415 - not for --help
    from fablewright.entry.web.server import serve as start  # noqa: PLC0415 - as above

    address = address_of(host, port, name or ())
    raise typer.Exit(start(settings, address, make_token=make_token, opens_browser=open_page))
