"""A campaign played with the whole assistant: what is chosen is remembered, and the next scene knows of it."""

from __future__ import annotations

import re
import statistics
import time
from typing import TYPE_CHECKING

import pytest

from fablewright.entry.answering import ask_once
from fablewright.entry.assemble import assistant, open_notes, remembering
from fablewright.entry.config import Settings
from fablewright.errors import InvalidInput
from fablewright.gm.campaign.memory import CampaignMemory, Recall, RecallScene
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.gm.answer import Answer, Want
    from fablewright.runtime.bus import Bus

pytestmark = pytest.mark.anyio

KEEP = """# The Drowned Keep

## 1. The Gate

> The gate hangs open, and somebody has swept the step.

Captain Orrin (**one bandit captain**) and **two bandits** guard it. A DC 13 Charisma (Persuasion) check makes them step
aside; on a failure they ring the bell.

## 2. The Yard

> Wet chickens look up from a wet heap of straw.

**Three stirges** sleep under the eaves. A DC 11 Dexterity (Stealth) check crosses without waking them; on a failure
they feed.

## 3. The Chapel

> Candles burn here, and nobody is to be seen.
"""
PEOPLE = """# People

## Orrin

Captain of the gate. He is fond of chickens.

> [!warning] GM only
> Orrin is a changeling and serves the Pale Duchess in the quicksilver mirror.

## Maud

Maud keeps the inn and hums.

## Secrets

Maud poisoned the abbot with wolfsbane.
"""
PLOT = f"""---
tags: [gm-only]
---

# Plot

## What everybody sees

{"The duke is calm and sits by the fire. " * 100}

## What nobody sees

The duke keeps a basilisk in the buttery.
"""
DISTINCTIVE = ("changeling", "duchess", "quicksilver", "mirror", "poisoned", "abbot", "wolfsbane", "basilisk")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "keep.md").write_text(KEEP, "utf-8")
    (folder / "people.md").write_text(PEOPLE, "utf-8")
    (folder / "plot.md").write_text(PLOT, "utf-8")
    return Settings(data_dir=tmp_path / "data", notes=(folder,), timeout=60.0, rag_request_timeout=60.0)


async def say(bus: Bus, words: str, want: Want | None = None, roll: int | None = None) -> Answer:
    return await ask_once(bus, HandleRequest(words, want=want, roll=roll, seed=1), timeout=60.0)


def texts(answer: Answer) -> str:
    return "\n".join(line.text for line in answer.lines)


def title(answer: Answer) -> str:
    assert answer.scene is not None
    return answer.scene.title.text


async def test_a_campaign_goes_on_where_it_stopped(settings: Settings) -> None:
    async with assistant(settings, open_notes(settings)) as bus:
        gate = await say(bus, "They come to the gate")
        assert title(gate) == "The Gate"
        # A scene that was only asked for steers nothing: it may never be played.
        assert "Prepared, not played: The Gate" in texts(await say(bus, "show the log"))
        assert title(await say(bus, "They come to the gate")) == "The Gate"

        number = next(n for n, o in enumerate(gate.scene.options, 1) if "Persuasion" in o.action.text)  # type: ignore[union-attr]
        chosen = await say(bus, f"choose {number}", roll=15)
        assert chosen.want == "choose"
        assert "Rolled 15 against DC 13: a success." in texts(chosen)
        assert "step" in texts(chosen)
        assert "Played: The Gate" in texts(chosen)
        assert "`undo` takes it back" in texts(chosen)
        assert "Next could be: The Yard" in texts(chosen)
        following = next(line for line in chosen.lines if "The Yard" in line.text)
        assert chosen.citations[following.sources[0]].heading[-1] == "The Yard"

        onward = await say(bus, "what happens next?")
        assert (title(onward), onward.used_rag) == ("The Yard", True)
        assert not any("already" in line.text for line in onward.scene.here)  # type: ignore[union-attr]

        back = await say(bus, "They come to the gate")
        assert title(back) == "The Gate"
        remark = back.scene.here[0]  # type: ignore[union-attr]
        assert remark.text.startswith("The party has played this scene already, on ")
        assert (remark.origin, remark.secret) == (Origin.FROM_LOG, True)

        undone = await say(bus, "undo")
        assert "Played: The Gate" in texts(undone)
        assert title(await say(bus, "what happens next?")) != "The Yard"  # as if nothing had been played


async def test_the_dead_are_not_presented_alive(settings: Settings) -> None:
    async with assistant(settings, open_notes(settings)) as bus:
        await say(bus, "log: Captain Orrin is dead")
        gate = await say(bus, "They come to the gate")
        assert gate.scene is not None
        remark = gate.scene.here[0].text
        assert re.fullmatch(r"Captain Orrin is dead since \d{4}-\d\d-\d\d, by your log; .*", remark)


