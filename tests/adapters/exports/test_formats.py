"""What holds for every format: a scene comes back as it was, an edit is seen, and players' copies hold no secret."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from fablewright.adapters.exports import carried
from fablewright.adapters.exports.formats import FORMATS, export_files, read_export
from fablewright.errors import InvalidInput
from fablewright.gm.answer import Answer
from fablewright.gm.answer_data import answer_data, answer_from_data
from fablewright.gm.exporting.pieces import pieces
from fablewright.gm.exporting.visible import visible
from fablewright.gm.reading.notes import Passage
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene

if TYPE_CHECKING:
    from fablewright.adapters.exports.formats import Format

BESTIARY = load_bestiary()
TEXT_FORMATS: tuple[Format, ...] = tuple(form for form in FORMATS if form != "pdf")
EDITABLE: tuple[Format, ...] = tuple(form for form in TEXT_FORMATS if form != "json")
HOSTILE = (
    *r"""` ``` | {{ }} --> <!-- ' " \ <script>alert(1)</script> </li> </style> &amp; &#42; --- #""".split(),
    *r"""[[x|y]] %% == $x$ * § \* @UUID[Actor.x]{y} [[/roll 1d20]] {{source (1)}} :: \page data-part مرحبا é""".split(),
    *("\n", "\r\n", "\u2028", "\u200f", "\u202e", "\x00", "\x1b[2J", "\ud800", "\U0001d54f", " ", carried.MARK),
    *(": ", "- ", "1. ", "**GM only:** ", "**GM only.** ", "2d6 fire"),
)
words = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12), st.sampled_from(("the gate", "a bell", "two guards"))),
    max_size=6,
).map("".join)
origins = st.sampled_from(list(Origin))
sources = st.lists(st.integers(0, 2), max_size=3, unique=True).map(tuple)
lines = st.builds(Line, words, origins, sources, st.booleans())
maybe = st.one_of(st.none(), lines)
checks = st.builds(Check, words, st.integers(0, 40), maybe, maybe, maybe, origins, sources, st.booleans())
foes = st.builds(
    Foe,
    st.one_of(st.sampled_from(("Bandit", "Spy", "Ogre")), words),
    st.one_of(st.none(), st.integers(1, 1000)),
    st.one_of(st.none(), st.sampled_from((0.0, 0.125, 0.25, 0.5, 1.0, 30.0))),
    st.one_of(st.none(), st.integers(0, 155_000)),
    words,
    origins,
    sources,
    st.booleans(),
)
options = st.builds(Option, lines, maybe)


