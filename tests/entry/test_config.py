from __future__ import annotations

import os
from pathlib import Path

import msgspec
import platformdirs
import pytest

from fablewright.entry.config import Loaded, Settings, load_settings
from fablewright.errors import ConfigurationError


def load(
    tmp_path: Path,
    toml: str | None = None,
    *,
    flags: dict[str, object] | None = None,
    environ: dict[str, str] | None = None,
) -> Loaded:
    if toml is not None:
        (tmp_path / "fablewright.toml").write_text(toml, encoding="utf-8")
    return load_settings(flags, environ=environ or {}, directory=tmp_path)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    settings = loaded.settings
    assert settings == Settings()
    assert (settings.notes, settings.party, settings.timeout, settings.seed) == ((), "4x2", 10.0, None)
    assert (settings.rag_request_timeout, settings.max_rag_retries) == (10.0, 2)
    assert (settings.circuit_breaker_threshold, settings.circuit_breaker_reset_time) == (5, 60.0)
    assert (settings.max_docs, settings.max_file_mb, settings.rules) == (12, 20, "2024")
    assert settings.data_dir == Path(platformdirs.user_data_dir("fablewright"))
    assert loaded.file is None
    assert set(loaded.origins.values()) == {"default"}
    assert set(loaded.origins) == set(Settings.__struct_fields__)


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    toml = "timeout = 1\nmax_docs = 2\nmax_file_mb = 3\n"
    environ = {"FABLEWRIGHT_TIMEOUT": "4", "FABLEWRIGHT_MAX_DOCS": "5", "PATH": "x"}
    loaded = load(tmp_path, toml, flags={"timeout": "6", "party": None}, environ=environ)
    settings = loaded.settings
    assert (settings.timeout, settings.max_docs, settings.max_file_mb) == (6.0, 5, 3)
    file = str(tmp_path / "fablewright.toml")
    assert (loaded.origins["timeout"], loaded.origins["max_docs"]) == ("--timeout", "FABLEWRIGHT_MAX_DOCS")
    assert (loaded.origins["max_file_mb"], loaded.origins["party"]) == (file, "default")


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(AttributeError):
        load(tmp_path).settings.timeout = 3.0  # type: ignore[misc] # it is the point


def test_folders_in_the_file_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, 'notes = ["camp", "/abs", "~/n"]\ndata_dir = "d"\nbus_key = "k"').settings
    assert settings.notes == (tmp_path / "camp", Path("/abs"), Path("~/n").expanduser())
    assert settings.data_dir == tmp_path / "d"
    assert (settings.bus_key, settings.bus_ca) == (tmp_path / "k", None)


def test_one_folder_needs_no_brackets(tmp_path: Path) -> None:
    assert load(tmp_path, 'notes = "camp"').settings.notes == (tmp_path / "camp",)


def test_folders_in_the_environment_are_separated_as_in_path(tmp_path: Path) -> None:
    environ = {"FABLEWRIGHT_NOTES": os.pathsep.join(["a b", "", "c"])}
    assert load(tmp_path, environ=environ).settings.notes == (Path("a b"), Path("c"))


def test_an_empty_variable_sets_nothing(tmp_path: Path) -> None:
    loaded = load(tmp_path, "timeout = 3", environ={"FABLEWRIGHT_TIMEOUT": ""})
    assert loaded.settings.timeout == 3.0


@pytest.mark.parametrize("rules", ["2014", '"2014"'])
def test_rules_may_be_written_as_a_number(tmp_path: Path, rules: str) -> None:
    assert load(tmp_path, f"rules = {rules}").settings.rules == "2014"


def test_a_seed_can_be_taken_back(tmp_path: Path) -> None:
    assert load(tmp_path, "seed = 3", flags={"seed": "none"}).settings.seed is None
    assert load(tmp_path, flags={"seed": "12345678901234567890"}).settings.seed == 12345678901234567890


