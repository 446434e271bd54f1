"""What only a real server can show: connections that are lost, hung and refused, and what is left after the end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from provisional import Block, Echo, JsonCodec, Noise, Worker

from fablewright.adapters import nats_connection, nats_network
from fablewright.adapters.nats_connection import Arrived, Connection
from fablewright.adapters.nats_network import NatsNetwork
from fablewright.errors import ContractViolation, PeerLost, Rejected, UnknownRecipient, Unreachable
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.protocol.retry import RetryRules
from fablewright.runtime import node
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.nats_server import NatsServer
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def own_server(nats_server: NatsServer) -> Iterator[NatsServer]:
    """Start a server that may be stopped and held up."""
    with NatsServer() as server:
        yield server
        server.resume()


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    give_up = now() + seconds
    while not condition():
        assert now() < give_up, "it did not come about"
        await asyncio.sleep(0.01)


def two(server: NatsServer, *, name: str = "front") -> tuple[Bus, Bus, Worker, NatsNetwork]:
    worker, network = Worker(), NatsNetwork(server.url, JsonCodec())
    front = Bus(BusOptions(network=network), node=name)
    back = Bus(BusOptions(network=NatsNetwork(server.url, JsonCodec())), node="back")
    back.register(worker)
    return front, back, worker, network


def connection(bus: Bus) -> object:
    return bus._dispatch.node._network._connection  # type: ignore[union-attr]


async def test_a_handler_that_blocks_runs_on_a_thread(nats_server: NatsServer) -> None:
    front, back, _, _ = two(nats_server)
    async with front, back:
        assert await front.ask("worker", Block("tea")) == "TEA"
        assert await asyncio.to_thread(front.ask_from_thread, "worker", Block("cup")) == "CUP"


async def test_without_a_server_nothing_is_sent_and_nothing_runs_later(
    own_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    front, back, worker, _ = two(own_server)
    async with front, back:
        assert await front.ask("worker", Echo("before")) == "before from worker"
        asked = asyncio.gather(front.ask("worker", Echo("under way", 60), timeout=60), return_exceptions=True)
        await until(lambda: len(worker.began) == 2)
        own_server.stop()
        await until(lambda: not connection(front).is_connected)  # type: ignore[attr-defined]
        began = now()
        with pytest.raises(Unreachable, match="worker cannot be reached: there is no connection to the NATS server"):
            await front.ask("worker", Echo("meanwhile"), timeout=60)
        front.tell("worker", Noise("meanwhile"))
        front.publish(Noise("meanwhile"))
        assert now() - began < 0.2
        assert [type(each) for each in await asked] == [PeerLost]
        own_server.start()
        began = now()
        await until(lambda: connection(front).is_connected and connection(back).is_connected)  # type: ignore[attr-defined]
        await asyncio.sleep(0.3)
        assert await front.ask("worker", Echo("after")) == "after from worker"
        assert now() - began < 5
        assert [text for text in worker.began if text == "meanwhile"] == worker.noises == []
    assert "connection to the NATS server is lost" in caplog.text


async def test_what_was_published_just_before_the_loss_is_not_sent_after_it(own_server: NatsServer) -> None:
    front, back, worker, _ = two(own_server)
    async with front, back:
        asked = asyncio.gather(front.ask("worker", Echo("last"), timeout=0.5), return_exceptions=True)
        connection(front).let_go()  # type: ignore[attr-defined]  # before the loop writes anything
        await asked
        await until(lambda: connection(front).is_connected)  # type: ignore[attr-defined]
        await asyncio.sleep(0.2)
        assert worker.began == []
        assert await front.ask("worker", Echo("next")) == "next from worker"


async def test_a_server_that_hangs_is_given_up(own_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_network, "_PING", nats_network._PING / 20)
    front, back, worker, _ = two(own_server)
    async with front, back:
        own_server.pause()
        began = now()
        with pytest.raises(PeerLost, match="no word of worker"):
            await front.ask("worker", Echo("lost", 60), timeout=60)
        assert now() - began < 5
        await until(lambda: not connection(front).is_connected)  # type: ignore[attr-defined]
        with pytest.raises(Unreachable):
            await front.ask("worker", Echo("refused"), timeout=60)
        own_server.resume()
        began = now()
        await until(lambda: connection(front).is_connected and connection(back).is_connected)  # type: ignore[attr-defined]
        await asyncio.sleep(0.3)
        assert await front.ask("worker", Echo("after")) == "after from worker"
        assert now() - began < 5
        assert worker.ended == ["after"]
        await until(lambda: worker.stopped == worker.began[:-1])  # the server may have kept "lost"; it is withdrawn


def test_a_hung_server_is_noticed_within_fifteen_seconds() -> None:
    assert 3 * nats_network._PING <= 15  # the client gives up at the third tick without an answer


async def test_no_server_at_the_start_is_no_reason_not_to_start(own_server: NatsServer) -> None:
    own_server.stop()
    front, back, _, _ = two(own_server)
    async with front, back:
        with pytest.raises(Unreachable):
            await front.ask("worker", Echo("early"))
        own_server.start()
        await until(lambda: connection(front).is_connected and connection(back).is_connected)  # type: ignore[attr-defined]
        await asyncio.sleep(0.3)
        assert await front.ask("worker", Echo("now")) == "now from worker"


async def test_a_bus_ends_while_there_is_no_server_or_it_hangs(own_server: NatsServer) -> None:
    front, back, _, _ = two(own_server)
    await front.start()
    await back.start()
    own_server.pause()
    began = now()
    await back.stop()
    assert now() - began < 4
    own_server.stop()
    await front.stop()
    late, _, _, _ = two(own_server)
    async with late:
        pass
    assert now() - began < 10
    assert left_over() == []


def left_over() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task() and is_ours(task)]


def is_ours(task: asyncio.Task[object]) -> bool:
    return "nats" in repr(task.get_coro()) or "Network" in repr(task.get_coro()) or "Bus" in repr(task.get_coro())


async def test_nothing_is_left_after_the_end(nats_server: NatsServer) -> None:
    def handles() -> int:
        table = Path("/proc/self/fd")
        return len(list(table.iterdir())) if table.exists() else 0

    before: int | None = None
    for _ in range(3):
        front, back, worker, _ = two(nats_server)
        async with front, back:
            asked = asyncio.gather(front.ask("worker", Echo("a", 60), timeout=60), return_exceptions=True)
            await until(lambda worker=worker: worker.began)
        await asked
        await asyncio.sleep(0.05)
        assert left_over() == []
        if before is None:
            before = handles()
    assert handles() == before


async def test_what_is_too_large_for_the_server_is_refused_before_it_is_sent(nats_server: NatsServer) -> None:
    front, back, worker, network = two(nats_server)
    async with front, back:
        most = network._connection.max_payload
        with pytest.raises(ContractViolation, match=f"takes {most} at the most"):
            await front.ask("worker", Echo("x" * most))
        assert await front.ask("worker", Echo("x" * (most - 2000))) != ""
        assert network._connection.is_connected
        assert len(worker.began) == 1


async def test_what_is_no_parcel_or_not_one_for_its_place_is_dropped_and_counted(nats_server: NatsServer) -> None:
    front, back, worker, network = two(nats_server)
    async with front, back:
        codec = JsonCodec()
        forged = Envelope("evil-1", Kind.ASK, "", "worker", "echo", Echo("forged"), "s", None, "front", now() + 9)
        wrong = [
            ("fw.worker.other", forged),  # who may ask for the one may not ask for the other
            ("fw.worker.echo", forged._replace(reply_to="a.b")),
            ("fw.worker.echo", forged._replace(message_id="1\r\nPUB fw.worker.echo 0\r\n\r\n")),
            ("fw.worker.echo", Withdraw("front-1", "worker")),
            ("fw-stop.worker", Withdraw("front-1", "somebody")),
            ("fw-event.noise", forged._replace(kind=Kind.TELL, deadline=None, reply_to=None)),
            ("fw-in._.back.front-1", Ended(0.0, "front-1", Outcome.REPLIED, "hm")),
        ]
        for subject, parcel in wrong:
            headers, body = codec.encode(parcel, now(), lambda _: None)
            network._connection.put(subject, body, "", headers)
        network._connection.put("fw.worker.echo", b"\x00\xff")
        heard = back._dispatch.node._network  # type: ignore[union-attr]
        await until(lambda: heard.unreadable == 8)  # type: ignore[attr-defined]
        assert back.statistics().unreadable == 8
        assert await front.ask("worker", Echo("fine")) == "fine from worker"
        assert (worker.began, worker.noises) == (["fine"], [])


async def test_owners_on_one_server_are_told_and_do_not_answer_each_other(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    def bus(owner: str, node: str) -> Bus:
        return Bus(BusOptions(network=NatsNetwork(nats_server.url, JsonCodec(), owner=owner)), node=node)

    front, other, annas, worker = bus("anna", "front"), bus("", "other"), bus("anna", "annas"), Worker()
    annas.register(worker)
    async with front, other, annas:
        assert await front.ask("worker", Echo("mine")) == "mine from worker"
        with pytest.raises(Rejected, match=r"for no owner in particular.*the owner 'anna'.*NATS server, or an account"):
            await other.ask("worker", Echo("not mine"), timeout=60)
        other.tell("worker", Noise("told"))
        other.publish(Noise("published"))
        await until(lambda: annas.statistics().unreadable == 3)
        assert front.statistics().unreadable == 1  # the event
        front.publish(Noise("heard"))
        await until(lambda: worker.noises == ["heard"])
        assert worker.began == ["mine"]
    async with bus("bob", "bobs") as bobs, annas_again(nats_server):
        with pytest.raises(Rejected, match="for the owner 'bob'"):
            await bobs.ask("worker", Echo("not mine"), timeout=60)


def annas_again(server: NatsServer) -> Bus:
    bus = Bus(BusOptions(network=NatsNetwork(server.url, JsonCodec(), owner="anna")))
    bus.register(Worker())
    return bus


async def test_no_password_of_a_server_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nats_network, "_PATIENCE", 0.1)
    network = NatsNetwork(["nats://gm:open@sesame@127.0.0.1:1", "nats://sesame@127.0.0.1:2"], JsonCodec())
    async with Bus(BusOptions(network=network)) as bus:
        with pytest.raises(Unreachable) as refused:
            await bus.ask("worker", Echo("tea"))
    assert "no NATS server at nats://127.0.0.1:1, nats://127.0.0.1:2 yet" in caplog.text
    assert "sesame" not in caplog.text + str(refused.value)


async def test_a_flood_of_what_cannot_be_read_does_not_fill_the_log(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    front, back, _, network = two(nats_server)
    async with front, back:
        for _ in range(1000):
            network._connection.put("fw.worker.echo", b"\x00\xff")
        await until(lambda: back.statistics().unreadable == 1000)
    told = [line for line in caplog.messages if "was dropped" in line]
    assert len(told) == 21
    assert "1000 so far" in told[-1]


async def test_a_node_needs_a_name_that_makes_an_address(nats_server: NatsServer) -> None:
    for name in ("a.b", "a b", "*", "ü", "a-", "-a", "x" * 65):
        with pytest.raises(ContractViolation, match="letters, digits"):
            await two(nats_server, name=name)[0].start()


async def test_a_flood_is_refused_and_not_kept(nats_server: NatsServer) -> None:
    front, back, worker, _ = two(nats_server)
    async with front, back:
        asked = [front.ask("worker", Echo(str(n), 0.3), timeout=20) for n in range(1000)]
        began = now()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        refused = sum(type(each).__name__ == "MailboxFull" for each in outcomes)
        assert refused == 1000 - worker.concurrency - worker.mailbox_capacity
        assert now() - began < 10


NODE = """
import asyncio, sys
sys.path.append(sys.argv[2])
from provisional import JsonCodec, Worker
from fablewright.adapters.nats_network import NatsNetwork
from fablewright.runtime.bus import Bus
from fablewright.runtime import node
from fablewright.runtime.policies import BusOptions