def few(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(strategy, max_size=3).map(tuple)


scenes = st.builds(
    Scene, lines, few(lines), few(lines), few(checks), few(foes), few(lines), few(options), few(lines), few(lines)
)
passages = st.builds(
    Passage,
    words,
    words,
    few(words),
    st.integers(0, 9),
    st.integers(9, 99),
    page=st.one_of(st.none(), st.integers(1, 9)),
)
answers = st.builds(
    Answer,
    st.just("scene"),
    st.sampled_from(("answered", "degraded")),
    scenes,
    citations=st.tuples(passages, passages, passages),
    missing=few(words),
)
quietly = partial(
    settings,
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a scene has so many parts that it is minutes to shrink one
)


def exported(form: Format, answer: Answer, **how: bool) -> bytes:
    files = export_files(form, answer, BESTIARY, **how)
    return files["journal.json"] if form == "foundry" else next(iter(files.values()))


@quietly(max_examples=25)
@given(answers)
def test_a_scene_comes_back_as_it_was(answer: Answer) -> None:
    for form in TEXT_FORMATS:
        content = exported(form, answer)
        assert read_export(content, BESTIARY) == answer, form
        # An editor on Windows changes the line ends.
        assert read_export(content.replace(b"\n", b"\r\n"), BESTIARY) == answer, form


def with_data_of(form: Format, edited: bytes, then: Answer, now: Answer) -> bytes:
    """Return an export that shows one scene and carries the data of another: what an edit by hand leaves."""
    text = edited.decode("utf-8")
    if form in {"obsidian", "homebrewery"}:
        return text.replace("\n".join(carried.packed_lines(now)), "\n".join(carried.packed_lines(then))).encode()
    if form == "html":
        return text.replace(carried.packed(now), carried.packed(then)).encode()
    content = json.loads(text)
    holder = content["flags" if form == "foundry" else "extensions"]["fablewright"]
    holder["scene"] = answer_data(then)
    return json.dumps(content).encode()


@quietly(max_examples=25)
@given(answers, lines, words, st.data())
def test_what_is_seen_wins_over_what_is_carried(answer: Answer, line: Line, text: str, data: st.DataObject) -> None:
    assert answer.scene is not None
    there = [piece.text for piece in pieces(answer.scene)]
    # Of two lines that read the same nobody can tell which one was edited.
    assume(visible(text) and visible(text) not in {visible(line.text), *there} and visible(line.text) not in there)
    part = data.draw(st.sampled_from(("here", "consequences", "loot", "read_aloud")))
    others: tuple[Line, ...] = getattr(answer.scene, part)
    at = data.draw(st.integers(0, len(others)))
    before, after = others[:at], others[at:]
    then = replace(answer, scene=replace(answer.scene, **{part: (*before, line, *after)}))
    now = replace(then, scene=replace(answer.scene, **{part: (*before, replace(line, text=text), *after)}))
    new = (*before, Line(visible(text), Origin.INVENTED, secret=line.secret), *after)
    for form in EDITABLE:
        read = read_export(with_data_of(form, exported(form, now), then, now), BESTIARY)
        assert read == replace(answer, scene=replace(answer.scene, **{part: new})), form


@quietly(max_examples=20)
@given(answers)
def test_a_players_copy_holds_no_secret(answer: Answer) -> None:
    assert answer.scene is not None
    planted = _planted(answer.scene)
    cited = tuple(replace(p, text="PLANTED-text", file="PLANTED.md", heading=("PLANTED",)) for p in answer.citations)
    secret = replace(answer, scene=planted, citations=cited, missing=("PLANTED is missing",))
    for form in TEXT_FORMATS:
        files = export_files(form, secret, BESTIARY, players=True)
        assert not any("planted" in f"{name}{content.decode()}".lower() for name, content in files.items()), form
        read = read_export(exported(form, secret, players=True), BESTIARY)
        assert "planted" not in json.dumps(answer_data(read)).lower(), form


def _planted(scene: Scene) -> Scene:
    """Return a scene in which whatever is secret says so, and the title and a text read aloud give it away."""

    def told(line: Line | None) -> Line | None:
        return line and (replace(line, text=f"PLANTED {line.text}") if line.secret else line)

    here = (Line("PLANTED-secret-here", Origin.QUOTED, (0,), secret=True), *map(told, scene.here))
    return replace(
        scene,
        title=replace(scene.title, text="The house of PLANTED-secret-here"),
        read_aloud=(
            Line("You see planted secret here!", Origin.QUOTED, (0,)),
            Line("A plantedfoe waits.", Origin.QUOTED, (0,)),
            *map(told, scene.read_aloud),
        ),
        here=here,
        checks=tuple(
            replace(check, skill=f"PLANTED {check.skill}", success=told(check.success)) for check in scene.checks
        ),
        foes=(Foe("PLANTEDFOE", 1, None, None, "PLANTED", Origin.FROM_NOTES, (0,), secret=True), *scene.foes),
        options=tuple(Option(replace(option.action, text="PLANTED", secret=True)) for option in scene.options),
        consequences=(Line("PLANTED", Origin.INVENTED, secret=True),),
    )


@pytest.mark.parametrize("form", TEXT_FORMATS)
def test_the_gms_copy_shows_every_piece_and_marks_secrets(form: Format) -> None:
    secret = Line("The miller is dead.", Origin.QUOTED, (0,), secret=True)
    scene = Scene(Line("The mill", Origin.QUOTED, (0,)), here=(secret,), loot=(Line("25 gp", Origin.INVENTED),))
    answer = Answer("scene", "answered", scene, citations=(Passage("x", "mill.md", (), 0, 1),))
    text = exported(form, answer).decode()
    assert all(piece.text in text for piece in pieces(scene))
    assert "GM only" in text or 'class="secret"' in text or 'class=\\"secret\\"' in text or '"secret": true' in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"# Just a note", "There is no scene in this file"),
        (b"\xff\xfe\x00x", "no text in UTF-8"),
        (b"{", "no JSON"),
        (b"{}", "the answer has no"),
        (b'{"pages": []}', "no journal entry that Fablewright exported"),
        (b'{"entries": {}}', "no lorebook that Fablewright exported"),
        (b"%PDF-1.4 broken", "cannot be read"),
        (f"%%\n{carried.MARK}\nAAAA\n%%".encode(), "There is no scene in this file"),
        (b"[" * 100_000, "There is no scene in this file"),
        (b'{"a":' * 100_000, "no JSON"),
    ],
)
def test_what_is_no_export_is_refused_in_words(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_export(content, BESTIARY)


def test_a_bomb_is_not_unpacked() -> None:
    import base64  # noqa: PLC0415 - for this one
    import zlib  # noqa: PLC0415 - for this one

    bomb = base64.b64encode(zlib.compress(b" " * 30_000_000, 9)).decode()
    with pytest.raises(InvalidInput, match="There is no scene"):
        carried.unpacked(bomb)


def test_an_answer_without_a_scene_is_no_export() -> None:
    with pytest.raises(InvalidInput, match="only scenes can be exported"):
        export_files("html", Answer("question", "answered"), BESTIARY)


def test_equal_answers_give_equal_bytes() -> None:
    answer = answer_from_data(answer_data(Answer("scene", "answered", Scene(Line("A", Origin.INVENTED)))))
    for form in TEXT_FORMATS:
        assert exported(form, answer) == exported(form, answer)


@pytest.mark.parametrize("form", ["obsidian", "homebrewery", "html"])
def test_what_a_model_retold_and_what_the_log_says_is_marked(form: Format) -> None:
    passage = Passage("Rain falls.", "road.md", (), 0, 11)
    title = Line("The road", Origin.QUOTED, (0,))
    plain = export_files(form, Answer("scene", "answered", Scene(title), citations=(passage,)), BESTIARY)
    assert b"model's words" not in next(iter(plain.values()))
    told = Scene(title, (Line("It rains.", Origin.RETOLD, (0,)),), (Line("Tull is dead.", Origin.FROM_LOG),))
    text = next(iter(export_files(form, Answer("scene", "answered", told, citations=(passage,)), BESTIARY).values()))
    assert "model's words" in text.decode()
    assert "campaign's log" in text.decode()
    assert re.search(r"It rains\.(<sup>)?\\?~", text.decode())
