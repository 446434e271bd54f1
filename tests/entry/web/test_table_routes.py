"""What the page asks for beside requests: passages, sources, cast, log, campaigns, status, ratings, the board."""

from __future__ import annotations

import json
import struct
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest

from fablewright.entry.config import Settings
from fablewright.entry.safety_net import NOWHERE, SafetyNet
from fablewright.entry.secret import Secret
from fablewright.entry.web.app import web_app
from fablewright.entry.web.assets import assets, version
from fablewright.entry.web.doorkeeper import Door
from fablewright.entry.web.sitting import Sitting, sitting
from fablewright.entry.web.token import new_token, player_token
from fablewright.gm.haystack_pipeline import HaystackPipeline, RetrieveDocuments
from fablewright.gm.preparing.accepted import AcceptedScenes
from fablewright.protocol.job import JobRules

from ...memory_ledger import MemoryLedger  # noqa: TID252 - the tests are no package

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1:8710"
HIDDEN = "Hesper Lunt forged the seal of the abbey with a boiled turnip"
NOTE = f"""# The Dry Cistern

> [!quote] Read aloud
> Your steps come back to you from every side, a little late.

Three kobolds have made their beds under the arches. Hesper Lunt brings them bread.

They would rather talk than fight, and they know the way out.

> [!secret] For the GM
> {HIDDEN}.

## Checks

- **Dexterity (Stealth) DC 12**, under the arches: on a success nobody wakes; on a failure a pot falls.
- **Charisma (Persuasion) DC 11**, to the kobolds: on a success they show the way; on a failure they hiss.

## Foes

Three kobolds.
"""
PEOPLE = "# People\n\n## Hesper Lunt\n\nBaker, thirty. Whistles when she lies.\n"
ELSEWHERE = "> [!secret] For the GM\n> The heron on the bridge is the drowned margrave."


