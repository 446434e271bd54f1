"""No citation points at text that is not in the file at that span, whatever is asked of the whole assistant."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from fablewright.entry.answering import ask_once
from fablewright.entry.assemble import assistant, open_notes, sample_campaign
from fablewright.entry.config import Settings
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fablewright.entry.assemble import Notes
    from fablewright.gm.answer import Answer

pytestmark = pytest.mark.anyio

ASKS = (
    "Who is {}?",
    "What is {}, and who runs it?",
    "They reach {}",
    "How hard is the fight at {} for us?",
    "{}: what does it do, and how do you get out?",
    "What do the players not know about {}?",
    "Build a moderate fight with undead at {}",
    "How much does {} cost?",
)
AROUND = (
    "# {} {}\n\n{} keeps the {}. It costs {} gp.\n\n> A {} stands here. Rain falls.\n\nTwo bandits wait (GM only).\n\n",
    "---\ntags: [gm-only]\n---\n\n## {}\n\n{} is {}.\n\n| {} | Cost |\n|---|---|\n| {} | {} gp |\n\n",
    "<details><summary>GM</summary>\n\n{} owns {}.\n\n{} sold {} to {} and {}.\n\n</details>\r\n\r\n",
)
WORDS = "Mill Weir Tin Cup Odette Bram Heron lamp fen toll crow Café “Ash” déjà 12".split()


async def held(notes: Notes, settings: Settings, requests: list[str]) -> int:
    """Ask everything, hold every citation to its file, and return how many there were."""
    for _ in notes.read():
        pass
    count = 0
    async with assistant(settings, notes) as bus:
        for words in requests:
            answer = await ask_once(bus, HandleRequest(words, seed=1), timeout=30.0)
            texts = {p.file: notes.source.read(p.file).text for p in answer.citations}
            assert all(texts[p.file][p.start : p.end] == p.text for p in answer.citations), words
            for line in lines(answer):
                assert all(0 <= source < len(answer.citations) for source in line.sources), words
                assert line.sources or line.origin not in (Origin.QUOTED, Origin.FROM_NOTES), (words, line)
            count += len(answer.citations)
    return count


def lines(answer: Answer) -> Iterator[Line]:
    """Yield every line of an answer and of its scene."""
    yield from answer.lines
    if answer.scene:
        scene = answer.scene
        yield from (scene.title, *scene.read_aloud, *scene.here, *scene.balance, *scene.consequences, *scene.loot)
        yield from (option.action for option in scene.options)


async def test_of_the_sample_campaign(tmp_path: Path) -> None:
    settings = Settings(notes=(sample_campaign(),), data_dir=tmp_path)
    names = ["Thole", "the Counting House", "Grappled", "the toll"]
    assert await held(open_notes(settings), settings, [ask.format(name) for name in names for ask in ASKS]) > 20


async def test_of_generated_notes(tmp_path: Path) -> None:
    rng = random.Random(7)
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(12):
        parts = [rng.choice(AROUND).format(*rng.choices(WORDS, k=6)) for _ in range(rng.randint(1, 9))]
        (folder / f"{number} {rng.choice(WORDS)}.md").write_text("".join(parts), encoding="utf-8", newline="")
    settings = Settings(notes=(folder,), data_dir=tmp_path / "data")
    requests = [rng.choice(ASKS).format(rng.choice(WORDS)) for _ in range(40)]
    assert await held(open_notes(settings), settings, requests) > 20


async def test_of_the_real_documents(shared: Path, tmp_path: Path) -> None:
    folders = tuple(shared / "corpus" / name for name in ("campaign", "night_blade", "whitesparrow"))
    settings = Settings(notes=folders, data_dir=tmp_path)
    notes = open_notes(settings)
    rng = random.Random(3)
    titles = [
        line.strip("# \n")
        for folder in folders
        for file in sorted(folder.glob("*.md"))
        for line in file.read_text("utf-8").splitlines()
        if line.startswith("#")
    ]
    requests = [rng.choice(ASKS).format(title) for title in rng.sample(titles, 24)]
    assert await held(notes, settings, requests) > 24
