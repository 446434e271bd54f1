from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.cache import ENTRY_OVERHEAD, Cache, CacheRules, CacheStatistics, Hit

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM = ENTRY_OVERHEAD + 100  # bytes that an entry of size 100 takes


@dataclass
class Record:
    key: int
    value: int
    size: int
    at: float
    version: int


class Oracle:
    """The same rules, slow and obvious: one list, the least recently used first."""

    def __init__(self, rules: CacheRules) -> None:
        self.rules = rules
        self.version = 0
        self.records: list[Record] = []
        self.hits = self.misses = self.stale = self.evictions = self.expired = self.too_large = 0

    def fresh(self, record: Record, now: float) -> bool:
        return now - record.at < self.rules.ttl and record.version == self.version

    def ended(self, record: Record, now: float) -> bool:
        return now - record.at >= self.rules.ttl + self.rules.stale_ttl

    def bytes(self) -> int:
        return sum(record.size + ENTRY_OVERHEAD for record in self.records)

    def get(self, key: int, now: float) -> Hit | None:
        for record in list(self.records):
            if record.key == key and self.fresh(record, now):
                self.records.remove(record)
                self.records.append(record)
                self.hits += 1
                return Hit(record.value, now - record.at, fresh=True)
            if record.key == key and self.ended(record, now):
                self.records.remove(record)
                self.expired += 1
        self.misses += 1
        return None

    def get_stale(self, key: int, now: float) -> Hit | None:
        for record in list(self.records):
            if record.key == key:
                self.records.remove(record)
                if self.ended(record, now):
                    self.expired += 1
                    return None
                self.records.append(record)
                self.stale += 1
                return Hit(record.value, now - record.at, self.fresh(record, now))
        return None

    def put(self, new: Record) -> bool:
        if any(old.key == new.key and old.version > new.version for old in self.records):
            return False
        if new.version < self.version and self.rules.stale_ttl == 0:
            return False
        self.records = [record for record in self.records if record.key != new.key]
        if new.size + ENTRY_OVERHEAD > self.rules.max_bytes:
            self.too_large += 1
            return False
        for _ in range(4):
            if self.records and self.ended(self.records[0], new.at):
                self.records.pop(0)
                self.expired += 1
        self.records.append(new)
        while self.bytes() > self.rules.max_bytes:
            self.records.pop(0)
            self.evictions += 1
        return True

    def invalidate(self) -> int:
        self.version += 1
        if self.rules.stale_ttl == 0:
            self.records = []
        return self.version

    def statistics(self) -> CacheStatistics:
        return CacheStatistics(
            hits=self.hits,
            misses=self.misses,
            stale=self.stale,
            evictions=self.evictions,
            expired=self.expired,
            too_large=self.too_large,
            entries=len(self.records),
            bytes=self.bytes(),
            version=self.version,
        )


keys = st.integers(0, 7)
steps = st.one_of(
    st.tuples(st.just("get"), keys, st.none()),
    st.tuples(st.just("stale"), keys, st.none()),
    st.tuples(st.just("put"), keys, st.tuples(st.sampled_from([0, 100, 100, 100, 700, 2000]), st.integers(0, 2))),
    st.tuples(st.just("put"), keys, st.tuples(st.sampled_from([0, 1, 2]), st.just(0))),
    st.tuples(st.just("invalidate"), st.none(), st.none()),
)
rules = st.sampled_from(
    [
        CacheRules(2.0, max_bytes=5 * ROOM),
        CacheRules(2.0, max_bytes=5 * ROOM, stale_ttl=1.0),
        CacheRules(0.0, max_bytes=4 * ROOM, stale_ttl=2.0),
        CacheRules(1.0, max_bytes=100 * ROOM, stale_ttl=1.0),
    ]
)


@settings(max_examples=600, deadline=None)
@given(rules, st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2, 8, 16, 40]), steps), max_size=80))
def test_it_does_what_the_oracle_does(rules: CacheRules, history: list[tuple[int, tuple[str, int, object]]]) -> None:
    cache, oracle = Cache(rules), Oracle(rules)
    now = 0.0
    for value, (delay, (what, key, detail)) in enumerate(history):
        now += delay / 16
        match what, detail:
            case "get", _:
                assert cache.get(key, now) == oracle.get(key, now)
            case "stale", _:
                assert cache.get_stale(key, now) == oracle.get_stale(key, now)
            case "put", (int(size), int(behind)):
                version = max(0, cache.version - behind)
                kept = oracle.put(Record(key, value, size, now, version))
                assert cache.put(key, value, size, now, version) is kept
            case _:
                assert cache.invalidate() == oracle.invalidate()
        assert cache.statistics() == oracle.statistics()
        assert list(cache._entries) == [record.key for record in oracle.records]
        assert cache.bytes <= rules.max_bytes
        assert cache.version == oracle.version


