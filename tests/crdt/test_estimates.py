"""The estimate keeps what theory promises, from nothing to ten million elements and beyond.

The registers of a large set are drawn from their distribution: of a set of n elements, each register meets a number
of them that is nearly Poisson with mean n/m, so that its rank is at most k with probability e^(−n/m·2^−k). (Nearly:
the size of the set then varies by √n, which is 0.1 % at a million.) Every seed is fixed: these tests cannot flicker.
"""

from math import ceil, log, log2, sqrt
from random import Random
from statistics import fmean

import pytest

from crdtctl.crdt import hyperloglog

#: From here on registers are drawn instead of elements.
LARGE = 20_000


def registers(random: Random, precision: int, size: int) -> bytes:
    """Return the registers of a random set."""
    slots, most = 1 << precision, 65 - precision
    if size >= LARGE:
        mean = size / slots
        return bytes(min(most, max(0, ceil(log2(mean / -log(1 - random.random()) + 1e-300)))) for _ in range(slots))
    found = bytearray(slots)
    for _ in range(size):
        number = random.getrandbits(64)
        index, rest = number >> (64 - precision), number & ((1 << (64 - precision)) - 1)
        found[index] = max(found[index], 65 - precision - rest.bit_length())
    return bytes(found)


def errors(precision: int, size: int, sets: int, seed: int = 20_170_226) -> list[float]:
    """Return the relative errors of the estimates of so many random sets."""
    random = Random(f"{seed} {precision} {size}")
    return [hyperloglog.estimate(hyperloglog.text(registers(random, precision, size))) / size - 1 for _ in range(sets)]


SIZES = [1, 2, 5, 10, 100, 1_000, 3_000, 10_000, 30_000, 100_000, 1_000_000, 10_000_000]
#: So many that some registers meet the largest rank there is.
HUGE = [2**60, 2**62]


@pytest.mark.parametrize("size", SIZES + HUGE)
@pytest.mark.parametrize("precision", [8, 12])
def test_the_error_is_within_theory_for_sets_of_every_size(precision: int, size: int) -> None:
    sets = max(20, min(200, 400_000 // size)) if size < LARGE else 60
    found = errors(precision, size, sets)
    limit = hyperloglog.standard_error(precision)
    # Of so many sets, the mean varies by limit/√sets and the root mean square by limit/√(2·sets): four times that.
    assert abs(fmean(found)) <= limit * 4 / sqrt(sets)
    assert sqrt(fmean(error * error for error in found)) <= limit * (1 + 4 / sqrt(2 * sets))


def test_nothing_is_estimated_as_nothing_and_few_exactly() -> None:
    assert hyperloglog.estimate("blake2b 12 ") == 0
    for size in range(1, 60):
        found = hyperloglog.estimate(hyperloglog.sketch(12, [b"element %d" % number for number in range(size)]))
        assert abs(found - size) <= 1


def test_the_hash_spreads_elements_that_are_alike() -> None:
    limit = hyperloglog.standard_error(12)
    for form in (b"%d", b"user-%08d", b"10.0.%d", b"%dx" + b"y" * 200, b"/p?a=%d&b=1"):
        found = hyperloglog.estimate(hyperloglog.sketch(12, [form % number for number in range(30_000)]))
        assert abs(found / 30_000 - 1) < 4 * limit


@pytest.mark.parametrize("precision", [4, 12, 16])
def test_no_sketch_is_estimated_above_what_can_be_told_apart(precision: int) -> None:
    size, most = 1 << precision, 65 - precision
    assert hyperloglog.estimate(hyperloglog.text(bytes([most]) * size)) == 2**64
    assert 2**60 < hyperloglog.estimate(hyperloglog.text(bytes([most - 1]) * size)) < 2**64
    assert hyperloglog.estimate(hyperloglog.text(bytes([most - 1]) * (size - 1) + bytes([most]))) < 2**64


def table() -> None:
    """Print bias and root mean square of the error for sets of every size, in per cent."""
    print("| elements | sets | bias % | RMSE % | 1.04/√m % |\n|---|---|---|---|---|")
    for size in SIZES:
        sets = max(200, min(2000, 2_000_000 // size))
        found = errors(12, size, sets)
        squares = sqrt(fmean(error * error for error in found))
        print(f"| {size:,} | {sets} | {100 * fmean(found):+.3f} | {100 * squares:.3f} | 1.625 |", flush=True)


if __name__ == "__main__":
    table()
