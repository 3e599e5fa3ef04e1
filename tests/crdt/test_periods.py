"""Periods of one replica: their text, their arithmetic, and what is folded."""

import datetime as dt
import random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl.codec.lines import encode_line
from crdtctl.crdt import periods
from crdtctl.crdt.base import Entry
from crdtctl.crdt.periods import (
    END,
    QUARTER,
    Period,
    added,
    are_sound,
    counted,
    end_of,
    folded,
    kept,
    newest,
    of_all,
    period_at,
    read,
    start_of,
)
from tests.support.tape import from_tape
from tests.support.times import QUARTERS, periods_from

EPOCH = dt.date(1970, 1, 1)
LAST_DAY = END // 96 - 1
DAYS = st.integers(0, LAST_DAY) | st.sampled_from([0, 58, 59, 60, 789, 790, 10_957, 11_016, 47_540, LAST_DAY])
TEXTS = from_tape(lambda tape: periods_from(tape, 2), 64)

REFUSED = {
    "m360000:1": "before 1970 or after 2199",
    "d2932896:1": "before 1970 or after 2199",  # the last day of the year 9999
    f"q{END}:1": "before 1970 or after 2199",
    f"q{10**99}:1": "before 1970 or after 2199",
    "d-1:1": "before 1970 or after 2199",
    "d1:1 h24:1": "overlap",
    "h24:1 d1:1": "overlap",
    "m0:1 d30:1": "overlap",
    "m0:1 q0:1": "overlap",
    "d2:1 d1:1": "not canonical",
    "d1:1 d2:1": "not canonical",
    "d01:1": "not canonical",
    "d1:01": "not canonical",
    "d1:0": "not canonical",
    "d1:": "not canonical",
    "d1:,1": "not canonical",
    "d1:1,": "not canonical",
    "d1:1-": "not canonical",
    "d1:1-0": "not canonical",
    "d1:1,,,,,,,,,1": "too many, or too far apart",
    "d1:1 d5:1": "not canonical",
    "d1:1  d50:1": "malformed",
    " d1:1": "malformed",
    "d1": "not canonical",
    "1:1": "malformed",
    "w1:1": "malformed",
    "D1:1": "malformed",
    "d:1": "malformed",
    "d1:+1": "malformed",
    "d1:1_0": "malformed",
    "d١:1": "malformed",
    "d1:--1": "too many totals",
    f"d1:{10**100}": "malformed",
    "d" + "9" * 101 + ":1": "malformed",
    "d0:" + ",".join("1" * 9)[:-1] + "," * 400_000: "too many, or too far apart",
}


@pytest.mark.parametrize("text", REFUSED)
def test_text_of_periods_that_is_not_the_only_one_is_refused(text: str) -> None:
    assert REFUSED[text] in (periods.fault(text, 2) or "")


def test_text_of_many_periods_is_refused_by_its_size_alone() -> None:
    assert periods.fault("d0:" + "1," * 400_000 + "1", 1) == "periods are too many, or too far apart for one run"
    assert periods.fault("d1:1 " * 400_000, 1) == "periods are too many, or too far apart for one run"
    assert periods.fault("1" * (2**24 + 1), 1) == "periods are too many, or too far apart for one run"


@given(TEXTS)
def test_text_of_periods_is_read_as_what_was_written(text: str) -> None:
    assert periods.fault(text, 2) is None
    assert periods.text(read(text, 2)) == text


@given(TEXTS, st.sampled_from(QUARTERS) | st.integers(0, END - 1))
def test_newest_periods_are_those_that_end_later(text: str, quarter: int) -> None:
    later = {period: totals for period, totals in read(text, 2).items() if end_of(period) > quarter}
    assert dict(newest(text, 2, of_all(quarter))) == later


def test_newest_periods_of_a_long_run_are_its_last_ones() -> None:
    assert newest("h1:1,,2", 1, of_all(0)) == [((2, 3), (2,)), ((2, 1), (1,))]
    run = "h100:" + ",".join(str(number) for number in range(1, 500))
    assert newest(f"d1:1 {run}", 1, of_all(4 * 597)) == [((2, 598), (499,)), ((2, 597), (498,))]


