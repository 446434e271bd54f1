from __future__ import annotations

import json

import pytest

from fablewright.entry.cli import run
from fablewright.entry.config import load_settings
from fablewright.entry.secret import Secret
from fablewright.errors import ConfigurationError

URL = "postgresql://gm:open-sesame@db.example/notes?sslpassword=hidden"


@pytest.mark.parametrize("shown", [str, repr, "{}".format, "{!r}".format])
def test_a_secret_keeps_to_itself(shown: object) -> None:
    assert callable(shown)
    assert "sk-123" not in shown(Secret("sk-123"))
    assert "sesame" not in shown(Secret(URL))
    assert "hidden" not in shown(Secret(URL))


def test_of_a_url_one_sees_where_it_leads() -> None:
    assert str(Secret(URL)) == "postgresql://gm:…@db.example/notes"
    assert str(Secret("postgresql://gm@db.example/notes")) == "postgresql://gm@db.example/notes"
    assert str(Secret()) == ""


def test_whom_it_is_for_gets_it() -> None:
    assert Secret("a").reveal() == "a"
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret()


def test_settings_and_their_errors_never_show_it() -> None:
    environ = {"FABLEWRIGHT_EMBEDDING_KEY": "sk-123", "FABLEWRIGHT_INDEX": URL}
    settings = load_settings(environ=environ).settings
    assert settings.embedding_key.reveal() == "sk-123"
    assert settings.index.reveal() == URL
    assert "sk-123" not in repr(settings)
    assert "sesame" not in repr(settings)
    with pytest.raises(ConfigurationError, match="must be a key, not that"):
        load_settings({"embedding_key": 123}, environ={})


@pytest.mark.usefixtures("data_dir")
def test_doctor_shows_that_it_is_set(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABLEWRIGHT_EMBEDDING_KEY", "sk-123")
    run(["doctor", "--json"])
    out, err = capsys.readouterr()
    assert json.loads(out)["settings"]["embedding_key"]["value"] == "set, not shown"
    assert "sk-123" not in out + err
