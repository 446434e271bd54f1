from __future__ import annotations

import pytest

from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.whole_file import statements_of_file

LONG = "The duke is calm and sits by the fire. " * 120


def secret_of(text: str) -> dict[str, bool]:
    passages = passages_of("plot.md", text)
    assert len(passages) > 1
    return {s.text: s.secret for s in statements_of_file(passages[::-1])}


@pytest.mark.parametrize(
    "text",
    [
        f"---\ntags: [gm-only]\n---\n\n# Plot\n\n## One\n\n{LONG}\n\n## Two\n\nHe is a vampire.\n",
        f"# Plot\n\n<details><summary>GM</summary>\n\n{LONG}\n\nHe is a vampire.\n\n</details>\n\nThe end.\n",
        "# Plot\n\n> [!warning] GM only\n" + f"> {LONG[:390]}\n>\n" * 40 + "> He is a vampire.\n",
    ],
)
def test_a_secret_goes_on_in_the_next_passage(text: str) -> None:
    assert secret_of(text)["He is a vampire."]


def test_and_ends_where_it_ends() -> None:
    said = secret_of(
        f"# Plot\n\n<details><summary>GM</summary>\n\n{LONG}\n\n</details>\n\n## Inn\n\nThe inn is full.\n"
    )
    assert not said["The inn is full."]
    assert not secret_of(f"# Plot\n\n{LONG}\n\n---\n\n## Inn\n\nThe inn is full.\n")["The inn is full."]