EDITED = st.builds(
    lambda text, at, more, cut: text[:at] + more + text[at + cut :],
    TEXTS,
    st.integers(0, 40),
    st.sampled_from([*"mdhq019:,- ", "", " m1:1", ",,,,,,,,"]),
    st.integers(0, 2),
)


@given(TEXTS | EDITED, TEXTS)
def test_texts_that_are_sound_together_are_those_that_are_the_only_one(text: str, other: str) -> None:
    if not text:
        return
    try:
        is_canonical = periods.text(read(text, 2)) == text
    except ValueError:
        is_canonical = False
    together = [text, other] if other else [text]
    is_sound = are_sound(together, 2)
    event("sound" if is_sound else "not sound")
    assert is_sound == (periods.fault(text, 2) is None)
    assert is_canonical or not is_sound


@given(TEXTS)
def test_texts_of_periods_are_sound(text: str) -> None:
    assert not text or are_sound([text], 2)


def test_long_texts_of_periods_are_sound_or_refused() -> None:
    days = "d1:" + ",".join(map(str, range(100, 20_100)))
    assert len(days) > 2**16
    assert periods.fault(days, 1) is None
    assert periods.text(read(days, 1)) == days
    for wrong in (days + ",", days + ",0", days.replace("d1", "d01"), f"{days} h1:1", days + "-1", days + ",x"):
        assert periods.fault(wrong, 1) == "periods are malformed, not canonical, or overlap"
    assert "too many" in (periods.fault("q0:" + "1," * 400_000 + "1", 1) or "")


@pytest.mark.parametrize("text", [text for text in REFUSED if text.isascii()])
def test_refused_texts_are_not_sound(text: str) -> None:
    assert not are_sound(["d1:1", text], 2)


def test_runs_are_as_far_apart_as_they_have_to_be() -> None:
    assert are_sound(["d1:1 d10:1"], 2)
    assert not are_sound(["d1:1 d9:1"], 2)
    assert not are_sound(["m1:1 m9:1"], 2)


def test_one_total_has_no_second_one() -> None:
    assert are_sound(["d1:1"], 1)
    assert not are_sound(["d1:1-2"], 1)


@given(DAYS)
def test_month_of_a_day_is_that_of_the_calendar(day: int) -> None:
    date = EPOCH + dt.timedelta(days=day)
    month = (date.year - 1970) * 12 + date.month - 1
    assert periods.month_of(day) == month
    assert periods.first_day(month) == (date.replace(day=1) - EPOCH).days


@given(st.integers(0, END - 1), st.integers(0, 3))
def test_a_period_contains_its_quarters(quarter: int, granularity: int) -> None:
    period = period_at(granularity, quarter)
    assert start_of(period) <= quarter < end_of(period)
    assert period_at(granularity, start_of(period)) == period
    assert period_at(granularity, end_of(period)) == (granularity, period[1] + 1)


def test_a_time_without_a_period_is_counted_in_none() -> None:
    assert counted({}, 3, -1, (1,)) == {}
    assert counted({}, 3, END * QUARTER, (1,)) == {}
    assert counted({}, 3, END * QUARTER - 1, (1,)) == {(3, END - 1): (1,)}


def test_a_longer_period_that_is_there_takes_in_a_count() -> None:
    assert counted({(1, 0): (5,)}, 3, 3600, (2,)) == {(1, 0): (7,)}
    assert added({(3, 4): (2,), (3, 96): (1,)}, {(1, 0): (5,)}) == {(1, 0): (7,), (3, 96): (1,)}


@pytest.mark.parametrize(
    ("every", "keep", "expected"),
    [(1, 0, 400), (2, 0, 336), (3, 0, 192), (1, 97, 2), (3, 192, 192), (3, 2**60, 10_000)],
)
def test_periods_are_kept_as_long_as_the_settings_say(every: int, keep: int, expected: int) -> None:
    assert kept(every, keep) == expected


def sums(found: dict[Period, tuple[int, ...]]) -> int:
    return sum(sum(totals) for totals in found.values())


MOMENTS = st.lists(st.integers(0, 400 * 96).map(lambda quarter: 1_963_776 + quarter), max_size=60)


