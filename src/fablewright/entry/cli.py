"""The command line: the commands there are, and what becomes of a line that is typed.

Exit status: 0 answered, also when something is missing or the notes do not say; 2 wrong usage or input;
3 nothing could be answered; 130 Ctrl-C; 1 an error of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.agent import agent
from fablewright.entry.commands.ask import ask
from fablewright.entry.commands.campaign import campaign
from fablewright.entry.commands.chat import chat
from fablewright.entry.commands.choose import choose
from fablewright.entry.commands.doctor import doctor
from fablewright.entry.commands.encounter import encounter
from fablewright.entry.commands.export import export
from fablewright.entry.commands.import_ import import_
from fablewright.entry.commands.index import index
from fablewright.entry.commands.log import log
from fablewright.entry.commands.loot import loot
from fablewright.entry.commands.mcp import mcp
from fablewright.entry.commands.npc import npc
from fablewright.entry.commands.prep import prep
from fablewright.entry.commands.recap import recap
from fablewright.entry.commands.roll import roll
from fablewright.entry.commands.rules import rules
from fablewright.entry.commands.scene import scene
from fablewright.entry.commands.serve import serve
from fablewright.entry.commands.state import state
from fablewright.entry.commands.top import top
from fablewright.entry.commands.trace import trace
from fablewright.entry.commands.undo import undo
from fablewright.entry.commands.why import why
from fablewright.entry.invocation import Invocation
from fablewright.errors import ConfigurationError, FablewrightError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["app", "run"]

if TYPE_CHECKING:
    _UsageError = typer.BadParameter
else:  # it has no public name; at run time it is the class above the one that has
    _UsageError = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="fablewright",
    add_completion=False,
    rich_markup_mode=None,  # Rich's help takes 0.15 s to import, and --help has 0.25 s
    pretty_exceptions_enable=False,  # a GM gets one line, the log file gets the traceback
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def run(arguments: Sequence[str], *, started: float | None = None) -> int:
    """Run one command line and return its exit status; whatever happens, it is told in words."""
    invocation = Invocation() if started is None else Invocation(started)
    try:
        return _run(list(arguments) or ["--help"], invocation)
    except (InvalidInput, ConfigurationError) as error:
        _say(str(error))
        return 2
    except FablewrightError as error:
        _say(str(error))
        return 3
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:  # noqa: BLE001 - the last resort: people get a line, not a traceback
        from fablewright.entry.log_file import report_crash  # noqa: PLC0415 - hopefully never needed

        _say(report_crash(error, invocation.data_dir))
        return 1


def _run(arguments: list[str], invocation: Invocation) -> int:
    command = typer.main.get_command(app)
    try:
        outcome = command.main(arguments, prog_name="fablewright", standalone_mode=False, obj=invocation)
    except _UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "fablewright"
        said = error.format_message()
        _say(f"{said if said.endswith(('.', '?')) else said + '.'} `{path} --help` shows how it is used.")
        return 2
    except SystemExit as leaving:  # Typer's answer to a closed pipe
        return 0 if leaving.code == 1 else int(leaving.code or 0)
    return outcome if isinstance(outcome, int) else 0


def _say(line: str) -> None:
    from fablewright.entry.terminal import notice  # noqa: PLC0415 - Rich: not for --help

    notice(line, style="bold red")


def _version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag's value
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - 30 ms that other commands need not pay

        typer.echo(f"fablewright {version('fablewright')}")
        raise typer.Exit


@app.callback()
def fablewright(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """A game master's assistant that never keeps the table waiting.

    It answers out of your own notes, says where each sentence comes from, and has an answer by the deadline
    even when something is slow or broken. Without --notes it uses a small sample campaign.

    For example:

        fablewright scene "generate scenario for the first encounter"
    """


app.command()(scene)
app.command()(ask)
app.command()(choose)
app.command()(log)
app.command()(undo)
app.command()(recap)
app.command()(campaign)
app.command()(encounter)
app.command()(npc)
app.command()(loot)
app.command()(rules)
app.command()(why)
app.command()(index)
app.command()(prep)
app.command(context_settings={"ignore_unknown_options": True})(roll)  # -1d4 is dice and no option
app.command()(export)
app.command("import")(import_)
app.command()(chat)
app.command()(serve)
app.command()(mcp)
app.command()(agent)
app.command()(top)
app.command()(state)
app.command()(doctor)
app.command()(trace)
