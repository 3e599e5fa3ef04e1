"""Numbers on lines: read many at a time, with exactly the result of each by itself."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import buckets, decimals
from crdtctl.crdt.distribution import Distribution, of
from crdtctl.store.number_lines import BadNumber, NumbersRead, read_lines
from tests.support.tape import Tape, from_tape

DIGITS = tuple("0123456789")


def alone(lines: Sequence[str]) -> Distribution:
    """Return the distribution of numbers, read one by one."""
    return of(map(decimals.read, lines))


def together(*pieces: Sequence[str]) -> Distribution:
    """Return the distribution of the numbers in pieces, read together."""
    found = read_lines("\n".join(lines).encode() for lines in pieces)
    assert (found.bad, found.left_out) == (None, 0)
    return found.distribution


def limit_from(tape: Tape) -> int:
    """Return the limit of a bucket in units, of numbers from 1e-6 to 1e9."""
    return buckets.limit((25 + tape.below(15)) * buckets.PER_DECADE + tape.below(928), "f")


def number_from(tape: Tape) -> str:
    """Return a number as programs print it, often one whose float is beside the limit of a bucket or equal to it."""
    match tape.below(9):
        case 0:
            return str(tape.below(300) - 100)
        case 1:
            return f"1{'0' * tape.below(12)}"
        case 2:
            return decimals.text(limit_from(tape) + tape.below(3) - 1)
        case 3:
            return repr(limit_from(tape) / decimals.UNIT)
        case 4:
            return f"{limit_from(tape) / decimals.UNIT:.{tape.below(12)}f}"
        case 5:
            return f"1.{'0' * tape.below(25)}1"
        case 6:
            return f"-0.{''.join(tape.choose(DIGITS) for _ in range(1 + tape.below(9)))}"
        case 7:
            return tape.choose(("0", "0.0", "-0", "1e-7", "+3", "2.", ".5", "1E3", "0.30000000000000004"))
        case _:
            return f"{tape.below(1000)}.{tape.below(1000):03}"


def numbers_from(tape: Tape) -> list[str]:
    """Return numbers. Sometimes all of them are short, or all are positive."""
    found = [number_from(tape) for _ in range(tape.below(40))]
    if tape.below(2):
        found = [one for one in found if len(one) <= 16]
    return found if tape.below(2) else [one for one in found if one[:1].isdigit() and "e" not in one]


@given(numbers=from_tape(numbers_from, 200))
def test_numbers_that_are_read_together_are_those_read_alone(numbers: list[str]) -> None:
    assert together(numbers) == alone(numbers)


@given(pieces=st.lists(from_tape(numbers_from, 60), max_size=4))
def test_pieces_are_read_like_one(pieces: list[list[str]]) -> None:
    assert together(*pieces) == alone([number for piece in pieces for number in piece])


@pytest.mark.parametrize("form", ["{:.6f}", "{:.2f}", "{!r}", "{:.12f}", "{:.0f}", "{:e}"])
def test_many_numbers_of_one_form_are_those_read_alone(form: str) -> None:
    source = random.Random(form)
    numbers = [form.format(source.lognormvariate(0, 3)) for _ in range(3000)]
    assert together(numbers) == alone(numbers)
    assert together([f"-{number}" for number in numbers]) == alone([f"-{number}" for number in numbers])


@pytest.mark.parametrize("many", ["999999999999.123", "0.000000000000001", "123456.123456789"])
def test_a_sum_is_exact_where_that_of_floats_is_not(many: str) -> None:
    assert together([many] * 20_000) == alone([many] * 20_000)


def test_floats_of_limits_are_those_of_exact_limits() -> None:
    # The whole part of a limit stands for the limit, which is larger: both have the same float.
    for place, limit in enumerate(buckets.limits()):
        for decade in range(62):
            assert limit / 10 ** (91 - decade) == (limit + (place > 0)) / 10 ** (91 - decade)


def test_numbers_beside_limits_are_on_the_exact_side() -> None:
    for bucket in range(31 * buckets.PER_DECADE, 32 * buckets.PER_DECADE, 7):
        limit = buckets.limit(bucket, "f")
        numbers = [decimals.text(limit + change) for change in (-(10**12), -1, 0, 1, 10**12)]
        assert set(together(numbers).counts.items()) == {(bucket, 3), (bucket + 1, 2)}


BAD = [
    ("ada", "it is not a number; write it in digits, for example 0.35 or 1e-3"),
    ("--1", "it is not a number; write it in digits, for example 0.35 or 1e-3"),
    ("1-2", "it is not a number; write it in digits, for example 0.35 or 1e-3"),
    ("-", "it is not a number; write it in digits, for example 0.35 or 1e-3"),
    ("1 2", "it is not a number; write 12"),
    ("1e", "it is not a number; write it without a unit: 1"),
    ("1e40", "it has more than 30 digits before the decimal point; take a larger unit"),
    ("1" * 31, "it has more than 30 digits before the decimal point; take a larger unit"),
    ("infinity", "it is not a number; only finite numbers can be counted"),
    ("1" * 101, "a number has at most 30 digits before the point and 30 after it"),
]


@pytest.mark.parametrize(("line", "why"), BAD)
def test_a_wrong_line_ends_the_reading_or_is_left_out(line: str, why: str) -> None:
    pieces = [b"1\n2", f"3\n\n{line}\n4\n{line}".encode(), b"5"]
    found, bad = read_lines(pieces), BadNumber(5, f"'{line[:40]}': {why}")
    assert (found.bad, found.left_out) == (bad, 2)
    assert read_lines(pieces, skip=True) == NumbersRead(alone(["1", "2", "3", "4", "5"]), bad, 2)


def test_a_number_with_too_many_digits_is_found_among_others() -> None:
    assert read_lines([b"1\n1.5" + b"0" * 30 + b"1\n2"]).bad == BadNumber(
        2, f"'1.5{'0' * 30}1': it has more than 30 digits after the decimal point; round it"
    )


def test_bytes_that_are_no_text_are_a_wrong_line() -> None:
    assert read_lines([b"1\n\xff\n2"], skip=True) == NumbersRead(alone(["1", "2"]), BadNumber(2, "it is not UTF-8"), 1)


def test_line_ends_and_white_space_of_other_systems_are_ignored() -> None:
    assert read_lines([b"1\r\n\r\n2\r\n", b" 3 \n\t4\n\n5"]).distribution == alone(["1", "2", "3", "4", "5"])
    assert read_lines([]) == NumbersRead(of(()))
