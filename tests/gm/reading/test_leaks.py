"""No secret gets into what the players read: found by its own words, wherever it is planted and however reworded."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.leaks import leaks, public_words, secrets_in
from fablewright.gm.reading.statements import statements

TRUTH = "The miller poisoned the old reeve with foxglove for the deed to the mill."
OPEN = "The mill stands by the weir. The miller sells flour. The reeve was buried in spring."


def test_a_secret_is_known_by_its_words_in_any_order_and_form() -> None:
    assert leaks(TRUTH, [TRUTH])
    told = "At last you learn it: with foxglove the reeve was poisoned, and the deed of the mill went to the miller."
    [leak] = leaks(told, [TRUTH])
    assert {"poison", "foxglove"} <= leak.words


def test_that_somebody_exists_gives_nothing_away() -> None:
    assert leaks(OPEN, [TRUTH]) == []
    assert leaks("", [TRUTH]) == []
    assert leaks("Anything at all.", []) == []


def test_words_that_the_players_may_hear_do_not_count() -> None:
    hidden = ["The lantern is a door."]
    boxed = passages_of("a.md", "> A lantern hangs over a door.\n\nGM only: The lantern is a door.")
    assert leaks("A lantern hangs over a door.", hidden)
    assert not leaks("A lantern hangs over a door.", hidden, public_words(boxed))


MARKS = [
    "**GM only:** {}",
    "> [!secret]\n> {}",
    "<details><summary>DM</summary>\n\n{}\n\n</details>",
    "## Secrets\n\n{}",
    "{} (GM only)",
    "||{}||",
    "**GM only**\n\n{}",
    "- SECRET: {}",
    "The miller is kind (he secretly hates everyone). {}",
]


@pytest.mark.parametrize("mark", MARKS)
def test_every_mark_makes_a_secret(mark: str) -> None:
    note = passages_of("mill.md", f"# Mill\n\n{OPEN}\n\n{mark.format(TRUTH)}")
    assert any(leaks(TRUTH, [secret]) for secret in secrets_in(note))
    assert leaks(TRUTH, secrets_in(note))


@given(st.sampled_from(MARKS), st.integers(0, 2**32), st.integers(0, 5))
def test_a_planted_secret_is_found_in_any_text_that_tells_it(mark: str, seed: int, place: int) -> None:
    rng = random.Random(seed)
    paragraphs = [f"The {word} is quiet and the bells ring." for word in ("weir", "barn", "loft", "yard", "lane")]
    paragraphs.insert(place, mark.format(TRUTH))
    secrets = secrets_in(passages_of("mill.md", "# Mill\n\n" + "\n\n".join(paragraphs)))
    words = TRUTH.rstrip(".").split()
    rng.shuffle(words)
    assert leaks(" ".join(words), secrets)
    assert not leaks("The weir is quiet and the bells ring.", [TRUTH])


LONG = "\n\n".join(f"## Part {n}\n\n" + "The ferry waits at the bank and nobody comes. " * 30 for n in range(6))


@pytest.mark.parametrize(
    "note",
    ["---\ntags: [gm-only]\n---\n\n# Ferry\n\n" + LONG, "# Ferry\n\n<details><summary>GM</summary>\n\n" + LONG],
)
def test_a_mark_reaches_every_passage_after_it(note: str) -> None:
    found = passages_of("notes/Ferry.md", note)
    assert len(found) > 3
    assert all(statement.secret for statement in statements(found) if "ferry waits" in statement.text)


def test_what_stands_after_a_closed_element_is_open_again() -> None:
    note = f"# Ferry\n\n<details><summary>GM</summary>\n\n{LONG}\n\n</details>\n\n# Inn\n\nThe inn is open."
    [inn] = [s for s in statements(passages_of("a.md", note)) if s.text == "The inn is open."]
    assert not inn.secret