@asynccontextmanager
async def client(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Sitting]]:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "cistern.md").write_text(NOTE, "utf-8")
    (folder / "people.md").write_text(PEOPLE, "utf-8")
    (folder / "bridge.md").write_text(f"# The Long Bridge\n\nA heron stands on it.\n\n{ELSEWHERE}\n", "utf-8")
    (folder / ".private.md").write_text("Nor for this.", "utf-8")
    (folder / "map.svg").write_text("<svg>Nor for this.</svg>", "utf-8")
    (tmp_path / "outside.md").write_text("Nobody asked for this.", "utf-8")
    chosen = Settings(
        data_dir=tmp_path / "data", notes=(folder,), prose="off", timeout=60.0, rag_request_timeout=50.0, seed=5
    )
    async with sitting(chosen) as table:
        transport = httpx.ASGITransport(web_app(table, Door(frozenset({HOST}))), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", timeout=60) as asking:
            yield asking, table


async def scene(asking: httpx.AsyncClient, **more: object) -> tuple[str, dict[str, Any]]:
    """Return the id of a run and its answer."""
    run = (await asking.post("/api/v1/runs", json={"words": "a scene in the dry cistern", **more})).json()["id"]
    await asking.get(f"/api/v1/runs/{run}/events")
    return run, (await asking.get(f"/api/v1/runs/{run}")).json()["answer"]


async def test_a_passage_is_shown_where_it_stands_and_nothing_else_is(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        _, answer = await scene(asking)
        for cited in answer["citations"]:
            where = {"file": cited["file"], "start": cited["start"], "end": cited["end"]}
            found = (await asking.get("/api/v1/passages", params=where)).json()
            assert found["text"] == cited["text"]
            whole = found["before"] + found["text"] + found["after"]
            assert whole in NOTE + PEOPLE or whole in NOTE
        for file in (
            "../outside.md",
            "/etc/passwd",
            "notes/cistern.md",
            "cistern.md\0",
            "",
            "..\\outside.md",
            ".private.md",
            "map.svg",
        ):
            refused = await asking.get("/api/v1/passages", params={"file": file, "start": 0, "end": 5})
            assert refused.status_code == 404, file
        for start, end, status in (("0", "99999", 404), ("9", "9", 404), ("-1", "5", 422), ("x", "5", 422)):
            refused = await asking.get("/api/v1/passages", params={"file": "cistern.md", "start": start, "end": end})
            assert refused.status_code == status, (start, end)


async def test_sources_tell_what_was_found_and_the_cast_who_is_there(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        run, _ = await scene(asking)
        found = (await asking.get("/api/v1/sources", params={"question": "a scene in the dry cistern"})).json()
        assert found["passages"][0]["file"] == "cistern.md"
        assert found["passages"][0]["found_by"]
        assert (await asking.get("/api/v1/sources", params={"question": " "})).status_code == 422
        cast = (await asking.get("/api/v1/cast", params={"run": run})).json()["cast"]
        assert [person["name"] for person in cast] == ["Hesper Lunt"]
        assert "Baker" in json.dumps(cast)
        assert (await asking.get("/api/v1/cast", params={"run": "none"})).status_code == 404
        assert (await asking.get("/api/v1/cast", params={"run": run, "variant": "7"})).status_code == 422


async def test_the_log_grows_and_is_taken_back_and_campaigns_have_their_own(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, table):
        added = await asking.post("/api/v1/log", json={"said": "Met Hesper Lunt"})
        assert added.status_code == 201
        assert added.json()["added"][0]["line"] == "Met: Hesper Lunt"
        log = (await asking.get("/api/v1/log")).json()
        assert [event["line"] for event in log["events"]] == ["Met: Hesper Lunt"]
        assert log["state"]["people"][0]["met"]
        taken = (await asking.post("/api/v1/undo", json={})).json()
        assert taken["taken_back"][0]["id"] == added.json()["added"][0]["id"]
        assert (await asking.get("/api/v1/log")).json()["events"] == []
        assert (await asking.post("/api/v1/undo", json={})).status_code == 422  # there is nothing any more
        assert (await asking.post("/api/v1/log", json={"said": "  "})).status_code == 422
        begun = (await asking.post("/api/v1/campaigns", json={"name": "Thursdays", "new": True})).json()
        assert begun["current"] == "Thursdays"
        assert (await asking.get("/api/v1/campaigns")).json() == begun
        assert (await asking.post("/api/v1/campaigns", json={"name": "Nobody's"})).status_code == 422
        assert len(table.news) >= 3  # every open page is told


async def test_the_status_is_in_words_with_the_age_of_the_last_good_answer(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        before = (await asking.get("/api/v1/status")).json()
        assert before["latest"] is None
        assert before["health"]["rules"]["age"] is None
        assert before["health"]["model"]["state"] == "off"
        run, _ = await scene(asking)
        after = (await asking.get("/api/v1/status")).json()
        assert after["latest"] == run
        assert after["health"]["notes"]["state"] == "good"
        assert after["health"]["notes"]["words"] == "3 files"
        assert 0 <= after["health"]["notes"]["age"] < 60


async def test_the_status_says_whether_scenes_are_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(tmp_path) as (asking, table):

        async def scenes() -> tuple[str, str]:
            found = (await asking.get("/api/v1/status")).json()["health"]["scenes"]
            return found["state"], found["words"]

        assert await scenes() == ("good", "kept until they are there, whoever dies")
        monkeypatch.setattr(table, "net", SafetyNet(None))
        assert await scenes() == ("off", f"lost with who makes them: {NOWHERE}")
        ledger = MemoryLedger()
        ledger.is_broken = True
        monkeypatch.setattr(table, "net", SafetyNet(AcceptedScenes(ledger, "Tuesday", JobRules(), time.time)))
        assert await scenes() == ("poor", "lost with who makes them: the ledger is broken")


async def test_a_fight_is_weighed_by_the_rules_alone(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):

        async def weigh(status: int = 200, **order: object) -> dict[str, Any]:
            response = await asking.post("/api/v1/ratings", json=order)
            assert response.status_code == status
            found: dict[str, Any] = response.json()
            return found

        goblins = await weigh(creatures=[{"name": "goblin warriors", "count": 8}], party="4x2")
        assert (goblins["xp"], goblins["difficulty"]) == (400, "low")
        assert [mark["xp"] for mark in goblins["marks"]] == [400, 600, 800]
        old = await weigh(creatures=[{"name": "Goblin Warrior", "count": 8}], party="4x2", rules="2014")
        assert old["adjusted_xp"] == 1000
        own = await weigh(creatures=[{"name": "Turnip King", "count": 1, "cr": 2}, {"name": "Wraithling"}])
        assert (own["xp"], own["unknown"]) == (450, ["Wraithling"])
        assert (await weigh())["difficulty"] == "trivial"
        await weigh(422, party="9x99")
        await weigh(422, creatures=[{"name": "Goblin Warrior", "count": 0}])
        await weigh(422, creatures=[{"name": "Turnip King", "cr": 2.3}])
        names = (await asking.get("/api/v1/creatures")).json()
        assert len(names) > 300


async def test_the_board_has_only_what_players_may_see(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, table):
        run, answer = await scene(asking)
        assert HIDDEN in json.dumps(answer)
        shown = (await asking.put("/api/v1/board", json={"scene": {"run": run}})).json()["shown"]
        assert shown["lines"] == ["Your steps come back to you from every side, a little late."]
        for words in (HIDDEN, f"A letter:\n{HIDDEN.upper()}!", "the abbey's seal, forged with a boiled turnip"):
            refused = await asking.put("/api/v1/board", json={"handout": words, "scene": {"run": run}})
            assert refused.status_code == 422, words
        assert (await asking.put("/api/v1/board", json={"handout": HIDDEN})).status_code == 422  # the latest scene's
        assert (await asking.put("/api/v1/board", json={"scene": {"run": run}, "lines": [9]})).status_code == 422
        assert (await asking.put("/api/v1/board", json={"scene": {"run": "none"}})).status_code == 404
        assert list(table.board.shown.lines) == shown["lines"]  # what was refused has changed nothing
        await asking.put("/api/v1/board", json={"handout": "A torn\nticket"})
        await asking.put("/api/v1/board", json={})
        table.board.log.end()
        followed = (await asking.get("/play/events")).text
        assert followed.count("event: board") == 1  # who comes late learns nothing of what was there before
        assert "ticket" not in followed
        assert (await asking.get("/api/v1/board")).json()["link"] == "/play"
        table.player_token = Secret("x" * 43)
        assert (await asking.get("/api/v1/board")).json()["link"] == f"/play?token={'x' * 43}"


async def test_a_hand_out_tells_no_secret_that_stands_elsewhere_in_the_notes_or_in_itself(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, table):
        run, answer = await scene(asking)
        assert "margrave" not in json.dumps(answer)
        for words, why in (
            (ELSEWHERE, "marks this as a secret"),  # as whoever makes a hand-out of a passage would send it
            ("Secret: the bread is hollow.", "the bread is hollow"),
            ("They say the heron is the drowned margrave.", "Your notes keep this a secret"),
            ("They say: the heron\nis the drowned\nmargrave", "Your notes keep this a secret"),
            ("Hesper Lunt forged\nthe seal of the abbey\nwith a boiled turnip", "Your notes keep this a secret"),
        ):
            refused = await asking.put("/api/v1/board", json={"handout": words, "scene": {"run": run}})
            assert refused.status_code == 422, words
            assert why in refused.json()["detail"]
        assert table.board.shown.lines == ()
        shown = await asking.put("/api/v1/board", json={"handout": "A heron watches you.", "scene": {"run": run}})
        assert shown.json()["shown"]["lines"] == ["A heron watches you."]


async def test_a_hand_out_that_nobody_could_check_is_not_shown_unless_the_gm_says_so(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, table):
        await scene(asking)

        async def show(words: str, **more: object) -> httpx.Response:
            return await asking.put("/api/v1/board", json={"handout": words, **more})

        assert (await show("A heron watches you.")).status_code == 200  # while they can be searched
        breaker = table.bus.breaker(HaystackPipeline.name, RetrieveDocuments.action)
        assert breaker is not None
        breaker.force_open(table.bus.now())
        refused = await show("A raven watches you.")
        assert refused.status_code == 409
        assert "cannot be searched now" in refused.json()["detail"]
        assert table.board.shown.lines == ("A heron watches you.",)
        assert (await show("A raven watches you.", unchecked=True)).status_code == 200
        assert table.board.shown.lines == ("A raven watches you.",)
        told = await show(f"They whisper: {HIDDEN}", unchecked=True)  # a secret of the scene, which is there
        assert told.status_code == 422
        breaker.release(table.bus.now())
        known = await show("They say the heron is the drowned margrave.", unchecked=True)
        assert known.status_code == 422  # it could be checked, so it was


async def test_a_hand_out_waits_until_all_notes_can_be_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(tmp_path) as (asking, table):
        await scene(asking)
        ask = table.bus.ask

        async def half_read(to: str, message: Any, **more: Any) -> Any:
            reply = await ask(to, message, **more)
            return replace(reply, passages=(), complete=False) if isinstance(message, RetrieveDocuments) else reply

        monkeypatch.setattr(table.bus, "ask", half_read)
        refused = await asking.put("/api/v1/board", json={"handout": "A raven watches you."})
        assert refused.status_code == 409
        assert "Not all of your notes" in refused.json()["detail"]
        order = {"handout": "A raven watches you.", "unchecked": True}
        assert (await asking.put("/api/v1/board", json=order)).status_code == 200


class Slow:
    """An embedder that has to load its model; each object does so once."""

    model = "slow"
    loaded = 0
    asked: ClassVar[list[str]] = []

    def __init__(self) -> None:
        self._is_loaded = False

    async def embed(self, texts: Sequence[str], _purpose: str) -> list[bytes]:
        Slow.loaded += not self._is_loaded
        Slow.asked += texts
        self._is_loaded = True
        return [struct.pack("<2f", 1.0, 0.0) for _ in texts]

    async def close(self) -> None:
        return


async def test_a_look_at_the_sources_asks_the_model_that_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Slow, "loaded", 0)
    monkeypatch.setattr(Slow, "asked", [])
    for module in ("crew", "why"):
        monkeypatch.setattr(f"fablewright.entry.{module}.open_embedder", lambda *_: Slow())
    async with client(tmp_path) as (asking, _):
        await scene(asking)
        for question in ("a scene in the dry cistern", "who is Hesper Lunt?", "who is Hesper Lunt?"):
            found = (await asking.get("/api/v1/sources", params={"question": question})).json()
            assert found["passages"]
            assert not any("without meaning" in remark for remark in found["remarks"])
        assert Slow.asked.count("who is Hesper Lunt?") == 1  # and was kept
        assert Slow.loaded == 1


async def test_to_open_a_passage_the_index_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(tmp_path) as (asking, table):
        await scene(asking)
        monkeypatch.setattr(table.notes.index, "counts", None)
        where = {"file": "cistern.md", "start": 0, "end": 9}
        assert (await asking.get("/api/v1/passages", params=where)).status_code == 200
        assert (await asking.get("/api/v1/passages", params={**where, "file": "crypt.md"})).status_code == 404


async def test_an_option_and_kept_parts_are_those_of_the_scene_that_is_meant(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        run, answer = await scene(asking, variants=3)
        assert answer["variants"]
        varied = answer["variants"][0]["scene"]["options"][0]["action"]["text"]
        await scene(asking)  # another page asks for another scene meanwhile
        order = {"words": "choose 1", "want": "choose", "roll": 15, "scene": {"run": run, "variant": 1}}
        played = (await asking.post("/api/v1/answers", json=order)).json()
        assert played["answer"][0]["text"] == f"Option 1: {varied}"
        keep = {"run": run, "variant": 1, "parts": ["here"]}
        again = (
            await asking.post("/api/v1/answers", json={"words": "the cistern", "want": "scene", "keep": keep})
        ).json()
        texts = [line["text"] for line in answer["variants"][0]["scene"]["here"]]
        assert [line["text"] for line in again["scene"]["here"]][
            -len(texts) :
        ] == texts  # before it: that it was played
        wrong = {**order, "scene": {"run": run, "variant": 5}}
        assert (await asking.post("/api/v1/answers", json=wrong)).status_code == 422


async def test_files_are_kept_for_good_by_their_version_alone(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        page = await asking.get("/")
        assert page.headers["cache-control"] == "no-store"
        assert "$" not in page.text
        for name in assets():
            got = await asking.get(f"/assets/{version()}/{name}")
            assert "immutable" in got.headers["cache-control"]
            again = await asking.get(f"/assets/{version()}/{name}", headers={"If-None-Match": got.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        assert "immutable" not in (await asking.get("/assets/before/table.js")).headers["cache-control"]
        for name in ("table.html", "..%2Fapp.py", "nothing.js", "%2e%2e/app.py"):
            assert (await asking.get(f"/assets/{version()}/{name}")).status_code == 404, name


def test_the_players_token_is_another_one_and_the_same_each_time() -> None:
    token = Secret(new_token())
    assert player_token(token) == player_token(token)
    assert player_token(token) != token
    assert not player_token(Secret())


def test_no_script_of_ours_makes_markup_or_asks_elsewhere() -> None:
    for name, asset in assets().items():
        text = asset.body.decode()
        for never in ("innerHTML", "outerHTML =", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert never not in text, (name, never)
        if name.endswith(".css"):
            assert "url(" not in text
            assert "@import" not in text
