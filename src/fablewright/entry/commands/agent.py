"""``fablewright agent``: agents in a process of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import BusUrl, Campaign, Config, Notes, Party

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["agent"]


def agent(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Which agents.", hidden=True)],
    *,
    bus: BusUrl = None,
    replicas: Annotated[
        int, typer.Option("--replicas", metavar="NUMBER", min=1, max=64, help="In how many processes. [1]")
    ] = 1,
    notes: Notes = None,
    party: Party = None,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Run one or more agents in a process of their own, for other processes on the same bus.

    NAME is orchestrator, scenario_generator, haystack_pipeline, campaign_memory, writer, embedder,
    embedding_follower, reranker, or `all`. It does not matter which process starts first. Ctrl-C ends it.

    For example:

        fablewright agent haystack_pipeline --replicas 4 --bus nats://127.0.0.1:4222
    """
    flags = {"notes": notes or None, "party": party, "campaign": campaign, "bus": bus}
    invocation: Invocation = ctx.obj
    settings = invocation.load(flags, config).settings
    from fablewright.entry.agent_process import run_agents  # noqa: PLC0415 - not for --help
    from fablewright.entry.replicas import run_replicas  # noqa: PLC0415 - as above

    if replicas == 1:
        raise typer.Exit(run_agents(settings, names))
    options = [("--notes", str(each)) for each in notes or ()]
    single = {"--party": party, "--campaign": campaign, "--config": config}
    options += [(flag, str(value)) for flag, value in single.items() if value is not None]
    raise typer.Exit(run_replicas(settings, names, replicas, [word for option in options for word in option]))
