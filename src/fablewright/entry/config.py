"""The settings: one frozen object, and where each value of it came from.

A flag wins over the environment (``FABLEWRIGHT_TIMEOUT=5``), the environment over ``fablewright.toml`` in the
working directory (or the file that ``--config`` or ``FABLEWRIGHT_CONFIG`` names), the file over what was chosen on the
page, and that over the default.
A key that nobody knows is an error and never ignored: a misspelt setting that has no effect costs an evening.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import msgspec
import platformdirs
from msgspec import Meta

from fablewright.entry.chosen import CHOOSABLE, chosen_file, read_chosen
from fablewright.entry.secret import Secret
from fablewright.errors import ConfigurationError, InvalidInput
from fablewright.gm.rules.party import parse_party

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILE_NAME", "PREFIX", "Loaded", "Settings", "changed", "expected", "load_settings"]

FILE_NAME = "fablewright.toml"
PREFIX = "FABLEWRIGHT_"
_NOT_SETTINGS = frozenset({"FABLEWRIGHT_CONFIG", "FABLEWRIGHT_DEBUG"})  # read where they are needed


def _data_dir() -> Path:
    return Path(platformdirs.user_data_dir("fablewright"))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set; ``docs/configuration.md`` is made from this class."""

    notes: Annotated[tuple[Path, ...], Meta(description="Folders with your notes. Empty: the sample campaign.")] = ()
    party: Annotated[str, Meta(description="Who plays: `4x2` is four level-2 characters, `3x5+1x4` mixes levels.")] = (
        "4x2"
    )
    timeout: Annotated[
        float, Meta(gt=0, le=86_400, description="Seconds until there is an answer, whatever happens.")
    ] = 10.0
    rag_request_timeout: Annotated[
        float, Meta(gt=0, le=86_400, description="Seconds to wait for passages before a scene goes without.")
    ] = 10.0
    max_rag_retries: Annotated[int, Meta(ge=0, le=10, description="How often a search that failed is tried again.")] = 2
    circuit_breaker_threshold: Annotated[
        int, Meta(ge=1, le=1_000, description="Failed searches in a row after which no more are tried.")
    ] = 5
    circuit_breaker_reset_time: Annotated[
        float, Meta(gt=0, le=86_400, description="Seconds until searching is tried again after that.")
    ] = 60.0
    max_docs: Annotated[int, Meta(ge=1, le=100, description="Passages that one search returns at most.")] = 12
    max_file_mb: Annotated[
        int,
        Meta(
            ge=1,
            le=1_024,
            description="Larger files are skipped, and it is said so; PDF, DOCX and EPUB may have ten times as much.",
        ),
    ] = 20
    data_dir: Annotated[
        Path,
        Meta(
            description="Where the index, the chat history, stories and error reports are kept.",
            extra={"default": "the system's folder for user data"},
        ),
    ] = msgspec.field(default_factory=_data_dir)
    state: Annotated[
        Secret,
        Meta(
            description="Where [campaigns and the index](how-to/state.md) are, if not in `data_dir`: "
            "`postgresql://user@host/database`.",
            extra={"default": '`""`', "values": "a URL of PostgreSQL"},
        ),
    ] = msgspec.field(default_factory=Secret)
    owner: Annotated[
        str,
        Meta(
            pattern="^([a-z](_?[a-z0-9])*)?$",
            max_length=20,
            description="Whose campaigns and index they are, where several game masters share a database or a folder.",
            extra={"values": "a name of small letters, digits and single `_`, 20 at most"},
        ),
    ] = ""
    index: Annotated[
        Secret,
        Meta(
            description="Where the index alone is, if elsewhere than `state` says: `postgresql://user@host/database`.",
            extra={"default": '`""`', "values": "a URL of PostgreSQL"},
        ),
    ] = msgspec.field(default_factory=Secret)
    work: Annotated[
        Secret,
        Meta(
            description="Where the work of `prep` and what the table asked for is kept, if not in `data_dir`: "
            "`nats://host:4222`, with JetStream. Name three of a cluster, with commas between, and three keep it.",
            extra={"default": '`""`', "values": "URLs of NATS"},
        ),
    ] = msgspec.field(default_factory=Secret)
    bus: Annotated[
        Secret,
        Meta(
            description="Where the agents are, if they run [in processes of their own](how-to/scale.md).",
            extra={"default": '`""`', "values": "URLs of NATS servers, with commas between"},
        ),
    ] = msgspec.field(default_factory=Secret)
    bus_key: Annotated[
        Path | None,
        Meta(
            description="This process's key for the bus: a file with an nkey's seed, or with credentials of NATS.",
            extra={"default": "none", "values": "the path of a file"},
        ),
    ] = None
    bus_ca: Annotated[
        Path | None,
        Meta(
            description="Whose certificates of NATS servers are believed, for `bus` and `work`; then all is encrypted.",
            extra={"default": "those that the system knows", "values": "the path of a PEM file"},
        ),
    ] = None
    work_key: Annotated[
        Path | None,
        Meta(
            description="The key for `work`, as `bus_key` is that for the bus.",
            extra={"default": "none", "values": "the path of a file"},
        ),
    ] = None
    embedder: Annotated[
        Literal["none", "minilm", "ollama", "openai", "sentence-transformers"],
        Meta(description="What makes vectors of your notes, so that they are found by meaning too."),
    ] = "none"
    embedding_model: Annotated[
        str, Meta(description="Its model, for all but `minilm`.", extra={"values": "the name of a model"})
    ] = ""
    embedding_url: Annotated[
        str,
        Meta(
            description="Where an embedding server is, if not at the usual place.",
            extra={"values": "a URL of HTTP, with `/v1` for `openai`"},
        ),
    ] = ""
    embedding_key: Annotated[
        Secret,
        Meta(
            description="The key for it; never shown. Better in the environment than in a file.",
            extra={"default": '`""`', "values": "a key"},
        ),
    ] = msgspec.field(default_factory=Secret)
    reranker: Annotated[
        Literal["none", "jina", "tei"],
        Meta(description="What reads a question and what was found for it together, to put it in a better order."),
    ] = "none"
    reranking_model: Annotated[
        str, Meta(description="Its model, for `jina`.", extra={"values": "the name of a model"})
    ] = ""
    reranking_url: Annotated[
        str,
        Meta(description="Where that server is, up to before `/rerank`.", extra={"values": "a URL of HTTP"}),
    ] = ""
    reranking_key: Annotated[
        Secret,
        Meta(
            description="The key for it; never shown. Better in the environment than in a file.",
            extra={"default": '`""`', "values": "a key"},
        ),
    ] = msgspec.field(default_factory=Secret)
    reranking_timeout: Annotated[
        float, Meta(gt=0, le=60, description="Seconds that a search waits for it; then it goes without.")
    ] = 1.5
    prose: Annotated[
        Literal["auto", "off"],
        Meta(description="Whether a model, where there is one, [writes prose](how-to/use-a-model.md) for a scene."),
    ] = "auto"
    model: Annotated[
        str,
        Meta(
            description="Which model; `local`: the small one in a process of ours. Empty: one that Ollama has here.",
            extra={"values": "a name, `local`, or the path of a .gguf file"},
        ),
    ] = ""
    model_url: Annotated[
        str,
        Meta(
            description="Where its server is, if not Ollama here. Empty, with a key: OpenAI.",
            extra={"values": "a URL of HTTP, with `/v1`"},
        ),
    ] = ""
    model_key: Annotated[
        Secret,
        Meta(
            description="The key for it; never shown. Better in the environment than in a file.",
            extra={"default": '`""`', "values": "a key"},
        ),
    ] = msgspec.field(default_factory=Secret)
    model_timeout: Annotated[
        float, Meta(gt=0, le=86_400, description="Seconds for the model's prose; the scene is there before it.")
    ] = 30.0
    seed: Annotated[
        int | None,
        Meta(
            description="Makes rolls and invented parts the same each time.",
            extra={"default": "none: different each time"},
        ),
    ] = None
    campaign: Annotated[
        str,
        Meta(
            max_length=80,
            description="Whose log is kept and steers scenes, if not the one chosen for your notes.",
            extra={"values": "the name of a campaign"},
        ),
    ] = ""
    token: Annotated[
        Secret,
        Meta(
            description="What has to be shown to `serve`; never shown by it. Better in the environment than in a file.",
            extra={"default": '`""`', "values": "a token of 22 random signs or more"},
        ),
    ] = msgspec.field(default_factory=Secret)
    rules: Annotated[Literal["2024", "2014"], Meta(description="Whose encounter budgets and names are used.")] = "2024"

    @property
    def state_dir(self) -> Path:
        """Where campaigns and index are that are in no database: each owner's in a folder of their own."""
        return self.data_dir / "owners" / self.owner if self.owner else self.data_dir


