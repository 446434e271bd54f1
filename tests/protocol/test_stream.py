from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fablewright.errors import Cancelled, ContractViolation, PeerLost
from fablewright.protocol.stream import CancelUpstream, Signal, StreamReader, StreamWriter


class Oracle:
    """The reader's rules, slow and obvious: all that came in one dictionary, counted anew each time."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.came: dict[int, object] = {}
        self.taken = 0
        self.granted = limit
        self.dropped = 0
        self.count: int | None = None
        self.end_error: BaseException | None = None
        self.over: Signal | None = None  # what is given when there is no value left
        self.error: BaseException | str | None = None  # a string: some ContractViolation
        self.told = False  # whether the writer was told to stop

    def in_order(self) -> int:
        number = 0
        while number in self.came:
            number += 1
        return number

    def settle(self) -> None:
        if self.over is None and self.count is not None and self.in_order() == self.count:
            self.over, self.error = (Signal.FAILED, self.end_error) if self.end_error else (Signal.END, None)

    def broken(self) -> str | None:
        self.cut("broken")
        if self.count is None:
            self.told = True
            return "broken"
        return None

    def chunk(self, sequence: int, value: object) -> str | None:
        if self.over is not None or sequence in self.came:
            self.dropped += 1
            return None
        if sequence < 0 or sequence >= self.granted or (self.count is not None and sequence >= self.count):
            return self.broken()
        self.came[sequence] = value
        self.settle()
        return None

    def end(self, count: int, error: BaseException | None) -> str | None:
        if self.over is not None or (self.count is not None and self.count == count):
            self.dropped += 1
            return None
        if self.count is not None or count < 0 or count > self.granted or any(n >= count for n in self.came):
            return self.broken()
        self.count, self.end_error = count, error
        self.settle()
        return None

    def cut(self, error: BaseException | str) -> None:
        if self.over is None:
            self.came = {n: value for n, value in self.came.items() if n < self.in_order()}
            self.over, self.error = Signal.FAILED, error

    def take(self) -> object:
        if self.over is not Signal.CANCELLED and self.taken < self.in_order():
            self.taken += 1
            return self.came[self.taken - 1]
        return self.over or Signal.WAIT

    def cancel(self) -> str | None:
        tell = self.over is None and self.count is None
        if self.over is None or (self.over is not Signal.CANCELLED and self.taken < self.in_order()):
            self.over = Signal.CANCELLED
        return "unwanted" if tell else None

    def credit(self) -> int:
        if self.over is not None or self.count is not None:
            return 0
        more = self.taken + self.limit - self.granted
        if more == 0 or more < self.limit / 2:
            return 0
        self.granted += more
        return more


def shown(effect: CancelUpstream | None) -> str | None:
    if effect is None:
        return None
    return "unwanted" if effect.error is None else "broken"


LOST = PeerLost("gone")
CRASH = ValueError("crash")
near = st.integers(-2, 8)  # counted from the next chunk
steps = st.one_of(
    st.tuples(st.just("next"), st.none(), st.none()),
    st.tuples(st.just("next"), st.none(), st.none()),
    st.tuples(st.just("chunk"), near, st.none()),
    st.tuples(st.just("chunk"), near, st.none()),
    st.tuples(st.just("take"), st.none(), st.none()),
    st.tuples(st.just("take"), st.none(), st.none()),
    st.tuples(st.just("take"), st.none(), st.none()),
    st.tuples(st.just("credit"), st.none(), st.none()),
    st.tuples(st.just("credit"), st.none(), st.none()),
    st.tuples(st.just("end"), near, st.sampled_from([None, CRASH])),
    st.tuples(st.just("rare"), st.sampled_from(["cut", "cancel", "negative", "far"]), st.integers(0, 3)),
)


@settings(max_examples=1000, deadline=None)
@given(st.integers(1, 6), st.lists(steps, max_size=60))
@example(1, [("end", 1, CRASH), ("rare", "cancel", 0)])  # an end that nobody comes to see
def test_the_reader_does_what_the_oracle_does(limit: int, history: list[tuple[str, Any, Any]]) -> None:
    reader: StreamReader[object] = StreamReader(limit)
    oracle = Oracle(limit)
    last: object = None
    for number, (what, first, second) in enumerate(history):
        at = oracle.in_order() + (first if isinstance(first, int) else 0)
        match what:
            case "next" | "chunk":
                assert shown(reader.chunk(at, number)) == oracle.chunk(at, number)
            case "take":
                last = reader.take()
                assert last == oracle.take()
            case "credit":
                assert reader.credit() == oracle.credit()
            case "end":
                assert shown(reader.end(at, second)) == oracle.end(at, second)
            case "rare" if second == 0 and first == "cut":
                reader.cut(LOST)
                oracle.cut(LOST)
            case "rare" if second == 0 and first == "cancel":
                assert shown(reader.cancel()) == oracle.cancel()
            case "rare" if second == 0 and first == "negative":
                assert shown(reader.chunk(-1, number)) == oracle.chunk(-1, number)
            case "rare" if second == 0:
                assert shown(reader.end(at + 99)) == oracle.end(at + 99, None)
        readable = oracle.taken < oracle.in_order() and oracle.over is not Signal.CANCELLED
        assert reader.ready == (readable or oracle.over is not None)
        assert reader.started == (oracle.in_order() > 0)
        assert (reader.granted, reader.dropped) == (oracle.granted, oracle.dropped)
        assert len(reader._ready) + len(reader._ahead) <= limit
        if oracle.over is not None:
            assert not reader._ahead
            error = "broken" if isinstance(reader.error, ContractViolation) else reader.error
            assert error == oracle.error
    for _ in range(limit):
        assert reader.take() == oracle.take()
    assert reader.take() == (oracle.over or Signal.WAIT)


class Wire:
    """Carries parcels in any order, some twice, some never; the dice are seeded."""

    def __init__(self, seed: int, *, loss: float, double: float) -> None:
        self.dice = random.Random(seed)
        self.loss = loss
        self.double = double
        self.under_way: list[tuple[str, Any, Any]] = []
        self.lost = 0

    def send(self, what: str, first: object, second: object = None) -> None:
        if self.dice.random() < self.loss:
            self.lost += 1
            return
        copies = 2 if self.dice.random() < self.double else 1
        self.under_way += [(what, first, second)] * copies

    def arrival(self) -> tuple[str, Any, Any]:
        return self.under_way.pop(self.dice.randrange(len(self.under_way)))


@settings(max_examples=400, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    limit=st.integers(1, 8),
    total=st.integers(0, 40),
    loss=st.sampled_from([0.0, 0.0, 0.02]),
    double=st.sampled_from([0.0, 0.3]),
    error=st.sampled_from([None, CRASH]),
)
def test_over_a_wire_that_reorders_doubles_and_loses_the_values_come_gapless_and_with_one_end(
    *, seed: int, limit: int, total: int, loss: float, double: float, error: Exception | None
) -> None:
    wire, dice = Wire(seed, loss=loss, double=double), random.Random(seed + 1)
    writer = StreamWriter(limit)
    reader: StreamReader[int] = StreamReader(limit)
    taken: list[int] = []
    ended = False
    while True:
        moves: list[str] = ["take"] if reader._ready or (reader.ready and not ended) else []
        moves += ["write"] if not writer._ended and (writer.room or writer._sent == total) else []
        moves += ["arrive"] if wire.under_way else []
        if not moves:
            break
        move = dice.choice(moves)
        if move == "write" and writer._sent == total:
            wire.send("end", writer.end(), error)
        elif move == "write":
            value = 1000 + writer._sent
            wire.send("chunk", writer.write(), value)
            assert writer._sent - len(taken) <= limit  # sent and not taken
        elif move == "take":
            value_or_end = reader.take()
            if isinstance(value_or_end, Signal):
                assert value_or_end is (Signal.FAILED if error else Signal.END)
                assert not ended
                ended = True
            else:
                assert not ended
                taken.append(value_or_end)
                if reader.credit():
                    wire.send("allow", reader.granted)
        else:
            what, first, second = wire.arrival()
            if what == "allow":
                writer.allow(first)
            else:
                assert (reader.chunk if what == "chunk" else reader.end)(first, second) is None
    assert taken == list(range(1000, 1000 + len(taken)))
    assert ended == (len(taken) == total and reader._count == total)
    if not wire.lost:
        assert len(taken) == total
        assert ended
        assert reader.error is error
    if not double:
        assert reader.dropped == 0


def test_a_reader_gives_values_in_order_drops_what_came_twice_and_holds_back_what_came_too_early() -> None:
    reader: StreamReader[str] = StreamReader(4)
    reader.chunk(1, "b")
    before = (reader.take(), reader.ready, reader.started)
    reader.chunk(1, "B")
    reader.chunk(0, "a")
    assert (before, reader.ready, reader.started) == ((Signal.WAIT, False, False), True, True)
    reader.chunk(0, "A")
    reader.chunk(3, "d")
    assert repr(reader) == "<StreamReader wait next=2 ready=2 ahead=1>"
    assert [reader.take(), reader.take(), reader.take()] == ["a", "b", Signal.WAIT]
    assert reader.dropped == 2


def test_an_end_waits_for_the_chunks_that_it_announces_and_is_given_again_and_again() -> None:
    reader: StreamReader[str] = StreamReader(4)
    assert reader.end(2) is None
    assert reader.take() is Signal.WAIT
    reader.chunk(1, "b")
    reader.end(2)
    reader.chunk(0, "a")
    assert [reader.take() for _ in range(4)] == ["a", "b", Signal.END, Signal.END]
    assert reader.cancel() is None
    assert reader.take() is Signal.END
    assert repr(reader) == "<StreamReader end next=2 ready=0 ahead=0>"
    assert reader.dropped == 1


def test_an_answerer_that_fails_is_heard_after_what_it_sent_before() -> None:
    reader: StreamReader[str] = StreamReader(4)
    reader.end(1, CRASH)
    reader.chunk(0, "a")
    assert repr(reader) == "<StreamReader failed next=1 ready=1 ahead=0>"
    assert [reader.take(), reader.take()] == ["a", Signal.FAILED]
    assert reader.error is CRASH


def test_a_stream_that_is_cut_ends_after_what_came_in_order() -> None:
    reader: StreamReader[str] = StreamReader(4)
    reader.chunk(0, "a")
    reader.chunk(2, "c")
    reader.cut(LOST)
    reader.cut(CRASH)
    assert reader.chunk(1, "b") is None
    assert reader.cancel() is None
    assert reader.take() is Signal.CANCELLED
    assert (reader.error, reader.dropped) == (LOST, 1)


def test_a_stream_that_ended_is_not_cut() -> None:
    reader: StreamReader[str] = StreamReader(4)
    reader.end(0)
    reader.cut(LOST)
    assert (reader.take(), reader.error) == (Signal.END, None)


def test_a_reader_that_cancels_says_so_once_and_drops_the_rest() -> None:
    reader: StreamReader[str] = StreamReader(2)
    reader.chunk(0, "a")
    assert reader.cancel() == CancelUpstream(None)
    assert reader.cancel() is None
    assert reader.chunk(1, "b") is None
    assert reader.end(2, CRASH) is None
    assert (reader.take(), reader.error, reader.dropped) == (Signal.CANCELLED, None, 2)
    assert repr(reader) == "<StreamReader cancelled next=1 ready=0 ahead=0>"
    assert reader.credit() == 0


def test_an_announced_end_need_not_be_cancelled_upstream() -> None:
    reader: StreamReader[str] = StreamReader(2)
    reader.end(1)
    assert reader.cancel() is None
    assert reader.take() is Signal.CANCELLED


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ([], ("chunk", 2, "x"), "chunk 2 came, of 2 that were granted or announced"),
        ([], ("chunk", -1, "x"), "chunk -1 came, of 2 that were granted or announced"),
        ([("end", 1, None)], ("chunk", 1, "x"), "chunk 1 came, of 1 that were granted or announced"),
        ([("end", 1, None)], ("end", 2, None), "it ended after 1 chunks and again after 2"),
        ([("chunk", 1, "x")], ("end", 1, None), "it ended after 1 chunks, but at least 2 were sent, at most 2 granted"),
        ([("chunk", 0, "x")], ("end", 0, None), "it ended after 0 chunks, but at least 1 were sent, at most 2 granted"),
        ([], ("end", -1, None), "it ended after -1 chunks, but at least 0 were sent, at most 2 granted"),
        ([], ("end", 3, None), "it ended after 3 chunks, but at least 0 were sent, at most 2 granted"),
    ],
)
def test_what_cannot_be_breaks_the_stream(
    before: list[tuple[str, int, Any]], after: tuple[str, int, Any], why: str
) -> None:
    reader: StreamReader[str] = StreamReader(2)
    for what, *arguments in before:
        assert getattr(reader, what)(*arguments) is None
    what, *arguments = after
    told = getattr(reader, what)(*arguments)
    assert isinstance(reader.error, ContractViolation)
    assert str(reader.error) == f"The stream is broken: {why}."
    ended = any(what == "end" for what, *_ in before)
    assert told == (None if ended else CancelUpstream(reader.error))
    assert getattr(reader, what)(*arguments) is None  # said once
    while not isinstance(last := reader.take(), Signal):
        assert last == "x"
    assert last is Signal.FAILED


def test_an_end_before_any_chunk_that_is_held_back_breaks_the_stream() -> None:
    reader: StreamReader[str] = StreamReader(4)
    reader.chunk(1, "b")
    reader.chunk(3, "d")
    assert isinstance(reader.end(3), CancelUpstream)
    assert (
        str(reader.error)
        == "The stream is broken: it ended after 3 chunks, but at least 4 were sent, at most 4 granted."
    )


def test_credit_comes_back_by_half_the_limit() -> None:
    reader: StreamReader[int] = StreamReader(5)
    writer = StreamWriter(5)
    for number in range(4):
        reader.chunk(writer.write(), number)
    grants = []
    for _ in range(4):
        reader.take()
        grants.append(reader.credit())
    assert grants == [0, 0, 3, 0]
    assert reader.granted == 8
    assert writer.room == 1
    writer.allow(8)
    writer.allow(5)  # overtaken
    assert writer.room == 4


def test_credit_is_given_for_what_was_taken_only_and_never_after_the_end() -> None:
    reader: StreamReader[int] = StreamReader(1)
    assert reader.credit() == 0
    reader.chunk(0, 0)
    assert reader.credit() == 0
    reader.take()
    assert reader.credit() == 1
    assert reader.credit() == 0
    reader.chunk(1, 1)
    reader.take()
    reader.end(2)
    assert reader.credit() == 0


def test_a_writer_gives_out_numbers_while_it_has_room() -> None:
    writer = StreamWriter(2)
    assert [writer.write(), writer.write()] == [0, 1]
    assert writer.room == 0
    with pytest.raises(ContractViolation, match=r"^The reader has granted 2 chunks, and they are sent\.$"):
        writer.write()
    writer.allow(3)
    assert writer.write() == 2
    assert repr(writer) == "<StreamWriter open sent=3/3>"


def test_a_writer_takes_no_grant_for_what_it_never_sent() -> None:
    writer = StreamWriter(2)
    writer.write()
    with pytest.raises(ContractViolation, match=r"^4 chunks were granted, but only 1 were sent to be taken\.$"):
        writer.allow(4)
    assert writer.room == 1
    writer.allow(3)
    assert writer.room == 2


def test_a_writer_ends_once_and_writes_nothing_after_it() -> None:
    writer = StreamWriter(2)
    writer.write()
    assert writer.end() == 1
    assert writer.room == 0
    assert repr(writer) == "<StreamWriter ended sent=1/2>"
    with pytest.raises(ContractViolation, match=r"^Nothing is written after the end of a stream\.$"):
        writer.write()
    with pytest.raises(ContractViolation, match=r"^A stream ends once\.$"):
        writer.end()


def test_a_cancelled_writer_stops() -> None:
    writer = StreamWriter(2)
    before = (writer.cancelled, writer.room)
    writer.cancel()
    assert [before, (writer.cancelled, writer.room)] == [(False, 2), (True, 0)]
    assert repr(writer) == "<StreamWriter cancelled sent=0/2>"
    with pytest.raises(Cancelled, match=r"^The asker wants no more of the stream\.$"):
        writer.write()
    assert writer.end() == 0
    with pytest.raises(Cancelled):
        writer.write()


@pytest.mark.parametrize("side", [StreamReader, StreamWriter])
def test_a_stream_needs_room(side: type[StreamReader[str] | StreamWriter]) -> None:
    with pytest.raises(ContractViolation, match=r"^A stream has room for at least 1 chunk, not 0\.$"):
        side(0)


@pytest.mark.benchmark
@pytest.mark.parametrize("limit", [1, 16])
def test_a_chunk_costs_little(limit: int) -> None:
    def seconds(chunks: int) -> float:
        writer = StreamWriter(limit)
        reader: StreamReader[int] = StreamReader(limit)
        start = time.perf_counter()
        for number in range(chunks):
            if writer.room:
                reader.chunk(writer.write(), number)
            reader.take()
            if reader.credit():
                writer.allow(reader.granted)
        took = time.perf_counter() - start
        assert writer._sent == chunks
        return took

    assert min(seconds(2_000) for _ in range(20)) / 2_000 < 1.5e-6