@given(MOMENTS, st.integers(1, 5), st.integers(1, 3))
def test_folding_keeps_every_count_and_the_newest_periods(quarters: list[int], limit: int, every: int) -> None:
    """Of each length about as many are left as the limit; older ones are longer; months beyond it are dropped."""
    found: dict[Period, tuple[int, ...]] = {}
    dropped = 0
    for quarter in quarters:
        before = counted(found, every, quarter * QUARTER, (1,))
        found = folded(before, limit)
        dropped += sums(before) - sums(found)
        assert periods.fault(periods.text(found), 1) is None
        assert folded(found, limit) == found
    assert sums(found) + dropped == len(quarters)
    numbers = {rank: [number for one, number in found if one == rank] for rank in range(4)}
    assert len(numbers[0]) <= limit
    assert all(len(numbers[rank]) < limit + (31, 24, 4)[rank - 1] for rank in (1, 2, 3))
    if not dropped:
        assert all(any(start_of(one) <= quarter < end_of(one) for one in found) for quarter in quarters)


def test_months_beyond_the_limit_are_dropped() -> None:
    found: dict[Period, tuple[int, ...]] = {}
    for month in range(8):
        found = folded(counted(found, 1, periods.first_day(600 + month) * 86_400, (1,)), 2)
    assert sorted(found) == [(0, 604), (0, 605), (1, periods.first_day(606)), (1, periods.first_day(607))]


def test_a_longer_period_takes_in_all_shorter_ones_in_it() -> None:
    hours = {(2, 24 * day): (1,) for day in (100, 101, 102)}
    found = folded({**hours, (3, 96 * 100 + 20): (5,)}, 2)
    assert found == {(1, 100): (6,), (2, 24 * 101): (1,), (2, 24 * 102): (1,)}


def test_a_clock_a_year_ahead_makes_days_of_as_many_hours_as_it_counted() -> None:
    start = 20_455 * 96 * QUARTER
    found: dict[Period, tuple[int, ...]] = {}
    for hour in [*range(48), *range(365 * 24, 365 * 24 + 30), 48, 49]:
        found = folded(counted(found, 2, start + 3600 * hour, (1,)), 48)
    days = {period for period in found if period[0] == 1}
    assert days == {(1, 20_455)}  # 30 hours of the next year displace a whole day
    assert found[1, 20_455] == (24,)
    assert sums(found) == 80


#: Row of the table in the help → every, keep, distance of the counts in seconds, their number, largest size in bytes.
SIZES = {
    "day, a year": (1, 0, 86_400, 365, 1_200),
    "day, ten years": (1, 0, 86_400, 3_650, 1_900),
    "hour, a year": (2, 0, 3_600, 8_760, 2_900),
    "hour for 400 days": (2, 38_400, 3_600, 9_600, 28_000),
    "15m, two days": (3, 0, 900, 192, 700),
    "15m, a year": (3, 0, 900, 35_040, 2_600),
}


@pytest.mark.parametrize("row", SIZES)
def test_an_entry_is_as_small_as_the_help_says(row: str) -> None:
    """The table in `crdtctl help time` has these figures; a year of daily periods of large amounts is below 6 KB."""
    every, keep, distance, number, most = SIZES[row]
    assert size(every, keep, distance, number, 100) <= most
    if row == "day, a year":
        assert size(every, keep, distance, number, 10**12) < 6_000


def size(every: int, keep: int, distance: int, number: int, below: int) -> int:
    """Return the size of a line with one entry that counted a number of amounts."""
    chance, found, total = random.Random(1), dict[Period, tuple[int, ...]](), 0
    for at in range(number):
        amount = chance.randrange(below)
        total += amount
        if amount:
            found = counted(found, every, 1_767_225_600 + at * distance, (amount,))
        if at % 200 == 0 or at == number - 1:  # less often than a replica folds, which makes the same periods
            found = folded(found, kept(every, keep))
    row: Entry = (9, total, {}, {}, {}, {}, 0, {}, every, keep, periods.text(found))
    return len(encode_line("builds", {"gcounter": {"laptop-019ab3d81c000123456789abcdef0123": row}}))