def cache_of(ttl: float = 10.0, *, entries: int = 3, stale_ttl: float = 0.0) -> Cache:
    return Cache(CacheRules(ttl, max_bytes=entries * ROOM, stale_ttl=stale_ttl))


def test_an_entry_is_fresh_for_its_time_and_not_at_its_end() -> None:
    cache = cache_of()
    assert cache.put("key", "value", 100, 1.0, cache.version)
    assert cache.get("key", 1.0) == Hit("value", 0.0, fresh=True)
    assert cache.get("key", 10.5) == Hit("value", 9.5, fresh=True)
    assert cache.get("key", 11.0) is None
    assert len(cache) == cache.bytes == 0


def test_a_stale_entry_stands_in_for_failed_work_only() -> None:
    cache = cache_of(stale_ttl=5.0)
    cache.put("key", "value", 100, 0.0, 0)
    assert cache.get_stale("key", 9.5) == Hit("value", 9.5, fresh=True)
    assert cache.get("key", 12.0) is None
    assert cache.get_stale("key", 12.0) == Hit("value", 12.0, fresh=False)
    assert cache.get_stale("key", 15.0) is None
    assert cache.get_stale("never put", 0.0) is None
    assert cache.statistics() == CacheStatistics(
        hits=0, misses=1, stale=2, evictions=0, expired=1, too_large=0, entries=0, bytes=0, version=0
    )


def test_after_an_invalidation_what_is_kept_is_stale() -> None:
    cache = cache_of(stale_ttl=5.0)
    cache.put("key", "old", 100, 0.0, 0)
    assert cache.invalidate() == cache.version == 1
    assert cache.get("key", 1.0) is None
    assert cache.get_stale("key", 1.0) == Hit("old", 1.0, fresh=False)
    cache.put("key", "new", 100, 2.0, 1)
    assert cache.get("key", 3.0) == Hit("new", 1.0, fresh=True)


def test_work_that_began_before_an_invalidation_brings_nothing_fresh() -> None:
    cache = cache_of(stale_ttl=5.0)
    began = cache.version
    cache.invalidate()
    assert cache.put("key", "outdated", 100, 1.0, began)
    assert cache.get("key", 1.0) is None
    assert cache.get_stale("key", 1.0) == Hit("outdated", 0.0, fresh=False)


def test_outdated_work_never_takes_the_place_of_newer() -> None:
    cache = cache_of(stale_ttl=5.0)
    began = cache.version
    cache.invalidate()
    cache.put("key", "new", 100, 1.0, cache.version)
    assert not cache.put("key", "outdated", 100, 2.0, began)
    assert cache.get("key", 2.0) == Hit("new", 1.0, fresh=True)
    cache.invalidate()
    assert cache.get_stale("key", 2.0) == Hit("new", 1.0, fresh=False)


def test_without_a_stale_time_an_invalidation_empties_the_cache() -> None:
    cache = cache_of()
    cache.put("key", "old", 100, 0.0, 0)
    cache.invalidate()
    assert cache.entries == cache.bytes == 0
    assert cache.get_stale("key", 0.0) is None
    assert not cache.put("key", "outdated", 100, 0.0, 0)
    assert cache.entries == cache.bytes == 0


def test_with_ttl_0_entries_are_for_failures_only() -> None:
    cache = cache_of(0.0, stale_ttl=5.0)
    assert cache.put("key", "value", 100, 0.0, 0)
    assert cache.get("key", 0.0) is None
    assert cache.get_stale("key", 0.0) == Hit("value", 0.0, fresh=False)


def test_the_least_recently_used_makes_room() -> None:
    cache = cache_of(stale_ttl=5.0)
    for key in "abc":
        cache.put(key, key, 100, 0.0, 0)
    assert cache.bytes == 3 * ROOM  # full to the byte
    cache.get("a", 1.0)
    cache.get_stale("b", 1.0)
    cache.put("d", "d", 100, 1.0, 0)
    assert list(cache._entries) == ["a", "b", "d"]
    cache.put("e", "e", 100 + ROOM, 1.0, 0)
    assert list(cache._entries) == ["d", "e"]
    assert cache.evictions == 3
    assert repr(cache) == "<Cache version=0 entries=2 bytes=1068/1068>"


