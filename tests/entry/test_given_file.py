from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fablewright.entry.given_file import read_given
from fablewright.errors import InvalidInput

MEGABYTE = 1_000_000


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_bytes(b"x" * MEGABYTE)
    assert read_given(file, most=MEGABYTE) == b"x" * MEGABYTE
    file.write_bytes(b"x" * (MEGABYTE + 1))
    with pytest.raises(InvalidInput, match="given is over 1 MB, which is more than is read"):
        read_given(file, most=MEGABYTE)


@pytest.mark.parametrize(("name", "why"), [("nothing", "no such file"), (".", "directory|denied")])
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=rf"cannot be read: .*({why}).*\.$"):
        read_given(tmp_path / name, most=MEGABYTE)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"given" * 2)))
    assert read_given(Path("-"), most=10) == b"given" * 2
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"given" * 3)))
    with pytest.raises(InvalidInput, match="standard input is over 0 MB"):
        read_given(Path("-"), most=10)
