"""What only the database has: schemas, refusals, and a password that is never shown."""

from __future__ import annotations

import sys
import uuid

import pytest

from fablewright.adapters import postgres_index
from fablewright.adapters.postgres_index import PostgresIndex
from fablewright.errors import ConfigurationError, FablewrightError, MissingExtra
from fablewright.gm.reading.embedded_text import key_of, vector_of
from fablewright.gm.reading.notes import FileStamp, Passage

STAMP = FileStamp(1, 1)


def test_notes_are_kept_apart_in_one_database(postgres: str) -> None:
    one, other = (PostgresIndex(postgres, f"Ünsere Notizen-{uuid.uuid4().hex}") for _ in range(2))
    one.replace("a.md", STAMP, [Passage("An owl.", "a.md", (), 0, 7)])
    assert one.count() == 1
    assert other.count() == 0
    assert "sesame" not in repr(one)
    one.close()
    other.close()


def test_another_version_is_built_anew_and_keeps_its_vectors(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = uuid.uuid4().hex
    index = PostgresIndex(postgres, notes)
    index.replace("a.md", STAMP, [Passage("An owl.", "a.md", (), 0, 7)])
    index.store("m", {key_of("An owl."): vector_of([1, 2])})
    index.close()
    monkeypatch.setattr(postgres_index, "_RULES", 999_999)
    again = PostgresIndex(postgres, notes)
    assert "built anew" in again.remark
    assert again.count() == 0
    again.replace("b.md", STAMP, [Passage("An owl.", "b.md", (), 0, 7)])
    assert again.unembedded("m", limit=9) == {}
    again.close()


def test_a_rare_word_counts_more_than_a_frequent_one(postgres: str) -> None:
    index = PostgresIndex(postgres, uuid.uuid4().hex)
    texts = [f"The tower stands by the road, number {n}." for n in range(20)] + ["A basilisk sleeps by the pond."]
    index.replace("a.md", STAMP, [Passage(text, "a.md", (), n, n + 1) for n, text in enumerate(texts)])
    assert index.search("the basilisk near the tower", limit=3, filters={})[0].text == texts[-1]
    index.close()


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("postgresql://gm:open-sesame@127.0.0.1:9/x", FablewrightError, "cannot be reached"),
        ("no url: open-sesame", ConfigurationError, "postgresql://USER@HOST/DATABASE"),
        ("postgresql://gm:open-sesame@[::1/x", ConfigurationError, "postgresql://USER@HOST/DATABASE"),
    ],
)
def test_a_server_that_is_not_there_is_said_without_the_password(
    url: str, kind: type[FablewrightError], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        PostgresIndex(url, "n", timeout=2)
    assert "sesame" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_without_the_driver_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"run: pip install 'fablewright\[postgres\]'"):
        PostgresIndex("postgresql://gm@127.0.0.1:9/x", "n")


def test_a_second_writer_waits_and_then_says_that_it_is_busy(postgres: str) -> None:
    import psycopg  # noqa: PLC0415 - as late as in the adapter

    notes = uuid.uuid4().hex
    index = PostgresIndex(postgres, notes)
    index.replace("a.md", STAMP, [Passage("An owl.", "a.md", (), 0, 7)])
    hasty = PostgresIndex(postgres, notes, timeout=0.3)
    with psycopg.connect(postgres, autocommit=True) as holder, holder.transaction():
        holder.execute(f"LOCK TABLE fablewright_{notes}.meta IN SHARE ROW EXCLUSIVE MODE")  # type: ignore[arg-type]
        with pytest.raises(FablewrightError, match=r"another program is writing|did not answer in 0\.3 s"):
            hasty.remove(["a.md"])
        assert hasty.count() == 1  # readers are not held up
    hasty.remove(["a.md"])
    assert index.count() == 0
    index.close()
    hasty.close()
