"""Readings of a past time: the period is part of the source, and `show --per` counts them there."""

import pytest

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext, Refused
from crdtctl.crdt.dated_readings import by_period, dated_fault, period_of, placed
from crdtctl.crdt.periods import END, RANKS
from crdtctl.crdt.reading_parts import source_fault, stored_source_fault

KIND = TYPES["pncounter"]
DAY, HOUR = 86_400, 3_600
OF_DAY_1 = {(96, 192): 7}


def observe(
    mine: Entry | None, seq: int, *readings: tuple[str, int, int | None], others: Entries | None = None
) -> Entry:
    """Return the entry of ann after readings of sources, each with a time; no entry if they change nothing."""
    pairs, moments = tuple(one[:2] for one in readings), tuple(one[2] for one in readings)
    operation = Operation("observe", 0, readings=pairs, moments=moments)
    return KIND.apply(mine, operation, OperationContext("ann", seq, lambda: others or {})) or ()


def every(name: str, who: str = "ann") -> Entry:
    """Return an entry that keeps periods of this length."""
    return KIND.apply(None, Operation("create", every=RANKS[name]), OperationContext(who, 1)) or ()


class TestPeriod:
    def test_a_day_that_is_read_again_replaces_its_own_reading_and_another_day_counts_beside_it(self) -> None:
        ann = observe(None, 1, ("log", 5, DAY), ("log", 9, 2 * DAY))
        again = observe(ann, 2, ("log", 7, DAY + 5 * HOUR), ("log", 9, 2 * DAY))
        assert KIND.value({"ann": again}) == 16
        assert observe(again, 3, ("log", 7, DAY + 23 * HOUR)) == ()

    def test_without_a_time_it_is_a_source_of_its_own(self) -> None:
        assert KIND.value({"ann": observe(None, 1, ("log", 5, DAY), ("log", 9, None))}) == 14

    def test_it_falls_in_its_own_period_only(self) -> None:
        ann = observe(None, 1, ("log", 9, DAY))
        assert KIND.value({"ann": observe(ann, 2, ("log", 4, 2 * DAY))}) == 13
        with pytest.raises(Refused, match="'log' of 1970-01-02 reads 4, below the 9"):
            observe(ann, 2, ("log", 4, DAY))

    def test_it_is_as_short_as_those_of_the_counter(self) -> None:
        ann = observe(every("hour"), 2, ("log", 5, DAY), ("log", 9, DAY + HOUR))
        assert KIND.value({"ann": ann}) == 14
        heard = observe(None, 1, ("log", 5, DAY), ("log", 9, DAY + HOUR), others={"bob": every("hour", "bob")})
        assert KIND.value({"ann": heard}) == 14

    def test_it_is_as_short_as_those_that_the_first_reading_sets(self) -> None:
        readings, moments = (("log", 5), ("log", 9)), (DAY, DAY + HOUR)
        operation = Operation("observe", 0, readings=readings, moments=moments, every=RANKS["hour"])
        assert KIND.value({"ann": KIND.apply(None, operation, OperationContext("ann", 1)) or ()}) == 14

    def test_it_stays_as_long_as_it_was_so_that_nothing_counts_again(self) -> None:
        others = {"bob": observe(None, 1, ("log", 5, DAY))}
        ann = observe(every("hour"), 2, ("log", 9, DAY + HOUR), others=others)
        assert KIND.value({**others, "ann": ann}) == 9

    def test_two_replicas_that_read_the_same_days_count_them_once(self) -> None:
        ann = observe(None, 1, ("log", 5, DAY), ("log", 9, 2 * DAY))
        assert KIND.value({"ann": ann, "bob": observe(None, 1, ("log", 7, DAY))}) == 16


class TestTimeline:
    def test_readings_are_in_their_periods_once_and_the_others_are_unknown(self) -> None:
        entries = {
            "ann": observe(None, 1, ("log", 7, DAY), ("log", 9, None)),
            "bob": observe(None, 1, ("log", 5, DAY)),
        }
        found = KIND.timeline(entries)
        assert (found.every, found.periods, found.unknown) == ("day", OF_DAY_1, 9)
        assert KIND.value(entries) == 16

    def test_they_are_beside_what_was_counted_then(self) -> None:
        mine = KIND.apply(every("day"), Operation("increment", 4, at=DAY), OperationContext("ann", 2))
        found = KIND.timeline({"ann": observe(mine, 3, ("log", 7, DAY))})
        assert (found.periods, found.unknown) == ({(96, 192): 11}, 0)

    def test_a_reset_cancels_them_in_their_periods(self) -> None:
        ann = observe(None, 1, ("log", 7, DAY))
        reset = KIND.apply(None, Operation("reset"), OperationContext("bob", 1, lambda: {"ann": ann})) or ()
        later = observe(ann, 2, ("log", 9, DAY))
        assert KIND.timeline({"ann": later, "bob": reset}).periods == {(96, 192): 2}

    def test_a_counter_without_any_period_has_none(self) -> None:
        plain = observe(None, 1, ("log", 7, None))
        assert [KIND.has_dated_readings(row) for row in (plain, observe(None, 1, ("log", 7, DAY)))] == [False, True]
        assert not TYPES["gset"].has_dated_readings((1, {}))
        with pytest.raises(Refused, match="keeps no periods"):
            KIND.timeline({"ann": plain})


def test_a_reset_leaves_no_amount_in_a_period_and_the_counter_still_has_periods() -> None:
    ann = observe(None, 1, ("log", 5, DAY))
    reset = KIND.apply(None, Operation("reset"), OperationContext("bob", 1, lambda: {"ann": ann})) or ()
    found = KIND.timeline({"ann": ann, "bob": reset})
    assert (found.every, found.periods, found.unknown) == ("day", {}, 0)


def test_a_source_with_a_period_has_one_text() -> None:
    (found,) = placed([("log", 7)], [DAY], 0, [{"log": {}, " q9 log": {}, " d9 log": {}, " d9 other": {}}])
    assert found == (" d1 log", 7)
    assert period_of(found[0]) == ((1, 1), "log")
    assert by_period({(" d1 log", "0"): 7, (" d1 log", "1"): 2, ("log", "0"): 5}) == {(1, 1): 9}


def test_a_period_is_a_number_in_its_shortest_form_before_the_end_of_time() -> None:
    last = END // 96 - 1
    for text in (" d0 a", " h7 a b", " q7 é", f" d{last} a"):
        assert stored_source_fault(text) is None
        assert source_fault(text) is not None  # a person does not write it
    for text in (" a", "  a", " d a", " d01 a", " d1", " d1 ", " d1  a", " d1 a ", " m1 a", " d² a", f" d{last + 1} a"):
        assert dated_fault(text) is not None
