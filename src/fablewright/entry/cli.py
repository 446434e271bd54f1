"""The command line: what can be typed. What is done then is in a module per command, imported when it runs.

Exit status: 0 answered, also when something is missing or the notes do not say; 2 wrong usage or input;
3 nothing could be answered; 130 Ctrl-C; 1 an error of ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
# Arguments are hidden from the help's list: it could only call them "list[str]", and the usage line names them.

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings to use instead of fablewright.toml.")
]


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


@app.command()
def scene(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    request: Annotated[list[str], typer.Argument(metavar="REQUEST", hidden=True)],
    *,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Write the scene that you are about to run.

    You get a text to read aloud, what is here, checks, foes, options, consequences and loot, with the
    passages of your notes behind each. Ctrl-C stops the search and writes the scene with what there is.

    For example:

        fablewright scene "the party comes to the Counting House" --party 4x3
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

    code = one_shot(invocation, loaded, "scene", " ".join(request), use_rag=not no_rag, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def ask(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", hidden=True)],
    *,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Ask your notes a question.

    The answer is what your notes say, with the place where they say it. If they do not say, you are told so.

    For example:

        fablewright ask "Who is Ambrose Teal?"
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

    code = one_shot(invocation, loaded, "question", " ".join(question), use_rag=not no_rag, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def why(
    ctx: typer.Context,
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", hidden=True)],
    *,
    notes: Notes = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show what a question finds in your notes, by which steps, and what is used or dropped.

    Each passage has its place, its score, and the steps that have it: with the rank there and what that counted.

    For example:

        fablewright why "Who is Ambrose Teal?"
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": notes or None}, config)
    from fablewright.entry.why import why as tell  # noqa: PLC0415 - not for --help

    raise typer.Exit(tell(loaded, " ".join(question), as_json=as_json))


@app.command()
def index(
    ctx: typer.Context,
    folders: Annotated[list[Path] | None, typer.Argument(metavar="DIR", hidden=True)] = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and read what changes, until Ctrl-C.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Read your notes now, so that the first scene need not wait for it.

    Says what was read, and what was skipped and why. Only files that changed are read again. Ctrl-C keeps
    what is read; the next run goes on from there.

    For example:

        fablewright index
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": folders or None}, config)
    from fablewright.entry.index_notes import index_notes  # noqa: PLC0415 - not for --help

    raise typer.Exit(index_notes(invocation, loaded, watch=watch, as_json=as_json))


@app.command(context_settings={"ignore_unknown_options": True})  # -1d4 is dice and no option
def roll(
    ctx: typer.Context,
    dice: Annotated[list[str], typer.Argument(metavar="DICE", hidden=True)],
    *,
    seed: Seed = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Roll dice, such as 2d6+3, 4d6kh3 (the highest three count) or adv+5.

    For example:

        fablewright roll 2d6+3
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"seed": seed}, config)
    from fablewright.entry.roll_dice import roll_dice  # noqa: PLC0415 - not for --help

    roll_dice(" ".join(dice), seed=loaded.settings.seed, as_json=as_json)


@app.command()
def chat(
    ctx: typer.Context,
    *,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    config: Config = None,
) -> None:
    """Keep the assistant at the table: ask for one thing after another.

    Everything stays loaded, so answers come in a moment. /help says what else can be typed, Ctrl-D leaves.

    For example:

        fablewright chat --party 5x3
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed}
    invocation: Invocation = ctx.obj
    from fablewright.entry.chat import chat as start  # noqa: PLC0415 - not for --help

    raise typer.Exit(start(invocation.load(flags, config), use_rag=not no_rag))


@app.command()
def doctor(ctx: typer.Context, *, notes: Notes = None, as_json: AsJson = False, config: Config = None) -> None:
    """Check what works, what is missing, and how to get it.

    For example:

        fablewright doctor
    """
    invocation: Invocation = ctx.obj
    from fablewright.entry.doctor import doctor as examine  # noqa: PLC0415 - not for --help

    raise typer.Exit(examine(invocation, {"notes": notes or None}, config, as_json=as_json))


@app.command()
def trace(
    ctx: typer.Context,
    story: Annotated[str | None, typer.Argument(metavar="[ID]", hidden=True)] = None,
    *,
    listed: Annotated[bool, typer.Option("--list", help="List the latest requests, one line each.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show what happened inside while a request was answered: who asked whom, how long it took, what failed.

    Without an ID it is the latest request; --list shows others. The beginning of an ID is enough, and the ID of
    any message in it will do.

    For example:

        fablewright trace
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({}, config)
    from fablewright.entry.trace import trace as tell  # noqa: PLC0415 - not for --help

    raise typer.Exit(tell(loaded, story or "", listed=listed, as_json=as_json))