_FIELDS = {each.name: each for each in msgspec.structs.fields(Settings)}


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and for each key the flag, the variable or the file that its value came from.

    Attributes:
        settings: The values.
        origins: By key: ``--timeout``, ``FABLEWRIGHT_TIMEOUT``, a file's path, or ``default``.
        file: The configuration file that was read; None without one.
    """

    settings: Settings
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    file: Path | None = None


def load_settings(
    flags: Mapping[str, object] | None = None,
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Loaded:
    """Return the settings that hold for this run.

    Args:
        flags: What was given on the command line, by key; None values count as not given.
        config: The file that ``--config`` names.
        environ: The environment; the process's own when None.
        directory: Where to look for ``fablewright.toml``; the working directory when None.

    Raises:
        ConfigurationError: A key is unknown, a value wrong, or the file cannot be read.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {}
    origins = dict.fromkeys(_FIELDS, "default")
    file = _find_file(config, environ, directory or Path())
    if file is not None:
        for key, raw in _read_file(file).items():
            values[key] = _convert(key, raw, f"{key} in {file}", strict=True, folder=file.parent)
            origins[key] = str(file)
    for variable, text in _variables(environ).items():
        key = variable.removeprefix(PREFIX).lower()
        raw = [part for part in text.split(os.pathsep) if part] if key == "notes" else text
        values[key] = _convert(key, raw, variable, strict=False, folder=Path())
        origins[key] = variable
    for key, raw in (flags or {}).items():
        if raw is not None:
            flag = f"--{key.replace('_', '-')}"
            values[key] = _convert(key, raw, flag, strict=False, folder=Path())
            origins[key] = flag
    data_dir: Any = values.get("data_dir", _data_dir())
    for key, raw in read_chosen(data_dir).items():
        if key in CHOOSABLE and origins[key] == "default":
            origins[key] = str(chosen_file(data_dir))
            values[key] = _convert(key, raw, f"{key} in {origins[key]}", strict=True, folder=data_dir)
    return Loaded(Settings(**values), MappingProxyType(origins), file)  # type: ignore[arg-type] # each is converted


