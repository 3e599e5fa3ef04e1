"""Lines → the distribution of the numbers on them, many lines at a time, and exactly the one of each line by itself.

The bucket of a number is found with floats, which are quick to read and to compare. Reading a float rounds correctly,
and so never changes the order of two numbers. So a number whose float differs from that of the limit of a bucket is on
the same side of it as its float. The few others are looked up by themselves. Sums are those of decimal numbers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import repeat
from operator import sub

from crdtctl.crdt import buckets, decimals
from crdtctl.crdt.distribution import Distribution, of, together
from crdtctl.errors import printable
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable
else:
    from crdtctl import patterns as re

#: What the lines of a piece are made of if they are read together. Others are read one by one.
_PLAIN = b"0123456789.-+eE\n"
#: What a number without an exponent is made of. The others are read one by one.
_SIMPLE = frozenset("0123456789.-")
#: Maximum size of such a line: the number is within bounds.
_LONGEST = decimals.DIGITS
#: Maximum size of a line if different numbers have different floats: 15 digits and a point.
_SHORT = 16
#: Numbers of decimal places. Sums of floats may be exact enough for them.
_PLACES = (3, 6, 9)
#: Number of distributions that are added up at once.
_TOGETHER = 32
_PER_DECADE = buckets.PER_DECADE
#: (First decade, last decade) → the limits of all their buckets.
_known_limits: dict[tuple[int, int], list[float]] = {}


class BadNumber(NamedTuple):
    """The number of a line without a valid number, and the reason."""

    number: int
    why: str


class NumbersRead(NamedTuple):
    """The distribution of numbers on lines; the first line without a valid number, and how many were left out."""

    distribution: Distribution
    bad: BadNumber | None = None
    left_out: int = 0


def read_lines(pieces: Iterable[bytes], *, skip: bool = False) -> NumbersRead:
    """Return the distribution of the numbers on lines. Blank lines are ignored.

    A piece is one or more whole lines, the last without its line end. It stops at the first line without a valid
    number, or leaves such lines out with `skip`.
    """
    first, left_out = 1, 0
    bad: BadNumber | None = None
    found: list[Distribution] = []
    for piece in pieces:
        more = _together(piece)
        if more is None:
            more, wrong = _one_by_one(first, piece)
            if wrong:
                bad = bad or wrong[0]
                left_out += len(wrong)
                if not skip:
                    break
        found.append(more)
        if len(found) == _TOGETHER:
            found = [together(found)]
        first += piece.count(b"\n") + 1
    return NumbersRead(together(found) if found else of(()), bad, left_out)


def _one_by_one(first: int, piece: bytes) -> tuple[Distribution, list[BadNumber]]:
    numbers, bad = [], []
    for number, line in enumerate(piece.split(b"\n"), first):
        if line.strip():
            try:
                numbers.append(decimals.read(line.decode()))
            except decimals.NotANumber as fault:
                shown = printable(line[:40].decode(errors="replace").strip())
                bad.append(BadNumber(number, f"'{shown}': {fault}{f'; {fault.hint}' if fault.hint else ''}"))
            except UnicodeDecodeError:
                bad.append(BadNumber(number, "it is not UTF-8"))
    return of(numbers), bad


def _together(piece: bytes) -> Distribution | None:
    """Return the distribution of the numbers on the lines of a piece, or None if they have to be read one by one."""
    lines = piece.replace(b"\r\n", b"\n")
    if lines.translate(None, _PLAIN) or b"--" in lines:
        return None
    words = lines.decode().split()
    if max(map(len, words), default=0) > _LONGEST:
        return None
    found = []
    try:
        if b"e" in lines or b"E" in lines or b"+" in lines:
            found.append(of(map(decimals.read, [word for word in words if not _SIMPLE.issuperset(word)])))
            words = [*filter(_SIMPLE.issuperset, words)]
        if b"-" in lines:
            found.append(_negated(_positive([word[1:] for word in words if word[0] == "-"])))
            words = [word for word in words if word[0] != "-"]
        positive = _positive(words)
        return together([*found, positive]) if found else positive
    except (ValueError, decimals.NotANumber):
        return None


def _negated(found: Distribution) -> Distribution:
    """Return the distribution of the same numbers with the other sign."""
    least, most = (None if number is None else -number for number in (found.most, found.least))
    return Distribution(
        found.level, {-bucket: count for bucket, count in found.counts.items()}, found.minus, found.plus, least, most
    )


def _positive(words: list[str]) -> Distribution:
    """Return the distribution of numbers that are at least 0; raise ValueError for any other word."""
    floats = [*map(float, words)]
    ordered = sorted(floats)
    if not ordered:
        return of(())
    if ordered[0] == 0:
        rest = _positive([word for word, number in zip(words, floats, strict=True) if number])
        return together((rest, Distribution(buckets.FINEST, {0: floats.count(0.0)}, 0, 0, 0, 0)))
    is_short = max(map(len, words)) <= _SHORT
    least = min(_alike(words, floats, ordered[0], is_short=is_short))
    most = max(_alike(words, floats, ordered[-1], is_short=is_short))
    first, last = buckets.index(least), buckets.index(most)
    limits = _limits(first // _PER_DECADE, last // _PER_DECADE)[first % _PER_DECADE :][: last - first + 1]
    # Sorting the numbers and looking the limits up in them takes half of the time of looking each number up.
    up_to = [*map(bisect_right, repeat(ordered), limits)]
    counts = {first + place: count for place, count in enumerate(map(sub, up_to, [0, *up_to])) if count}
    doubtful = {limit for limit, count in zip(limits, up_to, strict=True) if count and ordered[count - 1] == limit}
    if is_short:  # a short number whose float is that of a power of ten is this power
        doubtful.difference_update(limits[-first % _PER_DECADE :: _PER_DECADE])
    if doubtful:
        for word, number in zip(words, floats, strict=True):
            if number in doubtful:
                _move(counts, first + bisect_left(limits, number), buckets.index(decimals.read(word)))
    return Distribution(buckets.FINEST, counts, _sum(words, floats, is_short=is_short), 0, least, most)


def _move(counts: dict[int, int], before: int, after: int) -> None:
    """Move a number from one bucket to another."""
    counts[after] = counts.get(after, 0) + 1
    counts[before] -= 1
    if not counts[before]:
        del counts[before]


def _alike(words: list[str], floats: list[float], found: float, *, is_short: bool) -> list[int]:
    """Return the numbers whose float is `found`, in units. Equal ones may be left out."""
    if is_short:
        return [decimals.read(words[floats.index(found)])]
    return [decimals.read(word) for word, number in zip(words, floats, strict=True) if number == found]


def _limits(first: int, last: int) -> list[float]:
    """Return the limits of the buckets of some decades as floats."""
    if (first, last) not in _known_limits:
        _known_limits[first, last] = [
            limit / 10 ** (3 * decimals.DIGITS + 1 - decade)
            for decade in range(first, last + 1)
            for limit in buckets.limits()
        ]
    return _known_limits[first, last]


def _sum(words: list[str], floats: list[float], *, is_short: bool) -> int:
    """Return the exact sum of numbers in units.

    If all numbers have few decimal places, the sum of their floats is closer to the exact sum than to any other number
    of that many places.
    """
    if is_short:
        from math import fsum

        total = fsum(floats)
        text = "\n".join(words)
        for places in _PLACES:
            if total < 10.0 ** (15 - places) and not re.search(rf"\.[0-9]{{{places + 1}}}", text):
                above, below = total.as_integer_ratio()
                scale: int = 10**places
                return (2 * above * scale + below) // (2 * below) * (decimals.UNIT // scale)
    from decimal import Context, Decimal, Inexact, localcontext

    with localcontext(Context(prec=4 * decimals.DIGITS, traps=[Inexact])):
        exact: Decimal = sum(map(Decimal, words), Decimal(0))
        return int(exact.scaleb(decimals.DIGITS))