node._BEAT = 0.25

async def main():
    bus = Bus(BusOptions(network=NatsNetwork(sys.argv[1], JsonCodec())))
    bus.register(Worker())
    async with bus:
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_process_that_is_killed_or_held_up_is_missed_within_seconds(nats_server: NatsServer) -> None:
    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", NODE, nats_server.url, str(Path(__file__).parent)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    policies = {("worker", "block"): Policy(retry=RetryRules(retries=3))}
    front = Bus(BusOptions(network=NatsNetwork(nats_server.url, JsonCodec()), policies=policies))
    processes = [start()]
    try:
        async with front:
            for kind in (signal.SIGSTOP, signal.SIGKILL):
                asked = asyncio.gather(front.ask("worker", Echo("a", 60), timeout=60), return_exceptions=True)
                await asyncio.sleep(1.5)
                began = time.monotonic()
                processes[0].send_signal(kind)
                assert [type(each) for each in await asked] == [PeerLost]
                assert time.monotonic() - began < 5
                processes[0].send_signal(signal.SIGCONT)
            with pytest.raises(UnknownRecipient):  # the server knows of a death
                await front.ask("worker", Echo("b"), timeout=60)
            processes.append(await asyncio.to_thread(start))
            assert await front.ask("worker", Echo("c")) == "c from worker"
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()  # type: ignore[union-attr]


