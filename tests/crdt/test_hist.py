"""Distributions: exact limits of buckets, quantiles within their error, and sums without an error."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl.crdt import buckets, decimals, distribution
from crdtctl.crdt.base import Entry, Malformed, Operation, OperationContext, Refused
from crdtctl.crdt.distribution import Bucket, Distribution
from crdtctl.crdt.hist import Hist
from tests.support import oracle
from tests.support.histories import History, histories

HIST = Hist()
LARGEST = 10**60 - 1
LEVELS = st.sampled_from(buckets.LEVELS)
UNITS = st.integers(1, LARGEST) | st.integers(0, 59).flatmap(lambda e: st.integers(10**e, 10 ** (e + 1) - 1))
SIGNED = UNITS | UNITS.map(lambda one: -one) | st.just(0)
#: Numbers that people have: within a few decades, some of them many times.
USUAL = st.lists(
    st.integers(-(10**6), 10**6).map(lambda one: one * 10**27) | st.integers(1, 10**9).map(lambda one: one * 10**24),
    min_size=1,
    max_size=60,
)


def add(mine: Entry | None, seq: int, *numbers: str, once: str | None = None, level: str = "") -> Entry:
    """Return an entry of ann after she has added numbers."""
    if level:
        mine = HIST.apply(mine, Operation("create", level=level), OperationContext("ann", seq)) or mine
    row = HIST.apply(mine, Operation("add", elements=numbers, once=once), OperationContext("ann", seq)) or mine
    assert row is not None
    return row


def at(level: str, numbers: Sequence[int]) -> Distribution:
    return distribution.of(numbers).at(level)


# Buckets: compared with whole powers, which are exact ------------------------------------------------------


def is_in(number: int, bucket: int, level: str) -> bool:
    """Return whether a number is in a bucket: 10^((i−1)/K − 1) < x ≤ 10^(i/K − 1), both sides to the power K."""
    if bucket <= 0 or number <= 0:
        return bucket == 0 == number or (bucket < 0 and is_in(-number, -bucket, level))
    per_decade = buckets.per_decade(level)
    power: int = (10 * number) ** per_decade
    low: int = 10 ** (bucket - 1)
    return low < power <= 10 * low


@given(number=UNITS, level=st.sampled_from("abc"))
@example(number=1, level="c")
@example(number=LARGEST, level="c")
def test_a_number_is_in_its_bucket(number: int, level: str) -> None:
    for one in (number, -number):
        bucket = buckets.coarser(buckets.index(one), "f", level)
        assert is_in(one, bucket, level)
        assert buckets.key_fault(buckets.key(bucket, level)) is None


@given(place=st.integers(29, 61 * 29 - 1), decade=st.integers(0, 3), level=st.sampled_from("abc"))
def test_the_numbers_beside_a_limit_are_on_their_sides(place: int, decade: int, level: str) -> None:
    bucket = min(place << buckets.LEVELS.index(level) | decade, 61 * buckets.per_decade(level) - 1)
    limit = buckets.limit(bucket, level)
    assert is_in(limit, buckets.coarser(buckets.index(limit), "f", level), level)
    assert buckets.coarser(buckets.index(limit), "f", level) <= bucket
    assert buckets.coarser(buckets.index(limit + 1), "f", level) > bucket


@pytest.mark.parametrize("place", [0, 1, 2, 3, 463, 464, 465, 926, 927])
def test_a_limit_of_the_finest_level_is_exact(place: int) -> None:
    limit, each = buckets.limits()[place], buckets.PER_DECADE
    assert limit**each <= 10 ** (place + 60 * each) < (limit + 1) ** each


def test_all_limits_of_the_usual_level_are_exact() -> None:
    each = buckets.per_decade("c")
    for place, limit in enumerate(buckets.limits()[:: buckets.PER_DECADE // each]):
        assert limit**each <= 10 ** (place + 60 * each) < (limit + 1) ** each


@pytest.mark.parametrize("level", buckets.LEVELS)
def test_powers_of_ten_are_limits(level: str) -> None:
    for power in range(60):
        bucket = buckets.coarser(buckets.index(10**power), "f", level)
        assert bucket == (power + 1) * buckets.per_decade(level)
        assert buckets.limit(bucket, level) == 10**power
    assert buckets.coarser(0, "f", level) == 0


@given(number=SIGNED, level=LEVELS)
def test_a_bucket_is_named_in_files(number: int, level: str) -> None:
    bucket = buckets.coarser(buckets.index(number), "f", level)
    assert buckets.parsed(buckets.key(bucket, level)) == (level, bucket)


def test_a_level_and_a_bucket_of_another_form_have_a_fault() -> None:
    assert [key for key in ("", "c", "c01", "c-0", "c115", "c7077", "c-115", "g200", "C200", "c1 ", "c1e3")
            if buckets.key_fault(key) is None] == []  # fmt: skip
    assert [level for level in ("", "g", "ab", "A") if buckets.level_fault(level) is None] == []
    assert buckets.key_fault("c116") is buckets.key_fault("c-7076") is buckets.key_fault("f56608") is None


# Numbers -------------------------------------------------------------------------------------------------


@given(number=SIGNED)
def test_a_number_is_read_as_it_is_written(number: int) -> None:
    text = decimals.text(number)
    assert decimals.read(text) == decimals.units(text) == number
    assert decimals.fault(text, 30) is None
    assert Fraction(text) == Fraction(number, 10**30)


@pytest.mark.parametrize(
    ("typed", "shortest"),
    [
        ("0.350", "0.35"),
        ("+.5", "0.5"),
        ("5.", "5"),
        ("-0", "0"),
        ("-0.0e5", "0"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("12.5e-1", "1.25"),
        (" 7\r\n", "7"),
        ("00012", "12"),
        ("1e29", "1" + "0" * 29),
        ("1e-30", "0." + "0" * 29 + "1"),
        ("0.0000e-9999", "0"),
        ("10" * 15 + "e-30", "0." + "10" * 14 + "1"),
        ("0.5" + "0" * 60, "0.5"),
    ],
)
def test_a_number_may_be_written_in_several_ways(typed: str, shortest: str) -> None:
    assert decimals.text(decimals.read(typed)) == shortest


NO_NUMBERS = {
    "": "is a variable unset",
    "  ": "is a variable unset",
    "nan": "only finite numbers",
    "-Infinity": "only finite numbers",
    "0,35": "write 0.35",
    "1_000": "write 1000",
    "1 000": "write 1000",
    "5ms": "without a unit: 5",
    "-2.5 %": "without a unit: -2.5",
    "abc": "in digits",
    "1.2.3": "in digits",
    "--1": "in digits",
    "1e": "without a unit: 1",
    "e5": "in digits",
    "1e5.0": "in digits",
    ".": "in digits",
    "-": "in digits",
    "\u0661": "in digits",
    "0x10": "in digits",
    "1e30": "take a larger unit",
    "1" * 31: "take a larger unit",
    "1e9999": "take a larger unit",
    "1e-31": "round it",
    "0." + "0" * 30 + "1": "round it",
    "1" * 101: "at most 30 digits",
}


@pytest.mark.parametrize(("typed", "advice"), NO_NUMBERS.items())
def test_what_is_no_number_is_refused_with_advice(typed: str, advice: str) -> None:
    with pytest.raises(decimals.NotANumber) as caught:
        decimals.read(typed)
    assert advice in f"{caught.value} {caught.value.hint}"


@given(above=st.integers(-(10**40), 10**40), below=st.integers(1, 10**12), places=st.integers(1, 9))
def test_a_rounded_quotient_is_the_nearest_one(above: int, below: int, places: int) -> None:
    found, exact = decimals.rounded(above, below, places), Fraction(above, below)
    unit = 10 ** max(0, len(str(abs(above) // below)) - places)
    assert abs(found - exact) * 2 <= unit
    assert found % unit == 0


# Distributions -------------------------------------------------------------------------------------------


def ranked(numbers: Sequence[int], q: Fraction) -> int:
    """Return the quantile of numbers by sorting them."""
    return sorted(numbers)[max(1, ceil(q * len(numbers))) - 1]


@given(numbers=USUAL, q=st.fractions(0, 1, max_denominator=1000), level=LEVELS)
def test_a_quantile_is_within_its_error(numbers: list[int], q: Fraction, level: str) -> None:
    found = at(level, numbers)
    asked = int(q * 10**30)
    text = found.quantile(asked)
    assert text is not None
    exact = ranked(numbers, Fraction(asked, 10**30))
    assert abs(decimals.units(text) - exact) <= Fraction(found.error) * abs(exact)


@given(number=st.integers(10**6, LARGEST), level=LEVELS)
def test_every_number_from_1e_24_is_within_the_error_of_its_bucket(number: int, level: str) -> None:
    least = at(level, [1, number, LARGEST]).quantile(5 * 10**29)
    assert least is not None
    assert abs(decimals.units(least) - number) <= Fraction(buckets.ERRORS[level]) * number


@given(numbers=USUAL, level=LEVELS)
def test_the_extremes_and_the_sum_are_exact(numbers: list[int], level: str) -> None:
    found = at(level, numbers)
    assert found.count == len(numbers)
    assert Fraction(found.total) == Fraction(sum(numbers), 10**30)
    assert found.quantile(0) == found.smallest == decimals.text(min(numbers))
    assert found.quantile(10**30) == found.largest == decimals.text(max(numbers))
    assert found.mean is not None
    mean = Fraction(sum(numbers), len(numbers) * 10**30)
    assert abs(Fraction(found.mean) - mean) <= abs(mean) / 10**5 + Fraction(1, 10**30)


@given(parts=st.lists(USUAL, max_size=4), levels=st.lists(LEVELS, min_size=4, max_size=4))
def test_a_merged_distribution_is_that_of_all_numbers(parts: list[list[int]], levels: list[str]) -> None:
    each = [at(level, part) for level, part in zip(levels, parts, strict=False)]
    everything = [number for part in parts for number in part]
    level = min(levels[: len(parts)], default="c")
    assert distribution.together(each) == (at(level, everything) if parts else Distribution("c", {}))


@given(numbers=USUAL, level=LEVELS)
def test_buckets_are_cumulative_and_their_limits_bound_the_numbers(numbers: list[int], level: str) -> None:
    found = at(level, numbers)
    below = 0
    for bucket in found.buckets():
        below += bucket.size
        assert bucket.cumulative == below
        upper = Fraction(bucket.upper)
        near = abs(upper) / 10**14
        assert sum(Fraction(one, 10**30) <= upper + near for one in numbers) >= below
        assert sum(Fraction(one, 10**30) < upper - near for one in numbers) <= below
    assert below == len(numbers)


def test_nothing_has_no_figures() -> None:
    nothing = HIST.distribution({})
    assert nothing == Distribution("c", {})
    assert (nothing.count, nothing.total, nothing.mean, nothing.quantile(0), nothing.buckets()) == (
        0,
        "0",
        None,
        None,
        [],
    )
    assert (nothing.smallest, nothing.largest) == (None, None)


def test_zero_and_negative_numbers_have_buckets() -> None:
    found = distribution.of(map(decimals.read, ["0", "-1", "-1", "0", "1"])).at("c")
    assert found.buckets() == [Bucket("-0.980345840118472", 2, 2), Bucket("0", 2, 4), Bucket("1", 1, 5)]
    adjacent = distribution.of(map(decimals.read, ["1", "1.001"]))
    assert len([*adjacent.steps()]) == 1 + len(adjacent.counts)
    steps = [*found.steps()]
    assert [cumulative for _, cumulative in steps] == [0, 2, 2, 4, 4, 5]
    assert [steps[number][0] for number in (1, 3, 5)] == [one.upper for one in found.buckets()]
    assert [float(upper) for upper, _ in steps] == sorted(float(upper) for upper, _ in steps)
    assert [found.quantile(q * 10**28) for q in (0, 20, 40, 60, 80, 99)] == ["-1", "-1", "-0.990075", "0", "0", "1"]


# Entries -------------------------------------------------------------------------------------------------


@given(history=histories(HIST))
def test_a_distribution_is_that_of_the_numbers_seen(history: History) -> None:
    for moment in history.moments:
        seen = history.seen(moment)
        numbers = [*oracle.numbers(seen)]
        for sent in oracle.numbers_under_keys(seen).values():
            numbers += max(sent.values(), key=lambda some: (len([*some]), sum(map(Fraction, some))))
        found = HIST.distribution(moment.state)
        assert found == at("c", [*map(decimals.read, numbers)])


@given(
    numbers=st.lists(st.sampled_from(["1", "2", "-3", "0"]), max_size=9), cut=st.integers(0, 9), one=LEVELS, two=LEVELS
)
def test_replicas_with_other_levels_read_the_coarsest(numbers: list[str], cut: int, one: str, two: str) -> None:
    state = {"ann": add(None, 1, *numbers[:cut], level=one), "bob": add(None, 1, *numbers[cut:], level=two)}
    expected = at(min(one, two), [*map(decimals.read, numbers)])
    assert HIST.distribution(state) == expected
    taken = HIST.absorb(state["ann"], "bob", OperationContext("ann", 2, lambda: state))
    assert HIST.distribution({"ann": taken}) == expected
    more = add(taken, 3, "7")
    assert HIST.distribution({"ann": more}) == at(min(one, two), [*map(decimals.read, [*numbers, "7"])])


def test_a_new_entry_takes_the_level_of_the_others() -> None:
    others = {"bob": add(None, 1, level="e"), "čen": add(None, 1, level="b")}
    row = HIST.apply(None, Operation("add", elements=("1",)), OperationContext("ann", 1, lambda: others))
    assert row is not None
    assert row[1] == ("b",)


def test_a_distribution_of_many_numbers_is_added_as_one() -> None:
    whole = distribution.of(map(decimals.read, ["1", "2", "2"]))
    row = HIST.apply(None, Operation("add", numbers=(whole,)), OperationContext("ann", 1))
    assert row == add(None, 1, "1", "2", "2")
    again = Operation("add", numbers=(whole,), once="job")
    keyed = HIST.apply(None, again, OperationContext("ann", 1))
    assert keyed is not None
    assert HIST.is_repetition({"ann": keyed}, again)
    assert HIST.is_repetition({"ann": keyed}, Operation("add", elements=("2", "1", "2"), once="job"))
    assert not HIST.is_repetition({"ann": keyed}, Operation("add", elements=("2", "1", "1"), once="job"))
    assert not HIST.is_repetition({"ann": keyed}, Operation("add", elements=("2", "3"), once="job"))


def test_numbers_under_a_key_that_count_stay_when_a_replica_is_absorbed() -> None:
    one, two = add(None, 1, "1", "2", once="job"), add(None, 1, "7", once="job")
    for mine, theirs in ((one, two), (two, one)):
        taken = HIST.absorb(mine, "bob", OperationContext("ann", 2, lambda theirs=theirs: {"bob": theirs}))  # type: ignore[misc]
        assert HIST.distribution({"ann": taken}).total == "3"


def test_branches_of_a_fork_count_their_common_beginning_once() -> None:
    common = add(None, 1, "1", "2")
    one, two = add(common, 2, "5"), add(common, 2, "7", "7")
    state = {"ann~1.aaaa": one, "ann~1.bbbb": two}
    assert HIST.value(state) == 5
    assert Counter(HIST.distribution(state).counts) == Counter(at("c", [*map(decimals.read, "12577")]).counts)


def test_a_total_that_would_be_too_large_is_refused() -> None:
    for counts, plus in (({"c3596": 10**100 - 1}, "1"), ({"c3596": 1}, "9" * 100)):
        full = (1, ("c",), counts, plus, "", "1", "1")
        with pytest.raises(Refused, match="100 digits"):
            HIST.apply(full, Operation("add", elements=("1",)), OperationContext("ann", 2))


def test_a_wrong_number_is_malformed_and_its_advice_is_kept() -> None:
    with pytest.raises(Malformed, match="'0,35': it is not a number") as caught:
        HIST.apply(None, Operation("add", elements=("1", "0,35")), OperationContext("ann", 1))
    assert caught.value.hint == "write 0.35"


def test_the_accuracy_is_that_of_the_coarsest_level() -> None:
    state = {"ann": add(None, 1, level="f"), "bob": add(None, 1, "5", level="a")}
    assert HIST.precision_info(state) == {"relative_error": 0.04}
    assert HIST.precision_info({"ann": state["ann"]}) == {"relative_error": 0.00125}
