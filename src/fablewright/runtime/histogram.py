"""How long things took: a histogram of fixed size with a relative error, cheap enough to be always on."""

from __future__ import annotations

from bisect import bisect_right

__all__ = ["Histogram"]

_BUCKETS = 152  # up to 2**39 microseconds, six days


class Histogram:
    """Durations, each in one of 152 buckets: four to a doubling, from a microsecond up.

    A quantile is up to a quarter too long: the layout is that of Gil Tene's HdrHistogram with two bits of precision.
    """

    __slots__ = ("_counts", "total")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.total = 0.0

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self._counts)

    def __repr__(self) -> str:
        return f"<Histogram count={self.count} total={self.total:.6f} s>"

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._counts[bisect_right(_ENDS, int(seconds * 1e6))] += 1
        self.total += seconds

    def quantile(self, share: float) -> float | None:
        """Return the duration in seconds that ``share`` of all (0 to 1) did not exceed; None when there is none."""
        wanted = share * self.count
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return upper_bound(index)
        return None

    def cumulative(self) -> tuple[tuple[float, int], ...]:
        """Return (upper bound in seconds, how many took no longer) for each doubling, as Prometheus wants them."""
        return tuple((upper_bound(last), sum(self._counts[: last + 1])) for last in range(3, _BUCKETS, 4))

    def copy(self) -> Histogram:
        """Return one that later durations do not change."""
        twin = Histogram()
        twin._counts = self._counts.copy()
        twin.total = self.total
        return twin


def upper_bound(index: int) -> float:
    """Return the end of a bucket, in seconds."""
    return _end(index) / 1e6


def _end(index: int) -> int:
    """Return the end of a bucket, in microseconds."""
    octave, part = divmod(index, 4)
    return part + 1 if not octave else (4 + part + 1) << (octave - 1)


_ENDS = [_end(index) for index in range(_BUCKETS - 1)]  # the last bucket has all that is longer