def test_the_file_can_be_named_by_flag_or_variable(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("max_docs = 1")
    two.write_text("max_docs = 2")
    environ = {"FABLEWRIGHT_CONFIG": str(two)}
    assert load_settings(environ=environ, directory=tmp_path).settings.max_docs == 2
    assert load_settings(config=one, environ=environ, directory=tmp_path).settings.max_docs == 1


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "fablewright.toml").write_bytes(b"\xef\xbb\xbfmax_docs = 3\n")
    assert load(tmp_path).settings.max_docs == 3


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("timeot = 3", "There is no setting 'timeot' (in {file}); did you mean timeout?"),
        ("Party = '4x2'", "There is no setting 'Party' (in {file}); did you mean party?"),
        ("zzz = 1", "There is no setting 'zzz' (in {file}); did you mean "),
        ("a =", "{file} is not valid TOML: Invalid value (at "),
        ("\n\ntimeout = 1\ntimeout = 2", "{file} is not valid TOML: Cannot overwrite a value (at "),
        ("timeout = '3'", "timeout in {file} must be a number greater than 0 and at most 86400, not '3'."),
        ("timeout = nan", "timeout in {file} must be a number greater than 0 and at most 86400, not nan."),
        ("timeout = inf", "timeout in {file} must be a number greater than 0 and at most 86400, not inf."),
        ("timeout = 0", "timeout in {file} must be a number greater than 0 and at most 86400, not 0."),
        ("rag_request_timeout = -1.0", "rag_request_timeout in {file} must be a number greater than 0"),
        ("circuit_breaker_reset_time = 0", "circuit_breaker_reset_time in {file} must be a number greater"),
        ("max_rag_retries = -1", "max_rag_retries in {file} must be a whole number from 0 to 10, not -1."),
        ("circuit_breaker_threshold = 0", "circuit_breaker_threshold in {file} must be a whole number from 1"),
        ("max_docs = 0", "max_docs in {file} must be a whole number from 1 to 100, not 0."),
        ("max_docs = 2.5", "max_docs in {file} must be a whole number from 1 to 100, not 2.5."),
        ("max_docs = true", "max_docs in {file} must be a whole number from 1 to 100, not True."),
        ("max_file_mb = 0", "max_file_mb in {file} must be a whole number from 1 to 1024, not 0."),
        ('rules = "5e"', 'rules in {file} must be "2024" or "2014", not \'5e\'.'),
        ("notes = [3]", "notes in {file} must be a list of folders, not [3]."),
        ('notes = [""]', "notes in {file} must be a list of folders, not ['']."),
        ('data_dir = ""', "data_dir in {file} must be the path of a folder, not ''."),
        ('seed = "x"', "seed in {file} must be a whole number, or left out, not 'x'."),
        ('party = "4x"', "party in {file}: The party '4x' cannot be read:"),
        ("[party]\nsize = 4", "party in {file} must be a party such as 4x2, not {{'size': 4}}."),
        (f"x = {'[' * 5000}", "{file} is "),
    ],
)
def test_what_is_wrong_in_the_file_is_one_clear_line(tmp_path: Path, toml: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, toml)
    message = str(caught.value)
    assert message.startswith(said.format(file=tmp_path / "fablewright.toml"))
    assert "\n" not in message


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"FABLEWRIGHT_TIMOUT": "3"}, "'FABLEWRIGHT_TIMOUT' (in the environment); did you mean FABLEWRIGHT_TIMEOUT?"),
        ({"FABLEWRIGHT_confg": "x"}, "did you mean FABLEWRIGHT_CONFIG?"),
        ({"FABLEWRIGHT_TIMEOUT": "nan"}, "FABLEWRIGHT_TIMEOUT must be a number greater than 0"),
        ({"FABLEWRIGHT_TIMEOUT": "1e400"}, "FABLEWRIGHT_TIMEOUT must be a number greater than 0"),
        ({"FABLEWRIGHT_MAX_DOCS": "many"}, "FABLEWRIGHT_MAX_DOCS must be a whole number from 1 to 100, not 'many'."),
        ({"FABLEWRIGHT_PARTY": "0x3"}, "FABLEWRIGHT_PARTY: The party '0x3' cannot be read:"),
        ({"FABLEWRIGHT_CONFIG": "missing.toml"}, "The configuration missing.toml cannot be read: no such file"),
        ({"FABLEWRIGHT_CONFIG": "."}, "The configuration . cannot be read: "),
    ],
)
def test_what_is_wrong_in_the_environment_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, environ=environ)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "0", "soon"])
def test_what_is_wrong_on_the_command_line_names_the_flag(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--timeout must be a number greater than 0"):
        load(tmp_path, flags={"timeout": value})


def test_a_file_that_is_not_text_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "fablewright.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load(tmp_path)


def test_debug_is_no_setting_and_no_error(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"FABLEWRIGHT_DEBUG": "1"}).settings == Settings()


def test_every_setting_has_a_description() -> None:
    for field in msgspec.structs.fields(Settings):
        assert field.type.__metadata__[0].description.endswith("."), field.name
