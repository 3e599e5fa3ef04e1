"""How numbers are distributed: their counts in buckets, their exact sum, and the smallest and the largest of them.

The distribution of several sets of numbers follows exactly from theirs (`together`): counts and sums are added up.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from crdtctl.crdt import buckets, decimals
from crdtctl.records import NamedTuple, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Significant digits of quantiles and means, far more than they are exact to.
_PLACES = 6
_PLACES_OF_LIMITS = 15


class Bucket(NamedTuple):
    """A bucket: its `upper` limit, a decimal number as text; how many numbers are in it, and how many up to its limit.

    The number at the limit is in the bucket if it is positive or 0.
    """

    upper: str
    size: int
    cumulative: int


class Distribution(Record):
    """Numbers in buckets of one `level`. `counts` maps a bucket to its count.

    `plus` is the sum of the positive numbers, and `minus` that of the negative ones, without its sign. Sums and numbers
    are in units of 10^-30. An empty distribution has None as `least` and `most`.
    """

    level: str
    counts: Mapping[int, int]
    plus: int = 0
    minus: int = 0
    least: int | None = None
    most: int | None = None

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return sum(self.counts.values())

    @property
    def error(self) -> float:
        """The largest relative error of a quantile."""
        return buckets.ERRORS[self.level]

    @property
    def total(self) -> str:
        """The exact sum of all numbers."""
        return decimals.text(self.plus - self.minus)

    @property
    def smallest(self) -> str | None:
        """The smallest number."""
        return None if self.least is None else decimals.text(self.least)

    @property
    def largest(self) -> str | None:
        """The largest number."""
        return None if self.most is None else decimals.text(self.most)

    @property
    def mean(self) -> str | None:
        """The mean of all numbers, rounded to six significant digits."""
        count = self.count
        return decimals.text(decimals.rounded(self.plus - self.minus, count, _PLACES)) if count else None

    def at(self, level: str) -> Distribution:
        """Return the distribution in the buckets of a `level` that is not finer."""
        if level == self.level:
            return self
        counts: dict[int, int] = {}
        for bucket, count in self.counts.items():
            wider = buckets.coarser(bucket, self.level, level)
            counts[wider] = counts.get(wider, 0) + count
        return Distribution(level, counts, self.plus, self.minus, self.least, self.most)

    def quantile(self, q: int) -> str | None:
        """Return the quantile `q`, from 0 to 1, in units of 10^-30; None without a number.

        It is the number of rank ⌈q·count⌉ in ascending order, at least of rank 1. The smallest and the largest number
        are exact. From any other one, of at least 10^-24, the result differs by at most `error`, relative to it.
        """
        count = self.count
        if not count or self.least is None or self.most is None:
            return None
        rank = max(1, -(-q * count // decimals.UNIT))
        if rank == 1:
            return decimals.text(self.least)
        if rank == count:
            return decimals.text(self.most)
        ordered = sorted(self.counts)
        bucket = ordered[bisect_left([*accumulate(self.counts[one] for one in ordered)], rank)]
        return decimals.text(min(max(_middle(bucket, self.level), self.least), self.most))

    def buckets(self) -> list[Bucket]:
        """Return the buckets with numbers, in ascending order."""
        found, cumulative = [], 0
        for bucket in sorted(self.counts):
            cumulative += self.counts[bucket]
            found.append(Bucket(_upper(bucket, self.level), self.counts[bucket], cumulative))
        return found

    def steps(self) -> Iterator[tuple[str, int]]:
        """Yield upper limits of buckets, and how many numbers are in all buckets up to each, in ascending order.

        Below each bucket with numbers is the bucket before it, also if that is empty: a reader that interpolates within
        a bucket then finds where its numbers begin.
        """
        cumulative = 0
        for bucket in sorted(self.counts):
            if bucket - 1 not in self.counts:
                yield _upper(bucket - 1, self.level), cumulative
            cumulative += self.counts[bucket]
            yield _upper(bucket, self.level), cumulative


def of(numbers: Iterable[int]) -> Distribution:
    """Return the distribution of numbers (in units), at the finest level."""
    counts: dict[int, int] = {}
    plus = minus = 0
    least = most = None
    for number in numbers:
        bucket = buckets.index(number)
        counts[bucket] = counts.get(bucket, 0) + 1
        if number > 0:
            plus += number
        else:
            minus -= number
        least = number if least is None or number < least else least
        most = number if most is None or number > most else most
    return Distribution(buckets.FINEST, counts, plus, minus, least, most)


def together(several: Iterable[Distribution]) -> Distribution:
    """Return the distribution of all numbers of several ones, at the coarsest of their levels."""
    found = list(several)
    level = min((one.level for one in found), default=buckets.DEFAULT)
    counts: dict[int, int] = {}
    for one in found:
        for bucket, count in one.at(level).counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
    return Distribution(
        level,
        counts,
        sum(one.plus for one in found),
        sum(one.minus for one in found),
        min((one.least for one in found if one.least is not None), default=None),
        max((one.most for one in found if one.most is not None), default=None),
    )


def beyond(whole: Distribution, part: Distribution) -> Distribution:
    """Return the numbers of a distribution that a part of it does not have, at the level of the whole.

    The extremes of the whole are the bounds of theirs, which are not known.
    """
    less = part.at(whole.level).counts
    counts = {bucket: count - less.get(bucket, 0) for bucket, count in whole.counts.items()}
    left = {bucket: count for bucket, count in counts.items() if count}
    if not left:
        return Distribution(whole.level, {})
    return Distribution(whole.level, left, whole.plus - part.plus, whole.minus - part.minus, whole.least, whole.most)


def _middle(bucket: int, level: str) -> int:
    """Return the number whose largest relative error for the numbers in a bucket is the least, 2·low·high/(low + high).

    It is rounded to six significant digits.
    """
    if bucket <= 0:
        return bucket and -_middle(-bucket, level)
    low, high = buckets.limit(bucket - 1, level), buckets.limit(bucket, level)
    return decimals.rounded(2 * low * high, low + high, _PLACES)


def _upper(bucket: int, level: str) -> str:
    """Return the upper limit of a bucket, rounded to fifteen significant digits.

    The number at the upper limit of a negative bucket is not in it.
    """
    if bucket <= 0:
        return decimals.text(bucket and -decimals.rounded(buckets.limit(-bucket - 1, level), 1, _PLACES_OF_LIMITS))
    return decimals.text(decimals.rounded(buckets.limit(bucket, level), 1, _PLACES_OF_LIMITS))