async def test_a_failure_brings_what_the_notes_say_and_an_option_can_be_named_by_its_words(settings: Settings) -> None:
    async with assistant(settings, open_notes(settings)) as bus:
        await say(bus, "They come to the gate")
        failed = await say(bus, "they choose the persuasion, rolled 4")
        assert "Rolled 4 against DC 13: a failure." in texts(failed)
        assert "ring the bell" in texts(failed)
        with pytest.raises(InvalidInput, match=r"There is no option 9\. The options of 'The Gate' are: 1\. "):
            await say(bus, "9", want="choose")
        with pytest.raises(InvalidInput, match="Nobody rolls 700"):
            await say(bus, "1", want="choose", roll=700)
        assert (await say(bus, "choose 9")).status == "failed"  # in a conversation it is an answer


async def test_another_process_can_choose(settings: Settings) -> None:
    async with assistant(settings, open_notes(settings)) as bus:
        await say(bus, "They come to the gate")
        await bus.ask(CampaignMemory.name, RecallScene(), timeout=5.0)
    async with remembering(settings, open_notes(settings)) as bus:
        chosen = await say(bus, "1", want="choose", roll=20)
    assert "Played: The Gate" in texts(chosen)


async def test_the_players_recap_has_no_secret_in_it(settings: Settings) -> None:
    planted = (
        "They met Orrin at the gate",
        "They promised Orrin to bring the quicksilver back",
        "found a letter from the Pale Duchess",
        "Met the changeling",
        "Note: Maud poisoned the abbot with wolfsbane",
        "Clock: Maud flees 4",
        "went to the inn",
        "The innkeeper Maud is dead",  # never met: not for the players
        "found a lump of wolfsbane",
        "found the basilisk",  # in a later passage of a note that says at its top that it is secret
        "found three chickens",
        "Loot: the bandits' plan (GM only)",
    )
    async with assistant(settings, open_notes(settings)) as bus:
        for words in planted:
            await say(bus, words, want="log")
        recap = await say(bus, "recap for the players", want="recap")
        gm = texts(await say(bus, "recap", want="recap"))
    said = texts(recap).casefold()
    assert not [word for word in DISTINCTIVE if word in said]
    assert "Met Orrin at the gate." in texts(recap)
    assert "three chickens" in said
    assert not [word for word in ("flees", "dead", "plan") if word in said]
    assert not any(line.secret for line in recap.lines)
    assert "5 lines were held back" in recap.missing[0]
    assert "wolfsbane" in gm
    assert "Maud flees 0/4" in gm


async def test_without_the_notes_there_is_no_recap_for_the_players(settings: Settings) -> None:
    async with remembering(settings, open_notes(settings)) as bus:
        await say(bus, "log: Met Orrin")
        recap = await say(bus, "recap for the players", want="recap")
    assert (recap.status, recap.lines) == ("failed", ())
    assert "they cannot be searched now" in recap.missing[0]


async def test_a_broken_store_costs_the_memory_and_nothing_else(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "campaigns.sqlite").write_bytes(b"no database, but as long as the header of one " * 9)
    async with assistant(settings, open_notes(settings)) as bus:
        gate = await say(bus, "They come to the gate")
        assert (title(gate), gate.status, gate.used_rag) == ("The Gate", "degraded", True)
        assert len(gate.missing) == 1
        assert gate.missing[0].startswith("Your campaign's log cannot be used: ")
        assert "campaigns.sqlite" in gate.missing[0]
        assert (await say(bus, "log: Met Ilse")).status == "failed"


async def test_two_tables_with_the_same_notes(settings: Settings) -> None:
    async with remembering(settings, open_notes(settings)) as bus:
        await say(bus, "log: Met Ilse")
    named = Settings(data_dir=settings.data_dir, notes=settings.notes, campaign="Tuesday")
    async with remembering(named, open_notes(named)) as bus:
        with pytest.raises(InvalidInput, match="There is no campaign 'Tuesday'; there are: notes"):
            await say(bus, "log", want="log")


@pytest.mark.benchmark
async def test_to_recall_costs_a_few_milliseconds(settings: Settings, slowness: float) -> None:
    async with remembering(settings, open_notes(settings)) as bus:
        for _ in range(20):
            await say(bus, "log: Met Ilse at the mill")
        took = []
        for _ in range(30):
            began = time.perf_counter()
            await bus.ask(CampaignMemory.name, Recall(), timeout=5.0)
            took.append(time.perf_counter() - began)
    assert statistics.median(took) <= 0.003 * slowness
