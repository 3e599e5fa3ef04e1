"""Logarithmic buckets of numbers, whose limits are exact.

Source: C. Masson, J. E. Rim, H. K. Lee, "DDSketch: A fast and fully-mergeable quantile sketch with relative-error
guarantees", PVLDB 12(12), 2019. A bucket holds the numbers between two limits whose ratio is γ, and the number
2·low·high/(low + high) differs from each of them by at most (γ − 1)/(γ + 1), relative to it.

Here γ = 10^(1/K), with K buckets in each decade: 29 at *level* a, and twice as many at each following level. So the
limits of a level are among those of the next one, two buckets become exactly one in the level before, and 1, 10 and
0.001 are limits in all of them. The relative error is below 4 % at level a, 2 % at b, 1 % at c, and so on.

Numbers are whole numbers x of units of 10^-30 (`crdtctl.crdt.decimals`). Bucket i > 0 holds the x with
10^((i−1)/K − 1) < x ≤ 10^(i/K − 1). Bucket −i holds the numbers −x, and bucket 0 holds 0. Since x is whole, it is
compared with the whole part of a limit, and this is exact. The limits are computed with whole numbers only, so they are
the same on every machine.
"""

from __future__ import annotations

from bisect import bisect_left
from math import isqrt

from crdtctl.crdt.decimals import DIGITS

LEVELS = "abcdef"
DEFAULT = "c"
#: Level → largest relative error.
ERRORS = {level: 0.04 / (1 << number) for number, level in enumerate(LEVELS)}
FINEST = LEVELS[-1]
_COARSEST_PER_DECADE = 29
#: Level → the number of buckets in each decade.
_PER_DECADE = {level: _COARSEST_PER_DECADE << number for number, level in enumerate(LEVELS)}
#: The number of buckets in each decade, at the finest level.
PER_DECADE = _PER_DECADE[FINEST]
#: Digits of a number, and those of the limits of one decade below.
_SIZE = 2 * DIGITS
_GUARD = 40
#: Digits of the largest number of a bucket.
_LONGEST = 5

_limits: list[int] = []


def limits() -> list[int]:
    """Return the whole parts of 10^(j/K + 60) for 0 ≤ j < K, at the finest level."""
    if not _limits:
        one = 10 ** (_SIZE + _GUARD)
        step = _root(10 * one**_COARSEST_PER_DECADE, _COARSEST_PER_DECADE)
        for _ in LEVELS[1:]:
            step = isqrt(step * one)
        found = one
        for _ in range(PER_DECADE):
            _limits.append(found // 10**_GUARD)
            found = found * step // one
    return _limits


def _root(number: int, degree: int) -> int:
    """Return the whole part of a root of a large number, by Newton's method from above."""
    root: int = 1 << -(-number.bit_length() // degree)
    while True:
        better = ((degree - 1) * root + number // root ** (degree - 1)) // degree
        if better >= root:
            return root
        root = better


def per_decade(level: str) -> int:
    """Return the number of buckets in each decade at a level."""
    return _PER_DECADE[level]


def index(number: int) -> int:
    """Return the bucket of a number (in units) at the finest level."""
    if number == 0:
        return 0
    if number < 0:
        return -index(-number)
    decade = len(str(number)) - 1
    place = bisect_left(limits(), number * 10 ** (_SIZE - decade))
    return (decade + 1) * PER_DECADE + place


def coarser(bucket: int, before: str, after: str) -> int:
    """Return the bucket at level `after` that contains a bucket of the level `before`, which is not coarser."""
    less = LEVELS.index(before) - LEVELS.index(after)
    return bucket + (1 << less) - 1 >> less if bucket > 0 else -(-bucket + (1 << less) - 1 >> less)


def limit(bucket: int, level: str) -> int:
    """Return the whole part of the upper limit of a bucket > 0, or 0 for the limit below the first one."""
    decade, place = divmod(bucket << LEVELS.index(FINEST) - LEVELS.index(level), PER_DECADE)
    return limits()[place] // 10 ** (_SIZE + 1 - decade) if decade else 0


def key(bucket: int, level: str) -> str:
    """Return the name of a bucket in files."""
    return f"{level}{bucket}"


def parsed(key: str) -> tuple[str, int]:
    """Return the level and the number of a bucket from its name in files."""
    return key[0], int(key[1:])


def key_fault(key: str) -> str | None:
    """Return the fault of a text as the name of a bucket in files, or None."""
    level, digits = key[:1], key[1:].removeprefix("-")
    if level not in _PER_DECADE or not (digits.isascii() and digits.isdigit()):
        return "a bucket must be a level and a number"
    if key[1:] == "0":
        return None
    each = per_decade(level)
    if digits[0] == "0" or len(digits) > _LONGEST or not each <= int(digits) <= each * (_SIZE + 1):
        return "a bucket does not exist"
    return None


def level_fault(level: str) -> str | None:
    """Return the fault of a text as a level, or None."""
    return None if len(level) == 1 and level in LEVELS else "a level does not exist"