@pytest.mark.parametrize("missing", ["nats", "nkeys"])
@pytest.mark.parametrize("wanted", ["nats_network", "jetstream_queue"])
def test_without_the_client_the_command_to_install_it_is_said(missing: str, wanted: str) -> None:
    program = f"""
import sys
sys.modules["{missing}"] = None
from fablewright.errors import MissingExtra
try:
    import fablewright.adapters.{wanted}
except MissingExtra as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "The client of NATS is not installed; run: pip install 'fablewright[nats]'\n"


async def test_no_name_can_end_a_line(nats_server: NatsServer) -> None:
    front, back, _, network = two(nats_server)
    async with front, back:
        for subject, reply, headers in [
            ("a b", "", {}),
            ("a", "b\r\n", {}),
            ("", "", {}),
            ("a", "", {"x": "1\r\nPING"}),
        ]:
            with pytest.raises(ContractViolation, match=r"can.*be sent"):
                network._connection.put(subject, b"", reply, headers)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Word of what is under way goes four times a second, so that it is missed within one."""
    monkeypatch.setattr(node, "_BEAT", 0.25)


messages = st.lists(
    st.builds(
        lambda subject, sid, reply, head, body: (subject, sid, reply, head, body),
        st.sampled_from([b"fw.a.b", b"fw-in.r.n.n-1"]),
        st.integers(1, 99),
        st.sampled_from([b"", b"fw-in.r.m.m-2"]),
        st.sampled_from([b"", b"NATS/1.0\r\n\r\n", b"NATS/1.0 503\r\n\r\n", b"NATS/1.0\r\nfw-version: 1\r\n\r\n"]),
        st.binary(max_size=20) | st.sampled_from([b"MSG a 1 2\r\n", b"\r\n", b"PONG\r\n"]),
    ),
    max_size=8,
)