def test_what_is_larger_than_all_the_room_is_not_kept_and_takes_its_predecessor_with_it() -> None:
    cache = cache_of(entries=1)
    assert cache.put("key", "fits exactly", 100, 0.0, 0)
    cache.put("key", "fits exactly", 100, 0.0, 0)
    assert not cache.put("other", "too large", 101, 1.0, 0)
    assert cache.get("key", 1.0) is not None
    assert not cache.put("key", "too large", 101, 1.0, 0)
    assert cache.get("key", 1.0) is None
    assert cache.too_large == 2
    assert cache.bytes == cache.evictions == 0


def test_empty_replies_are_bounded_too() -> None:
    cache = Cache(CacheRules(10.0, max_bytes=10 * ENTRY_OVERHEAD))
    for key in range(1000):
        cache.put(key, None, 0, 0.0, 0)
    assert cache.entries == 10
    assert list(cache._entries) == list(range(990, 1000))


def test_the_overhead_covers_what_an_entry_costs() -> None:
    cache = Cache(CacheRules(10.0))
    keys = [object() for _ in range(20_000)]
    tracemalloc.start()
    for number, key in enumerate(keys):
        cache.put(key, None, 0, float(number) / 1e6, 0)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cache.bytes / 2 <= taken <= cache.bytes


def test_ended_entries_do_not_pile_up() -> None:
    cache = Cache(CacheRules(1.0, stale_ttl=1.0))
    for key in range(1000):
        cache.put(key, None, 0, 0.0, 0)
    for key in range(0, 1000, 2):
        cache.get(key, 0.5)
    for number in range(300):
        cache.put(("new", number), None, 0, 2.0 + number / 1000, 0)
    assert cache.expired == 1000
    assert cache.entries == 300


def test_one_put_drops_a_few_ended_entries_only() -> None:
    cache = Cache(CacheRules(1.0))
    for key in range(1000):
        cache.put(key, None, 0, 0.0, 0)
    cache.put("new", None, 0, 5.0, 0)
    assert cache.entries == 1000 - 4 + 1


def test_the_cache_refuses_what_cannot_be() -> None:
    cache = cache_of()
    with pytest.raises(ContractViolation, match=r"^A cache at version 0 takes no entry of -1 bytes and version 0\.$"):
        cache.put("key", None, -1, 0.0, 0)
    with pytest.raises(ContractViolation, match="of 0 bytes and version 1"):
        cache.put("key", None, 0, 0.0, 1)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_times_are_finite_and_not_negative(seconds: float) -> None:
    with pytest.raises(ContractViolation, match=r"^A cache's ttl is a finite number of seconds from 0 on, not "):
        CacheRules(seconds)
    with pytest.raises(ContractViolation, match=r"^A cache's stale_ttl is a finite number of seconds from 0 on, not "):
        CacheRules(1.0, stale_ttl=seconds)


def test_a_cache_that_could_keep_nothing_is_refused() -> None:
    with pytest.raises(ContractViolation, match=r"^A cache with ttl 0 and stale_ttl 0 keeps nothing; leave it out"):
        CacheRules(0.0)
    with pytest.raises(ContractViolation, match=r"^A cache needs room for one entry, at least 256 bytes, not 255\.$"):
        CacheRules(1.0, max_bytes=255)
    assert CacheRules(1.0, max_bytes=256) == CacheRules(1.0, 256, 0.0)
    assert CacheRules(1.0).max_bytes == 16 * 2**20


@dataclass(frozen=True, slots=True)
class Record3:
    one: object
    two: object
    three: object


def price(work: Callable[[], object]) -> float:
    """Return what 1,000 rounds of work cost, in times of making as many frozen records of three fields."""
    best = reference = 1.0
    for _ in range(30):
        begin = time.perf_counter()
        work()
        middle = time.perf_counter()
        for _ in range(1_000):
            Record3(1, 2, 3)
        end = time.perf_counter()
        best, reference = min(best, middle - begin), min(reference, end - middle)
    return best / reference


@pytest.mark.benchmark
def test_a_hit_and_a_put_cost_little() -> None:
    cache = Cache(CacheRules(10.0))

    def put() -> None:
        for key in range(1_000):  # each but the first few makes room by an eviction
            cache.put(key, None, 1_000_000, 0.0, 0)

    def hit() -> None:
        for _ in range(1_000):
            cache.get(999, 1.0)

    assert price(put) <= 3.5  # measured: 2.1
    assert price(hit) <= 1.7  # measured: 0.9
