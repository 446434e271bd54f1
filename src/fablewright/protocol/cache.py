"""A cache of replies: fresh for a while, stale for a while longer, bounded in bytes.

::

              ttl passed, or invalidate()              ttl + stale_ttl passed
    fresh ──────────────────────────────────► stale ──────────────────────────► gone
      └────────────── the room is needed and nothing was used less lately ───────►

The rules:

1. ``get`` hands out fresh entries only. ``get_stale`` is for when the work failed: it takes what there is.
   An entry whose time ends now has ended.
2. ``invalidate`` starts a new version. Entries of older versions are stale at once. Work that began before
   it, and ends after it, puts under the version in which it began: its value is stale from the start, and
   never takes the place of a newer version's.
3. With ``stale_ttl`` 0 nothing stale is ever served, and so none is kept.
4. Entries never take more than ``max_bytes``. Those least recently used go first. What alone is larger is
   not kept, and the entry that it should have replaced goes, for it is known to be outdated.
5. Entries whose time has ended do not pile up: each put drops a few of them from among those least recently
   used. Nobody uses an entry after its time, so that after twice its time at most it is among those.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["ENTRY_OVERHEAD", "Cache", "CacheRules", "CacheStatistics", "Hit"]

ENTRY_OVERHEAD = 256
"""Bytes that an entry costs beside its key and value; without it, empty replies would be kept without bound."""

_SWEEP = 4
"""How many ended entries one put may drop: more than it adds, and few enough that no put is slow."""


@dataclass(frozen=True, slots=True)
class CacheRules:
    """How long and how much to keep.

    Attributes:
        ttl: Seconds for which an entry is fresh; 0 keeps entries for failures only.
        max_bytes: What all entries together may take, ``ENTRY_OVERHEAD`` for each included.
        stale_ttl: Seconds beyond ``ttl`` for which an entry may still stand in when the work fails.

    Raises:
        ContractViolation: A time is negative or not finite, or nothing could ever be kept.
    """

    ttl: float
    max_bytes: int = 16 * 1024 * 1024
    stale_ttl: float = 0.0

    def __post_init__(self) -> None:
        for name, seconds in (("ttl", self.ttl), ("stale_ttl", self.stale_ttl)):
            if not 0 <= seconds < inf:  # NaN is neither below nor above anything
                raise ContractViolation(f"A cache's {name} is a finite number of seconds from 0 on, not {seconds!r}.")
        if not self.ttl + self.stale_ttl:
            raise ContractViolation("A cache with ttl 0 and stale_ttl 0 keeps nothing; leave it out instead.")
        if self.max_bytes < ENTRY_OVERHEAD:
            raise ContractViolation(
                f"A cache needs room for one entry, at least {ENTRY_OVERHEAD} bytes, not {self.max_bytes!r}."
            )


class Hit(NamedTuple):
    """A value that was found.

    Attributes:
        value: The value.
        age: Seconds since it was put.
        fresh: Whether it is as good as asking again; if not, say so to whoever gets it.
    """

    value: object
    age: float
    fresh: bool


# A NamedTuple's own constructor is a Python function; this saves half of what a hit costs.
_hit: Callable[[tuple[object, float, bool]], Hit] = partial(tuple.__new__, Hit)


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """What is in the cache now, and counts since the beginning; ``hits + misses`` is the number of gets.

    Attributes:
        hits: Gets that found a fresh entry.
        misses: Gets that found none.
        stale: Failures for which an entry stood in.
        evictions: Entries dropped to make room.
        expired: Entries dropped because their time had ended.
        too_large: Puts that would have taken more than all the room.
        entries: Entries now.
        bytes: What they take now.
        version: Of the entries that are fresh.
    """

    hits: int
    misses: int
    stale: int
    evictions: int
    expired: int
    too_large: int
    entries: int
    bytes: int
    version: int


class Cache:
    """Replies of one action, by key. Keys are hashed up to three times a call: let that be cheap."""

    def __init__(self, rules: CacheRules) -> None:
        self.rules = rules
        self.hits = 0
        self.misses = 0
        self.stale = 0
        self.evictions = 0
        self.expired = 0
        self.too_large = 0
        self.bytes = 0
        self._version = 0
        self._ttl = rules.ttl
        self._life = rules.ttl + rules.stale_ttl
        # key -> (value, cost in bytes, when put, version), the least recently used first
        self._entries: OrderedDict[Hashable, tuple[object, int, float, int]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Cache version={self._version} entries={len(self._entries)} bytes={self.bytes}/{self.rules.max_bytes}>"

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def version(self) -> int:
        """Of what is put now; work takes note of it when it begins."""
        return self._version

    @property
    def entries(self) -> int:
        """How many entries there are, ended ones that were not dropped yet included."""
        return len(self._entries)

    def statistics(self) -> CacheStatistics:
        """Return the counts as they stand."""
        return CacheStatistics(
            hits=self.hits,
            misses=self.misses,
            stale=self.stale,
            evictions=self.evictions,
            expired=self.expired,
            too_large=self.too_large,
            entries=len(self._entries),
            bytes=self.bytes,
            version=self._version,
        )

    def get(self, key: Hashable, now: float) -> Hit | None:
        """Return the entry if it is fresh."""
        entry = self._entries.get(key)
        if entry is not None:
            value, _, at, version = entry
            age = now - at
            if age < self._ttl and version == self._version:
                self._entries.move_to_end(key)
                self.hits += 1
                return _hit((value, age, True))
            if age >= self._life:
                self._expire(key)
        self.misses += 1
        return None

    def get_stale(self, key: Hashable, now: float) -> Hit | None:
        """Return the entry whether it is fresh or stale, because the work failed."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, _, at, version = entry
        age = now - at
        if age >= self._life:
            self._expire(key)
            return None
        self._entries.move_to_end(key)
        self.stale += 1
        return _hit((value, age, age < self._ttl and version == self._version))

    def put(self, key: Hashable, value: object, size: int, now: float, version: int) -> bool:
        """Keep a value, as the one most recently used.

        Args:
            key: What was asked for.
            value: What came of it.
            size: Bytes of key and value; see ``size_of``.
            now: The local clock, in seconds.
            version: The cache's ``version`` when the work began.

        Returns:
            Whether it was kept.

        Raises:
            ContractViolation: The size is negative, or the version is yet to come.
        """
        if size < 0 or version > self._version:
            raise ContractViolation(
                f"A cache at version {self._version} takes no entry of {size} bytes and version {version}."
            )
        entries = self._entries
        before = entries.get(key)
        if before is not None:
            if before[3] > version:
                return False
            del entries[key]
            self.bytes -= before[1]
        elif version != self._version and not self.rules.stale_ttl:
            return False
        cost = size + ENTRY_OVERHEAD
        if cost > self.rules.max_bytes:
            self.too_large += 1
            return False
        self._sweep(now)
        entries[key] = (value, cost, now, version)
        self.bytes += cost
        while self.bytes > self.rules.max_bytes:
            self.bytes -= entries.popitem(last=False)[1][1]
            self.evictions += 1
        return True

    def invalidate(self) -> int:
        """Say that what is kept is outdated; return the new version."""
        self._version += 1
        if not self.rules.stale_ttl:
            self._entries.clear()
            self.bytes = 0
        return self._version

    # -------------------------------------------------------------- inside

    def _expire(self, key: Hashable) -> None:
        self.bytes -= self._entries.pop(key)[1]
        self.expired += 1

    def _sweep(self, now: float) -> None:
        for _ in range(min(_SWEEP, len(self._entries))):
            oldest = next(iter(self._entries))
            if now - self._entries[oldest][2] < self._life:
                return
            self._expire(oldest)