def on_the_wire(subject: bytes, sid: int, reply: bytes, head: bytes, body: bytes) -> bytes:
    names = b" ".join(part for part in (subject, b"%d" % sid, reply) if part)
    if head:
        return b"HMSG %s %d %d\r\n%s%s\r\n" % (names, len(head), len(head) + len(body), head, body)
    return b"MSG %s %d\r\n%s\r\n" % (names, len(body), body)


@given(messages, st.lists(st.integers(0, 400), max_size=6))
def test_messages_are_read_whole_wherever_the_stream_is_cut(
    sent: list[tuple[bytes, int, bytes, bytes, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(on_the_wire(*each) for each in sent)
    got: list[tuple[bytes, int, bytes, bytes, bytes]] = []
    client = Connection()
    reader = client._ps
    reader._take = lambda sid, subject, reply, head, body: got.append((subject, sid, reply, head, body))  # type: ignore[attr-defined]
    client.take = reader._take  # type: ignore[method-assign, attr-defined]

    async def read() -> None:
        begin = 0
        for cut in [*sorted(cuts), len(stream)]:
            await reader.parse(stream[begin:cut])
            begin = max(begin, min(cut, len(stream)))

    run_virtual(read())
    assert got == sent


def test_a_head_that_is_too_long_is_neither_read_nor_kept() -> None:
    client = Connection()
    got: list[Arrived] = []
    client._takers[1] = got.append
    kept = nats_connection._read_head.cache_info().currsize
    for size, headers in ((4000, {"x": "y" * 4000}), (5000, {})):
        client.take(1, b"fw.a.b", b"", b"NATS/1.0\r\nx: %s\r\n\r\n" % (b"y" * size), b"")
        assert got[-1].headers == headers
    assert nats_connection._read_head.cache_info().currsize == kept + 1
