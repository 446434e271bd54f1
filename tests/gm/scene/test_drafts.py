"""Variants, kept parts, tones and lengths, over the notes of the sample campaign and without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.drafts import Drafts, Source
from fablewright.gm.scene.focus import Focus, Section
from fablewright.gm.scene.scenario import Line
from fablewright.gm.scene.table import Table, weigh
from fablewright.gm.scene.tone import TONES, in_tone, tone_first
from fablewright.gm.scene.variants import LEAST, distance
from fablewright.gm.scene.wishes import LOCKABLE, Kept, Wishes

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage


@pytest.fixture
def source(sample_passages: dict[str, list[Passage]]) -> Source:
    passages = sample_passages["First encounter.md"]
    return Source(Focus((Section.of(passages[0]),)), tuple(passages))


def test_without_notes_variants_are_other_throws_and_come_again_with_the_seed(table: Table) -> None:
    drafts = [Drafts("a fight at the bridge", table, 7, Wishes(variants=4)).write(None) for _ in range(2)]
    assert drafts[0] == drafts[1]
    scenes = [drafts[0].first.scene, *(each.scene for each in drafts[0].variants)]
    assert len(scenes) == 4
    assert all(distance(one, other) >= LEAST for at, one in enumerate(scenes) for other in scenes[at + 1 :])
    assert Drafts("a fight at the bridge", table, 8, Wishes()).write(None) != drafts[0]


def test_other_sections_of_the_notes_go_before_other_emphases(
    source: Source, sample_passages: dict[str, list[Passage]], table: Table
) -> None:
    other = next(
        p for name, ps in sample_passages.items() if name != "First encounter.md" for p in ps if len(p.text) > 300
    )
    others = (Source(Focus((Section.of(other),)), tuple(sample_passages[other.file])),)
    scenes = Drafts("the first encounter", table, 1, Wishes(variants=3)).write(source, others)
    assert scenes.variants[0].differs.startswith(f"Another scene of your notes, {other.file}")
    assert scenes.variants[1].differs.startswith("The same scene, ")
    assert Drafts("the first encounter", table, 1, Wishes()).write(source, others).first == scenes.first


def test_what_cannot_be_had_is_said(source: Source, table: Table) -> None:
    scenes = Drafts("the first encounter", table, 1, Wishes(variants=5)).write(source)
    assert len(scenes.variants) < 4
    assert scenes.missing == (
        f"There are only {1 + len(scenes.variants)} scenes that differ enough for this; you asked for 5.",
    )


@pytest.mark.parametrize("parts", [("read_aloud", "foes"), ("title",), ("checks", "options"), LOCKABLE])
@pytest.mark.parametrize("grounded", [True, False])
def test_what_is_locked_stays_with_its_citations(
    parts: tuple[str, ...], source: Source, table: Table, *, grounded: bool
) -> None:
    old = Drafts("the first encounter", table, 1, Wishes()).write(source).first
    kept = Kept(old.scene, old.citations, parts)
    new = Drafts("the first encounter", table, 2, Wishes(kept=kept)).write(source if grounded else None).first
    for part in parts:
        before, after = getattr(old.scene, part), getattr(new.scene, part)
        assert _texts(before) == _texts(after)
        assert _cited(before, old.citations) == _cited(after, new.citations)
    used = {source for part in LOCKABLE for source in _cited(getattr(new.scene, part), new.citations)}
    assert used == {passage.text for passage in new.citations}  # nothing is cited that no line points to
    if set(parts) != set(LOCKABLE):
        assert distance(old.scene, new.scene) > 0


def test_what_the_fight_weighs_is_worked_out_from_the_foes_that_stay(source: Source, table: Table) -> None:
    old = Drafts("the first encounter", table, 1, Wishes()).write(source).first
    larger = Table(parse_party("6x5"), table.rules, table.bestiary)
    kept = Kept(old.scene, old.citations, ("foes",))
    new = Drafts("the first encounter", larger, 2, Wishes(kept=kept)).write(None).first
    assert new.scene.balance == weigh(new.scene.foes, larger) != old.scene.balance
    assert "six level-5 characters" in new.scene.balance[0].text


@pytest.mark.parametrize("tone", TONES)
def test_a_tone_rewords_nothing(tone: str, source: Source, table: Table) -> None:
    wishes = Wishes(tone=tone)  # type: ignore[arg-type]
    plain = Drafts("the first encounter", table, 1, Wishes(length="long")).write(source).first.scene
    toned = Drafts("the first encounter", table, 1, wishes).write(source).first.scene
    assert {line.text for line in toned.here} <= {line.text for line in plain.here}
    assert toned.read_aloud == plain.read_aloud


def test_a_tone_changes_what_is_drawn(table: Table) -> None:
    titles = {
        tone: [
            Drafts("a scene", table, seed, Wishes(tone=tone)).write(None).first.scene.title.text for seed in range(12)
        ]
        for tone in (None, *TONES)
    }
    assert len({tuple(found) for found in titles.values()}) > 3


def test_in_tone_keeps_all_when_nothing_sounds_like_it() -> None:
    rows = ["a table", "the dead rise", "a cake"]
    assert in_tone(rows, "grim", str) == ["the dead rise"]
    assert in_tone(rows, "eerie", str) == rows
    assert tone_first(rows, "light", str) == ("a cake", "a table", "the dead rise")
    assert tone_first(rows, None, str) == tuple(rows)


def test_short_shows_less_and_long_more(source: Source, table: Table) -> None:
    def size(length: str | None) -> int:
        scene = Drafts("the first encounter", table, 1, Wishes(length=length)).write(source).first.scene  # type: ignore[arg-type]
        return len((*scene.here, *scene.checks, *scene.options))

    assert size("short") < size(None) <= size("long")
    invented = Drafts("a bridge", table, 1, Wishes(length="short")).write(None).first.scene
    assert (len(invented.here), len(invented.options)) == (2, 2)


def test_wishes_that_make_no_sense_are_refused(source: Source, table: Table) -> None:
    with pytest.raises(InvalidInput, match="1 to 5 variants, not 9"):
        Wishes(variants=9)
    old = Drafts("x", table, 1, Wishes()).write(None).first
    with pytest.raises(InvalidInput, match="no part 'weather' to lock"):
        Kept(old.scene, (), ("weather",))


def _texts(value: object) -> list[str]:
    if isinstance(value, tuple):
        return [text for each in value for text in _texts(each)]
    if isinstance(value, Line):
        return [value.text, value.origin.value, str(value.secret)]
    names = [name for name in getattr(value, "__slots__", ()) if name != "sources"]
    return [text for name in names for text in _texts(getattr(value, name))] or [str(value)]


def _cited(value: object, citations: tuple[Passage, ...]) -> list[str]:
    if isinstance(value, tuple):
        return [text for each in value for text in _cited(each, citations)]
    own = [citations[source].text for source in getattr(value, "sources", ())]
    inside = [getattr(value, name) for name in getattr(value, "__slots__", ())]
    return own + [text for each in inside if hasattr(each, "sources") for text in _cited(each, citations)]