def changed(settings: Settings, values: Mapping[str, object]) -> Settings:
    """Return settings with some values changed, each checked as in a file.

    Raises:
        ConfigurationError: A value makes no sense.
    """
    converted = {key: _convert(key, raw, key, strict=True, folder=Path()) for key, raw in values.items()}
    return msgspec.structs.replace(settings, **converted)


def _find_file(config: Path | None, environ: Mapping[str, str], directory: Path) -> Path | None:
    named = environ.get("FABLEWRIGHT_CONFIG") or None
    if config is not None or named is not None:
        return Path(config or named or "").expanduser()
    usual = directory / FILE_NAME
    return usual if usual.is_file() else None


def _read_file(file: Path) -> dict[str, object]:
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text (byte {error.start}).") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} is nested too deeply.") from error
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        raise ConfigurationError(f"The configuration {file} cannot be read: {reason}.") from error
    for key in content:
        if key not in _FIELDS:
            _unknown(key, f"in {file}", list(_FIELDS))
    return content


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that set something; an empty one sets nothing, as shells clear them that way."""
    known = {f"{PREFIX}{name.upper()}" for name in _FIELDS}
    for name in environ:
        if name.startswith(PREFIX) and name not in known | _NOT_SETTINGS:
            _unknown(name, "in the environment", sorted(known | _NOT_SETTINGS))
    return {name: environ[name] for name in sorted(known) if environ.get(name)}


def _unknown(key: str, where: str, known: list[str]) -> NoReturn:
    by_lower = {each.lower(): each for each in known}
    nearest = difflib.get_close_matches(key.lower(), by_lower, n=1, cutoff=0.0)[0]
    raise ConfigurationError(f"There is no setting {key!r} ({where}); did you mean {by_lower[nearest]}?")


def _convert(key: str, raw: object, where: str, *, strict: bool, folder: Path) -> object:
    """Return ``raw`` as the type of the setting; ``where`` names it in the error."""
    if key == "rules" and type(raw) is int:
        raw = str(raw)  # `rules = 2014` without quotes can only mean one thing
    if key == "notes" and isinstance(raw, str):
        raw = [raw]  # as can one folder without brackets
    if key == "seed" and isinstance(raw, str) and raw.strip().lower() == "none":
        raw = None
    try:
        value: Any = msgspec.convert(raw, _FIELDS[key].type, strict=strict, dec_hook=_path)
        if key == "party":
            parse_party(value)
    except msgspec.ValidationError as error:
        shown = "that" if _is_secret(key) else repr(raw) if isinstance(raw, str) else str(raw)
        raise ConfigurationError(f"{where} must be {expected(key)}, not {shown[:60]}.") from error
    except InvalidInput as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if key == "notes":
        return tuple(folder / each for each in value)
    return folder / value if isinstance(value, Path) else value


def _path(kind: type, raw: object) -> object:
    """Make a ``Path`` or a ``Secret`` of a text; msgspec knows neither and asks."""
    if kind is Secret and isinstance(raw, str):
        return Secret(raw)
    if kind is not Path or not isinstance(raw, str | Path) or not str(raw).strip():
        raise ValueError("not a path")
    return Path(raw).expanduser()


def _is_secret(key: str) -> bool:
    return isinstance(_FIELDS[key].default_factory, type) and issubclass(_FIELDS[key].default_factory, Secret)


def expected(key: str) -> str:
    """Say in words which values a setting takes, for errors and for the documentation."""
    said = (_FIELDS[key].type.__metadata__[0].extra or {}).get("values")
    if said:
        return str(said)
    kind = msgspec.inspect.type_info(_FIELDS[key].type)
    if isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    match kind:
        case msgspec.inspect.FloatType(le=most):
            words = f"a number greater than 0 and at most {most:.0f}"
        case msgspec.inspect.IntType(ge=least, le=most):
            words = f"a whole number from {least} to {most}"
        case msgspec.inspect.LiteralType(values=values):
            words = " or ".join(f'"{each}"' for each in reversed(values))
        case msgspec.inspect.UnionType():
            words = "a whole number, or left out"
        case msgspec.inspect.VarTupleType():
            words = "a list of folders"
        case msgspec.inspect.StrType():
            words = "a party such as 4x2"
        case _:
            words = "the path of a folder"
    return words
